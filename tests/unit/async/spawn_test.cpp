#include "support/streams.hpp"

#include <parley/async/spawn.hpp>

#include <boost/system/system_error.hpp>

namespace parley::test {
namespace {

class spawn_test : public ::testing::Test {
protected:
    spawn_test()
    {
        set_exception_reporter([this](std::string_view name, std::string_view what) {
            reports.push_back(std::string{name} + ": " + std::string{what});
        });
    }
    ~spawn_test() override { set_exception_reporter(nullptr); }

    asio::io_context context;
    std::vector<std::string> reports;
};

TEST_F(spawn_test, reports_what_escapes)
{
    spawn(
        context.get_executor(),
        []() -> awaitable<void> {
            throw std::runtime_error{"on purpose"};
            co_return;
        },
        "thrower");
    context.run();
    EXPECT_THAT(reports, ::testing::ElementsAre("thrower: on purpose"));
}

TEST_F(spawn_test, reports_what_is_no_exception_class)
{
    spawn(
        context.get_executor(),
        []() -> awaitable<void> {
            throw 7;
            co_return;
        },
        "thrower");
    context.run();
    EXPECT_EQ(reports.size(), 1U);
}

TEST_F(spawn_test, cancellation_is_no_failure)
{
    spawn(
        context.get_executor(),
        []() -> awaitable<void> {
            throw boost::system::system_error{asio::error::operation_aborted};
            co_return;
        },
        "cancelled");
    context.run();
    EXPECT_TRUE(reports.empty());
}

TEST_F(spawn_test, keeps_the_captures_alive)
{
    std::string seen;
    {
        const auto text = std::make_shared<std::string>("captured, and longer than a small string");
        spawn(
            context.get_executor(),
            [&seen, text]() -> awaitable<void> {
                co_await yield_once();
                seen = *text;
            },
            "keeper");
    }
    context.run();
    EXPECT_EQ(seen, "captured, and longer than a small string");
    EXPECT_TRUE(reports.empty());
}

awaitable<void> set_flag(bool& flag)
{
    flag = true;
    co_return;
}

TEST_F(spawn_test, takes_an_awaitable_too)
{
    bool ran = false;
    spawn(context.get_executor(), set_flag(ran), "plain");
    EXPECT_FALSE(ran) << "it starts in a later turn";
    context.run();
    EXPECT_TRUE(ran);
}

TEST_F(spawn_test, a_reporter_that_throws_ends_nothing)
{
    set_exception_reporter([](std::string_view, std::string_view) { throw std::runtime_error{"again"}; });
    report_exception("reporter", std::make_exception_ptr(std::runtime_error{"first"}));
    report_exception("nothing", nullptr);
}

} // namespace
} // namespace parley::test
