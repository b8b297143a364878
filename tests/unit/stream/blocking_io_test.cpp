#include <parley/stream/blocking_io.hpp>

#include <parley/stream/memory_stream.hpp>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include <gtest/gtest.h>

#include <optional>
#include <thread>

namespace parley::test {
namespace {

// Two connected streams on a context that a thread of its own runs.
class blocking_io : public ::testing::Test {
protected:
    ~blocking_io() override { end(); }

    void end()
    {
        work.reset();
        context.stop();
        if (runner.joinable()) runner.join();
    }
    void on_executor(std::function<void()> what)
    {
        std::promise<void> done;
        asio::post(context, [&] {
            what();
            done.set_value();
        });
        done.get_future().wait();
    }

    asio::io_context context;
    memory_stream_pair streams = make_memory_stream_pair(context.get_executor(), 1000);
    std::optional<asio::executor_work_guard<asio::io_context::executor_type>> work{context.get_executor()};
    std::thread runner{[this] { context.run(); }};
};

TEST_F(blocking_io, carries_more_than_the_streams_hold)
{
    const auto read = blocking_reader(streams.second);
    const auto write = blocking_writer(streams.first);
    byte_vector sent(100'000);
    for (std::size_t i = 0; i < sent.size(); ++i) sent[i] = static_cast<byte>(i % 251);
    error_code written = asio::error::would_block;
    std::thread writer{[&] {
        written = write(sent);
        on_executor([&] { streams.first.close(); });
    }};
    byte_vector came, piece(700);
    for (;;) {
        const auto size = read(piece);
        if (!size || *size == 0) {
            EXPECT_TRUE(size) << size.error().message();
            break;
        }
        EXPECT_LE(*size, piece.size());
        came.insert(came.end(), piece.begin(), piece.begin() + static_cast<std::ptrdiff_t>(*size));
    }
    writer.join();
    EXPECT_EQ(written, error_code{});
    EXPECT_EQ(came, sent);
}

TEST_F(blocking_io, gives_the_errors_of_the_stream)
{
    on_executor([&] { streams.first.close(); });
    byte_vector piece(10);
    EXPECT_EQ(blocking_reader(streams.first)(piece).error(), asio::error::bad_descriptor);
    EXPECT_EQ(blocking_writer(streams.first)(piece), asio::error::bad_descriptor);
    EXPECT_EQ(blocking_writer(streams.first)({}), error_code{});
}

TEST_F(blocking_io, ends_when_the_stream_is_closed)
{
    const auto read = blocking_reader(streams.second);
    std::thread closer{[&] { on_executor([&] { streams.second.close(); }); }};
    byte_vector piece(10);
    const auto size = read(piece);
    closer.join();
    ASSERT_FALSE(size);
    EXPECT_TRUE(size.error() == asio::error::operation_aborted ||
                size.error() == asio::error::bad_descriptor);
}

// As a context does that is destroyed.
struct stream_that_drops_handlers {
    asio::io_context::executor_type get_executor() const { return context.get_executor(); }
    template <class Buffers, class Handler>
    void async_read_some(const Buffers&, Handler handler)
    {
        const Handler dropped{std::move(handler)};
    }
    asio::io_context& context;
};

TEST_F(blocking_io, ends_with_its_handler)
{
    stream_that_drops_handlers stream{context};
    byte_vector piece(10);
    const auto size = blocking_reader(stream)(piece);
    ASSERT_FALSE(size);
    EXPECT_EQ(size.error(), asio::error::operation_aborted);
}

} // namespace
} // namespace parley::test
