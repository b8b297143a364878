// The two peers of a handshake without sockets: the real ones, or ones that only look like them.
#pragma once

#include <parley/wire/parser.hpp>
#include <parley/wire/writer.hpp>

#include <memory>

namespace parley::bench {

class scripted_peer {
public:
    virtual ~scripted_peer() = default;
    // Takes what the relay sent. Without input it only starts.
    void receive(bytes_view input);
    byte_vector take_output() { return std::exchange(output_, {}); }

    bool identified() const noexcept { return identified_; } // the relay has sent its identity
    bool done() const noexcept { return done_; }             // a client's `done`, a server's `accepted`
    // The public packet of a server.
    const public_packet_bytes& announces() const noexcept { return public_; }

protected:
    virtual void start() = 0;
    virtual void on_packet(const message& packet) = 0;
    void say(uid to, const packet_variant& body)
    {
        const encoded_packet encoded = encode(to, body);
        output_.insert(output_.end(), encoded.view().begin(), encoded.view().end());
    }

    byte_vector output_;
    public_packet_bytes public_{};
    bool identified_ = false, done_ = false;

private:
    packet_parser parser_;
    bool started_ = false;
};

// With `real`, these are server_machine and client_machine with a password derived from `number`; otherwise
// they send packets of the right sizes. A client answers only the server that announces `wanted`, so that
// pairs do not try each other's passwords.
std::unique_ptr<scripted_peer> make_server_peer(bool real, std::uint32_t number);
std::unique_ptr<scripted_peer> make_client_peer(bool real, std::uint32_t number,
                                                const public_packet_bytes& wanted);

} // namespace parley::bench
