#include <parley/transport/websocket.hpp>

#include "async/scratch.hpp"
#include "stream/drain.hpp"
#include "stream/layer/beast_handshake.hpp"
#include "stream/layer/websocket_layer.hpp"
#include "transport/http/http_head.hpp"

#include <boost/asio/write.hpp>

#include <algorithm>

namespace parley {

namespace {

using detail::has_token;

constexpr std::string_view protocol_header = "Sec-WebSocket-Protocol";
constexpr std::string_view seat_prefix = "bob.seat.";

struct received_head {
    error_code error; // bad_framing: longer than the bound
    std::string head;
};

// Appends the available bytes. A peer that sends little takes little memory.
error_code read_some(any_stream& stream, std::string& bytes)
{
    error_code error;
    const mutable_bytes space = detail::scratch().first(detail::max_http_head_bytes - bytes.size());
    const std::size_t size = stream.try_read_some(space, error);
    bytes += as_text(space.first(size));
    return error == asio::error::would_block ? error_code{} : error;
}

// Puts the bytes behind the head back.
awaitable<received_head> read_head(any_stream& stream)
{
    received_head out;
    std::string bytes;
    std::size_t head_bytes = detail::http_head_bytes(bytes);
    while (head_bytes == 0) {
        if (bytes.size() >= detail::max_http_head_bytes) {
            out.error = errc::bad_framing;
            co_return out;
        }
        const auto waited = co_await stream.async_wait_readable(use_tuple);
        out.error = std::get<0>(waited);
        if (!out.error) out.error = read_some(stream, bytes);
        if (out.error) co_return out;
        head_bytes = detail::http_head_bytes(bytes);
    }
    if (head_bytes > detail::max_http_head_bytes) {
        out.error = errc::bad_framing;
        co_return out;
    }
    stream.put_back(as_bytes(std::string_view{bytes}.substr(head_bytes)));
    bytes.resize(head_bytes);
    out.head = std::move(bytes);
    co_return out;
}

awaitable<error_code> write_text(any_stream& stream, std::string text)
{
    const auto written =
        co_await asio::async_write(stream, asio::buffer(text.data(), text.size()), use_tuple);
    co_return std::get<0>(written);
}

using progress_hook = std::function<void(std::size_t taken, std::size_t size)>;

// Writes an answer that opens no WebSocket, in parts that other connections may come between.
awaitable<error_code> write_answer(any_stream& stream, const http_answer& answer, bool has_body,
                                   bool keep_open, const progress_hook& on_progress)
{
    constexpr std::size_t max_part_bytes = 64 * 1024;
    const std::string head = detail::format_http_head(answer, keep_open);
    const bytes_view body = has_body ? detail::body_of(answer) : bytes_view{};
    const std::size_t size = head.size() + body.size();
    std::size_t taken = 0;
    while (taken < size) {
        const bytes_view rest = taken < head.size() ? as_bytes(std::string_view{head}).subspan(taken)
                                                    : body.subspan(taken - head.size());
        const bytes_view after = taken < head.size() ? body : bytes_view{};
        const std::array<asio::const_buffer, 2> part{
            asio::buffer(rest.data(), std::min(rest.size(), max_part_bytes)),
            asio::buffer(after.data(), std::min(after.size(), max_part_bytes))};
        const auto written = co_await stream.async_write_some(part, use_tuple);
        if (std::get<0>(written)) co_return std::get<0>(written);
        taken += std::get<1>(written);
        if (on_progress) on_progress(taken, size);
    }
    co_return error_code{};
}

struct subprotocol {
    std::string_view name;
    stream_kind kind;
    bool has_window = false;
};

// The first of these that the request offers.
std::optional<subprotocol> requested_subprotocol(const http_request& request)
{
    for (const subprotocol& each :
         {subprotocol{websocket_subprotocol(stream_kind::handshake), stream_kind::handshake},
          subprotocol{"bob.room.window", stream_kind::room, true},
          subprotocol{websocket_subprotocol(stream_kind::room), stream_kind::room}})
        if (has_token(request, protocol_header, each.name)) return each;
    return std::nullopt;
}

// Removes the seats from a request, so that no later reader of the request sees them. Returns the seat, if
// there is one. Error for a malformed seat and for several: bad_framing.
result<std::optional<seat_token>> take_seat(http_request& request)
{
    std::optional<seat_token> seat;
    bool bad = false;
    for (auto& [name, value] : request.headers) {
        if (!detail::is_same_name(name, protocol_header)) continue;
        std::string others;
        for (const std::string_view each : detail::list_elements(value)) {
            if (detail::is_same_name(each.substr(0, seat_prefix.size()), seat_prefix)) {
                const auto read = seat_token::from_text(each.substr(seat_prefix.size()));
                bad = bad || !read || seat;
                seat = read;
            } else {
                if (!others.empty()) others += ", ";
                others += each;
            }
        }
        value = std::move(others);
    }
    if (bad) return make_error_code(errc::bad_framing);
    return seat;
}

// Status 101, or the answer that says what is wrong with the request. The seat was removed from it before.
http_answer judge(const http_request& request, bool seat_is_bad, const websocket_accept_options& options)
{
    const bool served = options.path.empty() || options.path == "/" || request.path() == options.path;
    const bool upgrade = request.method == "GET" && has_token(request, "Upgrade", "websocket") &&
                         has_token(request, "Connection", "upgrade");
    if (!upgrade) {
        auto own = options.on_request ? options.on_request(request) : std::nullopt;
        if (own) return std::move(*own);
    }
    if (!served) return {404, "There is nothing here.\n"};
    if (!upgrade) return {426, "A relay answers WebSockets here.\n"};
    if (request.header("Sec-WebSocket-Version") != "13")
        return {426, "This WebSocket version is not spoken here.\n"};
    constexpr std::size_t key_bytes = 24; // 16 in base64
    if (request.header("Sec-WebSocket-Key").size() != key_bytes || request.header("Host").empty())
        return {400, "A header of the WebSocket request is missing or malformed.\n"};
    if (!requested_subprotocol(request))
        return {400, "Sec-WebSocket-Protocol is neither bob.handshake nor bob.room.\n"};
    if (seat_is_bad) return {400, "The seat is malformed, or there are several.\n"};
    auto other = options.on_upgrade ? options.on_upgrade(request) : std::nullopt;
    if (other) return std::move(*other);
    return {101, {}};
}

// Judges what was received. Sets `request`, and the seat that it presents.
http_answer answer_to(const received_head& received, const websocket_accept_options& options,
                      http_request& request, std::optional<seat_token>& seat)
{
    seat.reset();
    if (received.error) return {431, "The request's headers are too long.\n"};
    auto parsed = detail::parse_http_request(received.head);
    if (!parsed) return {400, "This is no HTTP/1.1 request.\n"};
    request = std::move(*parsed);
    const auto taken = take_seat(request);
    if (taken) seat = *taken;
    return judge(request, taken.has_error(), options);
}

std::string host_header(const relay_address& address)
{
    std::string host = address.host;
    if (host.find(':') != std::string::npos) host = "[" + host.substr(0, host.find('%')) + "]";
    const transport* t = find_transport(address.scheme);
    if (t == nullptr || t->default_port != address.port) host += ":" + std::to_string(address.port);
    return host;
}

// Whether the answer names only that kind as its subprotocol: neither another value nor a seat.
bool takes_only(const http_request& answer, stream_kind kind)
{
    const std::string named = detail::joined(answer, protocol_header).value_or("");
    const auto taken = detail::list_elements(named);
    return !taken.empty() && std::all_of(taken.begin(), taken.end(), [kind](std::string_view each) {
        return each == websocket_subprotocol(kind);
    });
}

errc upgrade_error_of(unsigned status) noexcept
{
    switch (status) {
    case 301:
    case 302:
    case 303:
    case 307:
    case 308:
        return errc::upgrade_redirected;
    case 401:
    case 403:
        return errc::upgrade_denied;
    case 404:
    case 410:
        return errc::upgrade_not_found;
    case 426:
        return errc::upgrade_required;
    case 429:
    case 503:
        return errc::upgrade_unavailable;
    case 502:
    case 504:
        return errc::upgrade_bad_gateway;
    default:
        return errc::upgrade_refused;
    }
}

// The address of a relay that the Location of a redirect from `here` names, as a user would type it. Empty
// when it names none, or the same again.
std::string address_in(std::string_view location, const relay_address& here)
{
    location = location.substr(0, location.find('#'));
    std::string text;
    for (const auto& [web, scheme] : {std::pair{"https://", "wss://"}, std::pair{"http://", "ws://"}}) {
        const std::size_t size = std::string_view{web}.size();
        if (detail::is_same_name(location.substr(0, size), web))
            text = scheme + std::string{location.substr(size)};
    }
    if (location.starts_with("//")) {
        text = here.scheme + ":" + std::string{location};
    } else if (location.starts_with('/')) {
        relay_address there = here;
        there.path = location;
        text = there.text();
    } else if (text.empty()) {
        text = location;
    }
    const auto there = relay_address::parse(text);
    const bool helps = there && (there->scheme == "ws" || there->scheme == "wss") && *there != here;
    return helps ? text : std::string{};
}

// Describes an answer that opens no WebSocket.
std::string describe_answer(const detail::http_response& response, const relay_address& here)
{
    std::string out = detail::describe_status(response);
    const std::string_view location = response.fields.header("Location");
    if (upgrade_error_of(response.status) != errc::upgrade_redirected || location.empty()) return out;
    constexpr std::size_t max_shown_location = 200;
    out += "; it leads to " + escaped(location, max_shown_location);
    const std::string there = address_in(location, here);
    if (!there.empty()) out += "; try " + escaped(there, max_shown_location);
    return out;
}

} // namespace

std::string_view websocket_subprotocol(stream_kind kind) noexcept
{
    return kind == stream_kind::handshake ? "bob.handshake" : "bob.room";
}

awaitable<websocket_accepted> accept_websocket(any_stream& stream, websocket_accept_options options)
{
    websocket_accepted out;
    std::optional<seat_token> seat;
    for (std::size_t requests = 1;; ++requests) {
        const auto received = co_await read_head(stream);
        if (received.error && received.error != errc::bad_framing) {
            out.error = received.error;
            stream.close();
            co_return out;
        }
        out.request = {};
        const http_answer answer = answer_to(received, options, out.request, seat);
        out.status = answer.status;
        if (answer.status == 101) break;
        const bool keep_open =
            answer.keep_open && requests < options.max_requests && detail::may_be_followed(out.request);
        const bool has_body = out.request.method != "HEAD";
        const error_code failed =
            co_await write_answer(stream, answer, has_body, keep_open, options.on_progress);
        if (!failed && keep_open) continue;
        out.error = errc::upgrade_refused;
        if (failed)
            stream.close();
        else
            co_await detail::end_and_drain(stream, 64 * 1024);
        co_return out;
    }
    const subprotocol what = *requested_subprotocol(out.request);
    std::string text = detail::format_websocket_answer(out.request.header("Sec-WebSocket-Key"), what.name);
    out.error = co_await write_text(stream, std::move(text));
    if (out.error)
        stream.close();
    else
        stream = detail::make_server_websocket_stream(std::move(stream), what.kind, options.websocket, seat,
                                                      what.has_window);
    co_return out;
}

awaitable<error_code> open_websocket(any_stream& stream, relay_address address, stream_kind kind,
                                     websocket_options options, std::optional<seat_token> seat,
                                     diagnostics* diag)
{
    const std::string host = host_header(address);
    const std::string target = address.path.empty() ? std::string{"/"} : address.path;
    std::string protocols{websocket_subprotocol(kind)};
    if (seat) protocols += ", " + std::string{seat_prefix} + seat->text();
    auto layer = detail::start_beast_handshake(stream, host, target, protocols, kind, options);
    auto error = co_await write_text(stream, std::string{as_text(layer->output())});
    layer->output().clear();
    received_head received;
    if (!error) {
        received = co_await read_head(stream);
        error = received.error;
    }
    std::string what;
    if (error) {
        what = error == asio::error::eof ? "the connection ended before an answer" : error.message();
        if (error == asio::error::eof) error = errc::unexpected_end;
        if (error == errc::bad_framing) error = errc::upgrade_refused;
    } else {
        const auto response = detail::parse_http_response(received.head);
        if (!response)
            what = "what answers there does not speak HTTP";
        else if (response->status != 101)
            what = describe_answer(*response, address);
        else if (!detail::finish_beast_handshake(*layer,
                                                 detail::join_upgrade_lines(received.head, response->fields)))
            what = "the answer is not to this request";
        else if (!takes_only(response->fields, kind))
            what = "the subprotocol was not taken";
        if (!what.empty()) error = response ? upgrade_error_of(response->status) : errc::upgrade_refused;
    }
    if (error) {
        if (diag != nullptr) diag->set_message(std::move(what));
        stream.close();
        co_return error;
    }
    stream = detail::make_websocket_stream(std::move(stream), std::move(layer), kind, options);
    co_return error;
}

} // namespace parley
