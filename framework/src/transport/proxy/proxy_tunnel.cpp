#include "transport/proxy/proxy_tunnel.hpp"

#include "transport/proxy/http_connect.hpp"
#include "transport/proxy/socks5.hpp"
#include "transport/resolve_for.hpp"
#include "transport/step_report.hpp"
#include "transport/time_left.hpp"

#include <parley/async/watchdog.hpp>
#include <parley/transport/connect.hpp>
#include <parley/transport/proxy.hpp>

#include <boost/asio/write.hpp>

#include <algorithm>
#include <array>

namespace parley::detail {
namespace {

std::unique_ptr<proxy_dialogue> make_dialogue(const proxy_settings& proxy, const std::string& host,
                                              std::uint16_t port)
{
    if (proxy.kind == proxy_kind::http) return std::make_unique<http_connect>(host, port, proxy);
    return std::make_unique<socks5>(host, port, proxy);
}

awaitable<error_code> carry(any_stream& stream, proxy_dialogue& dialogue)
{
    while (!dialogue.finished()) {
        const bytes_view out = dialogue.output();
        if (!out.empty()) {
            const auto written =
                co_await asio::async_write(stream, asio::buffer(out.data(), out.size()), use_tuple);
            dialogue.output_written();
            const error_code failed = std::get<0>(written);
            if (failed) co_return failed;
        }
        std::array<byte, 260> bytes;
        const std::size_t most = std::min(bytes.size(), dialogue.wanted());
        const auto read = co_await stream.async_read_some(asio::buffer(bytes.data(), most), use_tuple);
        const error_code failed = std::get<0>(read);
        if (failed == asio::error::eof)
            dialogue.receive_end();
        else if (failed)
            co_return failed;
        else
            dialogue.receive(bytes_view{bytes}.first(std::get<1>(read)));
    }
    co_return dialogue.error();
}

awaitable<result<std::vector<tcp_endpoint>>> find_proxy(const connect_request& request)
{
    const proxy_settings& proxy = *request.options.proxy;
    if (request.exact) co_return std::vector<tcp_endpoint>{{request.exact->address(), proxy.port}};
    const step_report step{request.options, connect_step::resolve};
    auto found = co_await resolve_for(request.options, proxy.host, proxy.port);
    if (!found && found.error() == errc::name_not_resolved) found = errc::proxy_not_resolved;
    step.done(found ? error_code{} : found.error(),
              found ? std::to_string(found->size()) + " for the proxy " + proxy.host : proxy.text());
    co_return found;
}

} // namespace

awaitable<connect_outcome> connect_through_proxy(connect_request request)
{
    const time_point start = clock::now();
    const connect_options& options = request.options;
    const proxy_settings& proxy = *options.proxy;
    const std::string name = "the proxy " + escaped(proxy.text());
    connect_outcome out;

    auto endpoints = co_await find_proxy(request);
    if (!endpoints) {
        out.error = endpoints.error();
        out.detail = name;
        co_return std::move(out);
    }
    connect_options connecting = options;
    connecting.timeout = time_left(start, options.timeout);
    const step_report connecting_step{options, connect_step::connect};
    out = co_await connect_tcp(std::move(*endpoints), std::move(connecting));
    if (out.error) {
        const std::string attempts = out.describe_attempts();
        if (out.error == errc::connect_failed) out.error = errc::proxy_unreachable;
        out.detail = name + (attempts.empty() ? "" : ": " + attempts);
        connecting_step.done(out.error, out.detail);
        co_return std::move(out);
    }
    connecting_step.done({}, to_text(*out.stream.remote_endpoint()) + ", the proxy");

    const step_report proxy_step{options, connect_step::proxy};
    const auto dialogue = make_dialogue(proxy, request.address.host, request.port());
    {
        const watchdog bound{out.stream, time_left(start, options.timeout)};
        const error_code error = co_await carry(out.stream, *dialogue);
        out.error = bound.explain(error);
    }
    out.detail = name;
    if (!dialogue->detail().empty()) {
        out.detail += ": " + dialogue->detail();
    } else if (out.error == errc::timed_out) {
        out.detail += " has not answered in time";
        if (dialogue->owes_answer()) out.error = errc::proxy_failed;
    } else if (out.error && out.error != asio::error::operation_aborted) {
        out.detail += ": " + out.error.message();
        out.error = errc::proxy_failed; // the connection to the proxy broke
    }
    proxy_step.done(out.error, out.error ? out.detail : proxy.text());
    if (out.error)
        out.stream.close();
    else
        out.detail.clear();
    co_return std::move(out);
}

} // namespace parley::detail
