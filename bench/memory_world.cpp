#include "bench/memory_world.hpp"

#include "bench/child.hpp"
#include "bench/failure.hpp"
#include "bench/patience.hpp"

#include <parley/async/spawn.hpp>
#include <parley/relay/relay_server.hpp>
#include <parley/stream/memory_stream.hpp>
#include <parley/wire/public_packet.hpp>

#include <boost/asio/io_context.hpp>

#include <fmt/format.h>

#include <chrono>
#include <deque>

namespace parley::bench {
namespace {

using std::chrono::steady_clock;

constexpr std::size_t stream_bytes = 512; // per direction: a few packets

// A peer that waits without a buffer, as the relay does, and then reads.
class memory_peer {
public:
    explicit memory_peer(any_stream stream) : stream_(std::move(stream)) {}

    std::function<void(const message&)> on_packet;

    void start(const encoded_packet& hello)
    {
        wait();
        send(hello);
    }

    // Sends one packet at a time, which fits into the stream.
    void send(const encoded_packet& packet)
    {
        sent_ = packet;
        stream_.async_write_some(asio::buffer(sent_.view().data(), sent_.view().size()),
                                 [](error_code, std::size_t) {});
    }
    void close() { stream_.close(); }

private:
    void wait()
    {
        stream_.async_wait_readable([this](error_code error) {
            if (!error) read();
        });
    }
    void read()
    {
        std::array<byte, stream_bytes> buffer;
        error_code error;
        bytes_view input = bytes_view{buffer}.first(stream_.try_read_some(buffer, error));
        while (!input.empty()) {
            const result<std::optional<message>> packet = parser_.parse(input);
            if (!packet || !*packet) break;
            on_packet(**packet);
        }
        if (!error || error == asio::error::would_block) wait();
    }

    any_stream stream_;
    packet_parser parser_;
    encoded_packet sent_;
};

// Limits meant for strangers on the internet would also limit the load of one machine.
relay_server_options unbounded()
{
    relay_server_options out;
    out.limits.connections = out.limits.rooms = 0;
    out.limits.waiting_per_address = out.limits.agreements_per_address = out.limits.rooms_per_address = 0;
    out.limits.attempts_per_minute = out.limits.packets_per_second = 0;
    out.limits.announcements_per_second = 0;
    out.limits.memory = 0;
    out.relay.announcement_interval =
        duration::zero(); // each announcement is measured, not how many are saved
    out.limits.preamble_timeout = duration::max();
    return out;
}

} // namespace

struct memory_world::state {
    asio::io_context context{1};
    relay_observer observer;
    relay_server relay{context.get_executor(), unbounded(), observer};
    std::deque<memory_peer> peers;
    std::size_t negotiated = 0, heard = 0;
    bool ended = false;

    memory_peer& connect()
    {
        // Different addresses, so that no limit per address applies.
        const auto n = static_cast<unsigned>(peers.size());
        memory_stream_options options;
        options.capacity_bytes = stream_bytes;
        options.first_identity =
            *identity::from_text(fmt::format("10.{}.{}.{}:1", n >> 16 & 255, n >> 8 & 255, n & 255));
        memory_stream_pair pair = make_memory_stream_pair(context.get_executor(), options);
        relay.serve_handshake(std::move(pair.second), options.first_identity);
        return peers.emplace_back(std::move(pair.first));
    }

    template <class Done>
    void run_until(Done done)
    {
        while (!done())
            if (context.run_one_for(patience) == 0) throw failure{"a relay in memory stands still"};
    }
};

memory_world::memory_world(std::size_t waiting) : state_(std::make_unique<state>())
{
    state& s = *state_;
    spawn(
        s.context.get_executor(),
        [&s]() -> awaitable<void> {
            const error_code error = co_await s.relay.run();
            s.ended = true;
            (void)error;
        },
        "relay in memory");
    constexpr std::size_t at_a_time = 1000; // fewer than a relay's intake holds
    for (std::size_t i = 0; i < waiting; ++i) {
        if (i % at_a_time == 0) s.run_until([&] { return s.negotiated == i; });
        memory_peer& client = s.connect();
        client.on_packet = [&s](const message& packet) {
            if (std::holds_alternative<packet::client_identity>(packet.body)) ++s.negotiated;
            if (std::holds_alternative<packet::new_server>(packet.body)) ++s.heard;
        };
        client.start(encode(relay_uid, packet::hello_as_a_client{}));
    }
    s.run_until([&] { return s.negotiated == waiting; });
}

memory_world::~memory_world()
{
    // In this order, suspended operations finish before the context is destroyed.
    state_->relay.stop();
    for (memory_peer& peer : state_->peers) peer.close();
    state_->context.restart();
    state_->context.run_for(patience);
}

memory_report memory_world::fanout()
{
    state& s = *state_;
    const std::size_t waiting = s.peers.size();
    memory_peer& server = s.connect();
    server.on_packet = [](const message&) {};
    const std::int64_t cpu = own_cpu_ns();
    const auto begin = steady_clock::now();
    server.start(encode(relay_uid, packet::hello_as_a_server{format_public({})}));
    s.run_until([&] { return s.heard == waiting; });
    return {std::chrono::duration<double>(steady_clock::now() - begin).count(),
            static_cast<double>(own_cpu_ns() - cpu) * 1e-9, waiting};
}

memory_report memory_world::forward(double seconds)
{
    state& s = *state_;
    fanout();
    memory_peer& server = s.peers.back();
    memory_peer& client = s.connect();
    std::uint64_t packets = 0;
    server.on_packet = [&](const message& packet) {
        if (!std::holds_alternative<packet::client_validator>(packet.body)) return;
        ++packets;
        server.send(encode(packet.peer, packet::y_and_server_validator{}));
    };
    client.on_packet = [&](const message& packet) {
        const auto* offer = std::get_if<packet::new_server>(&packet.body);
        const bool answered = std::holds_alternative<packet::y_and_server_validator>(packet.body);
        packets += answered;
        if (offer != nullptr || answered)
            client.send(encode(offer != nullptr ? offer->server : packet.peer, packet::client_validator{}));
    };
    client.start(encode(relay_uid, packet::hello_as_a_client{}));
    s.run_until([&] { return packets > 100; });
    const std::uint64_t before = packets;
    const std::int64_t cpu = own_cpu_ns();
    const auto begin = steady_clock::now();
    const auto end = begin + std::chrono::duration<double>{seconds};
    s.run_until([&] { return steady_clock::now() >= end; });
    memory_report report{std::chrono::duration<double>(steady_clock::now() - begin).count(),
                         static_cast<double>(own_cpu_ns() - cpu) * 1e-9, packets - before};
    // The callbacks refer to local variables, so remove them.
    server.on_packet = client.on_packet = [](const message&) {};
    return report;
}

} // namespace parley::bench
