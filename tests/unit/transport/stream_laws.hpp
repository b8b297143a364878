// What holds for the two ends of a stream on top of another one, whatever it is.
#pragma once

#include "support/streams.hpp"

#include <parley/async/spawn.hpp>

namespace parley::test {

// `client` sends much and ends; `server` reads all of it, answers after that end, and ends too.
inline void expect_each_side_ends_by_itself(asio::io_context& context, any_stream& client, any_stream& server)
{
    const std::string large(300'000, 'x');
    testing::run_until_done(context, [&]() -> awaitable<void> {
        spawn(
            context.get_executor(),
            [&]() -> awaitable<void> {
                auto failed = co_await write_all(client, large);
                EXPECT_FALSE(failed);
                auto shut = co_await client.async_shutdown_send(use_tuple);
                EXPECT_FALSE(std::get<0>(shut));
            },
            "writer");
        auto got = co_await read_to_end(server);
        EXPECT_EQ(got.text, large);
        EXPECT_EQ(got.error, asio::error::eof);
        auto failed = co_await write_all(server, "late");
        EXPECT_FALSE(failed);
        server.close();
        got = co_await read_to_end(client);
        EXPECT_EQ(got.text, "late");
        EXPECT_EQ(got.error, asio::error::eof);
        client.close();
    });
    EXPECT_TRUE(testing::drain(context));
}

} // namespace parley::test
