#include "relay/intake/forwarded.hpp"

#include "relay/intake/read_port.hpp"
#include "transport/http/http_head.hpp"

#include <parley/transport/ip_network.hpp>

#include <algorithm>

namespace parley::detail {
namespace {

// The result for one element of a list, or for a whole header.
using node = forwarded_client;
using kind = forwarded_client::kind;

constexpr std::size_t max_elements = 64; // of one list

constexpr bool is_blank(char c) noexcept
{
    return c == ' ' || c == '\t';
}

std::string_view trimmed(std::string_view text) noexcept
{
    while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
    while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
    return text;
}

// RFC 7239 allows a hidden port, which counts as none.
bool is_hidden(std::string_view text) noexcept
{
    return text.size() > 1 && text.front() == '_' && std::all_of(text.begin() + 1, text.end(), [](char c) {
               return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                      c == '.' || c == '_' || c == '-';
           });
}

node broken()
{
    return {kind::broken, {}};
}

// a.b.c.d[:port], [v6][:port], v6, "unknown", _hidden[:port].
node read_node(std::string_view text)
{
    std::string_view host = text, port;
    bool has_port = false;
    if (text.starts_with('[')) {
        const std::size_t end = text.find(']');
        if (end == std::string_view::npos) return broken();
        host = text.substr(1, end - 1);
        const std::string_view rest = text.substr(end + 1);
        if (!rest.empty() && rest.front() != ':') return broken();
        has_port = !rest.empty();
        if (has_port) port = rest.substr(1);
        if (host.find(':') == std::string_view::npos) return broken();
    } else if (const std::size_t colon = text.find(':');
               colon != std::string_view::npos && text.find(':', colon + 1) == std::string_view::npos) {
        host = text.substr(0, colon);
        port = text.substr(colon + 1);
        has_port = true;
    }
    const auto number = read_port(port);
    if (has_port && !number && !is_hidden(port)) return broken();
    if (is_same_name(host, "unknown") || is_hidden(host)) return {kind::withheld, {}};
    constexpr std::size_t max_address_bytes = 45;
    if (host.empty() || host.size() > max_address_bytes || host.find('%') != std::string_view::npos)
        return broken();
    error_code error;
    const auto address = asio::ip::make_address(std::string{host}, error);
    if (error) return broken();
    return {kind::known, {unmapped(address), number.value_or(0)}};
}

// Splits at each `separator` outside quoted strings. Returns nothing when a quote does not end.
std::optional<std::vector<std::string_view>> split(std::string_view text, char separator)
{
    std::vector<std::string_view> out;
    std::size_t begin = 0;
    bool quoted = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (quoted && text[i] == '\\') {
            ++i;
        } else if (text[i] == '"') {
            quoted = !quoted;
        } else if (text[i] == separator && !quoted) {
            out.push_back(text.substr(begin, i - begin));
            begin = i + 1;
        }
    }
    out.push_back(text.substr(std::min(begin, text.size())));
    if (quoted) return std::nullopt;
    return out;
}

// The value of a token or of a quoted string.
std::optional<std::string> unquoted(std::string_view value)
{
    if (!value.starts_with('"')) {
        if (value.find('"') != std::string_view::npos) return std::nullopt;
        return std::string{value};
    }
    std::string out;
    for (std::size_t i = 1; i < value.size(); ++i) {
        if (value[i] == '"') {
            if (i + 1 != value.size()) return std::nullopt;
            return out;
        }
        if (value[i] == '\\' && ++i == value.size()) return std::nullopt;
        out += value[i];
    }
    return std::nullopt;
}

// The "for" of one element of Forwarded. An element without "for" names no client.
node read_element(std::string_view element)
{
    node out{kind::withheld, {}};
    bool seen = false;
    const auto pairs = split(element, ';');
    if (!pairs) return broken();
    for (const std::string_view each : *pairs) {
        const std::string_view pair = trimmed(each);
        const std::size_t equals = pair.find('=');
        if (pair.empty()) continue;
        if (equals == std::string_view::npos) return broken();
        if (!is_same_name(trimmed(pair.substr(0, equals)), "for")) continue;
        const auto value = unquoted(trimmed(pair.substr(equals + 1)));
        if (!value || std::exchange(seen, true)) return broken();
        out = read_node(*value);
        if (out.what == kind::broken) return out;
    }
    return out;
}

// Walks from the right over trusted proxies. The walk ends at an element that cannot be read; the last
// address before it is the client.
template <class Read>
node walk(const std::vector<std::string_view>& elements, const network_set& trusted, Read read)
{
    node found;
    std::size_t steps = 0;
    for (auto i = elements.rbegin(); i != elements.rend() && steps < max_elements; ++i) {
        const std::string_view element = trimmed(*i);
        if (element.empty()) continue; // HTTP allows empty elements
        ++steps;
        const node next = read(element);
        if (next.what != kind::known) {
            if (found.what == kind::none) found = next;
            break;
        }
        found = next;
        if (!trusted.contains(next.client.address())) break;
    }
    return found;
}

node from_forwarded(const http_request& request, const network_set& trusted)
{
    const auto value = joined(request, "Forwarded");
    if (!value) return {};
    const auto elements = split(*value, ',');
    return elements ? walk(*elements, trusted, read_element) : broken();
}

node from_x_forwarded_for(const http_request& request, const network_set& trusted)
{
    const auto value = joined(request, "X-Forwarded-For");
    if (!value) return {};
    std::vector<std::string_view> elements;
    std::string_view rest = *value;
    for (std::size_t comma = rest.find(','); comma != std::string_view::npos; comma = rest.find(',')) {
        elements.push_back(rest.substr(0, comma));
        rest.remove_prefix(comma + 1);
    }
    elements.push_back(rest);
    return walk(elements, trusted, read_node);
}

node from_x_real_ip(const http_request& request)
{
    const auto value = joined(request, "X-Real-IP");
    if (!value || trimmed(*value).empty()) return {};
    return read_node(trimmed(*value));
}

} // namespace

forwarded_client forwarded_for(const http_request& request, const network_set& trusted)
{
    node out;
    for (const node& said : {from_forwarded(request, trusted), from_x_forwarded_for(request, trusted),
                             from_x_real_ip(request)}) {
        if (said.what == kind::none) continue;
        if (said.what == kind::broken) return said;
        const auto stands_back = [&](const node& one) {
            return one.what != kind::known || trusted.contains(one.client.address());
        };
        if (out.what == kind::none || (stands_back(out) && !stands_back(said)))
            out = said;
        else if (!stands_back(said) && said.client.address() != out.client.address())
            return broken();
        else if (!stands_back(said) && out.client.port() == 0)
            out.client.port(said.client.port());
    }
    if (out.what == kind::known && out.client.port() == 0) {
        const auto port = joined(request, "X-Real-Port");
        const auto number = port ? read_port(trimmed(*port)) : std::nullopt;
        if (number) out.client.port(*number);
    }
    return out;
}

} // namespace parley::detail
