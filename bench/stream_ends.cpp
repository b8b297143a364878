#include "bench/stream_ends.hpp"

#include "bench/documents.hpp"
#include "bench/failure.hpp"
#include "bench/load_process.hpp"

#include <parley/session/meeting.hpp>
#include <parley/transport/tcp.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/write.hpp>

#include <thread>
#include <unistd.h>

namespace parley::bench {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

constexpr const char* bench_protocol = "parley-bench";
constexpr auto look_again_after = 1ms;
constexpr double echo_warm_up_share = 0.25;

// What one end leaves to the harness. Both are read after its process has ended, but for `ready`.
struct end_record {
    std::atomic<bool> ready;
    bool done = false;
    std::int64_t cpu_ns = 0;
    std::int64_t room_ns = 0;
    latency_recorder latencies;
};

using end_work = std::function<awaitable<void>(any_stream&, end_record&)>;

void expect_success(error_code error, const char* what)
{
    if (error) throw failure{std::string{what} + " of a stream: " + error.message()};
}

awaitable<void> write_whole(any_stream& to, bytes_view bytes)
{
    const auto written = co_await asio::async_write(to, asio::buffer(bytes.data(), bytes.size()), use_tuple);
    expect_success(std::get<0>(written), "a write");
}

// False at the end of the stream.
awaitable<bool> read_whole(any_stream& from, mutable_bytes out)
{
    const auto read = co_await asio::async_read(from, asio::buffer(out.data(), out.size()), use_tuple);
    const auto [error, size] = read;
    if (error == asio::error::eof && size == 0) co_return false;
    expect_success(error, "a read");
    co_return true;
}

awaitable<void> read_expected(any_stream& from, mutable_bytes out)
{
    const bool more = co_await read_whole(from, out);
    if (!more) throw failure{"a stream has ended early"};
}

awaitable<void> end_in_order(any_stream& stream)
{
    const auto ended = co_await stream.async_shutdown_send(use_tuple);
    expect_success(std::get<0>(ended), "the end");
    byte_vector rest(1);
    const bool more = co_await read_whole(stream, rest);
    if (more) throw failure{"a stream has bytes that nobody has sent"};
    stream.close();
}

awaitable<void> send_blocks(any_stream& to, std::uint64_t blocks, end_record& record)
{
    byte_vector block = random_bytes(stream_block_bytes, 1), answer(1);
    const auto begin = steady_clock::now();
    for (std::uint64_t i = 0; i < blocks; ++i) {
        store_be(block.data(), i); // makes each block differ
        co_await write_whole(to, block);
    }
    co_await read_expected(to, answer);
    record.room_ns = std::chrono::nanoseconds{steady_clock::now() - begin}.count();
}

awaitable<void> receive_blocks(any_stream& from, std::uint64_t blocks)
{
    byte_vector expected = random_bytes(stream_block_bytes, 1), got(stream_block_bytes);
    for (std::uint64_t i = 0; i < blocks; ++i) {
        store_be(expected.data(), i);
        co_await read_expected(from, got);
        if (got != expected) throw failure{"a stream has changed what passed through it"};
    }
    co_await write_whole(from, bytes_view{got}.first(1));
}

awaitable<void> ask_for_echoes(any_stream& to, double seconds, latency_recorder& latencies)
{
    byte_vector sent(1), got(1);
    const auto begin = steady_clock::now();
    const std::chrono::duration<double> warm_up{seconds * echo_warm_up_share},
        whole{seconds + warm_up.count()};
    do {
        const auto start = steady_clock::now();
        ++sent[0];
        co_await write_whole(to, sent);
        co_await read_expected(to, got);
        const auto end = steady_clock::now();
        if (got != sent) throw failure{"a stream has changed what passed through it"};
        if (start - begin >= warm_up) latencies.record(end - start);
    } while (steady_clock::now() - begin < whole || latencies.count() == 0);
}

awaitable<void> answer_echoes(any_stream& to)
{
    byte_vector one(1);
    for (;;) {
        const bool more = co_await read_whole(to, one);
        if (!more) co_return;
        co_await write_whole(to, one);
    }
}

template <class Open>
load_process start_end(const Open& open, const end_work& work, end_record& record)
{
    return load_process{[&] {
        asio::io_context context{1};
        std::exception_ptr thrown;
        asio::co_spawn(
            executor{context.get_executor()},
            [&]() -> awaitable<void> {
                any_stream stream = co_await open();
                co_await work(stream, record);
                co_await end_in_order(stream);
            },
            [&](std::exception_ptr escaped) { thrown = escaped; });
        context.run();
        if (thrown) std::rethrow_exception(thrown);
        record.cpu_ns = own_cpu_ns();
        record.done = true;
    }};
}

// Whether it runs. Throws failure if it has ended without being done.
bool under_way(load_process& end, const end_record& record)
{
    if (end.running()) return true;
    if (!record.done) throw failure{"an end of a stream has failed"};
    return false;
}

passage run_both(const stream_ends& ends, const end_work& send, const end_work& receive,
                 const shared_array<end_record>& records)
{
    const auto limit = steady_clock::now() + transfer_timeout;
    const auto wait = [&] {
        if (steady_clock::now() > limit) throw failure{"a stream does not end"};
        std::this_thread::sleep_for(look_again_after);
    };
    const auto open = [&] { return ends.sender(records[0].ready); };
    load_process sender = start_end(open, send, records[0]);
    while (under_way(sender, records[0]) && !records[0].ready) wait();
    const auto begin = steady_clock::now();
    load_process receiver = start_end(ends.receiver, receive, records[1]);
    for (;;) {
        const bool sending = under_way(sender, records[0]), receiving = under_way(receiver, records[1]);
        if (!sending && !receiving) break;
        wait();
    }
    passage out;
    out.seconds = std::chrono::duration<double>(steady_clock::now() - begin).count();
    out.cpu_seconds = {{"sender", static_cast<double>(records[0].cpu_ns) * 1e-9},
                       {"receiver", static_cast<double>(records[1].cpu_ns) * 1e-9}};
    return out;
}

struct readiness final : peer_observer {
    explicit readiness(std::atomic<bool>& flag) : ready(flag) {}
    void waiting() override { ready = true; }
    std::atomic<bool>& ready;
};

any_stream opened(std::tuple<error_code, meeting> met, const diagnostics& said)
{
    auto& [error, both] = met;
    if (error) throw failure{"two peers do not meet: " + said.message()};
    return std::move(both.stream);
}

} // namespace

