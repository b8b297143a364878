// The frames of a WebSocket (RFC 6455 section 5) as a machine: it takes received bytes, and gives the
// stream's bytes and the bytes to send. Private to the framework.
//
//     frame = fin:1 rsv:3 opcode:4 || mask:1 length:7 || [length u16be | u64be] || [masking key (4)] ||
//     payload
//
// Binary messages make one stream of bytes; their boundaries mean nothing (PROTOCOL.md section 9). With a window,
// a text message is a count: the decimal number of the stream's bytes that the peer has used in all. This is
// the server's side, for relays. Peers use Beast (parley/stream/beast_websocket.hpp); docs/decisions.md
// explains why relays do not.
#pragma once

#include "async/gcra.hpp"

#include <parley/base/bytes.hpp>

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

namespace parley::detail {

// The close codes that the codec sends or understands.
namespace websocket_close {
inline constexpr std::uint16_t normal = 1000, protocol_error = 1002, unsupported = 1003, none = 1005,
                               bad_payload = 1007, policy = 1008, too_big = 1009;
}

// How far the stream may be ahead of the peer's counts.
inline constexpr std::uint64_t websocket_window_bytes = 8u << 20;

class websocket_codec {
public:
    // `max_message_bytes` bounds a message with all its fragments, in both directions. Without a window there are
    // no counts, and a text message breaks a rule.
    explicit websocket_codec(std::size_t max_message_bytes, bool has_window = false);

    // Takes all of `data`, which came at `now` and may hold several frames and parts of frames. Moves the
    // stream's bytes to its front and returns their number. After failed() or closed() it takes nothing.
    // Appends pongs, and the close frame that answers a broken rule or too many frames without data, to
    // `output`. Of the pongs that `output` has no room for, answer() gives the latest.
    std::size_t receive(mutable_bytes data, time_point now, byte_vector& output);
    // Appends the pong that is still due, if there is one.
    void answer(byte_vector& output);

    // How many bytes may be sent now. SIZE_MAX without a window, and when no count will come any more.
    std::size_t sendable() const noexcept;
    // Appends `bytes`, at most sendable(), as binary messages to `output`. Do not call it after end() or failed().
    void send(bytes_view bytes, byte_vector& output);
    // Writes the header of a binary message of `size` bytes, and returns the header's size; the caller sends
    // the payload unchanged. Reduces `size` to what one message may hold and to sendable(). Returns 0 when
    // nothing may be sent now.
    static constexpr std::size_t max_header_bytes = 14;
    using head_space = std::span<byte, max_header_bytes>;
    std::size_t head(std::size_t& size, head_space out) noexcept;
    // Appends an empty ping.
    void ping(byte_vector& output);
    // Appends the close frame: 1000, or the peer's own code if that came first. Call it once; nothing
    // follows.
    void end(byte_vector& output);

    bool failed() const noexcept { return failed_; }            // the peer broke a rule
    bool closed() const noexcept { return closed_; }            // the peer's close frame has come
    std::uint16_t close_code() const noexcept { return code_; } // of that frame
    bool ended() const noexcept { return ended_; }              // our close frame is out

private:
    static constexpr std::size_t max_control_bytes = 125;
    struct window {
        std::uint64_t sent = 0, used = 0; // of the stream, in all
        std::uint64_t count = 0;          // the digits so far of the count that comes
        byte digits = 0;
        bool in_count = false; // the current message is one
        bool leading_zero = false;
    };

    void take_header(byte next, time_point now, byte_vector& output);
    void check_start(byte_vector& output);
    void begin_payload(time_point now, byte_vector& output);
    bool count_frame(time_point now) noexcept;
    void end_frame(byte_vector& output);
    void take_digits(bytes_view text, byte_vector& output);
    void end_count(byte_vector& output);
    void on_close(byte_vector& output);
    void fail(std::uint16_t code, byte_vector& output);
    std::size_t start_frame(byte opcode, std::size_t size, head_space out) const noexcept;
    void append(byte opcode, bytes_view payload, byte_vector& output);
    void append_close(std::uint16_t code, byte_vector& output);

    std::size_t max_message_bytes_;
    std::uint64_t message_bytes_ = 0; // of the current message
    std::uint64_t remaining_ = 0;     // of the current frame's payload
    gcra without_data_;               // empty_frame_rate
    byte_vector ping_;                // the payload of the latest ping, while owes_pong_
    std::unique_ptr<window> window_;
    std::array<byte, max_control_bytes> control_{};
    std::array<byte, max_header_bytes> header_{};
    std::array<byte, 4> mask_{};
    std::uint16_t code_ = websocket_close::none;
    byte header_size_ = 0, control_size_ = 0;
    byte mask_at_ = 0; // of the next byte
    byte opcode_ = 0;
    bool final_ = false, in_payload_ = false, in_message_ = false;
    bool failed_ = false, closed_ = false, ended_ = false;
    bool owes_pong_ = false;
};

} // namespace parley::detail
