#include "bench/packet_exchange.hpp"

#include "bench/failure.hpp"
#include "bench/patience.hpp"

#include <parley/wire/parser.hpp>
#include <parley/wire/public_packet.hpp>
#include <parley/wire/writer.hpp>

#include <algorithm>

namespace parley::bench {

using std::chrono::steady_clock;

class packet_exchange::end final : public load_connection {
public:
    end(load_loop& loop, bool is_server) : load_connection(loop), is_server_(is_server)
    {
        shown_.salt.fill(0x77);
    }

    std::uint64_t arrived = 0;
    bool identified = false, lost = false;
    uid peer; // of a client: the server; of a server: the last sender

    // Sends `count` packets.
    void send_packets(std::size_t count)
    {
        const encoded_packet packet = is_server_ ? encode(peer, packet::y_and_server_validator{})
                                                 : encode(peer, packet::client_validator{});
        // A relay may limit a WebSocket message of a handshake to a kilobyte.
        constexpr std::size_t most_a_message = 8;
        while (count > 0) {
            byte_vector bytes;
            const std::size_t now = std::min(count, most_a_message);
            for (std::size_t i = 0; i < now; ++i)
                bytes.insert(bytes.end(), packet.view().begin(), packet.view().end());
            send(bytes);
            count -= now;
        }
    }

private:
    void on_open() override
    {
        const encoded_packet hello = is_server_
                                         ? encode(relay_uid, packet::hello_as_a_server{format_public(shown_)})
                                         : encode(relay_uid, packet::hello_as_a_client{});
        send(hello.view());
    }
    void on_bytes(mutable_bytes bytes) override
    {
        bytes_view input = bytes;
        std::size_t count = 0;
        while (!input.empty()) {
            const result<std::optional<message>> packet = parser_.parse(input);
            lost = lost || !packet;
            if (!packet || !*packet) break;
            count += take(**packet);
        }
        arrived += count;
        if (count != 0) send_packets(count);
    }
    void on_end(int) override { lost = true; }

    std::size_t take(const message& packet)
    {
        if (const auto* offer = std::get_if<packet::new_server>(&packet.body)) {
            if (offer->public_packet == format_public(shown_)) peer = offer->server;
            return 0;
        }
        if (packet.peer == relay_uid) {
            identified = identified || packet.body.index() == 2 || packet.body.index() == 3;
            return 0;
        }
        peer = packet.peer;
        return 1;
    }

    bool is_server_;
    public_parameters shown_;
    packet_parser parser_;
};

packet_exchange::packet_exchange(const endpoint& relay_at, source_number source, unsigned window)
    : server_(std::make_unique<end>(loop_, true)), client_(std::make_unique<end>(loop_, false))
{
    const auto limit = steady_clock::now() + patience;
    server_->open(relay_at, source, "bob.handshake");
    bool met = loop_.run_until([&] { return server_->identified || server_->lost; }, limit);
    client_->open(relay_at, source, "bob.handshake");
    met = met && loop_.run_until([&] { return client_->peer != relay_uid || client_->lost; }, limit);
    if (!met || server_->lost || client_->lost) throw failure{"two peers did not meet"};
    client_->send_packets(window);
}

packet_exchange::~packet_exchange() = default;

std::uint64_t packet_exchange::run(double seconds)
{
    const std::uint64_t before = server_->arrived + client_->arrived;
    const auto limit = steady_clock::now() + std::chrono::duration_cast<steady_clock::duration>(
                                                 std::chrono::duration<double>{seconds});
    loop_.run_until([&] { return server_->lost || client_->lost; }, limit);
    if (server_->lost || client_->lost) throw failure{"a peer was lost"};
    return server_->arrived + client_->arrived - before;
}

} // namespace parley::bench
