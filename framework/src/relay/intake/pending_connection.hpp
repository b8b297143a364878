// A connection in its preamble, or one that gets files. Private to the intake.
#pragma once

#include "relay/intake/intake.hpp"

#include <parley/async/watchdog.hpp>

namespace parley::detail {

inline relay_channel channel_of(stream_kind kind) noexcept
{
    return kind == stream_kind::room ? relay_channel::room : relay_channel::handshake;
}

struct intake::pending_connection final : place_holder {
    pending_connection(intake& owner, any_stream s, const identity& w, listener_policy_ptr p)
        : in(owner), stream(std::move(s)), policy(std::move(p)), channel(policy->channel), who(w)
    {
        if (const auto kind = stream.kind()) channel = channel_of(*kind);
    }
    void give_way(reject_reason reason) override { in.evict(*this, reason); }
    // Its own once it is known, not that of the proxy which brings it.
    std::uint64_t network() const noexcept
    {
        return widest_network(trusted ? std::nullopt : address_key(who));
    }

    intake& in;
    any_stream stream;
    listener_policy_ptr policy;
    relay_channel channel;
    identity who;
    byte_vector early;
    permit held;
    holdings<pending_connection*>::place place, in_tls;
    std::string lobby;
    time_point deadline = no_deadline;
    pending_connections::iterator self; // its place among the pending ones
    permit delivery;                    // while it gets files
    std::optional<watchdog> delivery_timeout;
    time_point delivery_start{}; // of the latest file
    std::optional<reject_reason> why;
    bool trusted = false;  // it comes from a proxy that may name its client
    bool admitted = false; // admit() has run
    bool answered = false; // its HTTP request was answered
    bool idle = false;     // an answer is out, and another request may come
    bool secure = false;   // TLS was removed
    bool in_line = false;  // it waits for the rest of a room line
    bool evicted = false;  // closed; its coroutine is about to end
};

} // namespace parley::detail
