// The WebSocket transport (PROTOCOL.md section 9): ws://host[:port][/path], and wss:// for the same over TLS.
//
// One URL serves both kinds of stream; the subprotocol says which: bob.handshake or bob.room. A second value,
// bob.seat. with 32 hexadecimal digits, is the peer's seat: the same on both connections of a session, and
// never in the answer. Bytes travel in binary messages whose boundaries mean nothing; a text message is
// answered with close code 1003, a message above the bound with 1009, a broken rule with 1002, a close reason
// that is no UTF-8 with 1007.
//
// A stream's end in order is a close frame: async_shutdown_send sends 1000 and reading goes on until the
// peer's own close frame. A read gives eof after a close frame with 1000; any other code, and the end of the
// connection without a close frame, is connection_reset. An abort closes the connection below without
// one.
//
// open_websocket gives a WebSocket of Beast's (parley/stream/beast_websocket.hpp): it answers the peer's close
// frame at once and then writes no more, and takes messages of any size. accept_websocket gives one of the
// relay's codec.
#pragma once

#include <parley/base/diagnostics.hpp>
#include <parley/stream/any_stream.hpp>
#include <parley/transport/transport.hpp>

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace parley {

// The Sec-WebSocket-Protocol of a kind of stream.
std::string_view websocket_subprotocol(stream_kind kind) noexcept;

// The first lines of an HTTP request, at most 8 KiB. Not checked beyond HTTP's own grammar: escape before
// printing.
struct http_request {
    std::string method;
    std::string target;                                       // as sent, with the query
    std::vector<std::pair<std::string, std::string>> headers; // in order

    std::string_view path() const noexcept; // the target without the query
    // The value of the first header `name` (any case); empty when there is none.
    std::string_view header(std::string_view name) const noexcept;
};

struct http_answer {
    http_answer() = default;
    http_answer(unsigned code, std::string text) : status(code), body(std::move(text)) {}

    unsigned status = 200;
    std::string content_type = "text/plain; charset=utf-8";
    std::string body;
};

struct websocket_accept_options {
    websocket_accept_options() = default;

    websocket_options websocket;
    std::string path; // the only one served; empty or "/": all
    // Answers a request that asks for no WebSocket. Without it, or when it gives nothing: 426 on a path that
    // is served, 404 elsewhere. Must not throw.
    std::function<std::optional<http_answer>(const http_request&)> on_request;
    // Asked for a request that is a proper WebSocket upgrade to a path that is served; an answer is given in
    // place of the WebSocket. Must not throw; may be empty.
    std::function<std::optional<http_answer>(const http_request&)> on_upgrade;
};

// What came of a connection on which HTTP was expected.
struct websocket_accepted {
    error_code error;    // unset: the stream is the WebSocket now. upgrade_refused: it was answered otherwise
    unsigned status = 0; // of the answer
    http_request request; // without the seat, which is the stream's seat()
};

// Reads an HTTP request from `stream` and answers it; after success `stream` is the WebSocket (its kind() and
// seat() are set), otherwise it is closed. A malformed seat, and a second one, are answered with 400: whoever
// means to have a seat must not be left without one. Takes as long as the peer does: bound it with a
// watchdog. At most 8 KiB are read. Errors: upgrade_refused, eof or those of the stream.
awaitable<websocket_accepted> accept_websocket(any_stream& stream, websocket_accept_options options);

// Asks for a WebSocket over `stream`, which is connected to `address`, and presents `seat`, if there is one;
// after success `stream` is the WebSocket, otherwise it is closed. An answer that takes the seat as the
// subprotocol is refused. Not bounded in time. Errors: upgrade_refused, with `diag` naming the
// HTTP status; those of the stream.
awaitable<error_code> open_websocket(any_stream& stream, relay_address address, stream_kind kind,
                                     websocket_options options, std::optional<seat_token> seat = {},
                                     diagnostics* diag = nullptr);

// The transports "ws" and "wss": default ports 80 and 443.
const transport& ws_transport() noexcept;
const transport& wss_transport() noexcept;

} // namespace parley
