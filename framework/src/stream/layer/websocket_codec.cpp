#include "stream/layer/websocket_codec.hpp"

#include "stream/layer/empty_frame_rate.hpp"

#include <parley/base/utf8.hpp>

#include <algorithm>
#include <cstring>
#include <utility>

namespace parley::detail {
namespace {

enum opcode : byte { continuation = 0, text = 1, binary = 2, close = 8, ping_frame = 9, pong = 10 };

constexpr std::size_t max_sent_payload_bytes = 64 * 1024;
// Above this many bytes of waiting output, the codec sends no ping and keeps only the latest pong.
constexpr std::size_t max_waiting_control_bytes = 512;
constexpr std::size_t max_count_digits = 16;
// A count that is less than this above the last one counts as a frame without data.
constexpr std::uint64_t least_count_step = 64 * 1024;

bool is_control(byte code) noexcept
{
    return (code & 8) != 0;
}

// Unmasks `from`, which begins at byte `at` of the payload, to `to`. `to` is `from` itself or an overlapping
// place before it.
void apply_mask(byte* to, const byte* from, std::size_t size, const std::array<byte, 4>& mask,
                std::size_t at) noexcept
{
    using lane = std::uint64_t __attribute__((vector_size(16)));
    std::array<byte, sizeof(lane)> key{};
    for (std::size_t i = 0; i < key.size(); ++i) key[i] = mask[(at + i) & 3];
    lane wide_key;
    std::memcpy(&wide_key, key.data(), sizeof wide_key);
    std::size_t i = 0;
    for (; i + 4 * sizeof(lane) <= size; i += 4 * sizeof(lane)) {
        lane a, b, c, d; // an array would be kept in memory
        std::memcpy(&a, from + i, sizeof a);
        std::memcpy(&b, from + i + sizeof a, sizeof b);
        std::memcpy(&c, from + i + 2 * sizeof a, sizeof c);
        std::memcpy(&d, from + i + 3 * sizeof a, sizeof d);
        a ^= wide_key, b ^= wide_key, c ^= wide_key, d ^= wide_key;
        std::memcpy(to + i, &a, sizeof a);
        std::memcpy(to + i + sizeof a, &b, sizeof b);
        std::memcpy(to + i + 2 * sizeof a, &c, sizeof c);
        std::memcpy(to + i + 3 * sizeof a, &d, sizeof d);
    }
    for (; i < size; ++i) to[i] = from[i] ^ key[i & 15];
}

// Whether a peer may send `code` (RFC 6455 section 7.4, and the registry for 1012 to 1014).
bool may_be_sent(std::uint16_t code) noexcept
{
    return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999);
}

} // namespace

websocket_codec::websocket_codec(std::size_t max_message_bytes, bool has_window)
    : max_message_bytes_(std::max<std::size_t>(max_message_bytes, 1)),
      window_(has_window ? std::make_unique<window>() : nullptr)
{
}

std::size_t websocket_codec::receive(mutable_bytes data, time_point now, byte_vector& output)
{
    std::size_t kept = 0, at = 0;
    while (at < data.size() && !failed_ && !closed_) {
        if (!in_payload_) {
            take_header(data[at++], now, output);
            continue;
        }
        const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(remaining_, data.size() - at));
        const bytes_view part = data.subspan(at, size);
        byte* const to = is_control(opcode_) ? control_.data() + control_size_ : data.data() + kept;
        apply_mask(to, part.data(), size, mask_, mask_at_);
        mask_at_ = static_cast<byte>((mask_at_ + size) & 3);
        if (is_control(opcode_))
            control_size_ = static_cast<byte>(control_size_ + size);
        else if (window_ && window_->in_count)
            take_digits({to, size}, output);
        else
            kept += size;
        at += size;
        remaining_ -= size;
        if (remaining_ == 0 && !failed_) end_frame(output);
    }
    return kept;
}

