#include "async/deadline_timer.hpp"

#include <parley/testing/run_until_done.hpp>
#include <parley/testing/virtual_clock.hpp>

#include <gtest/gtest.h>

namespace parley::test {
namespace {

using namespace std::chrono_literals;
using detail::deadline_timer;

class deadline_timer_test : public ::testing::Test {
protected:
    // Whatever is due now has run.
    void settle()
    {
        context.restart();
        context.poll();
    }
    void advance(duration by)
    {
        time.advance(by);
        settle();
    }

    asio::io_context context;
    testing::virtual_clock time;
    time_point start = time.now();
    int calls = 0;
    deadline_timer timer{context.get_executor(), time, [this] { ++calls; }};
};

TEST_F(deadline_timer_test, calls_once_when_the_time_has_come)
{
    timer.arm(start + 10s);
    EXPECT_EQ(time.next_deadline(), start + 10s);
    advance(10s - 1ns);
    EXPECT_EQ(calls, 0);
    advance(1ns);
    EXPECT_EQ(calls, 1);
    EXPECT_EQ(time.next_deadline(), no_deadline);
    advance(24h);
    EXPECT_EQ(calls, 1);
}

TEST_F(deadline_timer_test, calls_at_once_when_the_time_is_past)
{
    timer.arm(start - 1h);
    EXPECT_EQ(calls, 0);
    settle();
    EXPECT_EQ(calls, 1);
}

TEST_F(deadline_timer_test, moves_to_an_earlier_deadline_only)
{
    timer.arm(start + 10s);
    timer.arm(start + 20s);
    timer.arm(no_deadline);
    EXPECT_EQ(time.next_deadline(), start + 10s);
    timer.arm(start + 5s);
    settle();
    EXPECT_EQ(calls, 0);
    advance(5s);
    EXPECT_EQ(calls, 1);
    advance(1h);
    EXPECT_EQ(calls, 1) << "it was moved, not doubled";
    timer.arm(start + 2h);
    advance(1h);
    EXPECT_EQ(calls, 2) << "and can be armed again";
}

TEST_F(deadline_timer_test, does_not_call_what_was_canceled)
{
    timer.cancel();
    timer.arm(start + 10s);
    timer.cancel();
    EXPECT_EQ(time.next_deadline(), no_deadline);
    advance(1h);
    timer.arm(start);
    timer.cancel(); // its wait is due, and its handler has not run yet
    settle();
    EXPECT_EQ(calls, 0);
    timer.arm(start + 2h);
    advance(1h);
    EXPECT_EQ(calls, 1);
}

TEST_F(deadline_timer_test, a_destroyed_one_never_calls)
{
    std::optional<deadline_timer> other;
    other.emplace(context.get_executor(), time, [this] { ++calls; });
    other->arm(start + 1s);
    other.reset();
    EXPECT_EQ(time.next_deadline(), no_deadline);
    other.emplace(context.get_executor(), time, [this] { ++calls; });
    other->arm(start + 1s);
    time.advance(1s);
    other.reset(); // its handler is on the way
    settle();
    EXPECT_EQ(calls, 0);
}

TEST_F(deadline_timer_test, the_call_may_arm_it_again_or_destroy_it)
{
    std::optional<deadline_timer> other;
    other.emplace(context.get_executor(), time, [&] {
        if (++calls < 3)
            other->arm(time.now() + 1s);
        else
            other.reset();
    });
    other->arm(start + 1s);
    for (int i = 0; i < 5; ++i) advance(1s);
    EXPECT_EQ(calls, 3);
    EXPECT_FALSE(other);
}

TEST_F(deadline_timer_test, those_due_together_are_called_in_the_order_of_their_deadlines)
{
    std::string order;
    deadline_timer a{context.get_executor(), time, [&] { order += 'a'; }};
    deadline_timer b{context.get_executor(), time, [&] { order += 'b'; }};
    deadline_timer c{context.get_executor(), time, [&] { order += 'c'; }};
    c.arm(start + 2s);
    b.arm(start + 3s);
    a.arm(start + 2s);
    advance(1h);
    EXPECT_EQ(order, "cab");
}

TEST(deadline_timer, of_the_system_waits_as_long_as_it_should)
{
    asio::io_context context;
    const time_point start = real_time().now();
    time_point first, second;
    deadline_timer timer{context.get_executor(), real_time(), [&] {
                             if (first == time_point{}) {
                                 first = clock::now();
                                 timer.arm(start + 20ms);
                             } else {
                                 second = clock::now();
                             }
                         }};
    timer.arm(start + 1h);
    timer.arm(start + 10ms);
    EXPECT_TRUE(testing::drain(context));
    EXPECT_GE(first - start, 10ms);
    EXPECT_GE(second - start, 20ms);
}

} // namespace
} // namespace parley::test
