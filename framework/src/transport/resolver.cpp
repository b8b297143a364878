#include <parley/transport/resolver.hpp>

#include "transport/name_lookup.hpp"
#include "transport/resolve_for.hpp"

#include <boost/asio/ip/address.hpp>

#include <optional>

namespace parley {
namespace {

std::optional<tcp_endpoint> parse_literal(const std::string& host, std::uint16_t port)
{
    error_code error;
    const auto address = asio::ip::make_address(host, error);
    if (error) return std::nullopt;
    return tcp_endpoint{address, port};
}

} // namespace

awaitable<result<std::vector<tcp_endpoint>>> system_resolver::resolve(std::string host, std::uint16_t port,
                                                                      duration timeout)
{
    const auto literal = parse_literal(host, port);
    if (literal) co_return std::vector<tcp_endpoint>{*literal};
    detail::blocking_lookup by_system = &detail::look_up_by_system;
    auto found = co_await detail::look_up_on_thread(std::move(by_system), std::move(host), port, timeout);
    co_return found;
}

awaitable<result<std::vector<tcp_endpoint>>> fixed_resolver::resolve(std::string host, std::uint16_t port,
                                                                     duration)
{
    const auto literal = parse_literal(host, port);
    if (literal) co_return std::vector<tcp_endpoint>{*literal};
    const auto found = table_.find(host);
    if (found == table_.end() || found->second.empty()) co_return make_error_code(errc::name_not_resolved);
    std::vector<tcp_endpoint> out = found->second;
    for (tcp_endpoint& endpoint : out)
        if (endpoint.port() == 0) endpoint.port(port);
    co_return out;
}

namespace detail {

awaitable<result<std::vector<tcp_endpoint>>> resolve_for(const connect_options& options, std::string host,
                                                         std::uint16_t port)
{
    system_resolver system;
    resolver& names = options.names != nullptr ? *options.names : system;
    auto found = co_await names.resolve(std::move(host), port, options.timeout);
    co_return found;
}

} // namespace detail

} // namespace parley
