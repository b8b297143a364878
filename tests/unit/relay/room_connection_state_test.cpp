#include "relay/rooms/room_connection_state.hpp"

#include <gtest/gtest.h>

#include <string>

namespace parley::detail {
namespace {

using enum room_connection_state;
using input = room_connection_input;
using action = room_connection_action;

constexpr std::array states{idle, waiting, joining, ready, leaving, rejecting, over};
constexpr std::array inputs{input::wait, input::woken,  input::failed,
                            input::join, input::reject, input::close};

// The table of the header, cell by cell: states down, inputs across.
TEST(room_connection_state, goes_as_the_table_says)
{
    const auto stay = [](room_connection_state s) { return room_connection_step{s, action::none}; };
    const room_connection_step closed{over, action::close}, rejected{rejecting, action::reject},
        started{ready, action::start};
    const room_connection_step table[states.size()][inputs.size()] = {
        {{waiting, action::wait}, stay(idle), closed, started, rejected, closed},
        {stay(waiting),
         {idle, action::read},
         closed,
         {joining, action::cancel_wait},
         {leaving, action::cancel_wait},
         closed},
        {stay(joining), started, started, stay(joining), stay(leaving), closed},
        {stay(ready), stay(ready), stay(ready), stay(ready), rejected, closed},
        {stay(leaving), rejected, rejected, stay(leaving), stay(leaving), closed},
        {stay(rejecting), stay(rejecting), closed, stay(rejecting), stay(rejecting), closed},
        {stay(over), stay(over), stay(over), stay(over), stay(over), stay(over)},
    };
    for (std::size_t s = 0; s < states.size(); ++s)
        for (std::size_t i = 0; i < inputs.size(); ++i)
            EXPECT_EQ(step(states[s], inputs[i]), table[s][i]) << "state " << s << ", input " << i;
}

// Whatever comes in whatever order: two waits are never under way at once, and nothing touches the stream of one.
TEST(room_connection_state, never_disturbs_a_wait)
{
    for (unsigned script = 0; script < 6 * 6 * 6 * 6 * 6 * 6; ++script) {
        room_connection_state state = idle;
        bool under_way = false;
        for (unsigned left = script, n = 0; n < 6; ++n, left /= 6) {
            const input next = inputs[left % 6];
            if (next == input::woken || (next == input::failed && under_way)) {
                if (!under_way) continue;
                under_way = false;
            }
            const auto does = step(state, next);
            state = does.next;
            if (does.action == action::wait) {
                EXPECT_FALSE(under_way) << script;
                under_way = true;
            } else if (does.action == action::start || does.action == action::reject ||
                       does.action == action::read) {
                EXPECT_FALSE(under_way) << script;
            } else if (does.action == action::cancel_wait) {
                EXPECT_TRUE(under_way) << script;
            }
        }
    }
}

} // namespace
} // namespace parley::detail
