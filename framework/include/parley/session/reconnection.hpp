// When a waiting peer connects again to a relay that it has lost.
#pragma once

#include <parley/proto/reconnection.hpp>

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

} // namespace parley
