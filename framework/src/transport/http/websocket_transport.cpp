#include <parley/async/watchdog.hpp>
#include <parley/transport/tcp.hpp>
#include <parley/transport/tls.hpp>
#include <parley/transport/websocket.hpp>

#include "transport/step_report.hpp"
#include "transport/time_left.hpp"

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
    diagnostics diag;
    const watchdog bound{out.stream, detail::time_left(start, options.timeout)};
    if (secure) {
        const detail::step_report step{options, connect_step::tls};
        const error_code error = co_await open_tls(out.stream, address.host, options.tls, &diag);
        out.error = bound.explain(error);
        out.detail = diag.message();
        step.done(out.error, out.detail);
    }
    if (!out.error) {
        const detail::step_report step{options, connect_step::upgrade};
        const error_code error =
            co_await open_websocket(out.stream, address, kind, options.websocket, options.seat, &diag);
        out.error = bound.explain(error);
        out.detail = diag.message();
        step.done(out.error, out.detail);
    }
    co_return std::move(out);
}

} // namespace

const transport& ws_transport() noexcept
{
    static constexpr transport value{"ws",        80,    80,    &connect_over_websocket,
                                     &listen_tcp, false, false, {true, false, false, true}};
    return value;
}

const transport& wss_transport() noexcept
{
    static constexpr transport value{"wss",       443,   443,   &connect_over_websocket,
                                     &listen_tcp, false, false, {false, true, false, true}};
    return value;
}

} // namespace parley
