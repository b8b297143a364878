#include <parley/transport/address.hpp>

#include <parley/transport/ip_network.hpp>
#include <parley/transport/transport.hpp>

#include <charconv>
#include <optional>

namespace parley {
namespace {

constexpr std::size_t max_host_bytes = 253; // of a DNS name
constexpr std::size_t max_address_text_bytes = 2048;
constexpr std::size_t max_local_path_bytes = 100; // sun_path holds 108 bytes, and ".room" needs five of them

// Reads one address from left to right, and describes the first error.
class reader {
public:
    reader(std::string_view text, diagnostics* diag) noexcept : all_(text), rest_(text), diag_(diag) {}

    result<void> fail(errc code, std::string what)
    {
        if (diag_ != nullptr) {
            what += ", in \"" + escaped(all_) + "\" at byte " + std::to_string(all_.size() - rest_.size());
            diag_->set_message(std::move(what));
        }
        return make_error_code(code);
    }

    bool at_end() const noexcept { return rest_.empty(); }
    std::string_view rest() const noexcept { return rest_; }
    bool skip(std::string_view token) noexcept
    {
        if (!rest_.starts_with(token)) return false;
        rest_.remove_prefix(token.size());
        return true;
    }
    std::string_view take(std::size_t n) noexcept
    {
        const std::string_view taken = rest_.substr(0, n);
        rest_.remove_prefix(taken.size());
        return taken;
    }
    std::string_view take_until(std::string_view stops) noexcept { return take(rest_.find_first_of(stops)); }

