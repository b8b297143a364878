// As much of a WebSocket (RFC 6455) as a load generator needs, in both roles, as cheap as possible. It trusts
// the program under test to keep the rules of its frames; what breaks them ends the connection.
#pragma once

#include "bench/load_socket.hpp"

#include <parley/base/bytes.hpp>

namespace parley::bench {

// The request that opens one; `protocol` is "bob.handshake" or "bob.room".
std::string upgrade_request(const endpoint& to, std::string_view protocol);
// Whether `head` (up to its empty line) says 101.
bool is_upgraded(std::string_view head) noexcept;

// Blocking, for what is not measured: opens a WebSocket on a connected socket, or answers a request for a
// room that upgrade_request() has made. Throw failure.
void open_websocket(load_socket& socket, const endpoint& to, std::string_view protocol);
void expect_upgraded(load_socket& socket, const endpoint& to); // the answer to a request that was sent
void answer_websocket(load_socket& socket);

// Appends `payload` as one binary message, masked as clients must.
void append_frame(byte_vector& out, bytes_view payload);

// Takes frames apart, masked or not, in any split.
class frame_reader {
public:
    // Moves the payload of data frames to the front of `data` (unmasked) and gives its size. Pongs that are
    // due are appended to `due`. Check failed() afterwards.
    std::size_t receive(mutable_bytes data, byte_vector& due);
    // The same, for one who only counts: nothing is moved or unmasked, and no ping is answered.
    std::uint64_t count(bytes_view data);
    // A close frame, or something that is no frame.
    bool failed() const noexcept { return failed_; }

private:
    // Takes one byte of a header; true when the header is whole.
    bool take_header(byte next);
    template <class OnPayload, class OnEnd>
    void walk(bytes_view data, OnPayload on_payload, OnEnd on_end);

    static constexpr std::size_t max_header_bytes = 14;
    std::array<byte, max_header_bytes> header_{};
    std::array<byte, 4> mask_{};
    byte header_size_ = 0;
    byte opcode_ = 0;
    std::uint64_t remaining_ = 0;
    std::uint64_t at_ = 0; // in the frame's payload
    byte_vector control_;
    bool masked_ = false;
    bool failed_ = false;
};

} // namespace parley::bench
