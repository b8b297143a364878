#include "transport/http/http_head.hpp"

#include <parley/base/base64.hpp>
#include <parley/crypto/sha1.hpp>

#include <boost/beast/core/string.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/status.hpp>
#include <boost/beast/http/write.hpp>

#include <algorithm>
#include <array>
#include <sstream>

namespace parley {

namespace beast = boost::beast;

namespace {

template <class Message>
std::string text_of(const Message& message)
{
    std::ostringstream out;
    out << message;
    return out.str();
}

beast::string_view to_beast(std::string_view text) noexcept
{
    return {text.data(), text.size()};
}

template <class Fields>
void copy_headers(const Fields& from, http_request& to)
{
    for (const auto& field : from)
        to.headers.emplace_back(std::string{field.name_string()}, std::string{field.value()});
}

// Parses a complete head, and ignores the body.
template <class Parser>
bool parse_head(Parser& parser, std::string_view head)
{
    error_code error;
    parser.header_limit(detail::max_http_head_bytes);
    parser.skip(true);
    parser.put(asio::buffer(head.data(), head.size()), error);
    return !error && parser.is_header_done();
}

// A header that goes on in the next line (RFC 9112 section 5.2), which not every program reads alike.
bool has_folded_line(std::string_view head) noexcept
{
    return head.find("\r\n ") != std::string_view::npos || head.find("\r\n\t") != std::string_view::npos;
}

} // namespace

std::string_view http_request::path() const noexcept
{
    return std::string_view{target}.substr(0, target.find('?'));
}

std::string_view http_request::header(std::string_view name) const noexcept
{
    for (const auto& [field, value] : headers)
        if (detail::is_same_name(field, name)) return value;
    return {};
}

namespace detail {

std::size_t http_head_bytes(std::string_view bytes) noexcept
{
    const std::size_t at = bytes.find("\r\n\r\n");
    return at == std::string_view::npos ? 0 : at + 4;
}

result<http_request> parse_http_request(std::string_view head)
{
    beast::http::request_parser<beast::http::empty_body> parser;
    if (has_folded_line(head) || !parse_head(parser, head)) return make_error_code(errc::bad_framing);
    const auto& message = parser.get();
    if (message.version() != 11 || message.count(beast::http::field::host) > 1)
        return make_error_code(errc::bad_framing);
    http_request out;
    out.method = std::string{message.method_string()};
    out.target = std::string{message.target()};
    copy_headers(message, out);
    return out;
}

result<http_response> parse_http_response(std::string_view head)
{
    beast::http::response_parser<beast::http::empty_body> parser;
    if (!parse_head(parser, head)) return make_error_code(errc::bad_framing);
    const auto& message = parser.get();
    http_response out;
    out.status = message.result_int();
    out.reason = std::string{message.reason()};
    copy_headers(message, out.fields);
    return out;
}

bool is_same_name(std::string_view one, std::string_view other) noexcept
{
    return beast::iequals(to_beast(one), to_beast(other));
}

std::optional<std::string> joined(const http_request& request, std::string_view name)
{
    std::optional<std::string> out;
    for (const auto& [field, value] : request.headers) {
        if (!is_same_name(field, name)) continue;
        if (out)
            *out += "," + value;
        else
            out = value;
    }
    return out;
}

std::vector<std::string_view> list_elements(std::string_view list)
{
    constexpr std::string_view blanks = " \t";
    std::vector<std::string_view> out;
    while (!list.empty()) {
        std::string_view element = list.substr(0, list.find(','));
        list.remove_prefix(std::min(element.size() + 1, list.size()));
        element.remove_prefix(std::min(element.find_first_not_of(blanks), element.size()));
        element = element.substr(0, element.find_last_not_of(blanks) + 1);
        if (!element.empty()) out.push_back(element);
    }
    return out;
}

bool has_token(std::string_view list, std::string_view token)
{
    const auto elements = list_elements(list);
    return std::any_of(elements.begin(), elements.end(),
                       [&](std::string_view element) { return is_same_name(element, token); });
}

bool has_token(const http_request& request, std::string_view name, std::string_view token)
{
    const auto list = joined(request, name);
    return list && has_token(*list, token);
}

std::string join_upgrade_lines(std::string_view head, const http_request& fields)
{
    constexpr std::array<std::string_view, 2> lists{"Connection", "Upgrade"};
    const std::size_t status_line = head.find("\r\n") + 2;
    std::string out{head.substr(0, status_line)};
    const auto add = [&out](std::string_view name, std::string_view value) {
        out.append(name).append(": ").append(value).append("\r\n");
    };
    for (const std::string_view name : lists)
        if (const auto value = joined(fields, name)) add(name, *value);
    for (const auto& [name, value] : fields.headers)
        if (!is_same_name(name, lists[0]) && !is_same_name(name, lists[1])) add(name, value);
    return out + "\r\n";
}

std::string describe_status(const http_response& response)
{
    constexpr std::size_t max_shown_reason = 80;
    const auto usual = beast::http::obsolete_reason(beast::http::int_to_status(response.status));
    std::string reason = escaped(response.reason, max_shown_reason);
    if (reason.empty()) reason = std::string{usual};
    return "HTTP status " + std::to_string(response.status) + (reason.empty() ? "" : " " + reason);
}

std::string websocket_accept_of(std::string_view key)
{
    sha1 digest;
    digest.update(key);
    digest.update("258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    return to_base64(digest.finish());
}

std::string format_http_head(const http_answer& answer, bool keep_open)
{
    constexpr unsigned not_modified = 304, upgrade_required = 426;
    beast::http::response<beast::http::empty_body> out;
    out.result(answer.status);
    if (answer.status != not_modified) {
        out.set(beast::http::field::content_type, answer.content_type);
        out.content_length(body_of(answer).size());
    }
    if (answer.status == upgrade_required) {
        out.set(beast::http::field::upgrade, "websocket");
        out.set(beast::http::field::sec_websocket_version, "13");
    }
    for (const auto& [name, value] : answer.headers) out.set(to_beast(name), to_beast(value));
    out.keep_alive(keep_open);
    return text_of(out);
}

bytes_view body_of(const http_answer& answer) noexcept
{
    return answer.shared_body.empty() ? as_bytes(std::string_view{answer.body}) : answer.shared_body;
}

bool may_be_followed(const http_request& request)
{
    const auto length = joined(request, "Content-Length");
    return (request.method == "GET" || request.method == "HEAD") && (!length || *length == "0") &&
           !joined(request, "Transfer-Encoding") && !has_token(request, "Connection", "close");
}

std::string format_websocket_answer(std::string_view key, std::string_view subprotocol)
{
    beast::http::response<beast::http::empty_body> out;
    out.result(beast::http::status::switching_protocols);
    out.set(beast::http::field::upgrade, "websocket");
    out.set(beast::http::field::connection, "Upgrade");
    out.set(beast::http::field::sec_websocket_accept, websocket_accept_of(key));
    out.set(beast::http::field::sec_websocket_protocol, to_beast(subprotocol));
    return text_of(out);
}

} // namespace detail
} // namespace parley
