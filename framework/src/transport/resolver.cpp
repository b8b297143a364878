#include <parley/transport/resolver.hpp>

#include "async/one_shot.hpp"
#include "transport/resolve_for.hpp"

#include <boost/asio/ip/address.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <memory>

namespace parley {
namespace {

using endpoint_list = std::vector<tcp_endpoint>;
using asio::ip::tcp;

std::optional<tcp_endpoint> parse_literal(const std::string& host, std::uint16_t port)
{
    error_code error;
    const auto address = asio::ip::make_address(host, error);
    if (error) return std::nullopt;
    return tcp_endpoint{address, port};
}

// One look-up. The system's answer, the timer and the owner race to complete it.
struct lookup : std::enable_shared_from_this<lookup> {
    lookup(const executor& ex, detail::one_shot<result<endpoint_list>>::handler handler)
        : names(ex), timer(ex), done(ex, std::move(handler))
    {
    }

    void start(const std::string& host, std::uint16_t port, duration timeout)
    {
        done.on_cancel([weak = weak_from_this()] {
            if (const auto self = weak.lock()) self->finish(make_error_code(errc::cancelled));
        });
        if (timeout != duration::max()) {
            limited = true;
            timer.expires_after(timeout);
            timer.async_wait([self = shared_from_this()](error_code error) {
                if (!error) self->finish(make_error_code(errc::timed_out));
            });
        }
        names.async_resolve(
            host, std::to_string(port), tcp::resolver::numeric_service,
            [self = shared_from_this()](error_code error, const tcp::resolver::results_type& found) {
                self->on_resolved(error, found);
            });
    }

    void on_resolved(error_code error, const tcp::resolver::results_type& found)
    {
        // The answer may come before the timer's handler, although it is too late.
        if (limited && std::chrono::steady_clock::now() >= timer.expiry())
            return finish(make_error_code(errc::timed_out));
        endpoint_list unique;
        for (const auto& entry : found) {
            const tcp_endpoint endpoint = entry.endpoint();
            if (std::find(unique.begin(), unique.end(), endpoint) == unique.end()) unique.push_back(endpoint);
        }
        if (error || unique.empty())
            finish(make_error_code(errc::name_not_resolved));
        else
            finish(std::move(unique));
    }

    void finish(result<endpoint_list> value)
    {
        timer.cancel();
        names.cancel();
        done.complete(std::move(value));
    }

    tcp::resolver names;
    asio::steady_timer timer;
    bool limited = false;
    detail::one_shot<result<endpoint_list>> done;
};

} // namespace

awaitable<result<endpoint_list>> system_resolver::resolve(std::string host, std::uint16_t port,
                                                          duration timeout)
{
    const auto literal = parse_literal(host, port);
    if (literal) co_return endpoint_list{*literal};
    const executor ex = co_await asio::this_coro::executor;
    auto found =
        co_await asio::async_initiate<const asio::use_awaitable_t<executor>, void(result<endpoint_list>)>(
            [&](auto handler) {
                std::make_shared<lookup>(ex, std::move(handler))->start(host, port, timeout);
            },
            asio::use_awaitable);
    co_return found;
}

awaitable<result<endpoint_list>> fixed_resolver::resolve(std::string host, std::uint16_t port, duration)
{
    const auto literal = parse_literal(host, port);
    if (literal) co_return endpoint_list{*literal};
    const auto found = table_.find(host);
    if (found == table_.end() || found->second.empty()) co_return make_error_code(errc::name_not_resolved);
    endpoint_list out = found->second;
    for (tcp_endpoint& endpoint : out)
        if (endpoint.port() == 0) endpoint.port(port);
    co_return out;
}

namespace detail {

awaitable<result<endpoint_list>> resolve_for(const connect_options& options, std::string host,
                                             std::uint16_t port)
{
    system_resolver system;
    resolver& names = options.names != nullptr ? *options.names : system;
    auto found = co_await names.resolve(std::move(host), port, options.timeout);
    co_return found;
}

} // namespace detail

} // namespace parley