    // Decimal digits without sign or leading zeros, least..65535.
    result<std::uint16_t> port(unsigned least)
    {
        const std::size_t digits = std::min(rest_.find_first_not_of("0123456789"), rest_.size());
        unsigned value = 0;
        const bool shaped = digits != 0 && digits <= 5 && (digits == 1 || rest_[0] != '0');
        if (shaped) std::from_chars(rest_.data(), rest_.data() + digits, value);
        if (!shaped || value < least || value > 65535)
            return fail(errc::bad_address, "a port is a number from " + std::to_string(least) + " to 65535")
                .error();
        take(digits);
        return static_cast<std::uint16_t>(value);
    }

private:
    std::string_view all_, rest_;
    diagnostics* diag_;
};

char lower(char c) noexcept
{
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

// Reads "scheme://"; without one the scheme is tcp.
result<const transport*> read_scheme(reader& in)
{
    const std::size_t length = in.rest().find("://");
    if (length == std::string_view::npos) return find_transport("tcp");
    std::string scheme;
    for (const char c : in.rest().substr(0, length)) scheme += lower(c);
    const transport* found = find_transport(scheme);
    if (found == nullptr) {
        std::string known;
        for (const transport* t : transports()) known += (known.empty() ? "" : ", ") + std::string{t->scheme};
        return in
            .fail(errc::unknown_transport,
                  "no transport \"" + escaped(scheme, 40) + "\" (there is " + known + ")")
            .error();
    }
    in.take(length + 3);
    return found;
}

bool is_name_character(char c) noexcept
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_';
}

std::optional<asio::ip::address_v6> read_v6(std::string_view text)
{
    error_code error;
    const auto address = asio::ip::make_address_v6(std::string{text}, error);
    if (error) return std::nullopt;
    return address;
}

// Reads "[v6]" and returns the part inside.
result<std::string> read_bracketed(reader& in)
{
    reader at_bracket = in;
    in.skip("[");
    const std::string_view inside = in.rest().substr(0, in.rest().find(']'));
    if (inside.size() == in.rest().size())
        return at_bracket.fail(errc::bad_address, "\"[\" without \"]\"").error();
    if (!read_v6(inside)) return in.fail(errc::bad_address, "not an IPv6 address").error();
    in.take(inside.size() + 1);
    return std::string{inside};
}

// Reads a name or an IPv4 address.
result<std::string> read_name(reader& in)
{
    std::size_t length = 0;
    while (length < in.rest().size() && is_name_character(in.rest()[length])) ++length;
    const std::string_view name = in.rest().substr(0, length);
    if (name.empty()) return in.fail(errc::bad_address, "no host").error();
    if (name.size() > max_host_bytes)
        return in.fail(errc::bad_address, "a host longer than 253 bytes").error();
    if (name.front() == '.' || name.front() == '-' || name.find("..") != std::string_view::npos)
        return in.fail(errc::bad_address, "not a host name").error();
    const std::string_view after = in.rest().substr(length);
    if (after.starts_with(":") && after.rfind(':') != 0)
        return in.fail(errc::bad_address, "an IPv6 address stands in brackets").error();
    // Digits and dots alone must be a complete address: getaddrinfo would read "127.1" as one.
    if (name.find_first_not_of("0123456789.") == std::string_view::npos) {
        error_code error;
        asio::ip::make_address_v4(std::string{name}, error);
        if (error) return in.fail(errc::bad_address, "not an IPv4 address").error();
    }
    in.take(length);
    return std::string{name};
}

std::string bracketed(const std::string& host)
{
    return host.find(':') == std::string::npos ? host : "[" + host + "]";
}

bool is_path_character(char c) noexcept
{
    return c > 0x20 && c < 0x7f && c != '#' && c != '"' && c != '\\';
}

std::string_view read_path(reader& in)
{
    std::size_t length = 0;
    while (length < in.rest().size() && is_path_character(in.rest()[length])) ++length;
    return in.take(length);
}

// Reads "scheme:" of a local transport before a path.
const transport* read_local_scheme(reader& in)
{
    const std::size_t length = in.rest().find(':');
    if (length == std::string_view::npos || !in.rest().substr(length + 1).starts_with("/")) return nullptr;
    std::string scheme;
    for (const char c : in.rest().substr(0, length)) scheme += lower(c);
    const transport* found = find_transport(scheme);
    if (found == nullptr || !found->local) return nullptr;
    in.take(length + 1);
    if (in.rest().starts_with("///")) in.take(2);
    return found;
}

// Reads the rest as the path of a socket.
result<std::string> read_local_path(reader& in)
{
    if (in.rest().size() > max_local_path_bytes)
        return in.fail(errc::bad_address, "a path longer than 100 bytes").error();
    const bool is_file = in.rest().size() > 1 && !in.rest().starts_with("//") && !in.rest().ends_with("/");
    for (const char c : in.rest())
        if (!is_file || static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
            return in.fail(errc::bad_address, "not the absolute path of a socket").error();
    return std::string{in.take(in.rest().size())};
}

// Reads the scheme into `out`, and for a local transport also the path, which must be the rest.
template <class Address>
result<const transport*> read_start(reader& in, Address& out)
{
    if (const transport* local = read_local_scheme(in)) {
        auto path = read_local_path(in);
        if (!path) return path.error();
        out.scheme = local->scheme;
        out.path = std::move(*path);
        return local;
    }
    const auto chosen = read_scheme(in);
    if (!chosen) return chosen.error();
    const transport& t = **chosen;
    if (t.local)
        return in.fail(errc::bad_address, "an absolute path follows " + std::string{t.scheme} + ":").error();
    out.scheme = t.scheme;
    return *chosen;
}

} // namespace

result<relay_address> relay_address::parse(std::string_view text, diagnostics* diag)
{
    reader in{text.substr(0, max_address_text_bytes), diag};
    if (text.size() > max_address_text_bytes) return in.fail(errc::bad_address, "too long").error();
    relay_address out;
    const auto chosen = read_start(in, out);
    if (!chosen) return chosen.error();
    const transport& t = **chosen;
    if (t.local) return out;

    out.port = t.default_port;
    out.room_port = t.default_room_port;
    auto host = in.rest().starts_with("[") ? read_bracketed(in) : read_name(in);
    if (!host) return host.error();
    out.host = std::move(*host);
    if (in.skip(":")) {
        const auto port = in.port(1);
        if (!port) return port.error();
        out.port = *port;
        if (t.has_path()) out.room_port = *port;
        if (t.room_is_next_port && *port != 65535) out.room_port = static_cast<std::uint16_t>(*port + 1);
        if (!t.has_path() && in.skip(",")) {
            const auto room_port = in.port(1);
            if (!room_port) return room_port.error();
            out.room_port = *room_port;
        }
    }
    if (t.has_path() && in.rest().starts_with("/")) out.path = read_path(in);
    if (!in.at_end()) return in.fail(errc::bad_address, "something that belongs to no address").error();
    return out;
}

std::string relay_address::text() const
{
    const transport* t = find_transport(scheme);
    if (t != nullptr && t->local) return scheme + ":" + path;
    std::string out = scheme + "://" + bracketed(host) + ":" + std::to_string(port);
    const unsigned usual = t == nullptr           ? 0
                           : t->room_is_next_port ? port + 1u
                                                  : unsigned{t->default_room_port};
    if (t != nullptr && !t->has_path() && room_port != usual) out += "," + std::to_string(room_port);
    return out + path;
}

result<listen_address> listen_address::parse(std::string_view text, diagnostics* diag)
{
    reader in{text.substr(0, max_address_text_bytes), diag};
    if (text.size() > max_address_text_bytes) return in.fail(errc::bad_address, "too long").error();
    listen_address out;
    const auto chosen = read_start(in, out);
    if (!chosen) return chosen.error();
    if ((*chosen)->local) return out;
    if (in.skip("*") || in.rest().starts_with(":")) {
        out.host = "*";
    } else if (in.rest().starts_with("[")) {
        auto host = read_bracketed(in);
        if (!host) return host.error();
        out.host = std::move(*host);
    } else {
        reader at_host = in;
        out.host = in.take_until(":");
        error_code error;
        asio::ip::make_address_v4(out.host, error);
        if (error)
            return at_host.fail(errc::bad_address, "an address to listen on is a.b.c.d, [v6] or *").error();
    }
    if (!in.skip(":")) return in.fail(errc::bad_address, "a port is missing").error();
    const auto port = in.port(0);
    if (!port) return port.error();
    out.port = *port;
    if ((*chosen)->has_path() && in.rest().starts_with("/")) out.path = read_path(in);
    if (!in.at_end()) return in.fail(errc::bad_address, "something that belongs to no address").error();
    return out;
}

std::vector<tcp_endpoint> listen_address::endpoints() const
{
    if (host == "*") return {{asio::ip::address_v6::any(), port}, {asio::ip::address_v4::any(), port}};
    error_code error;
    const auto address = asio::ip::make_address(host, error);
    if (error) return {};
    return {{address, port}};
}

std::string listen_address::text() const
{
    const transport* t = find_transport(scheme);
    if (t != nullptr && t->local) return scheme + ":" + path;
    return scheme + "://" + bracketed(host) + ":" + std::to_string(port) + path;
}

std::string to_text(const tcp_endpoint& endpoint)
{
    const asio::ip::address address = unmapped(endpoint.address());
    const std::string text = address.to_string();
    return (address.is_v6() ? "[" + text + "]" : text) + ":" + std::to_string(endpoint.port());
}

} // namespace parley
