// Calls every public asynchronous function as a user writes it, with a temporary for each parameter. GCC 12
// destroys a temporary aggregate in a co_await expression twice, so no parameter may be one. Strings are longer
// than those that std::string holds inside itself: a second destruction would free them again.
#include "embedding/running_relay.hpp"
#include "unit/payload/sample_files.hpp"

#include <parley/session/probe.hpp>
#include <parley/stream/driver.hpp>
#include <parley/stream/memory_stream.hpp>

#include <parley/transfer/receive_document.hpp>
#include <parley/transfer/send_document.hpp>
#include <parley/transport/connect.hpp>
#include <parley/transport/tls.hpp>
#include <parley/transport/websocket.hpp>

#include <boost/asio/use_awaitable.hpp>

#include <iostream>
#include <type_traits>

namespace parley::test {
namespace {

using namespace std::chrono_literals;
using namespace std::string_view_literals;

template <class... Options>
constexpr bool none_is_an_aggregate = (!std::is_aggregate_v<Options> && ...);
static_assert(
    none_is_an_aggregate<session_options, send_options, receive_options, probe_options, source_options,
                         receiver_options, receiver_limits, connect_options, connect_request, listen_options,
                         tcp_options, tls_client_options, websocket_options, websocket_accept_options,
                         driver_options, memory_stream_options, relay_server_options, relay_limits,
                         relay_address, listen_address, secret_bytes, identity>);

// What crashed: it must not compile any more.
template <class Options>
concept takes_nested_braces = requires(relay_address address) { Options{{.relay = address}}; };
static_assert(!takes_nested_braces<send_options> && !takes_nested_braces<receive_options>);
struct aggregate_base {
    relay_address relay;
};
struct aggregate : aggregate_base {};
static_assert(takes_nested_braces<aggregate>); // the concept itself is right

constexpr auto ca_file = "/no/such/directory/with/authorities.pem";

int failures = 0;

void expect(bool holds, std::string_view what)
{
    if (holds) return;
    ++failures;
    std::cerr << "failed: " << what << '\n';
}

// The relay, with a path that TCP has no use for.
relay_address with_path(const relay_address& address)
{
    return {address.scheme, address.host, address.port, address.room_port, "/a/path/that/is/not/short"};
}

// One end of a stream whose other end is closed.
any_stream closed_stream(const executor& ex)
{
    auto pair = make_memory_stream_pair(ex);
    pair.second.close();
    return std::move(pair.first);
}

awaitable<void> send(document_source& source, const relay_address& address, peer_observer& observer)
{
    auto sent = co_await send_document(
        secret_bytes{"a password of several words"sv}, source,
        send_options{}.relay(with_path(address)).idle_timeout(30s).ca_file(ca_file).iterations(8), observer);
    expect(sent.has_value(), "send_document");
}

awaitable<void> async_send(document_source& source, const relay_address& address, peer_observer& observer)
{
    auto ex = co_await asio::this_coro::executor;
    auto sent =
        co_await async_send_document(ex, secret_bytes{"a password of several words"sv}, source,
                                     send_options{}.relay(with_path(address)).ca_file(ca_file).iterations(8),
                                     observer, asio::use_awaitable);
    expect(sent.has_value(), "async_send_document");
}

awaitable<void> receive(document_receiver& into, const relay_address& address, peer_observer& observer)
{
    auto received = co_await receive_document(
        secret_bytes{"a password of several words"sv}, into,
        receive_options{}.relay(with_path(address)).idle_timeout(30s).ca_file(ca_file), observer);
    expect(received.has_value(), "receive_document");
}

awaitable<void> async_receive(document_receiver& into, const relay_address& address, peer_observer& observer)
{
    auto ex = co_await asio::this_coro::executor;
    auto received = co_await async_receive_document(
        ex, secret_bytes{"a password of several words"sv}, into,
        receive_options{}.relay({"tcp", address.host, address.port, address.room_port, "/another/long/path"}),
        observer, asio::use_awaitable);
    expect(received.has_value(), "async_receive_document");
}

awaitable<void> probe(const relay_address& address)
{
    int steps = 0;
    auto error = co_await probe_relay(probe_options{}.relay(with_path(address)).ca_file(ca_file),
                                      [&steps](const probe_step&) { ++steps; });
    expect(!error && steps > 0, "probe_relay");
}

awaitable<void> call_transports(const relay_address& address, std::uint16_t closed_port)
{
    const auto kind = stream_kind::handshake;
    auto open = co_await connect(with_path(address), kind);
    expect(!open.error, "connect");
    auto closed =
        co_await connect(relay_address{"tcp", "127.0.0.1", closed_port, closed_port, "/a/long/path/here"},
                         kind, connect_options{});
    expect(closed.error == errc::connect_failed, "connect to a closed port");
    auto room = co_await connect_to_address(open.stream.remote_endpoint(), with_path(address),
                                            stream_kind::room, connect_options{});
    expect(!room.error, "connect_to_address");
    auto raced = co_await connect_tcp(
        std::vector<tcp_endpoint>(2, tcp_endpoint{asio::ip::address_v4::loopback(), closed_port}),
        connect_options{});
    expect(raced.error == errc::connect_failed, "connect_tcp");
}

awaitable<void> call_layers(const relay_address& address)
{
    const executor ex = co_await asio::this_coro::executor;
    any_stream stream = closed_stream(ex);
    auto error = co_await open_tls(stream, "a.relay.with.a.long.name.example", tls_client_options{ca_file});
    expect(error == errc::tls_failed, "open_tls");
    stream = closed_stream(ex);
    error = co_await open_tls(stream, "a.relay.with.a.long.name.example", tls_client_options{});
    expect(error.failed(), "open_tls with the system's authorities");
    stream = closed_stream(ex);
    error = co_await open_websocket(stream, with_path(address), stream_kind::room, websocket_options{});
    expect(error.failed(), "open_websocket");
    stream = closed_stream(ex);
    auto accepted = co_await accept_websocket(stream, websocket_accept_options{});
    expect(accepted.error.failed(), "accept_websocket");
}

template <class Send, class Receive>
void transfer(Send send_it, Receive receive_it)
{
    const parley::testing::temporary_folder scratch;
    asio::io_context context;
    running_relay relay{context};
    auto source = document_source::from_bytes("document", parley_test::bytes_of("a document"));
    receiver_options where;
    where.directory = scratch.path();
    auto receiver = document_receiver::create(where);
    peer_observer silent;
    int ended = 0;
    const auto on_end = [&](std::exception_ptr thrown) {
        expect(!thrown, "no exception");
        if (++ended == 2) relay.stop();
    };
    asio::co_spawn(context, send_it(*source, relay.address, silent), on_end);
    asio::co_spawn(context, receive_it(*receiver, relay.address, silent), on_end);
    context.run();
    expect(ended == 2, "both ended");
}

void call_the_rest()
{
    asio::io_context context;
    running_relay relay{context};
    asio::ip::tcp::acceptor reserved{context, {asio::ip::address_v4::loopback(), 0}};
    const auto closed_port = reserved.local_endpoint().port();
    reserved.close();
    int ended = 0;
    const auto on_end = [&](std::exception_ptr thrown) {
        expect(!thrown, "no exception");
        if (++ended == 3) relay.stop();
    };
    asio::co_spawn(context, probe(relay.address), on_end);
    asio::co_spawn(context, call_transports(relay.address, closed_port), on_end);
    asio::co_spawn(context, call_layers(relay.address), on_end);
    context.run();
    expect(ended == 3, "all ended");
}

int run()
{
    transfer(send, receive);
    transfer(async_send, async_receive);
    call_the_rest();
    return failures == 0 ? 0 : 1;
}

} // namespace
} // namespace parley::test

int main()
{
    return parley::test::run();
}