void websocket_codec::take_header(byte next, time_point now, byte_vector& output)
{
    header_[header_size_++] = next;
    if (header_size_ < 2) return;
    if (header_size_ == 2) check_start(output);
    if (failed_) return;
    const byte length = header_[1] & 0x7f;
    const std::size_t whole = 2u + (length == 126 ? 2u : length == 127 ? 8u : 0u) + 4u;
    if (header_size_ == whole) begin_payload(now, output);
}

// Checks what the first two bytes tell.
void websocket_codec::check_start(byte_vector& output)
{
    opcode_ = header_[0] & 0x0f;
    final_ = (header_[0] & 0x80) != 0;
    const bool reserved = (header_[0] & 0x70) != 0;
    const bool masked = (header_[1] & 0x80) != 0;
    const bool known = opcode_ <= binary || (opcode_ >= close && opcode_ <= pong);
    if (reserved || !known || !masked) return fail(websocket_close::protocol_error, output);
    if (is_control(opcode_)) {
        if (!final_ || (header_[1] & 0x7f) > max_control_bytes) fail(websocket_close::protocol_error, output);
        return;
    }
    if ((opcode_ == continuation) != in_message_) return fail(websocket_close::protocol_error, output);
    if (opcode_ == text && !window_) fail(websocket_close::unsupported, output);
}

void websocket_codec::begin_payload(time_point now, byte_vector& output)
{
    const byte length = header_[1] & 0x7f;
    remaining_ = length;
    std::uint64_t shortest = 0; // the smallest length that needs this form
    if (length == 126) {
        remaining_ = load_be<std::uint16_t>(header_.data() + 2);
        shortest = 126;
    } else if (length == 127) {
        remaining_ = load_be<std::uint64_t>(header_.data() + 2);
        shortest = 65536;
    }
    if (remaining_ < shortest || remaining_ >> 63 != 0) return fail(websocket_close::protocol_error, output);
    std::copy_n(header_.begin() + header_size_ - 4, 4, mask_.begin());
    mask_at_ = 0;
    header_size_ = control_size_ = 0;
    if (!is_control(opcode_)) {
        if (remaining_ > max_message_bytes_ - message_bytes_) return fail(websocket_close::too_big, output);
        message_bytes_ += remaining_;
        in_message_ = true;
        if (window_ && opcode_ != continuation) window_->in_count = opcode_ == text;
    }
    if (!count_frame(now)) return fail(websocket_close::policy, output);
    in_payload_ = true;
    if (remaining_ == 0) end_frame(output);
}

// False when too many frames have come without data.
bool websocket_codec::count_frame(time_point now) noexcept
{
    if (opcode_ == close) return true;
    const bool no_data = is_control(opcode_) || remaining_ == 0 || (window_ && window_->in_count);
    if (no_data) return without_data_.take(empty_frame_rate, now);
    without_data_.give_back(empty_frame_rate, 1);
    return true;
}

void websocket_codec::end_frame(byte_vector& output)
{
    in_payload_ = false;
    if (opcode_ == close) return on_close(output);
    if (opcode_ == ping_frame) {
        const bytes_view payload = bytes_view{control_}.first(control_size_);
        owes_pong_ = output.size() >= max_waiting_control_bytes;
        if (owes_pong_)
            ping_.assign(payload.begin(), payload.end());
        else if (!ended_)
            append(pong, payload, output);
    } else if (!is_control(opcode_) && final_) {
        in_message_ = false;
        message_bytes_ = 0;
        if (window_ && window_->in_count) end_count(output);
    }
}

void websocket_codec::take_digits(bytes_view digits, byte_vector& output)
{
    window& w = *window_;
    for (const byte digit : digits) {
        const bool fits = digit >= '0' && digit <= '9' && w.digits < max_count_digits && !w.leading_zero;
        if (!fits) return fail(websocket_close::protocol_error, output);
        w.leading_zero = w.digits == 0 && digit == '0'; // nothing may follow it
        w.count = 10 * w.count + (digit - unsigned{'0'});
        ++w.digits;
    }
}

