#include "support/streams.hpp"

#include <parley/async/watchdog.hpp>
#include <parley/testing/virtual_clock.hpp>

namespace parley::test {
namespace {

using namespace std::chrono_literals;

struct watchdog_test : ::testing::Test {
    void advance(duration by)
    {
        time.advance(by);
        context.restart();
        context.poll();
    }

    asio::io_context context;
    testing::virtual_clock time;
    int timeouts = 0;
    std::function<void()> count = [this] { ++timeouts; };
};

TEST_F(watchdog_test, calls_once_when_nothing_happens)
{
    watchdog dog{context.get_executor(), 1s, count, time};
    advance(999ms);
    EXPECT_EQ(timeouts, 0);
    EXPECT_FALSE(dog.fired());
    advance(1ms);
    EXPECT_EQ(timeouts, 1);
    EXPECT_TRUE(dog.fired());
    dog.set_timeout(0s);
    advance(1h);
    EXPECT_EQ(timeouts, 1);
}

TEST_F(watchdog_test, a_kick_postpones_the_timeout)
{
    watchdog dog{context.get_executor(), 30s, count, time};
    advance(15s);
    dog.kick();
    advance(29s);
    EXPECT_EQ(timeouts, 0);
    advance(1s);
    EXPECT_EQ(timeouts, 1);
}

TEST_F(watchdog_test, closes_a_stream_and_explains_the_error)
{
    auto pair = make_memory_stream_pair(context.get_executor(), 10);
    testing::run_until_done(context, [&]() -> awaitable<void> {
        watchdog dog{pair.first, 1ms};
        auto read = co_await read_to_end(pair.first);
        EXPECT_EQ(read.error, asio::error::operation_aborted);
        EXPECT_EQ(dog.explain(read.error), errc::timed_out);
        EXPECT_FALSE(dog.explain(error_code{}));
    });
}

TEST_F(watchdog_test, leaves_errors_alone_before_the_timeout)
{
    const watchdog dog{context.get_executor(), 1h, count, time};
    EXPECT_EQ(dog.explain(asio::error::eof), asio::error::eof);
}

TEST_F(watchdog_test, never_calls_once_disarmed_or_destroyed)
{
    watchdog dog{context.get_executor(), 1s, count, time};
    {
        const watchdog other{context.get_executor(), 1s, count, time};
    }
    watchdog moved{std::move(dog)};
    moved.disarm();
    advance(1h);
    EXPECT_EQ(timeouts, 0);
}

TEST_F(watchdog_test, may_be_destroyed_by_the_call)
{
    std::unique_ptr<watchdog> dog;
    dog = std::make_unique<watchdog>(context.get_executor(), 1s, [&] { dog.reset(); }, time);
    advance(1s);
    EXPECT_EQ(dog, nullptr);
}

TEST_F(watchdog_test, the_timeout_can_be_changed)
{
    watchdog dog{context.get_executor(), duration::max(), count, time};
    advance(24h);
    EXPECT_EQ(timeouts, 0);
    dog.kick();
    dog.set_timeout(1s);
    advance(1s);
    EXPECT_EQ(timeouts, 1);
}

} // namespace
} // namespace parley::test
