// What a relay reads of a connection before it knows anything of it. The first byte of an input says which
// part gets the rest: what the first bytes are, a PROXY header, an HTTP request with the headers that name
// its client, or the frames of a WebSocket. Whatever comes, the answer must not depend on how it was cut, and
// no bound may break.
#include "require.hpp"

#include "relay/intake/forwarded.hpp"
#include "relay/intake/intake.hpp"
#include "relay/intake/protocol_detection.hpp"
#include "relay/intake/proxy_header.hpp"
#include "stream/layer/websocket_codec.hpp"
#include "transport/http/http_head.hpp"

#include <algorithm>

namespace {

using namespace parley;
using fuzz::require;

// A copy of exact size lets the sanitizer see a read past its end.
byte_vector copy_of(bytes_view bytes)
{
    return {bytes.begin(), bytes.end()};
}

void check_first_bytes(bytes_view stream)
{
    for (const relay_channel channel : {relay_channel::handshake, relay_channel::room}) {
        auto before = detail::detected_protocol::more_needed;
        for (std::size_t n = 0; n <= std::min<std::size_t>(stream.size(), 16); ++n) {
            const byte_vector prefix = copy_of(stream.first(n));
            const auto now = detail::detect_protocol(prefix, channel);
            require(before == detail::detected_protocol::more_needed || now == before, "it changed its mind");
            require(n < detail::max_first_bytes || now != detail::detected_protocol::more_needed,
                    "never decided");
            before = now;
        }
    }
}

void check_proxy_header(bytes_view stream)
{
    constexpr std::size_t longest = detail::proxy_v2_fixed_bytes + detail::max_proxy_v2_payload_bytes;
    bool decided = false;
    for (std::size_t n = 0; n <= std::min(stream.size(), longest + 8); ++n) {
        const byte_vector prefix = copy_of(stream.first(n));
        const auto got = detail::parse_proxy_header(prefix);
        const bool waits = got && !*got;
        require(!decided || !waits, "it forgot what it had found");
        require(!waits || n < longest, "never decided");
        if (got && *got) require((*got)->size <= n && (*got)->size > 0, "the size");
        decided = !waits;
    }
}

void check_request(bytes_view stream)
{
    static const network_set trusted = [] {
        network_set set;
        for (const char* each : {"10.0.0.0/8", "::1", "2001:db8::/32"})
            require(set.add(each).has_value(), "a network");
        return set;
    }();
    const byte_vector copy = copy_of(stream);
    const std::string_view text = as_text(copy);
    const std::size_t size = detail::http_head_bytes(text);
    if (size == 0 || size > detail::max_http_head_bytes) return;
    const auto request = detail::parse_http_request(text.substr(0, size));
    if (!request) return;
    for (const auto& [name, value] : request->headers)
        for (const std::string_view each : detail::list_elements(value))
            require(!each.empty() && each.find(',') == each.npos && each.front() != ' ' && each.back() != ' ',
                    "an element of a list");
    detail::forwarded_for(*request, trusted);
    static const static_site site = [] {
        static_file file;
        file.path = "/file";
        file.etag = "1";
        file.identity = file.gzip = file.br = as_bytes("content");
        return static_site{{file}};
    }();
    const auto answer = site.answer(*request, "/file");
    require(answer && (answer->status == 200 || answer->status == 304 || answer->status == 405), "a file");
    const auto lobby = detail::lobby_name_of(request->path());
    require(!lobby || (!lobby->empty() && lobby->size() <= 64), "a lobby's name");
    // What a client writes to the left of the one that its proxy saw must not matter.
    http_request forged;
    for (const auto& header : request->headers)
        if (detail::is_same_name(header.first, "X-Forwarded-For"))
            forged.headers.emplace_back(header.first, header.second + ", 192.0.2.1");
    if (forged.headers.size() != 1) return;
    const auto seen = detail::forwarded_for(forged, trusted);
    require(seen.what == detail::forwarded_client::kind::known &&
                seen.client.address() == asio::ip::make_address("192.0.2.1"),
            "a forged list was believed");
}

struct heard {
    byte_vector bytes, answers;
    bool failed = false, closed = false;
    friend bool operator==(const heard&, const heard&) = default;
};

heard listen_to(bytes_view stream, std::size_t step, bool has_window)
{
    constexpr std::size_t max_message_bytes = 1000;
    constexpr time_point now = time_point{} + std::chrono::hours{1};
    detail::websocket_codec codec{max_message_bytes, has_window};
    heard out;
    byte_vector sent;
    codec.send(byte_vector(max_message_bytes), sent); // what counts may name
    while (!stream.empty()) {
        byte_vector piece = copy_of(stream.first(std::min(step, stream.size())));
        const std::size_t kept = codec.receive(piece, now, out.answers);
        require(kept <= piece.size(), "more came out than went in");
        out.bytes.insert(out.bytes.end(), piece.begin(), piece.begin() + static_cast<std::ptrdiff_t>(kept));
        stream = stream.subspan(piece.size());
    }
    require(codec.sendable() == SIZE_MAX || codec.sendable() <= detail::websocket_window_bytes,
            "a window grows");
    codec.answer(out.answers);
    out.failed = codec.failed();
    out.closed = codec.closed();
    return out;
}

void check_frames(bytes_view stream)
{
    for (const bool has_window : {false, true}) {
        const heard whole = listen_to(stream, std::max<std::size_t>(stream.size(), 1), has_window);
        for (const std::size_t step : {1u, 3u, 127u})
            require(listen_to(stream, step, has_window) == whole, "another cut, another reading");
        require(whole.answers.size() <= stream.size() * 4 + 64, "answers grow beyond what asks for them");
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    if (size == 0) return 0;
    const bytes_view rest{data + 1, size - 1};
    switch (data[0] % 4) {
    case 0:
        check_first_bytes(rest);
        break;
    case 1:
        check_proxy_header(rest);
        break;
    case 2:
        check_request(rest);
        break;
    default:
        check_frames(rest);
        break;
    }
    return 0;
}
