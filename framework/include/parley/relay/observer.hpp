// What a relay tells while it runs, for logs and metrics.
#pragma once

#include <parley/proto/relay_machine.hpp>
#include <parley/relay/options.hpp>
#include <parley/relay/reject_reason.hpp>

namespace parley {

// A room at its end.
struct room_report {
    identity client;
    identity server;
    std::uint64_t server_to_client_bytes = 0;
    std::uint64_t client_to_server_bytes = 0;
    duration time{};
    error_code why; // unset when both sides ended in order
};

// What a relay tells to logs and metrics, called on its executor. Every function does nothing unless it is
// overridden; none may throw or block. Identities are safe to print.
class relay_observer {
public:
    virtual ~relay_observer() = default;
    virtual void listening(const tcp_endpoint& at, relay_channel channel) { (void)at, (void)channel; }
    virtual void accept_failed(relay_channel channel, error_code why) { (void)channel, (void)why; }
    virtual void connected(const identity& who, relay_channel channel) { (void)who, (void)channel; }
    // Every connected() is followed by one of these. `why` is unset when nothing went wrong: after an
    // agreement, at the peer's own end, or when a room was joined and has ended.
    virtual void disconnected(const identity& who, relay_channel channel, error_code why)
    {
        (void)who, (void)channel, (void)why;
    }
    virtual void hello(const identity& who, peer_kind kind) { (void)who, (void)kind; }
    virtual void agreed(const identity& client, const identity& server) { (void)client, (void)server; }
    // A packet of this type went nowhere.
    virtual void dropped(const identity& from, drop_reason reason, std::uint8_t type)
    {
        (void)from, (void)reason, (void)type;
    }
    // A connection, or something that it asked for, was turned away. `who` is empty where it is not known.
    virtual void rejected(const identity& who, relay_channel channel, reject_reason why)
    {
        (void)who, (void)channel, (void)why;
    }
    // A reader too slow for its queue is dropped.
    virtual void overflow(const identity& who, std::size_t queued_bytes) { (void)who, (void)queued_bytes; }
    virtual void room_opened(const identity& client, const identity& server) { (void)client, (void)server; }
    virtual void room_closed(const room_report& report) { (void)report; }
};

} // namespace parley
