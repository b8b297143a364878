// Two ends of a session of version 2 in one process, without a handshake, a relay or a socket.
#pragma once

#include <parley/async/time_source.hpp>
#include <parley/stream/secure_stream.hpp>

#include <string>

namespace parley::testing {

struct secure_pair_options {
    secure_pair_options() = default;

    std::string server_protocol = "test"; // both are equal where the session shall open
    std::string client_protocol = "test";
    std::size_t capacity_bytes = 64 * 1024; // of each direction below the session
    cipher with = cipher::aes_256_gcm;
    std::uint64_t seed = 1;       // of the keys
    time_source* time = nullptr;  // null: the system's clock
    any_stream server_below = {}; // when both are set, the session is on these instead of on memory streams
    any_stream client_below = {};
};

struct secure_pair {
    secure_stream server;
    secure_stream client;
};

// Makes a connected pair whose hellos are on their way: wait with async_wait_open(). The keys come from the seed, so
// every run has the same bytes.
secure_pair make_secure_pair(executor ex, secure_pair_options options = {});

} // namespace parley::testing
