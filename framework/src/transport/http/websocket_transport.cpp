#include <parley/async/watchdog.hpp>
#include <parley/transport/tcp.hpp>
#include <parley/transport/tls.hpp>
#include <parley/transport/websocket.hpp>

#include "transport/step_report.hpp"
#include "transport/time_left.hpp"
#include "transport/upgrading_acceptor.hpp"

namespace parley {
namespace {

awaitable<connect_outcome> connect_over_websocket(connect_request request)
{
    const time_point start = clock::now();
    const relay_address address = request.address;
    const stream_kind kind = request.kind;
    const connect_options options = request.options;
    const bool secure = address.scheme == "wss";
    auto out = co_await tcp_transport().connect(std::move(request));
    if (out.error) co_return std::move(out);
    const watchdog bound{out.stream, detail::time_left(start, options.timeout)};
    if (secure) {
        const detail::step_report step{options, connect_step::tls};
        const error_code error = co_await open_tls(out.stream, address.host, options.tls, &out.detail);
        out.error = bound.explain(error);
        step.done(out.error, out.detail);
    }
    if (!out.error) {
        const detail::step_report step{options, connect_step::upgrade};
        const error_code error =
            co_await open_websocket(out.stream, address, kind, options.websocket, &out.detail, options.seat);
        out.error = bound.explain(error);
        step.done(out.error, out.detail);
    }
    co_return std::move(out);
}

awaitable<error_code> accept_upgrade(any_stream& stream, std::shared_ptr<tls_identity> shown,
                                     websocket_accept_options options)
{
    error_code error;
    if (shown) error = co_await accept_tls(stream, std::move(shown));
    if (error) co_return error;
    auto accepted = co_await accept_websocket(stream, std::move(options));
    co_return accepted.error;
}

result<std::unique_ptr<acceptor_base>> listen_on_websocket(executor ex, const listen_address& address,
                                                           const listen_options& options)
{
    const bool secure = address.scheme == "wss";
    if (secure && (!options.tls || !options.tls->current())) return make_error_code(errc::tls_failed);
    auto below = listen_tcp(ex, address, options);
    if (!below) return below;
    websocket_accept_options accepting;
    accepting.websocket = options.websocket;
    accepting.path = address.path;
    return detail::make_upgrading_acceptor(
        std::move(ex), std::move(*below),
        [shown = secure ? options.tls : nullptr, accepting](any_stream& stream) {
            return accept_upgrade(stream, shown, accepting);
        },
        options, address.scheme, address.path);
}

} // namespace

const transport& ws_transport() noexcept
{
    static constexpr transport value{"ws", 80, 80, &connect_over_websocket, &listen_on_websocket};
    return value;
}

const transport& wss_transport() noexcept
{
    static constexpr transport value{"wss", 443, 443, &connect_over_websocket, &listen_on_websocket};
    return value;
}

} // namespace parley
