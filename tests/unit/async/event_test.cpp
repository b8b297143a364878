#include <parley/async/event.hpp>

#include "support/streams.hpp"

namespace parley::test {
namespace {

using enum event_reset;

// A coroutine that waits `rounds` times, and can be cancelled.
struct waiter {
    waiter(asio::io_context& context, event& what, bool or_cancelled = false, int rounds = 1)
    {
        const auto waiting = [this, &what, or_cancelled, rounds]() -> awaitable<void> {
            co_await asio::this_coro::throw_if_cancelled(false);
            while (done < rounds) {
                if (or_cancelled)
                    co_await what.wait_or_cancelled();
                else
                    co_await what.wait();
                ++done;
            }
        };
        asio::co_spawn(context, waiting,
                       asio::bind_cancellation_slot(cancel.slot(),
                                                    [](std::exception_ptr thrown) { EXPECT_FALSE(thrown); }));
    }

    asio::cancellation_signal cancel;
    int done = 0;
};

void run(asio::io_context& context)
{
    context.restart();
    context.poll();
}

TEST(event_test, a_signal_before_the_wait_counts)
{
    for (const event_reset reset : {automatic, manual}) {
        asio::io_context context{1};
        event ready{context.get_executor(), reset};
        ready.signal();
        EXPECT_TRUE(ready.is_signaled());
        const waiter one{context, ready};
        run(context);
        EXPECT_EQ(one.done, 1);
        EXPECT_EQ(ready.is_signaled(), reset == manual);
    }
}

TEST(event_test, an_automatic_one_ends_one_wait_for_each_signal)
{
    asio::io_context context{1};
    event ready{context.get_executor()};
    const waiter one{context, ready, false, 3};
    for (int signals = 0; signals < 3; ++signals) {
        run(context);
        EXPECT_EQ(one.done, signals);
        ready.signal();
    }
    run(context);
    EXPECT_EQ(one.done, 3);
}

TEST(event_test, an_automatic_one_counts_several_signals_once)
{
    asio::io_context context{1};
    event ready{context.get_executor()};
    ready.signal();
    ready.signal();
    const waiter one{context, ready, false, 2};
    run(context);
    EXPECT_EQ(one.done, 1);
    ready.signal();
    run(context);
    EXPECT_EQ(one.done, 2);
}

TEST(event_test, a_manual_one_ends_all_waits)
{
    asio::io_context context{1};
    event ready{context.get_executor(), manual};
    const waiter first{context, ready, false, 2}, second{context, ready};
    run(context);
    EXPECT_EQ(first.done + second.done, 0);
    ready.signal();
    run(context);
    EXPECT_EQ(first.done, 2);
    EXPECT_EQ(second.done, 1);
}

TEST(event_test, a_wait_goes_on_through_a_cancellation)
{
    for (const event_reset reset : {automatic, manual}) {
        asio::io_context context{1};
        event ready{context.get_executor(), reset};
        waiter one{context, ready};
        run(context);
        one.cancel.emit(asio::cancellation_type::terminal);
        run(context);
        EXPECT_EQ(one.done, 0);
        ready.signal();
        run(context);
        EXPECT_EQ(one.done, 1);
    }
}

TEST(event_test, a_cancellation_ends_a_wait_that_asks_for_it)
{
    for (const event_reset reset : {automatic, manual}) {
        asio::io_context context{1};
        event ready{context.get_executor(), reset};
        waiter one{context, ready, true};
        run(context);
        one.cancel.emit(asio::cancellation_type::terminal);
        run(context);
        EXPECT_EQ(one.done, 1);
        EXPECT_FALSE(ready.is_signaled());
    }
}

} // namespace
} // namespace parley::test
