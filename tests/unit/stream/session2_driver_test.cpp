// A session of version 2 runs in the driver as every machine does.
#include "support/streams.hpp"

#include <parley/proto/session2_machine.hpp>
#include <parley/stream/driver.hpp>
#include <parley/stream/memory_stream.hpp>

namespace parley::test {
namespace {

class session2_actor {
public:
    session2_actor(any_stream stream, session_role role, const session2_keys& keys, std::string text)
        : stream_{std::move(stream)},
          text_{std::move(text)},
          machine_{session2_machine::create(role, keys, {"test", "actor"}, clock::now()).value()},
          drive_{stream_, machine_, [this](session2_event_variant event) { hear(event); }}
    {
    }

    awaitable<error_code> run()
    {
        auto error = co_await drive_.run();
        stream_.close();
        co_return error;
    }
    void cancel() { drive_.stop(errc::cancelled); }

    std::string got, heard;

private:
    void hear(const session2_event_variant& event)
    {
        if (std::holds_alternative<session2_event::opened>(event)) {
            heard += "opened ";
            drive_.input([this](session2_machine& machine) {
                EXPECT_EQ(machine.write(as_bytes(text_)), text_.size());
                if (!text_.empty()) machine.end();
            });
        } else if (std::holds_alternative<session2_event::readable>(event)) {
            // In its own turn: until then the machine takes nothing from the stream.
            drive_.input([this](session2_machine& machine) {
                got += as_text(machine.received());
                machine.consume_received(machine.received().size());
            });
        } else if (std::holds_alternative<session2_event::ended>(event)) {
            heard += "ended ";
        } else if (const auto* aborted = std::get_if<session2_event::aborted>(&event)) {
            heard += "aborted " + std::to_string(static_cast<int>(aborted->reason.reason)) + ' ';
        }
    }

    any_stream stream_;
    std::string text_;
    session2_machine machine_;
    driver<session2_machine> drive_;
};

class session2_driver : public ::testing::Test {
protected:
    asio::io_context context;
    // The driver does not read while it writes, so the streams must hold what both sides write at once.
    memory_stream_pair pair = make_memory_stream_pair(context.get_executor(), 128 * 1024);
    session2_keys keys;
    error_code server_result, client_result;

    void run(session2_actor& server, session2_actor& client)
    {
        int running = 2;
        const auto start = [&](session2_actor& actor, error_code& result) {
            asio::co_spawn(
                context, [&actor]() -> awaitable<error_code> { return actor.run(); },
                [&running, to = &result](std::exception_ptr failure, error_code error) {
                    EXPECT_FALSE(failure);
                    *to = error;
                    --running;
                });
        };
        start(server, server_result);
        start(client, client_result);
        while (running != 0 && context.run_one() != 0) {
        }
        EXPECT_EQ(running, 0);
    }
};

TEST_F(session2_driver, carries_both_streams_to_their_ends)
{
    const std::string down(40'000, 'd'), up(30'000, 'u');
    session2_actor server{std::move(pair.first), session_role::server, keys, down};
    session2_actor client{std::move(pair.second), session_role::client, keys, up};
    run(server, client);
    EXPECT_FALSE(server_result) << server_result.message();
    EXPECT_FALSE(client_result) << client_result.message();
    EXPECT_EQ(client.got, down);
    EXPECT_EQ(server.got, up);
    EXPECT_EQ(server.heard, "opened ended ");
    EXPECT_EQ(client.heard, "opened ended ");
}

TEST_F(session2_driver, tells_the_other_side_when_it_is_cancelled)
{
    session2_actor server{std::move(pair.first), session_role::server, keys, ""};
    session2_actor client{std::move(pair.second), session_role::client, keys, ""};
    asio::post(context, [&] { client.cancel(); });
    run(server, client);
    EXPECT_EQ(client_result, errc::cancelled);
    EXPECT_EQ(server_result, errc::aborted_by_peer);
    EXPECT_TRUE(server.heard.ends_with("aborted 2 ")) << server.heard;
}

} // namespace
} // namespace parley::test
