#include "bench/failure.hpp"
#include "bench/load_process.hpp"
#include "bench/stream_ends.hpp"

#include <parley/relay/relay_server.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include <thread>

namespace parley::bench {
namespace {

struct connected {
    descriptor one, other;
};

connected connect_both()
{
    const listening at = listen_on_loopback();
    connected out;
    out.one = connect_blocking({wire_kind::tcp, "127.0.0.1", at.port, {}}, any_source);
    out.other = accept_one(at.socket);
    return out;
}

// A relay on a thread of its own.
class running_relay {
public:
    running_relay()
    {
        if (server_.listen()) throw failure{"the relay cannot listen"};
        asio::co_spawn(context_, server_.run(), [](std::exception_ptr, error_code) {});
        thread_ = std::thread{[this] { context_.run(); }};
    }
    ~running_relay()
    {
        asio::post(context_, [this] { server_.stop(); });
        thread_.join();
    }
    relay_endpoints endpoints() const
    {
        return {parse_endpoint(server_.bound_handshake_texts().at(0)),
                parse_endpoint(server_.bound_room_texts().at(0))};
    }

private:
    static relay_server_options options()
    {
        relay_server_options out;
        out.handshake_addresses = {{"tcp", "127.0.0.1", 0}};
        out.room_addresses = {{"tcp", "127.0.0.1", 0}};
        return out;
    }

    asio::io_context context_{1};
    relay_observer nobody_;
    relay_server server_{context_.get_executor(), options(), nobody_};
    std::thread thread_;
};

// Nothing is between its ends.
stream_ends loopback_ends()
{
    connected room = connect_both();
    return bare_ends({load_socket{std::move(room.one)}, load_socket{std::move(room.other)}});
}

void expect_to_carry(const std::function<stream_ends()>& open)
{
    const stream_passage passed = pass_blocks(open(), 40);
    EXPECT_GT(passed.room_seconds, 0);
    EXPECT_GE(passed.whole.seconds, passed.room_seconds);
    EXPECT_GT(passed.whole.cpu_seconds.at("sender"), 0);
    EXPECT_GT(passed.whole.cpu_seconds.at("receiver"), 0);
    const latency_recorder latencies = echo_bytes(open(), 0.02);
    EXPECT_GT(latencies.count(), 0u);
    EXPECT_GT(latencies.percentile(50).count(), 0);
}

TEST(StreamEnds, ABareRoomCarriesBlocksAndEchoes)
{
    expect_to_carry(&loopback_ends);
}

TEST(StreamEnds, ASecureStreamCarriesBlocksAndEchoes)
{
    running_relay relay;
    int number = 0;
    expect_to_carry([&] { return secure_ends(relay.endpoints(), "stream" + std::to_string(number++)); });
}

TEST(StreamEnds, AByteThatChangesOnItsWayIsSeen)
{
    connected from = connect_both(), to = connect_both();
    const load_process between{[&] {
        byte_vector piece(stream_block_bytes);
        std::uint64_t passed = 0;
        constexpr std::uint64_t changed = 3 * stream_block_bytes - 1;
        for (;;) {
            const ssize_t size = ::recv(from.other.get(), piece.data(), piece.size(), 0);
            if (size <= 0) return;
            const std::uint64_t end = passed + static_cast<std::uint64_t>(size);
            if (passed <= changed && changed < end) piece[changed - passed] ^= 1;
            passed = end;
            if (!write_all(to.one.get(), as_text(bytes_view{piece}.first(static_cast<std::size_t>(size)))))
                return;
        }
    }};
    const stream_ends ends = bare_ends({load_socket{std::move(from.one)}, load_socket{std::move(to.other)}});
    EXPECT_THROW(pass_blocks(ends, 3), failure);
}

TEST(StreamEnds, AnEndThatCannotBeOpenedIsAFailure)
{
    for (const bool sending : {true, false}) {
        stream_ends ends = loopback_ends();
        const auto broken = []() -> awaitable<any_stream> {
            throw failure{"this end does not open"};
            co_return any_stream{};
        };
        if (sending)
            ends.sender = [broken](std::atomic<bool>&) { return broken(); };
        else
            ends.receiver = broken;
        EXPECT_THROW(pass_blocks(ends, 1), failure);
    }
}

} // namespace
} // namespace parley::bench
