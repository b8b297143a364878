#include <parley/testing/run_until_done.hpp>

#include <boost/asio/steady_timer.hpp>

#include <gtest/gtest.h>

namespace parley::testing {
namespace {

using namespace std::chrono_literals;

TEST(run_until_done_test, gives_the_result_and_throws_what_escapes)
{
    asio::io_context context;
    EXPECT_EQ(run_until_done(context, []() -> awaitable<int> { co_return 5; }), 5);
    const auto thrower = []() -> awaitable<void> {
        throw std::logic_error{"seen"};
        co_return;
    };
    EXPECT_THROW(run_until_done(context, thrower), std::logic_error);
}

TEST(run_until_done_test, ends_with_an_error_when_time_runs_out)
{
    asio::io_context context;
    asio::steady_timer timer{context, 1h};
    const auto waiter = [&timer]() -> awaitable<void> { co_await timer.async_wait(asio::use_awaitable); };
    EXPECT_THROW(run_until_done(context, waiter, 1ms), not_done);
    EXPECT_FALSE(drain(context, 1ms));
    timer.cancel();
    EXPECT_THROW(run_until_done(context, []() -> awaitable<void> { co_return; }, 0ms), not_done);
}

} // namespace
} // namespace parley::testing
