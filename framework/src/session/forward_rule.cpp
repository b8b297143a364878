#include <parley/session/forward_rule.hpp>

#include <boost/asio/ip/address_v6.hpp>

#include <algorithm>

namespace parley {
namespace {

constexpr std::string_view both_loopbacks = "localhost";

error_code bad_rule(diagnostics* diag, std::string_view what, std::string_view text)
{
    if (diag != nullptr) diag->set_message(std::string{what} + ", in \"" + escaped(text) + "\"");
    return make_error_code(errc::bad_address);
}

std::string in_brackets(const std::string& host)
{
    return host.find(':') == std::string::npos ? host : "[" + host + "]";
}

// Neither a transport, a path nor a second port.
bool is_plain(std::string_view text) noexcept
{
    return text.find_first_of("/,") == std::string_view::npos;
}

} // namespace

result<forward_target> parse_forward_target(std::string_view text, diagnostics* diag)
{
    if (!is_plain(text)) return bad_rule(diag, "a target is HOST:PORT", text);
    auto address = relay_address::parse(text, diag);
    if (!address) return address.error();
    if (!text.ends_with(":" + std::to_string(address->port))) // else it is the default of relays
        return bad_rule(diag, "a port is missing", text);
    forward_target out{std::move(address->host), address->port};
    for (char& c : out.host)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if (out.host.find(':') != std::string::npos) {
        error_code error;
        const auto v6 = asio::ip::make_address_v6(out.host, error);
        if (!error) out.host = v6.to_string();
    }
    if (!out.is_valid()) return bad_rule(diag, "a target's address has no zone", text);
    return out;
}

result<forward_rule> forward_rule::parse(std::string_view text, diagnostics* diag)
{
    constexpr std::string_view form = "the form is [ADDR:]PORT:HOST:PORT";
    if (!is_plain(text)) return bad_rule(diag, form, text);
    std::string address{both_loopbacks};
    std::string_view rest = text;
    const std::size_t bracket = text.starts_with("[") ? text.find(']') : 0;
    if (bracket == std::string_view::npos) return bad_rule(diag, "\"[\" without \"]\"", text);
    const std::size_t colon = text.find(':', bracket);
    const std::string_view first = text.substr(0, colon);
    const bool is_port =
        !first.empty() && std::ranges::all_of(first, [](char c) { return c >= '0' && c <= '9'; });
    if (colon == std::string_view::npos || first.empty()) return bad_rule(diag, form, text);
    if (!is_port) {
        address = first;
        rest = text.substr(colon + 1);
    }
    const std::size_t port_end = rest.find(':');
    if (port_end == std::string_view::npos) return bad_rule(diag, form, text);

    const bool is_local = address == both_loopbacks;
    const std::string listen =
        (is_local ? "127.0.0.1" : address) + ":" + std::string{rest.substr(0, port_end)};
    const auto listens = listen_address::parse(listen, diag);
    if (!listens) return listens.error();
    auto to = parse_forward_target(rest.substr(port_end + 1), diag);
    if (!to) return to.error();
    return forward_rule{is_local ? address : listens->host, listens->port, std::move(*to)};
}

std::vector<listen_address> forward_rule::listen_addresses() const
{
    if (address == both_loopbacks) return {{"tcp", "127.0.0.1", port}, {"tcp", "::1", port}};
    return {{"tcp", address, port}};
}

std::string forward_rule::text() const
{
    return in_brackets(address) + ":" + std::to_string(port) + ":" + target.text();
}

} // namespace parley
