// A machine with one stream: a movable value that turns bytes, ends of stream and decisions into bytes and
// events. It has no clock, no socket and no thread. Its owner moves the bytes (stream/driver.hpp does).
//
// Rules for the owner:
//   1. After any input, take all of output() and next_event() before the next input.
//   2. Write the bytes of output() to the peer even when the machine has failed.
//   3. When finished(), write the rest of output(), then close the stream.
#pragma once

#include <parley/base/bytes.hpp>
#include <parley/base/error.hpp>

#include <concepts>
#include <optional>

namespace parley {

template <class M>
concept Machine =
    std::movable<M> && requires(M m, const M c, bytes_view& input, std::size_t n, error_code why) {
        typename M::event; // a std::variant of what the owner should know
        {
            m.receive(input)
        } -> std::same_as<void>; // takes at most one packet's bytes from the front of `input`
        { m.receive_end() } -> std::same_as<void>; // the peer's stream has ended
        {
            m.stop(why)
        } -> std::same_as<void>; // a deadline passed (timed_out), the owner gave up (cancelled), …
        {
            c.output()
        } -> std::same_as<bytes_view>; // bytes for the peer; valid until the next call of a non-const member
        { m.consume_output(n) } -> std::same_as<void>;
        { m.next_event() } -> std::same_as<std::optional<typename M::event>>;
        { c.finished() } -> std::same_as<bool>;    // wants no more input
        { c.error() } -> std::same_as<error_code>; // why it finished without success; unset otherwise
    };

} // namespace parley
