// WebSockets for tests of what stands on them.
#pragma once

#include "support/streams.hpp"

#include <parley/async/spawn.hpp>
#include <parley/transport/websocket.hpp>

namespace parley::test {

// Opens a WebSocket over a connected pair: its first stream is a peer's, its second a relay's.
inline awaitable<memory_stream_pair> open_websocket_over(memory_stream_pair below, stream_kind what,
                                                         websocket_options options = {})
{
    const executor ex = co_await asio::this_coro::executor;
    bool accepted = false;
    spawn(
        ex,
        [&]() -> awaitable<void> {
            websocket_accept_options accepting;
            accepting.websocket = options;
            auto answered = co_await accept_websocket(below.second, std::move(accepting));
            EXPECT_FALSE(answered.error);
            accepted = true;
        },
        "accepts a WebSocket");
    const auto address = relay_address::parse("ws://relay.example");
    diagnostics diag;
    const auto error = co_await open_websocket(below.first, *address, what, options, {}, &diag);
    EXPECT_FALSE(error) << diag.message();
    while (!accepted) co_await yield_once();
    co_return std::move(below);
}

} // namespace parley::test
