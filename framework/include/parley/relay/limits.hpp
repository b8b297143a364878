// What a relay bears from one address, from one peer, and in all. 0 (for times: duration::max()) is no limit.
#pragma once

#include <parley/base/time.hpp>

#include <cstdint>

namespace parley {

// "An address" is an IPv4 address or the /64 of an IPv6 address. Peers without one (Unix sockets, wrapped
// streams) are bound only by what counts in all and for each peer. Rates are token buckets: they allow a
// burst of ten seconds' worth, the attempts a minute's.
struct relay_limits {
    relay_limits() = default;

    // connections
    std::size_t connections = 50'000; // in all, in every state; a room is two
    std::size_t connections_per_address = 1024;
    double connections_per_second = 100; // new ones, for each address
    double hellos_per_second = 50;       // for each address
    // What the hellos of an address make the relay write: a sender's costs one for each waiting receiver, a
    // receiver's one for each sixteen waiting senders, and one at least.
    double announcements_per_second = 20'000;
    // a connection that has not said hello, its room line or its request
    duration preamble_timeout = std::chrono::seconds{10};
    std::size_t preamble_bytes = 16 * 1024; // of headers and the like, TLS and HTTP framing included
    std::size_t lobbies = 1024;             // live ones
    // what waits for peers that do not read, and for attempts that wait; above it the largest holder goes
    std::uint64_t memory = 128u << 20;
    // peers
    // at one waiting peer; half as many from one address. Others wait, and addresses take turns.
    double attempts_per_minute = 120;
    double packets_per_second = 500; // from each peer; a faster one is read more slowly
    // rooms
    std::size_t rooms = 4096;
    std::uint64_t room_bytes = 1ull << 40;        // of both directions of one room
    duration room_idle = std::chrono::minutes{5}; // without a byte
    double room_bytes_per_second = 0;             // of both directions of one room
    double bytes_per_second = 0; // of all rooms, shared evenly by those in motion; see threads
};

} // namespace parley
