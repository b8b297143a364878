// What every stream promises, checked on each transport alike.
#include "support/streams.hpp"

#include <boost/asio/bind_executor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>

#include <numeric>

namespace parley::test {
namespace {

using testing::run_until_done;

class any_stream_test : public ::testing::TestWithParam<kind> {
protected:
    any_stream_test() : pair(make_pair_of(context, GetParam())), first(pair.first), second(pair.second) {}
    ~any_stream_test() override
    {
        first.close();
        second.close();
        EXPECT_TRUE(testing::drain(context)) << "something is still under way after both ends were closed";
    }

    asio::io_context context;
    memory_stream_pair pair;
    any_stream& first;
    any_stream& second;
};

TEST_P(any_stream_test, carries_bytes_both_ways)
{
    run_until_done(context, [&]() -> awaitable<void> {
        auto written = co_await write_all(first, "from the first");
        EXPECT_FALSE(written) << written.message();
        auto seen = co_await read_up_to(second, 14);
        EXPECT_EQ(seen.text, "from the first");
        written = co_await write_all(second, "and back");
        EXPECT_FALSE(written) << written.message();
        seen = co_await read_up_to(first, 8);
        EXPECT_EQ(seen.text, "and back");
    });
}

TEST_P(any_stream_test, a_read_of_no_bytes_completes_at_once)
{
    run_until_done(context, [&]() -> awaitable<void> {
        auto read = co_await first.async_read_some(asio::mutable_buffer{}, use_tuple);
        EXPECT_FALSE(std::get<0>(read));
        EXPECT_EQ(std::get<1>(read), 0U);
        auto written = co_await first.async_write_some(asio::const_buffer{}, use_tuple);
        EXPECT_FALSE(std::get<0>(written));
        EXPECT_EQ(std::get<1>(written), 0U);
    });
}

TEST_P(any_stream_test, gathers_buffers_in_order_and_leaves_out_empty_ones)
{
    std::vector<std::string> pieces(40);
    for (std::size_t i = 0; i < pieces.size(); i += 2) pieces[i] = std::to_string(i) + ".";
    const std::string whole = std::accumulate(pieces.begin(), pieces.end(), std::string{});
    std::vector<asio::const_buffer> buffers;
    for (const std::string& piece : pieces) buffers.push_back(asio::buffer(piece));

    run_until_done(context, [&]() -> awaitable<void> {
        auto some = co_await first.async_write_some(buffers, use_tuple);
        EXPECT_FALSE(std::get<0>(some));
        std::size_t sixteen = 0;
        for (std::size_t i = 0; i < 2 * gather_buffers::max_buffers; i += 2) sixteen += pieces[i].size();
        EXPECT_EQ(std::get<1>(some), sixteen) << "one write gathers sixteen buffers";
        auto rest = co_await asio::async_write(first, buffers, use_tuple);
        EXPECT_EQ(std::get<1>(rest), whole.size());
        auto seen = co_await read_up_to(second, sixteen + whole.size());
        EXPECT_EQ(seen.text, whole.substr(0, sixteen) + whole);
    });
}

TEST_P(any_stream_test, ends_one_direction_and_goes_on_in_the_other)
{
    run_until_done(context, [&]() -> awaitable<void> {
        auto error = co_await write_all(first, "last words");
        EXPECT_FALSE(error);
        auto ended = co_await first.async_shutdown_send(use_tuple);
        EXPECT_FALSE(std::get<0>(ended));
        auto seen = co_await read_to_end(second);
        EXPECT_EQ(seen.text, "last words");
        EXPECT_EQ(seen.error, asio::error::eof);
        error = co_await write_all(second, "an answer all the same");
        EXPECT_FALSE(error);
        seen = co_await read_up_to(first, 22);
        EXPECT_EQ(seen.text, "an answer all the same");
        error = co_await write_all(first, "too late");
        EXPECT_TRUE(error) << "nothing is written after the end of sending";
    });
}

TEST_P(any_stream_test, close_delivers_what_was_written_and_then_the_end)
{
    run_until_done(context, [&]() -> awaitable<void> {
        auto error = co_await write_all(first, "delivered");
        EXPECT_FALSE(error);
        first.close();
        EXPECT_FALSE(first.is_open());
        auto seen = co_await read_to_end(second);
        EXPECT_EQ(seen.text, "delivered");
        EXPECT_EQ(seen.error, asio::error::eof);
    });
}

TEST_P(any_stream_test, abort_is_seen_as_a_reset_and_not_as_the_end)
{
    run_until_done(context, [&]() -> awaitable<void> {
        first.reset_on_close(true);
        first.close();
        auto seen = co_await read_to_end(second);
        EXPECT_EQ(seen.error, asio::error::connection_reset);
        EXPECT_EQ(seen.error, condition::transport);
    });
}

TEST_P(any_stream_test, abort_can_be_taken_back)
{
    run_until_done(context, [&]() -> awaitable<void> {
        first.reset_on_close(true);
        first.reset_on_close(false);
        first.close();
        auto seen = co_await read_to_end(second);
        EXPECT_EQ(seen.error, asio::error::eof);
    });
}

TEST_P(any_stream_test, destruction_aborts_as_close_does)
{
    run_until_done(context, [&]() -> awaitable<void> {
        first.reset_on_close(true);
        first = any_stream{};
        auto seen = co_await read_to_end(second);
        EXPECT_EQ(seen.error, asio::error::connection_reset);
    });
}

TEST_P(any_stream_test, a_cancelled_read_loses_no_byte)
{
    asio::cancellation_signal signal;
    std::string buffer(64, '\0');
    error_code seen;
    bool done = false;
    second.async_read_some(asio::buffer(buffer), asio::bind_cancellation_slot(
                                                     signal.slot(), [&](error_code error, std::size_t size) {
                                                         seen = error;
                                                         EXPECT_EQ(size, 0U);
                                                         done = true;
                                                     }));
    context.poll();
    EXPECT_FALSE(done);
    signal.emit(asio::cancellation_type::total);
    run_until_done(context, [&]() -> awaitable<void> {
        while (!done) co_await yield_once();
        EXPECT_EQ(seen, asio::error::operation_aborted);
        auto error = co_await write_all(first, "kept");
        EXPECT_FALSE(error);
        auto read = co_await read_up_to(second, 4);
        EXPECT_EQ(read.text, "kept");
    });
}

TEST_P(any_stream_test, a_late_cancellation_touches_nothing_else)
{
    asio::cancellation_signal signal;
    std::string buffer(64, '\0'), again(64, '\0');
    std::size_t first_read = 0, second_read = 0;
    run_until_done(context, [&]() -> awaitable<void> {
        auto error = co_await write_all(first, "one");
        EXPECT_FALSE(error);
        second.async_read_some(asio::buffer(buffer), asio::bind_cancellation_slot(
                                                         signal.slot(), [&](error_code e, std::size_t size) {
                                                             EXPECT_FALSE(e);
                                                             first_read = size;
                                                         }));
        while (first_read == 0) co_await yield_once();
        signal.slot().clear(); // as every completed operation of a coroutine does
        second.async_read_some(asio::buffer(again), [&](error_code e, std::size_t size) {
            EXPECT_FALSE(e);
            second_read = size;
        });
        signal.emit(asio::cancellation_type::terminal);
        error = co_await write_all(first, "two");
        EXPECT_FALSE(error);
        while (second_read == 0) co_await yield_once();
    });
    EXPECT_EQ(buffer.substr(0, first_read) + again.substr(0, second_read), "onetwo");
}

TEST_P(any_stream_test, close_cancels_what_is_under_way)
{
    error_code seen;
    std::string buffer(8, '\0');
    first.async_read_some(asio::buffer(buffer), [&](error_code error, std::size_t) { seen = error; });
    context.poll();
    first.close();
    first.close();
    context.restart();
    context.run();
    EXPECT_EQ(seen, asio::error::operation_aborted);
}

TEST_P(any_stream_test, waits_for_readability_without_a_buffer)
{
    run_until_done(context, [&]() -> awaitable<void> {
        std::array<byte, 3> scratch{};
        error_code error;
        EXPECT_EQ(second.try_read_some(scratch, error), 0U);
        EXPECT_EQ(error, asio::error::would_block);
        error = co_await write_all(first, "abcd");
        EXPECT_FALSE(error);
        std::string seen;
        while (seen.size() < 4) {
            auto ready = co_await second.async_wait_readable(use_tuple);
            EXPECT_FALSE(std::get<0>(ready));
            const std::size_t n = second.try_read_some(scratch, error);
            seen += as_text(bytes_view{scratch}.first(n));
        }
        EXPECT_EQ(seen, "abcd");
        auto ended = co_await first.async_shutdown_send(use_tuple);
        EXPECT_FALSE(std::get<0>(ended));
        do {
            auto ready = co_await second.async_wait_readable(use_tuple);
            EXPECT_FALSE(std::get<0>(ready));
            EXPECT_EQ(second.try_read_some(scratch, error), 0U);
        } while (error == asio::error::would_block);
        EXPECT_EQ(error, asio::error::eof);
    });
}

TEST_P(any_stream_test, a_read_after_a_wait_gets_the_same_bytes)
{
    run_until_done(context, [&]() -> awaitable<void> {
        auto error = co_await write_all(first, "in order");
        EXPECT_FALSE(error);
        auto ready = co_await second.async_wait_readable(use_tuple);
        EXPECT_FALSE(std::get<0>(ready));
        auto read = co_await read_up_to(second, 8);
        EXPECT_EQ(read.text, "in order");
    });
}

TEST_P(any_stream_test, a_cancelled_wait_loses_no_byte)
{
    asio::cancellation_signal signal;
    bool done = false;
    second.async_wait_readable(asio::bind_cancellation_slot(signal.slot(), [&](error_code error) {
        EXPECT_EQ(error, asio::error::operation_aborted);
        done = true;
    }));
    context.poll();
    signal.emit(asio::cancellation_type::terminal);
    run_until_done(context, [&]() -> awaitable<void> {
        while (!done) co_await yield_once();
        auto error = co_await write_all(first, "kept");
        EXPECT_FALSE(error);
        auto read = co_await read_up_to(second, 4);
        EXPECT_EQ(read.text, "kept");
    });
}

TEST_P(any_stream_test, waits_for_room_to_write)
{
    run_until_done(context, [&]() -> awaitable<void> {
        auto ready = co_await first.async_wait_writable(use_tuple);
        EXPECT_FALSE(std::get<0>(ready));
    });
}

TEST_P(any_stream_test, handlers_run_on_their_own_executor)
{
    auto strand = asio::make_strand(context);
    bool on_strand = false, done = false;
    std::string buffer(8, '\0');
    second.async_read_some(asio::buffer(buffer), asio::bind_executor(strand, [&](error_code, std::size_t) {
                               on_strand = strand.running_in_this_thread();
                               done = true;
                           }));
    run_until_done(context, [&]() -> awaitable<void> {
        auto error = co_await write_all(first, "x");
        EXPECT_FALSE(error);
        while (!done) co_await yield_once();
    });
    EXPECT_TRUE(on_strand);
}

TEST_P(any_stream_test, a_coroutine_is_cancelled_through_its_slot)
{
    asio::cancellation_signal signal;
    error_code seen;
    asio::co_spawn(
        context,
        [&]() -> awaitable<void> {
            std::string buffer(8, '\0');
            auto read = co_await second.async_read_some(asio::buffer(buffer), use_tuple);
            seen = std::get<0>(read);
        },
        asio::bind_cancellation_slot(signal.slot(), [](std::exception_ptr) {}));
    context.poll();
    signal.emit(asio::cancellation_type::terminal);
    context.restart();
    context.run();
    EXPECT_EQ(seen, asio::error::operation_aborted);
}

TEST_P(any_stream_test, carries_a_megabyte_while_the_reader_is_slow)
{
    std::string sent(1'000'000, '\0');
    for (std::size_t i = 0; i < sent.size(); ++i) sent[i] = static_cast<char>(i * 7 + i / 251);
    std::string got;
    asio::co_spawn(
        context,
        [&]() -> awaitable<void> {
            auto error = co_await write_all(first, sent);
            EXPECT_FALSE(error);
            first.close();
        },
        [](std::exception_ptr e) { EXPECT_FALSE(e); });
    run_until_done(context, [&]() -> awaitable<void> {
        auto read = co_await read_to_end(second);
        EXPECT_EQ(read.error, asio::error::eof);
        got = std::move(read.text);
    });
    EXPECT_TRUE(got == sent);
}

TEST_P(any_stream_test, gives_what_was_put_back_before_what_comes)
{
    run_until_done(context, [&]() -> awaitable<void> {
        auto written = co_await write_all(second, "late");
        EXPECT_FALSE(written);
        EXPECT_FALSE(first.has_put_back());
        first.put_back(as_bytes("second "));
        first.put_back(as_bytes("first "));
        EXPECT_TRUE(first.has_put_back());
        EXPECT_EQ(first.native_handle(), -1);
        auto waited = co_await first.async_wait_readable(use_tuple);
        EXPECT_FALSE(std::get<0>(waited));
        std::array<byte, 8> space{};
        error_code error = asio::error::eof;
        EXPECT_EQ(first.try_read_some(space, error), 8U);
        EXPECT_FALSE(error);
        EXPECT_EQ(as_text(space), "first se");
        auto read = co_await first.async_read_some(asio::buffer(space), use_tuple);
        EXPECT_FALSE(std::get<0>(read));
        EXPECT_EQ(as_text(bytes_view{space}.first(std::get<1>(read))), "cond ");
        EXPECT_FALSE(first.has_put_back());
        auto seen = co_await read_up_to(first, 4);
        EXPECT_EQ(seen.text, "late");
        first.put_back(as_bytes("lost"));
        first.close();
        read = co_await first.async_read_some(asio::buffer(space), use_tuple);
        EXPECT_TRUE(std::get<0>(read)) << "closing drops what was put back";
    });
}

TEST_P(any_stream_test, writes_at_once_what_is_taken_or_says_that_it_cannot)
{
    std::string sent(1u << 20, 'x'), got;
    for (std::size_t i = 0; i < sent.size(); i += 3) sent[i] = static_cast<char>('a' + i % 26);
    std::size_t total = 0;
    error_code error;
    while (!error) {
        const std::array pieces{asio::buffer(sent.data() + total, (sent.size() - total) / 3),
                                asio::buffer(sent.data() + total + (sent.size() - total) / 3, 0)};
        const std::size_t size = first.try_write_some(gather_buffers::from(pieces), error);
        if (size == 0) break;
        total += size;
    }
    if (total == 0) {
        EXPECT_EQ(error, asio::error::operation_not_supported);
        return;
    }
    EXPECT_TRUE(!error || error == asio::error::would_block) << error.message();
    run_until_done(context, [&]() -> awaitable<void> {
        auto seen = co_await read_up_to(second, total);
        EXPECT_TRUE(seen.text == sent.substr(0, total));
    });
}

INSTANTIATE_TEST_SUITE_P(transports, any_stream_test,
                         ::testing::Values(kind::memory, kind::tcp, kind::tcp_on_context, kind::wrapped),
                         [](const auto& instance) { return name_of(instance.param); });

TEST(any_stream_handle_test, an_empty_one_can_be_closed_and_asked)
{
    any_stream stream;
    EXPECT_FALSE(stream);
    EXPECT_FALSE(stream.is_open());
    stream.close();
}

TEST(any_stream_handle_test, a_wrapped_stream_has_the_name_and_identity_it_was_given)
{
    asio::io_context context;
    tcp_pair sockets = make_tcp_pair(context);
    const any_stream stream{user_stream{std::move(sockets.first)}, "pigeon", *identity::from_text("roof:1")};
    EXPECT_EQ(stream.transport_name(), "pigeon");
    EXPECT_EQ(stream.remote_identity().text(), "roof:1");
    EXPECT_EQ(stream.remote_address(), "roof:1");
    EXPECT_EQ(stream.native_handle(), -1);
    EXPECT_FALSE(stream.remote_endpoint());
}

} // namespace
} // namespace parley::test
