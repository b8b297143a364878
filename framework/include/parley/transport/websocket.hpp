// The WebSocket transport (PROTOCOL.md section 9): ws://host[:port][/path], and wss:// over TLS.
//
// One URL serves both kinds of stream; the subprotocol names the kind: bob.handshake or bob.room. A second
// value, bob.seat. with 32 hexadecimal digits, is the peer's seat: the same on both connections of a session,
// and never in the answer. A peer that offers bob.room.window, for a room, says in text messages how many bytes
// it has used, and gets at most 8 MiB more than that. Bytes travel in binary messages whose boundaries mean
// nothing. Close codes: 1003 for a text message of others, 1009 for a message above the bound, 1002 for a
// broken rule, 1007 for a close reason that is not UTF-8.
//
// A close frame ends a stream in order: async_shutdown_send sends 1000, and reading continues until the
// peer's own close frame. A read gives eof after a close frame with 1000. Any other code, and the end of the
// connection without a close frame, give connection_reset. An abort closes the connection below without a
// close frame.
//
// open_websocket makes a Beast WebSocket (parley/stream/beast_websocket.hpp): it answers the peer's close
// frame at once and then writes no more, and accepts messages of any size. accept_websocket makes one with
// the relay's codec.
#pragma once

#include <parley/base/bytes.hpp>
#include <parley/base/diagnostics.hpp>
#include <parley/stream/any_stream.hpp>
#include <parley/transport/transport.hpp>

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace parley {

// The value of Sec-WebSocket-Protocol for a kind of stream.
std::string_view websocket_subprotocol(stream_kind kind) noexcept;

// The head of an HTTP request, at most 8 KiB. Only HTTP's own grammar is checked: escape it before printing.
struct http_request {
    std::string method;
    std::string target;                                       // as sent, with the query
    std::vector<std::pair<std::string, std::string>> headers; // in order

    std::string_view path() const noexcept; // the target without the query
    // The value of the first header `name`, ignoring case; empty when there is none.
    std::string_view header(std::string_view name) const noexcept;
};

// The answer to a request that opens no WebSocket. Content-Length and Connection are set from what it holds; the
// answer to HEAD has no body.
struct http_answer {
    http_answer() = default;
    http_answer(unsigned code, std::string text) : status(code), body(std::move(text)) {}

    unsigned status = 200;
    std::string content_type = "text/plain; charset=utf-8";   // not sent with 304
    std::vector<std::pair<std::string, std::string>> headers; // further ones
    std::string body;                                         // empty with 304
    bytes_view shared_body; // if set, sent in place of `body`; must outlive the connection
    bool keep_open = false; // the connection may bring a further request
};

struct websocket_accept_options {
    websocket_accept_options() = default;

    websocket_options websocket;
    std::string path; // the only path that is served; empty or "/": all
    // Answers a request that does not ask for a WebSocket. When it is empty or returns nullopt, the answer is
    // 426 on a served path and 404 elsewhere. Must not throw.
    std::function<std::optional<http_answer>(const http_request&)> on_request;
    // Called for a valid WebSocket request to a served path. An answer replaces the WebSocket. Must not
    // throw; may be empty.
    std::function<std::optional<http_answer>(const http_request&)> on_upgrade;
    // At most this many requests of one connection are answered. A connection stays open only after an answer
    // with keep_open to a GET or HEAD without a body, and unless the request has "Connection: close". Each
    // request may ask for a WebSocket.
    std::size_t max_requests = 1;
    // Called each time that `stream` has taken bytes of an answer: how many in all, of how many. Must not
    // throw; may be empty.
    std::function<void(std::size_t taken, std::size_t size)> on_progress;
};

// The result of accept_websocket.
struct websocket_accepted {
    error_code error;     // unset: the stream is the WebSocket. upgrade_refused: another answer was sent
    unsigned status = 0;  // of the answer
    http_request request; // the last one, without the seat, which is the stream's seat()
};

// Reads an HTTP request from `stream` and answers it, and further ones as the options allow. On success `stream`
// becomes the WebSocket (its kind() and seat() are set); otherwise it is closed. The answer to a malformed
// seat, or to a second one, is 400: a peer that wants a seat must not continue without one. Not bounded in
// time: use a watchdog. Reads at most 8 KiB for each request. Errors: upgrade_refused, eof or those of the
// stream.
awaitable<websocket_accepted> accept_websocket(any_stream& stream, websocket_accept_options options);

// Requests a WebSocket over `stream`, which is connected to `address`, and presents `seat`, if set. On
// success `stream` becomes the WebSocket; otherwise it is closed. Refuses an answer that echoes the seat as
// the subprotocol. Not bounded in time. Errors: upgrade_*, with the HTTP status in `diag`, and for a redirect
// its Location and the relay's address that it names; unexpected_end when the connection ends before the
// answer; those of the stream.
awaitable<error_code> open_websocket(any_stream& stream, relay_address address, stream_kind kind,
                                     websocket_options options, std::optional<seat_token> seat = {},
                                     diagnostics* diag = nullptr);

// The transports "ws" and "wss": default ports 80 and 443.
const transport& ws_transport() noexcept;
const transport& wss_transport() noexcept;

} // namespace parley
