// What every machine with one stream is: a movable value that turns bytes, ends and decisions into bytes and
// events. It has no clock, no socket and no thread; whoever drives it carries the bytes (stream/driver.hpp
// does so for all of them).
//
// The rules of driving:
//   1. after any input, take all of output() and next_event() before the next input;
//   2. bytes in output() are due to the peer even when the machine has failed;
//   3. when finished(), write what is left of output(), then close the stream.
#pragma once

#include <parley/base/bytes.hpp>
#include <parley/base/error.hpp>

#include <concepts>
#include <optional>

namespace parley {

template <class M>
concept Machine = std::movable<M> && requires(M m, const M c, bytes_view& input, std::size_t n,
                                              error_code why) {
    typename M::event;                          // a std::variant of what the owner should know
    { m.receive(input) } -> std::same_as<void>; // takes at most one packet's bytes from the front of `input`
    { m.receive_end() } -> std::same_as<void>;  // the peer's stream has ended
    { m.stop(why) } -> std::same_as<void>; // a deadline passed (timed_out), the owner gave up (cancelled), …
    {
        c.output()
    } -> std::same_as<bytes_view>; // bytes due to the peer; valid until the next call of a non-const member
    { m.consume_output(n) } -> std::same_as<void>;
    { m.next_event() } -> std::same_as<std::optional<typename M::event>>;
    { c.finished() } -> std::same_as<bool>;    // no more input is wanted
    { c.error() } -> std::same_as<error_code>; // why it finished without success; unset otherwise
};

} // namespace parley
