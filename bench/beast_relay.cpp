#include "bench/failure.hpp"
#include "bench/system_under_test.hpp"

#include <parley/async/spawn.hpp>
#include <parley/relay/relay_server.hpp>
#include <parley/stream/beast_websocket.hpp>
#include <parley/transport/tcp.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/websocket/stream.hpp>

#include <unistd.h>

namespace parley::bench {
namespace {

namespace beast = boost::beast;

awaitable<void> serve_one(any_stream stream, relay_server& relay)
{
    const identity who = stream.remote_identity();
    beast_websocket socket{std::move(stream)};
    beast::flat_buffer buffer;
    beast::http::request<beast::http::empty_body> request;
    const auto read = co_await beast::http::async_read(socket.next_layer(), buffer, request, use_tuple);
    if (std::get<0>(read)) co_return;
    const std::string protocol{request[beast::http::field::sec_websocket_protocol]};
    socket.set_option(
        beast::websocket::stream_base::decorator([protocol](beast::websocket::response_type& answer) {
            answer.set(beast::http::field::sec_websocket_protocol, protocol);
        }));
    const auto accepted = co_await socket.async_accept(request, use_tuple);
    if (std::get<0>(accepted)) co_return;
    const stream_kind kind = protocol == "bob.room" ? stream_kind::room : stream_kind::handshake;
    any_stream opened = make_beast_websocket_stream(std::move(socket), beast::role_type::server, kind);
    if (kind == stream_kind::room)
        relay.serve_room(std::move(opened), who);
    else
        relay.serve_handshake(std::move(opened), who);
}

void serve_with_beast(const listening& at)
{
    asio::io_context context{1};
    relay_server_options options;
    // What bounds strangers on the internet would bound the load of a generator on one machine.
    options.limits.connections = options.limits.connections_per_address = 0;
    options.limits.waiting_per_address = options.limits.agreements_per_address = 0;
    options.limits.rooms_per_address = 0;
    options.limits.connections_per_second = options.limits.hellos_per_second = 0;
    options.limits.attempts_per_minute = options.limits.packets_per_second = 0;
    options.limits.announcements_per_second = 0;
    options.limits.memory = 0;
    relay_observer nobody;
    relay_server relay{context.get_executor(), options, nobody};
    spawn(
        context.get_executor(),
        [&relay]() -> awaitable<void> {
            const error_code ended = co_await relay.run();
            throw failure{"the relay with Beast has ended: " + ended.message()};
        },
        "relay with Beast");
    listen_options listening_options;
    listening_options.passed_sockets = {::dup(at.socket.get())};
    const auto address = listen_address::parse("127.0.0.1:" + std::to_string(at.port));
    auto acceptor = listen_tcp(context.get_executor(), *address, listening_options);
    if (!acceptor) throw failure{"the relay with Beast cannot listen: " + acceptor.error().message()};
    (*acceptor)->start([&](any_stream stream) {
        spawn(
            context.get_executor(),
            [&relay, stream = std::move(stream)]() mutable { return serve_one(std::move(stream), relay); },
            "serve one");
    });
    context.run();
}

} // namespace

system_kind beast_relay_kind()
{
    return forked_relay_kind("relay with Beast", wire_kind::websocket, &serve_with_beast);
}

} // namespace parley::bench
