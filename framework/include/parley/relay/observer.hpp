// The events of a running relay, for logs and metrics.
#pragma once

#include <parley/proto/relay_machine.hpp>
#include <parley/relay/options.hpp>
#include <parley/relay/reject_reason.hpp>

namespace parley {

// The report of a room that has ended.
struct room_report {
    identity client;
    identity server;
    std::uint64_t server_to_client_bytes = 0;
    std::uint64_t client_to_server_bytes = 0;
    duration time{};
    error_code why; // unset when both sides ended in order
};

// Receives the events of a relay, on the relay's executor. Each function does nothing unless it is
// overridden. An override must not throw or block. Identities are safe to print.
class relay_observer {
public:
    virtual ~relay_observer() = default;
    virtual void listening(const tcp_endpoint& at, relay_channel channel) { (void)at, (void)channel; }
    virtual void accept_failed(relay_channel channel, error_code why) { (void)channel, (void)why; }
    virtual void connected(const identity& who, relay_channel channel) { (void)who, (void)channel; }
    // One disconnected() follows each connected(). `why` is unset when nothing went wrong: the peer agreed,
    // the peer ended its connection, or its room ended in order.
    virtual void disconnected(const identity& who, relay_channel channel, error_code why)
    {
        (void)who, (void)channel, (void)why;
    }
    virtual void hello(const identity& who, peer_kind kind) { (void)who, (void)kind; }
    virtual void agreed(const identity& client, const identity& server) { (void)client, (void)server; }
    // The relay dropped a packet of this type.
    virtual void dropped(const identity& from, drop_reason reason, std::uint8_t type)
    {
        (void)from, (void)reason, (void)type;
    }
    // The relay rejected a connection, or a packet or request on it. `who` is empty when the relay does not
    // know it.
    virtual void rejected(const identity& who, relay_channel channel, reject_reason why)
    {
        (void)who, (void)channel, (void)why;
    }
    // The relay closes a connection because more than relay_server_options::max_queue_bytes wait for its peer
    // to read.
    virtual void overflow(const identity& who, std::size_t queued_bytes) { (void)who, (void)queued_bytes; }
    virtual void room_opened(const identity& client, const identity& server) { (void)client, (void)server; }
    virtual void room_closed(const room_report& report) { (void)report; }
};

} // namespace parley
