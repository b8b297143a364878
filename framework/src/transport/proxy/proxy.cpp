#include <parley/transport/proxy.hpp>

#include "transport/http/http_head.hpp"
#include "transport/proxy/socks5.hpp"

#include <algorithm>
#include <optional>

namespace parley {
namespace {

constexpr std::size_t max_proxy_text_bytes = 2048;

error_code fail(diagnostics* diag, std::string what)
{
    if (diag != nullptr) diag->set_message(std::move(what));
    return errc::bad_address;
}

std::optional<proxy_kind> kind_of(std::string_view scheme)
{
    if (detail::is_same_name(scheme, "http")) return proxy_kind::http;
    for (const char* name : {"socks5", "socks5h", "socks"})
        if (detail::is_same_name(scheme, name)) return proxy_kind::socks5;
    return std::nullopt;
}

// Text that the destructor wipes. It never grows beyond the reserved size.
struct wiped_text {
    explicit wiped_text(std::size_t capacity) { text.reserve(capacity); }
    wiped_text(const wiped_text&) = delete;
    wiped_text& operator=(const wiped_text&) = delete;
    ~wiped_text() { wipe({reinterpret_cast<byte*>(text.data()), text.size()}); }
    std::string text;
};

// Appends `coded` to `out` with its %XX decoded.
bool decode(std::string_view coded, std::string& out)
{
    for (std::size_t i = 0; i < coded.size(); ++i) {
        if (coded[i] != '%') {
            out += coded[i];
            continue;
        }
        if (i + 2 >= coded.size()) return false;
        const int high = hex_digit(static_cast<byte>(coded[i + 1]));
        const int low = hex_digit(static_cast<byte>(coded[i + 2]));
        if (high < 0 || low < 0) return false;
        out += static_cast<char>(high * 16 + low);
        i += 2;
    }
    return true;
}

error_code set_user(proxy_settings& to, std::string_view user, std::string_view password, diagnostics* diag)
{
    if (user.empty()) return fail(diag, "a password without a user name");
    const bool socks = to.kind == proxy_kind::socks5;
    if (socks && std::max(user.size(), password.size()) > detail::max_socks_text_bytes)
        return fail(diag, "SOCKS takes no user name or password above 255 bytes");
    if (!socks && user.find(':') != std::string_view::npos)
        return fail(diag, "HTTP takes no \":\" in a user name");
    to.user = user;
    to.password = secret_bytes{password};
    return {};
}

std::uint16_t default_port(proxy_kind kind) noexcept
{
    return kind == proxy_kind::http ? 80 : 1080;
}

} // namespace

result<proxy_settings> proxy_settings::parse(std::string_view text, diagnostics* diag)
{
    if (text.size() > max_proxy_text_bytes) return fail(diag, "a text of more than 2048 bytes");
    proxy_settings out;
    if (const std::size_t length = text.find("://"); length != std::string_view::npos) {
        const auto kind = kind_of(text.substr(0, length));
        if (!kind) return fail(diag, "a proxy begins with http://, socks5:// or socks5h://");
        out.kind = *kind;
        text.remove_prefix(length + 3);
    }
    std::string_view credentials;
    const std::size_t at = text.rfind('@');
    const bool has_credentials = at != std::string_view::npos;
    if (has_credentials) {
        credentials = text.substr(0, at);
        text.remove_prefix(at + 1);
    }
    if (text.ends_with('/')) text.remove_suffix(1);

    // A host follows the rules of a relay's host. No error shows the text: when "@" is missing, it is the
    // password.
    std::string where{text};
    if (text.find(':', text.find(']') == std::string_view::npos ? 0 : text.find(']')) ==
        std::string_view::npos)
        where += ":" + std::to_string(default_port(out.kind));
    const bool plain = where.find_first_of("/,") == std::string::npos;
    auto address = plain ? relay_address::parse("tcp://" + where) : result<relay_address>{errc::bad_address};
    if (!address) return fail(diag, "it is not of the form [http://|socks5://][USER[:PASSWORD]@]HOST[:PORT]");
    out.host = std::move(address->host);
    out.port = address->port;

    if (has_credentials) {
        wiped_text user{credentials.size()}, password{credentials.size()};
        const std::size_t colon = std::min(credentials.find(':'), credentials.size());
        const std::string_view coded_password = credentials.substr(std::min(colon + 1, credentials.size()));
        if (!decode(credentials.substr(0, colon), user.text) || !decode(coded_password, password.text))
            return fail(diag,
                        "a \"%\" in its user name or password without two hexadecimal digits (%25 is one "
                        "of its own)");
        const error_code error = set_user(out, user.text, password.text, diag);
        if (error) return error;
    }
    return out;
}

error_code proxy_settings::set_credentials(std::string_view text, diagnostics* diag)
{
    const std::size_t colon = text.find(':');
    if (colon == std::string_view::npos) return fail(diag, "it is not of the form USER:PASSWORD");
    return set_user(*this, text.substr(0, colon), text.substr(colon + 1), diag);
}

std::string proxy_settings::text() const
{
    std::string out = kind == proxy_kind::http ? "http://" : "socks5://";
    out += host.find(':') == std::string::npos ? host : "[" + host + "]";
    return out + ":" + std::to_string(port);
}

} // namespace parley