stream_ends secure_ends(const relay_endpoints& at, const std::string& code)
{
    const endpoint& first = at.handshake;
    const relay_address relay{std::string{wire_name(first.kind)}, first.host, first.port, at.room.port,
                              first.path};
    return {[=](std::atomic<bool>& ready) -> awaitable<any_stream> {
                readiness observer{ready};
                diagnostics said;
                offer_options options;
                options.protocol(bench_protocol).observer(&observer).diagnostics(&said);
                secret_bytes password{std::string_view{code}};
                auto met = co_await async_offer(relay, std::move(password), options, use_tuple);
                co_return opened(std::move(met), said);
            },
            [=]() -> awaitable<any_stream> {
                diagnostics said;
                join_options options;
                options.protocol(bench_protocol).diagnostics(&said);
                secret_bytes password{std::string_view{code}};
                auto met = co_await async_join(relay, std::move(password), options, use_tuple);
                co_return opened(std::move(met), said);
            }};
}

stream_ends bare_ends(room_ends room)
{
    const auto both = std::make_shared<room_ends>(std::move(room));
    const auto wrap = [](const executor& ex, load_socket& mine, load_socket& others) {
        others.reset();
        asio::ip::tcp::socket socket{ex};
        socket.assign(asio::ip::tcp::v4(), ::dup(mine.get()));
        return make_tcp_stream(std::move(socket));
    };
    return {[=](std::atomic<bool>& ready) -> awaitable<any_stream> {
                const executor ex = co_await asio::this_coro::executor;
                ready = true;
                co_return wrap(ex, both->sender, both->receiver);
            },
            [=]() -> awaitable<any_stream> {
                const executor ex = co_await asio::this_coro::executor;
                co_return wrap(ex, both->receiver, both->sender);
            }};
}

stream_passage pass_blocks(const stream_ends& ends, std::uint64_t blocks)
{
    const shared_array<end_record> records{2};
    stream_passage out;
    out.whole = run_both(
        ends, [=](any_stream& stream, end_record& record) { return send_blocks(stream, blocks, record); },
        [=](any_stream& stream, end_record&) { return receive_blocks(stream, blocks); }, records);
    out.room_seconds = static_cast<double>(records[0].room_ns) * 1e-9;
    return out;
}

latency_recorder echo_bytes(const stream_ends& ends, double seconds)
{
    const shared_array<end_record> records{2};
    run_both(
        ends,
        [=](any_stream& stream, end_record& record) {
            return ask_for_echoes(stream, seconds, record.latencies);
        },
        [](any_stream& stream, end_record&) { return answer_echoes(stream); }, records);
    return records[0].latencies;
}

} // namespace parley::bench
