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
#include <parley/base/time.hpp>

#include <concepts>
#include <optional>

namespace parley {

template <class M>
concept Machine =
    std::movable<M> && requires(M m, const M c, bytes_view& input, std::size_t n, error_code why) {
        // A std::variant of what the owner should know.
        typename M::event;
        // Takes at most one packet's bytes from the front of `input`.
        { m.receive(input) } -> std::same_as<void>;
        // The peer's stream has ended.
        { m.receive_end() } -> std::same_as<void>;
        // A deadline passed (timed_out), the owner gave up (cancelled), …
        { m.stop(why) } -> std::same_as<void>;
        // The bytes for the peer; valid until the next call of a non-const member.
        { c.output() } -> std::same_as<bytes_view>;
        { m.consume_output(n) } -> std::same_as<void>;
        { m.next_event() } -> std::same_as<std::optional<typename M::event>>;
        // Wants no more input.
        { c.finished() } -> std::same_as<bool>;
        // Why it finished without success; unset otherwise.
        { c.error() } -> std::same_as<error_code>;
    };

// A machine that has deadlines. It never reads a clock: its owner calls expire() before every other input,
// and at next_deadline(). That is an input, too.
template <class M>
concept TimedMachine = Machine<M> && requires(M m, const M c, time_point now) {
    { m.expire(now) } -> std::same_as<void>;
    { c.next_deadline() } -> std::same_as<time_point>;
};

} // namespace parley
