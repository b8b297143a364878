#include <parley/transport/connect.hpp>
#include <parley/transport/tcp.hpp>

#include "stream/socket/socket_stream.hpp"
#include "transport/proxy/proxy_tunnel.hpp"
#include "transport/resolve_for.hpp"
#include "transport/socket_tuning.hpp"
#include "transport/step_report.hpp"
#include "transport/time_left.hpp"

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/io_context.hpp>

#include <netinet/tcp.h>

#include <algorithm>
#include <limits>

namespace parley {
namespace {

using asio::ip::tcp;

template <class Value>
void set(int descriptor, int level, int name, const Value& value) noexcept
{
    ::setsockopt(descriptor, level, name, &value, sizeof value);
}

template <class Executor>
class tcp_stream final : public detail::socket_stream<asio::basic_stream_socket<tcp, Executor>> {
public:
    using socket = asio::basic_stream_socket<tcp, Executor>;

    explicit tcp_stream(socket s) : detail::socket_stream<socket>(std::move(s))
    {
        error_code ignored;
        remote_ = this->socket_.remote_endpoint(ignored);
    }
    ~tcp_stream() override { tcp_stream::close(); }

    void close() noexcept override { this->close_socket(); }
    void reset_on_close(bool abort) noexcept override
    {
        detail::reset_on_close(this->native_handle(), abort);
    }

    void set_acknowledgement_timeout(std::chrono::milliseconds timeout) noexcept override
    {
        constexpr std::chrono::milliseconds::rep most = std::numeric_limits<int>::max();
        set(this->native_handle(), IPPROTO_TCP, TCP_USER_TIMEOUT,
            static_cast<int>(std::clamp<std::chrono::milliseconds::rep>(timeout.count(), 0, most)));
    }

    std::string remote_address() const override { return to_text(remote_); }
    identity remote_identity() const noexcept override { return identity_of(remote_); }
    std::optional<tcp_endpoint> remote_endpoint() const noexcept override { return remote_; }
    std::string_view transport_name() const noexcept override { return tcp_transport().scheme; }

private:
    tcp_endpoint remote_; // a closed socket no longer knows it
};

template <class Socket>
any_stream adopt(Socket socket)
{
    return any_stream{std::make_unique<tcp_stream<typename Socket::executor_type>>(std::move(socket))};
}

} // namespace

namespace detail {

void tune_socket(int descriptor, const tcp_options& options) noexcept
{
    set(descriptor, IPPROTO_TCP, TCP_NODELAY, int{options.no_delay});
    if (options.dead_path_timeout.count() > 0) {
        constexpr int probes = 2;
        constexpr std::chrono::seconds::rep max_seconds = 32767; // the system's bound
        const auto period = std::clamp(options.dead_path_timeout.count() / (1 + probes),
                                       std::chrono::seconds::rep{1}, max_seconds);
        set(descriptor, SOL_SOCKET, SO_KEEPALIVE, 1);
        set(descriptor, IPPROTO_TCP, TCP_KEEPIDLE, static_cast<int>(period));
        set(descriptor, IPPROTO_TCP, TCP_KEEPINTVL, static_cast<int>(period));
        set(descriptor, IPPROTO_TCP, TCP_KEEPCNT, probes);
    }
    if (options.receive_buffer_bytes > 0)
        set(descriptor, SOL_SOCKET, SO_RCVBUF, options.receive_buffer_bytes);
    if (options.send_buffer_bytes > 0) set(descriptor, SOL_SOCKET, SO_SNDBUF, options.send_buffer_bytes);
}

void reset_on_close(int descriptor, bool reset) noexcept
{
    set(descriptor, SOL_SOCKET, SO_LINGER, ::linger{reset ? 1 : 0, 0});
}

any_stream adopt_tcp_socket(tcp::socket socket)
{
    return adopt(std::move(socket));
}

any_stream adopt_tcp_socket(asio::basic_stream_socket<tcp, asio::io_context::executor_type> socket)
{
    return adopt(std::move(socket));
}

} // namespace detail

any_stream make_tcp_stream(tcp::socket socket, const tcp_options& options)
{
    detail::tune_socket(socket.native_handle(), options);
    return adopt(std::move(socket));
}

any_stream make_tcp_stream(asio::basic_stream_socket<tcp, asio::io_context::executor_type> socket,
                           const tcp_options& options)
{
    detail::tune_socket(socket.native_handle(), options);
    return adopt(std::move(socket));
}

identity identity_of(const tcp_endpoint& endpoint) noexcept
{
    tcp_endpoint plain = endpoint;
    if (endpoint.address().is_v6()) {
        asio::ip::address_v6 address = endpoint.address().to_v6();
        address.scope_id(0);
        plain.address(address);
    }
    // At most "[" 39 "]:" 5 = 47 printable bytes, so it always fits.
    const auto text = identity::from_text(to_text(plain));
    return text ? *text : identity{};
}

namespace {

std::string to_string(const std::vector<tcp_endpoint>& endpoints)
{
    constexpr std::size_t most = 4;
    std::string out;
    for (std::size_t i = 0; i < std::min(most, endpoints.size()); ++i)
        out += (i == 0 ? "" : ", ") + endpoints[i].address().to_string();
    if (endpoints.size() > most) out += " and " + std::to_string(endpoints.size() - most) + " more";
    return out;
}

awaitable<connect_outcome> connect_over_tcp(connect_request request)
{
    if (request.options.proxy) {
        auto through = co_await detail::connect_through_proxy(std::move(request));
        co_return std::move(through);
    }
    const time_point start = clock::now();
    std::vector<tcp_endpoint> endpoints;
    if (request.exact) {
        endpoints.push_back({request.exact->address(), request.port()});
    } else {
        const detail::step_report resolving{request.options, connect_step::resolve};
        auto resolved = co_await detail::resolve_for(request.options, request.address.host, request.port());
        resolving.done(resolved ? error_code{} : resolved.error(), resolved ? to_string(*resolved) : "");
        if (!resolved) {
            connect_outcome failed;
            failed.error = resolved.error();
            co_return failed;
        }
        endpoints = std::move(*resolved);
    }
    connect_options options = request.options;
    options.timeout = detail::time_left(start, options.timeout);
    const detail::step_report connecting{request.options, connect_step::connect};
    auto outcome = co_await connect_tcp(std::move(endpoints), std::move(options));
    connecting.done(outcome.error,
                    outcome.error ? outcome.describe() : to_text(*outcome.stream.remote_endpoint()));
    co_return outcome;
}

} // namespace

const transport& tcp_transport() noexcept
{
    static constexpr transport value{"tcp",       9000,  9001,  &connect_over_tcp,
                                     &listen_tcp, false, false, {true, true, true, true}};
    return value;
}

} // namespace parley
