#include <parley/transport/websocket.hpp>

#include "stream/layer/websocket_codec.hpp"
#include "stream/layer/websocket_layer.hpp"
#include "stream_laws.hpp"
#include "support/websockets.hpp"

#include <parley/async/spawn.hpp>

namespace parley::test {
namespace {

constexpr std::size_t window = detail::websocket_window_bytes;

// A relay's stream with a window over TCP, and the other end as it is.
struct windowed {
    explicit windowed(asio::io_context& c) : context(c)
    {
        auto pair = make_pair_of(context, kind::tcp);
        raw = std::move(pair.first);
        relay = detail::make_server_websocket_stream(std::move(pair.second), stream_kind::room, {}, {}, true);
        read();
    }
    // Reads all that comes from the other side; waits below for its frames.
    void read()
    {
        relay.async_read_some(asio::buffer(into), [this](error_code error, std::size_t) {
            read_error = error;
            if (!error) read();
        });
    }
    void write(bytes_view bytes)
    {
        asio::async_write(relay, asio::buffer(bytes.data(), bytes.size()),
                          [this](error_code error, std::size_t size) {
                              written = size;
                              write_error = error;
                              done = true;
                          });
    }
    // Takes frames without a mask, until `until` holds, and counts the bytes of the stream.
    bool take(const std::function<bool()>& until)
    {
        const time_point end = clock::now() + testing::test_patience;
        byte_vector part(300'000);
        while (!until() && clock::now() < end) {
            context.restart();
            context.poll();
            error_code error;
            const std::size_t size = raw.try_read_some(part, error);
            got += static_cast<std::size_t>(
                std::count(part.begin(), part.begin() + static_cast<std::ptrdiff_t>(size), 'x'));
        }
        return until();
    }
    // Runs what is due, for as long as that brings something.
    void settle()
    {
        for (std::size_t before = SIZE_MAX; before != got;) {
            before = got;
            for (int i = 0; i < 200; ++i) take([i = 0]() mutable { return i++ == 1; });
        }
    }
    void send_count(const std::string& text)
    {
        std::string out = "\x81";
        out += static_cast<char>(0x80 | text.size());
        out += std::string(4, '\0') + text;
        const auto keep = std::make_shared<std::string>(out);
        asio::async_write(raw, asio::buffer(*keep), [keep](error_code, std::size_t) {});
    }

    asio::io_context& context;
    any_stream raw, relay;
    std::array<byte, 1000> into{};
    std::size_t got = 0, written = 0;
    error_code read_error, write_error;
    bool done = false;
};

TEST(websocket_window_test, the_relay_waits_for_counts)
{
    asio::io_context context;
    windowed w{context};
    const byte_vector sent(2 * window + 1000, 'x');
    w.write(sent);
    EXPECT_TRUE(w.take([&] { return w.got == window; }));
    w.settle();
    EXPECT_EQ(w.got, window) << "and not a byte more";
    w.send_count("1000");
    EXPECT_TRUE(w.take([&] { return w.got == window + 1000; }));
    w.settle();
    EXPECT_EQ(w.got, window + 1000);
    EXPECT_FALSE(w.done);
    w.send_count(std::to_string(w.got));
    EXPECT_TRUE(w.take([&] { return w.done; }));
    EXPECT_FALSE(w.write_error);
    EXPECT_EQ(w.written, sent.size());
    EXPECT_TRUE(w.take([&] { return w.got == sent.size(); }));
}

TEST(websocket_window_test, a_ping_is_answered_while_a_write_waits)
{
    asio::io_context context;
    windowed w{context};
    const byte_vector sent(window + 1, 'x');
    w.write(sent);
    EXPECT_TRUE(w.take([&] { return w.got == window; }));
    const std::string ping{"\x89\x81\0\0\0\0x", 7}; // its answer has an x, too
    asio::async_write(w.raw, asio::buffer(ping), [](error_code, std::size_t) {});
    EXPECT_TRUE(w.take([&] { return w.got == window + 1; }));
    w.settle();
    EXPECT_FALSE(w.done) << "the answer has not ended the write";
    w.send_count("1");
    EXPECT_TRUE(w.take([&] { return w.done && w.got == window + 2; }));
    EXPECT_EQ(w.written, sent.size());
}

TEST(websocket_window_test, a_write_that_waits_ends_with_its_connection)
{
    for (const char* how : {"rule", "close", "reset", "closed", "cancelled"}) {
        asio::io_context context;
        windowed w{context};
        const byte_vector sent(window + 1, 'x');
        asio::cancellation_signal cancel;
        error_code error;
        std::size_t size = 0;
        bool done = false;
        w.write(bytes_view{sent}.first(window));
        EXPECT_TRUE(w.take([&] { return w.got == window && w.done; }));
        w.relay.async_write_some(
            asio::buffer(sent), asio::bind_cancellation_slot(cancel.slot(), [&](error_code e, std::size_t n) {
                error = e;
                size = n;
                done = true;
            }));
        w.settle();
        EXPECT_FALSE(done) << how;
        if (how == std::string_view{"rule"}) w.send_count("x");
        if (how == std::string_view{"close"})
            asio::async_write(w.raw, asio::buffer("\x88\x82\0\0\0\0\x03\xe9", 8),
                              [](error_code, std::size_t) {});
        if (how == std::string_view{"reset"}) w.raw.close();
        if (how == std::string_view{"closed"}) w.relay.close();
        if (how == std::string_view{"cancelled"}) cancel.emit(asio::cancellation_type::total);
        const time_point end = clock::now() + testing::test_patience;
        // After the peer's close frame a write goes to a connection that nobody reads.
        while (!done && clock::now() < end) {
            context.restart();
            context.poll();
        }
        EXPECT_TRUE(done) << how;
        if (how != std::string_view{"close"}) {
            EXPECT_EQ(size, 0u) << how;
        }
        if (how == std::string_view{"rule"}) {
            EXPECT_EQ(error, asio::error::broken_pipe);
        }
        if (how == std::string_view{"cancelled"}) {
            EXPECT_EQ(error, asio::error::operation_aborted);
            w.done = false;
            w.write(bytes_view{sent}.first(10));
            w.send_count("10");
            EXPECT_TRUE(w.take([&] { return w.done && w.got == window + 10; })) << "the stream stays usable";
        }
    }
}

} // namespace
} // namespace parley::test
