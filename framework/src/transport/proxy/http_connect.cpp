#include "transport/proxy/http_connect.hpp"

#include "transport/http/http_head.hpp"

#include <parley/base/base64.hpp>

#include <algorithm>

namespace parley::detail {
namespace {

constexpr std::string_view head_end = "\r\n\r\n";
constexpr std::string_view head_start = "HTTP/1.";

void append(byte_vector& to, std::string_view text)
{
    const bytes_view bytes = as_bytes(text);
    to.insert(to.end(), bytes.begin(), bytes.end());
}

bool can_stand_in_a_head(std::string_view host) noexcept
{
    return !host.empty() && host.size() <= 255 && std::all_of(host.begin(), host.end(), [](char c) {
        return c > ' ' && c < '\x7f' && c != '/' && c != '@';
    });
}

// Whether a Proxy-Authenticate header offers Basic.
bool offers_basic(const http_request& fields)
{
    bool asked = false;
    for (const auto& [name, value] : fields.headers) {
        if (!is_same_name(name, "Proxy-Authenticate")) continue;
        asked = true;
        for (const std::string_view each : list_elements(value)) // "Digest realm=…, Basic realm=…"
            if (is_same_name(each.substr(0, each.find(' ')), "Basic")) return true;
    }
    return !asked;
}

} // namespace

http_connect::http_connect(std::string_view host, std::uint16_t port, const proxy_settings& proxy)
    : has_credentials_(!proxy.user.empty())
{
    if (!can_stand_in_a_head(host)) {
        fail(errc::proxy_refused_destination, "no such host name can be asked for");
        return;
    }
    std::string target{host};
    if (host.find(':') != std::string_view::npos) target = "[" + target + "]";
    target += ":" + std::to_string(port);

    secret_bytes credentials;
    if (has_credentials_) {
        byte_vector plain;
        plain.reserve(proxy.user.size() + 1 + proxy.password.size());
        append(plain, proxy.user);
        append(plain, ":");
        append(plain, proxy.password.text());
        std::string coded = to_base64(plain);
        wipe(plain);
        credentials = secret_bytes{std::string_view{coded}};
        wipe({reinterpret_cast<byte*>(coded.data()), coded.size()});
    }
    // Reserve once: growth would leave copies of the credentials in memory.
    output_.reserve(2 * target.size() + credentials.size() + 256);
    append(output_, "CONNECT " + target + " HTTP/1.1\r\nHost: " + target + "\r\n");
    if (has_credentials_) {
        append(output_, "Proxy-Authorization: Basic ");
        append(output_, credentials.text());
        append(output_, "\r\n");
    }
    append(output_, "User-Agent: parley\r\n\r\n");
}

// The length of the shortest possible rest of the head.
std::size_t http_connect::wanted() const noexcept
{
    const std::string_view head = head_;
    for (std::size_t matched = head_end.size() - 1; matched > 0; --matched)
        if (head.ends_with(head_end.substr(0, matched))) return head_end.size() - matched;
    return head_end.size();
}

void http_connect::receive(bytes_view bytes)
{
    if (finished()) return;
    head_ += as_text(bytes);
    received_bytes_ += bytes.size();
    const std::size_t shown = std::min(head_.size(), head_start.size());
    if (std::string_view{head_}.substr(0, shown) != head_start.substr(0, shown))
        return fail(errc::proxy_failed, "what answers there does not speak HTTP");
    if (http_head_bytes(head_) != 0) return judge();
    if (received_bytes_ >= max_http_head_bytes) fail(errc::proxy_failed, "its answer is longer than 8 KiB");
}

void http_connect::judge()
{
    // Some proxies omit the space before an empty reason.
    constexpr std::size_t after_status = std::string_view{"HTTP/1.1 200"}.size();
    if (head_[after_status] == '\r') head_.insert(after_status, 1, ' ');
    const auto response = parse_http_response(head_);
    if (!response) return fail(errc::proxy_failed, "its answer is malformed");
    const unsigned status = response->status;
    if (status >= 100 && status < 200 && status != 101) { // the final answer is still to come
        head_.clear();
        if (received_bytes_ >= max_http_head_bytes)
            fail(errc::proxy_failed, "its answer is longer than 8 KiB");
        return;
    }
    if (status >= 200 && status < 300) return finish();
    std::string said = describe_status(*response);
    if (status == 407 || status == 401) { // tinyproxy answers wrong credentials with 401
        if (!offers_basic(response->fields))
            said += "; it takes no user name and password of the scheme Basic";
        else if (!has_credentials_)
            said += "; it asks for a user name and password";
        return fail(errc::proxy_refused_credentials, std::move(said));
    }
    // 5xx concerns the proxy's path to the relay; any other status concerns the request.
    fail(status >= 500 ? errc::proxy_cannot_connect : errc::proxy_refused_destination, std::move(said));
}

} // namespace parley::detail
