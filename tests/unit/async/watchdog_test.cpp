#include "support/streams.hpp"

#include <parley/async/watchdog.hpp>

#include <boost/asio/steady_timer.hpp>

namespace parley::test {
namespace {

using namespace std::chrono_literals;

TEST(watchdog_test, bites_once_when_nothing_happens)
{
    asio::io_context context;
    int bites = 0;
    watchdog dog{context.get_executor(), 1ms, [&] { ++bites; }};
    EXPECT_FALSE(dog.fired());
    EXPECT_TRUE(testing::drain(context));
    EXPECT_EQ(bites, 1);
    EXPECT_TRUE(dog.fired());
    dog.set_timeout(0ms);
    EXPECT_TRUE(testing::drain(context));
    EXPECT_EQ(bites, 1);
}

TEST(watchdog_test, a_kick_postpones_the_bite)
{
    asio::io_context context;
    const time_point start = clock::now();
    time_point bitten;
    watchdog dog{context.get_executor(), 30ms, [&] { bitten = clock::now(); }};
    asio::steady_timer later{context, 15ms};
    time_point kicked;
    later.async_wait([&](error_code) {
        kicked = clock::now();
        dog.kick();
    });
    EXPECT_TRUE(testing::drain(context));
    EXPECT_GE(bitten - kicked, 30ms);
    EXPECT_GE(bitten - start, 45ms);
}

TEST(watchdog_test, closes_a_stream_and_explains_the_error)
{
    asio::io_context context;
    auto pair = make_memory_stream_pair(context.get_executor(), 10);
    testing::run_until_done(context, [&]() -> awaitable<void> {
        watchdog dog{pair.first, 1ms};
        auto read = co_await read_to_end(pair.first);
        EXPECT_EQ(read.error, asio::error::operation_aborted);
        EXPECT_EQ(dog.explain(read.error), errc::timed_out);
        EXPECT_FALSE(dog.explain(error_code{}));
    });
}

TEST(watchdog_test, one_that_has_not_bitten_explains_nothing)
{
    asio::io_context context;
    watchdog dog{context.get_executor(), 1h, [] {}};
    EXPECT_EQ(dog.explain(asio::error::eof), asio::error::eof);
}

TEST(watchdog_test, a_disarmed_or_destroyed_one_never_bites)
{
    asio::io_context context;
    int bites = 0;
    watchdog dog{context.get_executor(), 0ms, [&] { ++bites; }};
    {
        const watchdog other{context.get_executor(), 0ms, [&] { ++bites; }};
    }
    watchdog moved{std::move(dog)};
    moved.disarm();
    EXPECT_TRUE(testing::drain(context));
    EXPECT_EQ(bites, 0);
}

TEST(watchdog_test, the_bite_may_destroy_the_watchdog)
{
    asio::io_context context;
    std::unique_ptr<watchdog> dog;
    dog = std::make_unique<watchdog>(context.get_executor(), 0ms, [&] { dog.reset(); });
    EXPECT_TRUE(testing::drain(context));
    EXPECT_EQ(dog, nullptr);
}

TEST(watchdog_test, the_timeout_can_be_changed)
{
    asio::io_context context;
    bool bitten = false;
    watchdog dog{context.get_executor(), duration::max(), [&] { bitten = true; }};
    EXPECT_TRUE(testing::drain(context));
    EXPECT_FALSE(bitten);
    dog.kick();
    dog.set_timeout(1ms);
    EXPECT_TRUE(testing::drain(context));
    EXPECT_TRUE(bitten);
}

} // namespace
} // namespace parley::test
