// The limits of a relay: for each address, for each peer, and in total. 0 (for times: duration::max()) is no
// limit.
#pragma once

#include <parley/base/time.hpp>

#include <cstdint>

namespace parley {

// "An address" is an IPv4 address or the /64 of an IPv6 address. A /56 may have twice, and a /48 four times what
// an address may have. This holds for every limit of an address. Peers without an address (Unix sockets, wrapped
// streams) count only toward the totals and the limits of a peer. Rates allow a burst: ten seconds' worth, and a
// minute's worth for attempts and denied lines.
//
// When all connections, rooms, lobbies or places for files are taken, the network that holds most of them (a
// /32 of IPv4, a /48 of IPv6) loses its newest one to a new connection. The relay rejects a new connection
// whose own network would then hold more than the largest one.
struct relay_limits {
    relay_limits() = default;

    // connections
    std::size_t connections = 50'000; // in total, in every state; a room counts as two
    std::size_t connections_per_address = 1024;
    std::size_t waiting_per_address = 512; // peers that have said hello
    double connections_per_second = 100;   // new connections, for each address
    double hellos_per_second = 50;         // for each address
    // announcements that the hellos of one address cause: a server's hello costs one for each waiting client,
    // a client's hello one for each 16 waiting servers, and each hello costs at least one
    double announcements_per_second = 20'000;
    // time until the whole hello, room line or HTTP request has come
    duration preamble_timeout = std::chrono::seconds{10};
    std::size_t preamble_bytes = 16 * 1024; // bytes until then, TLS and HTTP framing included
    std::size_t lobbies = 1024;             // named lobbies at the same time
    // lobbies that an address has opened. A lobby whose opener has left counts for an address that is in it.
    std::size_t lobbies_per_address = 16;
    // connections that get files of relay_server_options::site. A file has to go within preamble_timeout, and a
    // second more for each 8 KiB of it.
    std::size_t http = 1024;
    std::size_t http_per_address = 64;
    // bytes of all queues for peers, of waiting attempts and of rooms that do not move; the relay drops the
    // largest holder above this
    std::uint64_t memory = 128u << 20;
    // peers
    // attempts against one waiting peer; each IPv4 address or IPv6 /48 may make half of them. Further attempts
    // wait in a queue.
    double attempts_per_minute = 120;
    double packets_per_second = 500; // from each peer; the relay reads a faster peer more slowly
    // rooms; a pair counts for both of its addresses, and once for an address that both have
    std::size_t agreements_per_address = 64; // that wait for their rooms
    std::size_t rooms = 4096;
    std::size_t rooms_per_address = 64;
    // room lines that are answered 02. Above this, the relay denies lines of that address that name the same
    // peer, until a minute has passed without one. The right seat is still let in.
    double denied_lines_per_minute = 10;
    std::uint64_t room_bytes = 1ull << 40;        // both directions of one room together
    duration room_idle = std::chrono::minutes{5}; // time without a byte
    // time in which all bytes that wait for a peer, or 64 KiB of them, have to go
    duration room_stall = std::chrono::seconds{60};
    double room_bytes_per_second = 0; // both directions of one room together
    double bytes_per_second = 0;      // all rooms together; see relay_server_options::threads
};

} // namespace parley
