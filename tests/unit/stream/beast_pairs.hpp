// Both ends of a WebSocket of Beast's, for tests of the adapter.
#pragma once

#include "support/streams.hpp"

#include <parley/stream/beast_websocket.hpp>

#include <boost/beast/websocket/stream.hpp>

namespace parley::test {
namespace {

using boost::beast::role_type;

// Both ends of a WebSocket as Beast's, over a pair of any kind.
struct beast_pair {
    std::unique_ptr<beast_websocket> client, server;
};

beast_pair handshake(asio::io_context& context, kind below = kind::memory)
{
    auto pair = make_pair_of(context, below);
    beast_pair out{std::make_unique<beast_websocket>(std::move(pair.first)),
                   std::make_unique<beast_websocket>(std::move(pair.second))};
    int done = 0;
    const auto handler = [&](error_code error) {
        EXPECT_FALSE(error);
        ++done;
    };
    out.server->async_accept(handler);
    out.client->async_handshake("relay.example", "/", handler);
    while (done < 2) context.run_one();
    return out;
}

struct ends {
    any_stream client, server;
};

ends make_ends(asio::io_context& context, kind below = kind::memory, stream_kind what = stream_kind::room)
{
    beast_pair beast = handshake(context, below);
    return {make_beast_websocket_stream(std::move(*beast.client), role_type::client, what),
            make_beast_websocket_stream(std::move(*beast.server), role_type::server, what)};
}

// The adapter in one role, and what stood below Beast at the other end.
struct bare {
    any_stream raw, stream;
};

bare make_bare(asio::io_context& context, role_type role, const websocket_options& options = {})
{
    beast_pair beast = handshake(context);
    auto& own = role == role_type::client ? beast.client : beast.server;
    auto& other = role == role_type::client ? beast.server : beast.client;
    bare out;
    out.raw = std::move(other->next_layer());
    out.stream = make_beast_websocket_stream(std::move(*own), role, stream_kind::handshake, options);
    return out;
}

} // namespace
} // namespace parley::test
