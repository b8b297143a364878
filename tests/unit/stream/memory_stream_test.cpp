// What only the in-memory transport promises; the rest is in any_stream_test.
#include "support/streams.hpp"

namespace parley::test {
namespace {

using testing::run_until_done;

TEST(memory_stream_test, a_writer_waits_while_the_buffer_is_full)
{
    asio::io_context context;
    auto pair = make_memory_stream_pair(context.get_executor(), 4);
    std::size_t written = 0;
    bool second_done = false;
    const std::string text = "abcdefgh";
    pair.first.async_write_some(asio::buffer(text), [&](error_code, std::size_t n) {
        written = n;
        pair.first.async_write_some(asio::buffer(text), [&](error_code e, std::size_t m) {
            EXPECT_FALSE(e);
            EXPECT_EQ(m, 3U);
            second_done = true;
        });
    });
    context.poll();
    EXPECT_EQ(written, 4U);
    EXPECT_FALSE(second_done);
    run_until_done(context, [&]() -> awaitable<void> {
        auto read = co_await read_up_to(pair.second, 3);
        EXPECT_EQ(read.text, "abc");
        while (!second_done) co_await yield_once();
        read = co_await read_up_to(pair.second, 4);
        EXPECT_EQ(read.text, "dabc");
    });
}

TEST(memory_stream_test, every_capacity_carries_the_same_bytes)
{
    std::string sent(997, '\0');
    for (std::size_t i = 0; i < sent.size(); ++i) sent[i] = static_cast<char>(i);
    for (const std::size_t capacity : {std::size_t{0}, std::size_t{1}, std::size_t{7}, std::size_t{996},
                                       std::size_t{997}, std::size_t{5000}}) {
        asio::io_context context;
        auto pair = make_memory_stream_pair(context.get_executor(), capacity);
        asio::co_spawn(
            context,
            [&]() -> awaitable<void> {
                auto error = co_await write_all(pair.first, sent);
                EXPECT_FALSE(error);
                pair.first.close();
            },
            [](std::exception_ptr e) { EXPECT_FALSE(e); });
        auto read =
            run_until_done(context, [&]() -> awaitable<read_result> { return read_to_end(pair.second); });
        EXPECT_TRUE(read.text == sent) << capacity;
    }
}

TEST(memory_stream_test, writing_to_one_who_is_gone_fails)
{
    asio::io_context context;
    auto pair = make_memory_stream_pair(context.get_executor(), 4);
    run_until_done(context, [&]() -> awaitable<void> {
        pair.second.close();
        auto error = co_await write_all(pair.first, "x");
        EXPECT_EQ(error, asio::error::broken_pipe);
    });
}

TEST(memory_stream_test, a_writer_that_waits_learns_that_the_reader_is_gone)
{
    asio::io_context context;
    auto pair = make_memory_stream_pair(context.get_executor(), 2);
    error_code seen;
    const std::string text = "too much";
    asio::async_write(pair.first, asio::buffer(text), [&](error_code e, std::size_t n) {
        seen = e;
        EXPECT_EQ(n, 2U);
    });
    context.poll();
    pair.second.close();
    EXPECT_TRUE(testing::drain(context));
    EXPECT_EQ(seen, asio::error::broken_pipe);
}

TEST(memory_stream_test, an_abort_loses_what_was_not_read)
{
    asio::io_context context;
    auto pair = make_memory_stream_pair(context.get_executor(), 100);
    run_until_done(context, [&]() -> awaitable<void> {
        auto error = co_await write_all(pair.first, "lost");
        EXPECT_FALSE(error);
        pair.first.reset_on_close(true);
        pair.first.close();
        auto read = co_await read_to_end(pair.second);
        EXPECT_EQ(read.text, "");
        EXPECT_EQ(read.error, asio::error::connection_reset);
    });
}

TEST(memory_stream_test, each_end_has_the_others_identity)
{
    asio::io_context context;
    memory_stream_options options;
    options.first_identity = *identity::from_text("a:1");
    options.second_identity = *identity::from_text("b:2");
    const auto pair = make_memory_stream_pair(context.get_executor(), options);
    EXPECT_EQ(pair.first.remote_identity().text(), "b:2");
    EXPECT_EQ(pair.second.remote_identity().text(), "a:1");
    EXPECT_EQ(pair.first.transport_name(), "memory");
}

TEST(memory_stream_test, a_pending_read_keeps_the_loop_at_work)
{
    asio::io_context context;
    auto pair = make_memory_stream_pair(context.get_executor(), 4);
    char c = 0;
    pair.first.async_read_some(asio::buffer(&c, 1), [](error_code, std::size_t) {});
    context.poll();
    EXPECT_FALSE(context.stopped());
    pair.first.close();
    EXPECT_TRUE(testing::drain(context));
}

TEST(memory_stream_test, a_context_that_dies_takes_the_waiting_coroutines_along)
{
    auto witness = std::make_shared<int>(0);
    std::weak_ptr<int> seen = witness;
    {
        asio::io_context context;
        asio::co_spawn(
            context,
            [&context, witness = std::move(witness)]() -> awaitable<void> {
                auto pair = make_memory_stream_pair(context.get_executor(), 4);
                auto read = co_await read_to_end(pair.first);
                EXPECT_TRUE(false) << "nothing ever comes: " << read.text << *witness;
            },
            [](std::exception_ptr) {});
        context.poll();
        EXPECT_FALSE(seen.expired());
    }
    EXPECT_TRUE(seen.expired());
}

} // namespace
} // namespace parley::test