void websocket_codec::end_count(byte_vector& output)
{
    window& w = *window_;
    if (w.digits == 0 || w.count < w.used || w.count > w.sent)
        return fail(websocket_close::protocol_error, output);
    if (w.count - w.used >= least_count_step) without_data_.give_back(empty_frame_rate, 1);
    w.used = w.count;
    w.count = w.digits = 0;
    w.leading_zero = w.in_count = false;
}

void websocket_codec::on_close(byte_vector& output)
{
    const bytes_view payload = bytes_view{control_}.first(control_size_);
    if (payload.size() == 1) return fail(websocket_close::protocol_error, output);
    if (payload.size() >= 2) {
        const auto code = load_be<std::uint16_t>(payload.data());
        if (!may_be_sent(code)) return fail(websocket_close::protocol_error, output);
        if (!is_valid_utf8(as_text(payload.subspan(2)))) return fail(websocket_close::bad_payload, output);
        code_ = code;
    }
    closed_ = true;
}

void websocket_codec::fail(std::uint16_t code, byte_vector& output)
{
    failed_ = true;
    if (std::exchange(ended_, true)) return;
    append_close(code, output);
}

std::size_t websocket_codec::sendable() const noexcept
{
    if (!window_ || failed_ || closed_ || ended_) return SIZE_MAX;
    return static_cast<std::size_t>(websocket_window_bytes - (window_->sent - window_->used));
}

void websocket_codec::send(bytes_view bytes, byte_vector& output)
{
    if (window_) window_->sent += bytes.size();
    const std::size_t most = std::min(max_message_bytes_, max_sent_payload_bytes);
    while (!bytes.empty()) {
        const bytes_view part = bytes.first(std::min(bytes.size(), most));
        append(binary, part, output);
        bytes = bytes.subspan(part.size());
    }
}

void websocket_codec::answer(byte_vector& output)
{
    if (!std::exchange(owes_pong_, false) || ended_) return;
    append(pong, ping_, output);
    ping_ = {};
}

void websocket_codec::ping(byte_vector& output)
{
    if (!ended_ && output.size() < max_waiting_control_bytes) append(ping_frame, {}, output);
}

void websocket_codec::end(byte_vector& output)
{
    if (std::exchange(ended_, true)) return;
    append_close(closed_ ? code_ : websocket_close::normal, output);
}

std::size_t websocket_codec::head(std::size_t& size, head_space out) noexcept
{
    const std::size_t most = sendable();
    if (ended_ || most == 0) return 0;
    size = std::min({size, max_message_bytes_, max_sent_payload_bytes, most});
    if (window_) window_->sent += size;
    return start_frame(binary, size, out);
}

std::size_t websocket_codec::start_frame(byte code, std::size_t size, head_space out) const noexcept
{
    out[0] = static_cast<byte>(0x80 | code);
    if (size < 126) {
        out[1] = static_cast<byte>(size);
        return 2;
    }
    if (size < 65536) {
        out[1] = 126;
        store_be(out.data() + 2, static_cast<std::uint16_t>(size));
        return 4;
    }
    out[1] = 127;
    store_be(out.data() + 2, static_cast<std::uint64_t>(size));
    return 10;
}

void websocket_codec::append(byte code, bytes_view payload, byte_vector& output)
{
    std::array<byte, max_header_bytes> head;
    const std::size_t size = start_frame(code, payload.size(), head);
    output.reserve(output.size() + size + payload.size());
    output.insert(output.end(), head.begin(), head.begin() + static_cast<std::ptrdiff_t>(size));
    output.insert(output.end(), payload.begin(), payload.end());
}

void websocket_codec::append_close(std::uint16_t code, byte_vector& output)
{
    std::array<byte, 2> payload{};
    store_be(payload.data(), code);
    append(close, code == websocket_close::none ? bytes_view{} : bytes_view{payload}, output);
}

} // namespace parley::detail
