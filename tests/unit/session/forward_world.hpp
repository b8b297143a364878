// Both sides of port forwarding over a pair of streams in memory, with real TCP connections on loopback at their ends.
#pragma once

#include "support/streams.hpp"

#include <parley/session/forward.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include <deque>
#include <functional>
#include <map>
#include <optional>

namespace parley::test {

using testing::run_until_done;

// Says what happens, as "opened 1", and keeps what tests ask for.
struct forward_log final : forward_observer {
    void listening(const forward_rule&, const tcp_endpoint& at) override { bound.push_back(at); }
    void opened(forward_number n, const forward_target& target, std::string_view address) override
    {
        lines.push_back("opened " + std::to_string(n));
        EXPECT_TRUE(target.is_valid());
        EXPECT_TRUE(address.starts_with("127.0.0.1:") || address.starts_with("[::1]:")) << address;
    }
    void refused(forward_number n, const forward_target&, forward_cause cause, std::string_view why) override
    {
        lines.push_back("refused " + std::to_string(n) + " " + std::to_string(static_cast<int>(cause)));
        reasons.emplace_back(why);
    }
    void closed(forward_number n, const forward_target&, const forward_counts& c, error_code why) override
    {
        lines.push_back("closed " + std::to_string(n) + (why ? ": " + why.message() : ""));
        counts[n] = c;
        errors[n] = why;
    }
    bool has(const std::string& line) const { return std::ranges::find(lines, line) != lines.end(); }

    std::vector<tcp_endpoint> bound;
    std::vector<std::string> lines, reasons;
    std::map<forward_number, forward_counts> counts;
    std::map<forward_number, error_code> errors;
};

inline std::string patterned(std::size_t size, unsigned seed = 1)
{
    std::string out(size, '\0');
    for (std::size_t i = 0; i < size; ++i) out[i] = static_cast<char>(i * 7 + i / 251 + seed);
    return out;
}

// It stops at the first error: after a failed write Asio may never complete another one.
inline awaitable<void> echo(any_stream stream)
{
    byte_vector buffer(16 * 1024);
    for (;;) {
        const auto read =
            co_await stream.async_read_some(asio::buffer(buffer.data(), buffer.size()), use_tuple);
        const auto [error, size] = read;
        if (error) break;
        const auto written = co_await asio::async_write(stream, asio::buffer(buffer.data(), size), use_tuple);
        if (std::get<0>(written)) co_return;
    }
    co_await stream.async_shutdown_send(use_tuple);
}

// Answers once the request has ended.
inline awaitable<void> answer_at_end(any_stream stream)
{
    auto request = co_await read_to_end(stream);
    co_await write_all(stream, "you sent " + std::to_string(request.text.size()));
    co_await stream.async_shutdown_send(use_tuple);
}

class port_forwarding : public ::testing::Test {
protected:
    ~port_forwarding() override
    {
        if (!expose_end) cancel_expose.emit(asio::cancellation_type::terminal);
        if (!forward_end) cancel_forward.emit(asio::cancellation_type::terminal);
        servers.clear();
        held.clear();
        EXPECT_TRUE(testing::drain(context));
    }

    // Listens on loopback, runs `serve` for each connection, and exposes the port as 127.0.0.1:port.
    template <class Serve>
    forward_target server(Serve serve)
    {
        auto acceptor = listen_tcp(context.get_executor(), {"tcp", "127.0.0.1", 0}, {}).value();
        acceptor->start([this, serve](any_stream stream) {
            asio::co_spawn(context, serve(std::move(stream)), asio::detached);
        });
        const forward_target target{"127.0.0.1", acceptor->bound()[0].port()};
        servers.push_back(std::move(acceptor));
        exposing.expose(target);
        return target;
    }
    // Keeps each connection for the test.
    forward_target holding_server()
    {
        return server([this](any_stream stream) -> awaitable<void> {
            held.push_back(std::move(stream));
            co_return;
        });
    }

    void start_expose()
    {
        exposing.observer(&expose_log);
        asio::co_spawn(context, expose_ports(std::move(pair.first), exposing),
                       asio::bind_cancellation_slot(cancel_expose.slot(), ended_into(expose_end)));
    }
    void start_forward()
    {
        forwarding.observer(&forward_log_);
        asio::co_spawn(context, forward_ports(std::move(pair.second), forwarding),
                       asio::bind_cancellation_slot(cancel_forward.slot(), ended_into(forward_end)));
    }
    void start(const forward_target& target)
    {
        forwarding.listen(forward_rule{"127.0.0.1", 0, target});
        start_expose();
        start_forward();
        run_until([this] { return !forward_log_.bound.empty(); });
    }

    template <class Condition>
    void run_until(Condition condition)
    {
        context.restart();
        const time_point end = clock::now() + testing::test_patience;
        while (!condition()) {
            ASSERT_LT(clock::now(), end);
            ASSERT_FALSE(context.run_one_for(std::chrono::seconds{10}) == 0 && context.stopped());
        }
    }
    void run_to_the_end()
    {
        run_until([this] { return expose_end && forward_end; });
    }

    // A program's connection to the forwarded port.
    any_stream program(std::size_t rule = 0)
    {
        tcp::socket socket{context};
        socket.connect(forward_log_.bound.at(rule));
        return make_tcp_stream(std::move(socket));
    }
    std::string exchange(any_stream& stream, std::string text)
    {
        asio::co_spawn(
            context,
            [&stream, text]() -> awaitable<void> {
                co_await write_all(stream, text);
                co_await stream.async_shutdown_send(use_tuple);
            },
            asio::detached);
        return read_all(stream).text;
    }
    read_result read_all(any_stream& stream)
    {
        return run_until_done(context, [&]() -> awaitable<read_result> { return read_to_end(stream); });
    }
    read_result read(any_stream& stream, std::size_t size)
    {
        return run_until_done(context,
                              [&, size]() -> awaitable<read_result> { return read_up_to(stream, size); });
    }
    void write(any_stream& stream, bytes_view bytes)
    {
        const std::string text{as_text(bytes)};
        run_until_done(context, [&]() -> awaitable<error_code> { return write_all(stream, text); });
    }
    void end(any_stream& stream)
    {
        run_until_done(context, [&]() -> awaitable<void> { co_await stream.async_shutdown_send(use_tuple); });
    }

    asio::io_context context;
    memory_stream_pair pair = make_memory_stream_pair(context.get_executor(), 64 * 1024);
    expose_options exposing;
    forward_options forwarding;
    forward_log expose_log, forward_log_;
    asio::cancellation_signal cancel_expose, cancel_forward;
    std::optional<operation_error> expose_end, forward_end;
    std::vector<std::unique_ptr<acceptor_base>> servers;
    std::deque<any_stream> held;

private:
    static std::function<void(std::exception_ptr, operation_error)>
    ended_into(std::optional<operation_error>& out)
    {
        return [&out](std::exception_ptr thrown, operation_error error) {
            EXPECT_FALSE(thrown);
            out = std::move(error);
        };
    }
};

} // namespace parley::test
