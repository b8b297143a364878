// When a waiting peer connects again to a relay that it has lost.
#pragma once

#include <parley/base/error.hpp>
#include <parley/base/random.hpp>
#include <parley/base/time.hpp>

namespace parley {

// Whether another connection may succeed where one has ended with `error`, in any phase before both peers are
// in the room:
//
//   worth another try                                         | not
//   the connection was lost, refused, unreachable or too slow | cancelled; refused by a user
//   the relay stops, is full, or does not answer              | the relay's own time limit has passed
//   names cannot be looked up, or are not known now           | bad address, unknown transport
//   HTTP status 429, 502, 503, 504                            | every other HTTP status
//   the proxy is unreachable, or cannot connect               | the proxy refuses, or is none
//                                                             | the certificate, the protocol, the key agreement
//                                                             | too many guesses; the other peer did not come
bool is_worth_another_try(const error_code& error) noexcept;

// The pauses before each connection: 2 seconds, and each time twice as long, up to 30. Each pause is drawn from
// the upper half of its length: not all peers of a relay come back at the same moment. Not thread-safe.
class reconnect_pauses {
public:
    static constexpr duration first = std::chrono::seconds{2};
    static constexpr duration longest = std::chrono::seconds{30};

    // `random` must outlive it.
    explicit reconnect_pauses(random_source& random) noexcept : random_(random) {}

    duration next();
    void reset() noexcept { length_ = first; }

private:
    random_source& random_;
    duration length_ = first;
};

} // namespace parley
