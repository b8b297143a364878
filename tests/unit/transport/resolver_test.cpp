#include "support/streams.hpp"

#include <parley/transport/resolver.hpp>

namespace parley::test {
namespace {

using resolved = result<std::vector<tcp_endpoint>>;
using testing::run_until_done;

resolved look_up(resolver& names, const char* host, duration timeout = testing::test_patience)
{
    asio::io_context context;
    return run_until_done(context, [&]() -> awaitable<resolved> { return names.resolve(host, 7, timeout); });
}

TEST(system_resolver_test, an_address_is_not_looked_up)
{
    system_resolver names;
    EXPECT_EQ(to_text(look_up(names, "192.0.2.1", duration{0})->at(0)), "192.0.2.1:7");
    EXPECT_EQ(to_text(look_up(names, "2001:db8::5", duration{0})->at(0)), "[2001:db8::5]:7");
}

TEST(system_resolver_test, finds_this_machine)
{
    system_resolver names;
    const auto found = look_up(names, "localhost");
    ASSERT_TRUE(found);
    ASSERT_FALSE(found->empty());
    for (const tcp_endpoint& endpoint : *found) {
        EXPECT_TRUE(endpoint.address().is_loopback());
        EXPECT_EQ(endpoint.port(), 7);
    }
    auto unique = *found;
    std::sort(unique.begin(), unique.end());
    EXPECT_EQ(std::adjacent_find(unique.begin(), unique.end()), unique.end());
}

TEST(system_resolver_test, a_name_that_cannot_exist_is_not_resolved)
{
    system_resolver names;
    const std::string too_long_label(64, 'x'); // refused without asking anybody
    const auto found = look_up(names, too_long_label.c_str());
    ASSERT_FALSE(found);
    EXPECT_EQ(found.error(), errc::name_not_resolved);
}

TEST(system_resolver_test, time_runs_out)
{
    system_resolver names;
    const auto found = look_up(names, "localhost", duration{0});
    ASSERT_FALSE(found);
    EXPECT_EQ(found.error(), errc::timed_out);
}

TEST(system_resolver_test, a_cancelled_look_up_ends)
{
    asio::io_context context;
    system_resolver names;
    asio::cancellation_signal signal;
    error_code seen;
    asio::co_spawn(
        context,
        [&]() -> awaitable<void> {
            auto found = co_await names.resolve("localhost", 7, duration::max());
            if (!found) seen = found.error();
        },
        asio::bind_cancellation_slot(signal.slot(), [](std::exception_ptr e) { EXPECT_FALSE(e); }));
    context.run_one(); // the coroutine starts, and with it the look-up
    signal.emit(asio::cancellation_type::terminal);
    EXPECT_TRUE(testing::drain(context));
    EXPECT_EQ(seen, errc::cancelled);
}

TEST(fixed_resolver_test, knows_its_table_and_nothing_else)
{
    fixed_resolver names{{{"a", {{loopback, 0}, {loopback, 99}}}, {"empty", {}}}};
    const auto found = look_up(names, "a");
    ASSERT_TRUE(found);
    EXPECT_EQ(*found, (std::vector<tcp_endpoint>{{loopback, 7}, {loopback, 99}}));
    EXPECT_EQ(look_up(names, "b").error(), errc::name_not_resolved);
    EXPECT_EQ(look_up(names, "empty").error(), errc::name_not_resolved);
    EXPECT_EQ(look_up(names, "10.0.0.1")->at(0).port(), 7);
}

} // namespace
} // namespace parley::test
