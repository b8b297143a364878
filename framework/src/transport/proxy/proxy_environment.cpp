#include <parley/transport/proxy.hpp>

#include "transport/http/http_head.hpp"

#include <parley/transport/ip_network.hpp>
#include <parley/transport/transport.hpp>

#include <algorithm>
#include <charconv>
#include <initializer_list>
#include <optional>

namespace parley {
namespace {

using asio::ip::address;

std::optional<address> address_of(std::string_view text)
{
    error_code error;
    const address found = asio::ip::make_address(std::string{text}, error);
    if (error) return std::nullopt;
    return unmapped(found);
}

std::optional<unsigned> number_of(std::string_view text, unsigned most)
{
    unsigned value = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || read.ec != std::errc{} || read.ptr != text.data() + text.size() || value > most)
        return std::nullopt;
    return value;
}

// Whether the network `text`, ADDRESS/BITS, contains `who`.
bool has_address(std::string_view text, const address& who)
{
    const std::size_t slash = text.find('/');
    const auto base = address_of(text.substr(0, slash));
    if (!base || base->is_v4() != who.is_v4()) return false;
    const auto bits = number_of(text.substr(slash + 1), base->is_v4() ? 32 : 128);
    return bits && ip_network{*base, *bits}.contains(who);
}

// Removes ":port" from the end of `entry`, if present. False when it is another port.
bool fits_port(std::string_view& entry, std::uint16_t port)
{
    const std::size_t colon = entry.rfind(':');
    if (colon == std::string_view::npos) return true;
    const bool after_bracket = colon > 0 && entry[colon - 1] == ']';
    if (!after_bracket && entry.find(':') != colon) return true; // an IPv6 address
    const auto wanted = number_of(entry.substr(colon + 1), 65535);
    entry = entry.substr(0, colon);
    return wanted == port;
}

bool matches(std::string_view entry, std::string_view host, const std::optional<address>& host_address,
             std::uint16_t port)
{
    if (!fits_port(entry, port)) return false;
    if (entry.starts_with('[') && entry.ends_with(']')) entry = entry.substr(1, entry.size() - 2);
    if (entry == "*") return true;
    if (entry.find('/') != std::string_view::npos) return host_address && has_address(entry, *host_address);
    if (const auto exact = address_of(entry)) return exact == host_address;
    if (host_address) return false;
    if (entry.starts_with('*')) entry.remove_prefix(1);
    if (entry.starts_with('.')) entry.remove_prefix(1);
    if (entry.empty() || host.size() < entry.size()) return false;
    const std::size_t before = host.size() - entry.size();
    return detail::is_same_name(host.substr(before), entry) && (before == 0 || host[before - 1] == '.');
}

struct variable_value {
    const char* name = nullptr;
    std::string_view value;
};

variable_value first_of(const environment_lookup& variable, std::initializer_list<const char*> names)
{
    for (const char* name : names) {
        const char* value = variable(name);
        if (value != nullptr && *value != '\0') return {name, value};
    }
    return {};
}

variable_value proxy_variable(std::string_view scheme, const environment_lookup& variable)
{
    variable_value found;
    if (scheme == "tls" || scheme == "wss") {
        found = first_of(variable, {"https_proxy", "HTTPS_PROXY"});
    } else if (scheme == "ws") {
        const bool set_by_a_client = variable("REQUEST_METHOD") != nullptr;
        found = set_by_a_client ? first_of(variable, {"http_proxy"})
                                : first_of(variable, {"http_proxy", "HTTP_PROXY"});
    }
    return found.name != nullptr ? found : first_of(variable, {"all_proxy", "ALL_PROXY"});
}

} // namespace

bool is_proxy_exempt(std::string_view list, std::string_view host, std::uint16_t port)
{
    if (host.ends_with('.')) host.remove_suffix(1);
    const auto host_address = address_of(host.substr(0, host.find('%')));
    while (!list.empty()) {
        const std::size_t end = std::min(list.find_first_of(", \t"), list.size());
        const std::string_view entry = list.substr(0, end);
        if (!entry.empty() && matches(entry, host, host_address, port)) return true;
        list.remove_prefix(std::min(end + 1, list.size()));
    }
    return false;
}

result<proxy_pointer> proxy_from_environment(const relay_address& relay, const environment_lookup& variable,
                                             diagnostics* diag)
{
    const transport* by = find_transport(relay.scheme);
    if (by != nullptr && by->local) return proxy_pointer{};
    const variable_value chosen = proxy_variable(relay.scheme, variable);
    if (chosen.name == nullptr) return proxy_pointer{};
    const variable_value exempt = first_of(variable, {"no_proxy", "NO_PROXY"});
    if (is_proxy_exempt(exempt.value, relay.host, relay.port)) return proxy_pointer{};
    diagnostics what;
    auto parsed = proxy_settings::parse(chosen.value, &what);
    if (!parsed) {
        if (diag != nullptr) diag->set_message(std::string{chosen.name} + ": " + what.message());
        return parsed.error();
    }
    return proxy_pointer{std::make_shared<const proxy_settings>(std::move(*parsed))};
}

} // namespace parley
