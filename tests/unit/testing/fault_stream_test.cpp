#include "support/streams.hpp"

#include <parley/testing/fault_stream.hpp>

namespace parley::test {
namespace {

using testing::run_until_done;

class fault_stream_test : public ::testing::Test {
protected:
    fault_stream_test() : pair(make_memory_stream_pair(context.get_executor(), 1024)) {}
    asio::io_context context;
    memory_stream_pair pair;
};

TEST_F(fault_stream_test, splits_by_the_seed_and_changes_no_byte)
{
    testing::fault_options options;
    options.max_read_bytes = 3;
    options.max_write_bytes = 5;
    std::size_t operations = 0;
    any_stream split = make_fault_stream(std::move(pair.first), options, &operations);
    run_until_done(context, [&]() -> awaitable<void> {
        auto error = co_await write_all(split, "thirteen byte");
        EXPECT_FALSE(error);
        auto read = co_await read_up_to(pair.second, 13);
        EXPECT_EQ(read.text, "thirteen byte");
        error = co_await write_all(pair.second, "seven b");
        EXPECT_FALSE(error);
        read = co_await read_up_to(split, 7);
        EXPECT_EQ(read.text, "seven b");
    });
    EXPECT_GE(operations, 3U + 3U);
}

TEST_F(fault_stream_test, fails_where_it_is_told_and_ever_after)
{
    testing::fault_options options;
    options.failing_operation = 1;
    options.error = asio::error::host_unreachable;
    any_stream faulty = make_fault_stream(std::move(pair.first), options);
    run_until_done(context, [&]() -> awaitable<void> {
        auto error = co_await write_all(faulty, "one");
        EXPECT_FALSE(error);
        error = co_await write_all(faulty, "two");
        EXPECT_EQ(error, asio::error::host_unreachable);
        auto read = co_await read_up_to(faulty, 1);
        EXPECT_EQ(read.error, asio::error::host_unreachable);
        auto ended = co_await faulty.async_shutdown_send(use_tuple);
        EXPECT_EQ(std::get<0>(ended), asio::error::host_unreachable);
        read = co_await read_to_end(pair.second);
        EXPECT_EQ(read.error, asio::error::connection_reset) << "the other side notices";
    });
}

} // namespace
} // namespace parley::test
