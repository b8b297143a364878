#include "bench/load_websocket.hpp"

#include "bench/failure.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

namespace parley::bench {
namespace {

constexpr std::size_t max_head_bytes = 8192;
// Both ends of a connection belong to the generator, so the key and its answer are always the same.
constexpr std::string_view key = "cGFybGV5IGJlbmNobWFyaw==";
constexpr std::string_view answer =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Accept: Qd8zrX8L6qLfLN5EerG15ZOglc4=\r\nSec-WebSocket-Protocol: bob.room\r\n\r\n";
constexpr byte binary = 0x82, close_opcode = 8, ping = 9, pong = 0x8a;

// Reads byte by byte, to take nothing of what follows.
std::string read_head(load_socket& socket)
{
    std::string head;
    char next = 0;
    while (!head.ends_with("\r\n\r\n")) {
        if (head.size() == max_head_bytes || socket.recv(&next, 1) != 1)
            throw failure{"no HTTP head from the program under test: " + escaped(head)};
        head += next;
    }
    return head;
}

void append_control(byte_vector& out, byte opcode, bytes_view payload)
{
    // With a mask of zero the payload stays as it is.
    out.insert(out.end(), {opcode, static_cast<byte>(0x80 | payload.size()), 0, 0, 0, 0});
    out.insert(out.end(), payload.begin(), payload.end());
}

} // namespace

std::string upgrade_request(const endpoint& to, std::string_view protocol)
{
    return fmt::format(
        "GET {} HTTP/1.1\r\nHost: {}:{}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {}\r\nSec-WebSocket-Protocol: {}\r\n\r\n",
        to.path.empty() ? "/" : to.path, to.host, to.port, key, protocol);
}

bool is_upgraded(std::string_view head) noexcept
{
    return head.starts_with("HTTP/1.1 101");
}

void open_websocket(load_socket& socket, const endpoint& to, std::string_view protocol)
{
    if (!write_all(socket, upgrade_request(to, protocol))) throw system_failure(to.text(), errno);
    expect_upgraded(socket, to);
}

void expect_upgraded(load_socket& socket, const endpoint& to)
{
    const std::string head = read_head(socket);
    if (!is_upgraded(head))
        throw failure{to.text() + " opens no WebSocket: " + escaped(head.substr(0, head.find('\r')))};
}

void answer_websocket(load_socket& socket)
{
    if (read_head(socket).find(key) == std::string::npos || !write_all(socket, answer))
        throw failure{"a request that asks for no WebSocket of this generator"};
}

void append_frame(byte_vector& out, bytes_view payload)
{
    constexpr std::array<byte, 4> mask{0x5a, 0x1f, 0xc3, 0x78};
    const std::size_t size = payload.size();
    out.push_back(binary);
    if (size < 126) {
        out.push_back(static_cast<byte>(0x80 | size));
    } else if (size < 65536) {
        out.insert(out.end(), {0xfe, static_cast<byte>(size >> 8), static_cast<byte>(size)});
    } else {
        out.resize(out.size() + 9);
        out[out.size() - 9] = 0xff;
        store_be(out.data() + out.size() - 8, static_cast<std::uint64_t>(size));
    }
    out.insert(out.end(), mask.begin(), mask.end());
    for (std::size_t i = 0; i < size; ++i) out.push_back(payload[i] ^ mask[i % 4]);
}

bool frame_reader::take_header(byte next)
{
    header_[header_size_++] = next;
    if (header_size_ < 2) return false;
    const byte length = header_[1] & 0x7f;
    const std::size_t length_bytes = length == 127 ? 8 : length == 126 ? 2 : 0;
    masked_ = (header_[1] & 0x80) != 0;
    if (header_size_ < 2 + length_bytes + (masked_ ? 4u : 0u)) return false;
    remaining_ = length_bytes == 8   ? load_be<std::uint64_t>(header_.data() + 2)
                 : length_bytes == 2 ? load_be<std::uint16_t>(header_.data() + 2)
                                     : length;
    mask_ = {};
    if (masked_)
        std::copy_n(header_.begin() + 2 + static_cast<std::ptrdiff_t>(length_bytes), 4, mask_.begin());
    opcode_ = header_[0] & 0x0f;
    const bool control = opcode_ >= close_opcode;
    failed_ = opcode_ == close_opcode || opcode_ > 10 || (opcode_ > 2 && !control) ||
              (control && remaining_ > 125) || (header_[0] & 0x70) != 0;
    header_size_ = 0;
    at_ = 0;
    control_.clear();
    return true;
}

// Calls on_payload(offset, size) for each piece of payload in `data`, and on_end() at the end of each frame.
template <class OnPayload, class OnEnd>
void frame_reader::walk(bytes_view data, OnPayload on_payload, OnEnd on_end)
{
    for (std::size_t i = 0; i < data.size() && !failed_;) {
        if (remaining_ == 0) {
            if (take_header(data[i++]) && remaining_ == 0) on_end();
            continue;
        }
        const std::size_t n = static_cast<std::size_t>(std::min<std::uint64_t>(remaining_, data.size() - i));
        on_payload(i, n);
        i += n;
        at_ += n;
        remaining_ -= n;
        if (remaining_ == 0) on_end();
    }
}

std::size_t frame_reader::receive(mutable_bytes data, byte_vector& due)
{
    std::size_t kept = 0;
    walk(
        data,
        [&](std::size_t i, std::size_t n) {
            const mutable_bytes piece = data.subspan(i, n);
            if (masked_)
                for (std::size_t k = 0; k < n; ++k) piece[k] ^= mask_[(at_ + k) % 4];
            if (opcode_ >= close_opcode)
                return void(control_.insert(control_.end(), piece.begin(), piece.end()));
            std::memmove(data.data() + kept, piece.data(), n);
            kept += n;
        },
        [&] {
            if (opcode_ == ping) append_control(due, pong, control_);
        });
    return kept;
}

std::uint64_t frame_reader::count(bytes_view data)
{
    std::uint64_t payload = 0;
    walk(data, [&](std::size_t, std::size_t n) { payload += opcode_ < close_opcode ? n : 0; }, [] {});
    return payload;
}

} // namespace parley::bench
