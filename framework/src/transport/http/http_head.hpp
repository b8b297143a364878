// Reads and writes HTTP/1.1 heads as text, with Beast. Private to the framework.
#pragma once

#include <parley/transport/websocket.hpp>

namespace parley::detail {

inline constexpr std::size_t max_http_head_bytes = 8 * 1024;

// The length of the head in `bytes`, with its empty line; 0 when it is not complete.
std::size_t http_head_bytes(std::string_view bytes) noexcept;

// Reads a complete head. Refuses a request with a folded header line or with two Host headers (RFC 9112).
// Errors: bad_framing.
result<http_request> parse_http_request(std::string_view head);

struct http_response {
    unsigned status = 0;
    std::string reason;
    http_request fields; // only its headers are set
};
result<http_response> parse_http_response(std::string_view head);

// Whether two header names are equal, ignoring case.
bool is_same_name(std::string_view one, std::string_view other) noexcept;
// The values of all headers `name` as one comma-separated list (RFC 9110 section 5.3); nullopt when there is
// none.
std::optional<std::string> joined(const http_request& request, std::string_view name);
// The elements of the comma-separated `list`, trimmed and without empty ones.
std::vector<std::string_view> list_elements(std::string_view list);
// Whether the comma-separated `list` contains `token`, ignoring case.
bool has_token(std::string_view list, std::string_view token);
// Whether one of the headers `name` lists `token`.
bool has_token(const http_request& request, std::string_view name, std::string_view token);
// `head`, which parse_http_response has read into `fields`, with its Connection and Upgrade on one line each.
std::string join_upgrade_lines(std::string_view head, const http_request& fields);

// "HTTP status 404 Not Found", with the standard reason if the response gives none; safe to print.
std::string describe_status(const http_response& response);

// The Sec-WebSocket-Accept of a Sec-WebSocket-Key.
std::string websocket_accept_of(std::string_view key);

// The head of an answer that is no WebSocket's.
std::string format_http_head(const http_answer& answer, bool keep_open);
// The bytes that follow it, unless the request was HEAD.
bytes_view body_of(const http_answer& answer) noexcept;
// Whether a further request may follow this one: a GET or HEAD without a body and without "Connection: close".
bool may_be_followed(const http_request& request);
// The answer that opens a WebSocket.
std::string format_websocket_answer(std::string_view key, std::string_view subprotocol);

} // namespace parley::detail
