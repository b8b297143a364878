// The states of a connection on its way into a room. Private to the framework.
//
// A wait for readability may be pending on its stream. Nothing else may use the stream until the wait has
// completed. So a join or a reject during the wait first cancels it.
//
//     state     | wait          woken             failed            join                 reject               close
//     ----------+-------------------------------------------------------------------------------------------------
//     idle      | waiting/wait  -                 over/close        ready/start          rejecting/reject     over/close
//     waiting   | -             idle/read         over/close        joining/cancel_wait  leaving/cancel_wait  over/close
//     joining   | -             ready/start       ready/start       -                    leaving              over/close
//     ready     | -             -                 -                 -                    rejecting/reject     over/close
//     leaving   | -             rejecting/reject  rejecting/reject  -                    -                    over/close
//     rejecting | -             -                 over/close        -                    -                    over/close
//     over      | -             -                 -                 -                    -                    -
#pragma once

#include <parley/base/bytes.hpp>

#include <array>

namespace parley::detail {

enum class room_connection_state : byte { idle, waiting, joining, ready, leaving, rejecting, over };
// woken, failed: the result of a wait or a read. failed also means that the last answer is written.
enum class room_connection_input : byte { wait, woken, failed, join, reject, close };
enum class room_connection_action : byte { none, wait, read, cancel_wait, start, reject, close };

struct room_connection_step {
    room_connection_state next;
    room_connection_action action;
    bool operator==(const room_connection_step&) const = default;
};

constexpr room_connection_step step(room_connection_state state, room_connection_input input) noexcept
{
    using enum room_connection_state;
    using enum room_connection_input;
    using to = room_connection_action;
    switch (input) {
    case wait:
        if (state == idle) return {waiting, to::wait};
        break;
    case woken:
        if (state == waiting) return {idle, to::read};
        [[fallthrough]];
    case failed:
        if (state == joining) return {ready, to::start};
        if (state == leaving) return {rejecting, to::reject};
        if (input == failed && (state == idle || state == waiting || state == rejecting))
            return {over, to::close};
        break;
    case join:
        if (state == idle) return {ready, to::start};
        if (state == waiting) return {joining, to::cancel_wait};
        break;
    case reject:
        if (state == idle || state == ready) return {rejecting, to::reject};
        if (state == waiting) return {leaving, to::cancel_wait};
        if (state == joining) return {leaving, to::none};
        break;
    case close:
        if (state != over) return {over, to::close};
        break;
    }
    return {state, to::none};
}

} // namespace parley::detail
