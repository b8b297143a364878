#include <parley/relay/static_site.hpp>

#include "transport/http/http_head.hpp"

#include <algorithm>
#include <array>

namespace parley {
namespace {

using detail::is_same_name;
using detail::list_elements;

using site_header = std::pair<std::string_view, std::string_view>;

// The page's code comes from its own host alone, and talks to that host alone.
constexpr std::array<site_header, 6> site_headers{{
    {"Content-Security-Policy",
     "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' blob: data:; "
     "connect-src 'self'; worker-src 'self'; frame-src 'self'; manifest-src 'self'; base-uri 'none'; "
     "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types parley"},
    {"X-Content-Type-Options", "nosniff"},
    {"Referrer-Policy", "no-referrer"},
    {"Cross-Origin-Opener-Policy", "same-origin"},
    {"Cross-Origin-Resource-Policy", "same-origin"},
    {"Permissions-Policy",
     "camera=(), microphone=(), geolocation=(), display-capture=(), payment=(), usb=(), "
     "serial=(), hid=(), midi=()"},
}};

struct file_encoding {
    std::string_view coding; // empty: identity
    bytes_view bytes;
};

std::string_view trimmed_part(std::string_view text) noexcept
{
    const auto blank = [](char c) { return c == ' ' || c == '\t'; };
    while (!text.empty() && blank(text.front())) text.remove_prefix(1);
    while (!text.empty() && blank(text.back())) text.remove_suffix(1);
    return text;
}

// Whether the weight of an element "coding;q=weight" is 0 (RFC 9110 section 12.4.2): the coding is not wanted.
bool has_no_weight(std::string_view parameters) noexcept
{
    const std::size_t equals = parameters.find('=');
    if (equals == std::string_view::npos || !is_same_name(trimmed_part(parameters.substr(0, equals)), "q"))
        return false;
    const std::string_view weight = trimmed_part(parameters.substr(equals + 1));
    return weight.starts_with('0') && weight.find_first_not_of("0.") == std::string_view::npos;
}

// Whether Accept-Encoding names that coding, or "*" when it does not (RFC 9110 section 12.5.3).
bool accepts_coding(std::string_view accepted, std::string_view coding)
{
    bool any = false;
    for (const std::string_view element : list_elements(accepted)) {
        const std::size_t end = std::min(element.find(';'), element.size());
        const std::string_view name = trimmed_part(element.substr(0, end));
        const bool wanted = end == element.size() || !has_no_weight(element.substr(end + 1));
        if (is_same_name(name, coding)) return wanted;
        if (name == "*") any = wanted;
    }
    return any;
}

file_encoding choose_encoding(const static_file& file, const http_request& request)
{
    const std::string accepted = detail::joined(request, "Accept-Encoding").value_or("");
    for (const file_encoding& each : {file_encoding{"br", file.br}, file_encoding{"gzip", file.gzip}})
        if (!each.bytes.empty() && accepts_coding(accepted, each.coding)) return each;
    return {{}, file.identity};
}

// Weak comparison (RFC 9110 section 13.1.2).
bool names_tag(const http_request& request, std::string_view tag)
{
    const std::string known = detail::joined(request, "If-None-Match").value_or("");
    const auto elements = list_elements(known);
    return std::any_of(elements.begin(), elements.end(), [&](std::string_view each) {
        if (each.starts_with("W/")) each.remove_prefix(2);
        return each == tag || each == "*";
    });
}

} // namespace

static_site::static_site(std::vector<static_file> files)
{
    for (static_file& each : files) {
        std::string path = each.path;
        files_.emplace(std::move(path), std::move(each));
    }
}

std::optional<http_answer> static_site::answer(const http_request& request, std::string_view path) const
{
    const auto found = files_.find(path);
    if (found == files_.end()) return std::nullopt;
    const static_file& file = found->second;
    http_answer out;
    if (request.method != "GET" && request.method != "HEAD") {
        out.status = 405;
        out.headers.emplace_back("Allow", "GET, HEAD");
        out.body = "GET or HEAD\n";
        return out;
    }
    const file_encoding chosen = choose_encoding(file, request);
    std::string tag = '"' + file.etag;
    if (!chosen.coding.empty()) tag.append("-").append(chosen.coding);
    tag += '"';
    if (names_tag(request, tag)) {
        out.status = 304;
    } else {
        out.content_type = file.content_type;
        out.shared_body = chosen.bytes;
        if (!chosen.coding.empty()) out.headers.emplace_back("Content-Encoding", chosen.coding);
    }
    out.headers.emplace_back("ETag", std::move(tag));
    out.headers.emplace_back("Cache-Control",
                             file.immutable ? "public, max-age=31536000, immutable" : "no-cache");
    if (!file.gzip.empty() || !file.br.empty()) out.headers.emplace_back("Vary", "Accept-Encoding");
    for (const auto& [name, value] : site_headers) out.headers.emplace_back(name, value);
    out.keep_open = true;
    return out;
}

} // namespace parley
