// The parts of a WebSocket (RFC 6455) that a load generator needs, in both roles, as cheap as possible. It
// trusts the framing of the program under test. A wrong frame ends the connection.
#pragma once

#include "bench/load_socket.hpp"

#include <parley/base/bytes.hpp>

namespace parley::bench {

// The request that opens a WebSocket. `protocol` is "bob.handshake" or "bob.room".
std::string upgrade_request(const endpoint& to, std::string_view protocol);
// Whether `head` (up to its empty line) has the status 101.
bool is_upgraded(std::string_view head) noexcept;

// Blocking, for parts that are not measured: open a WebSocket on a connected socket, or answer a request for
// a room that upgrade_request() made. Throw failure.
void open_websocket(load_socket& socket, const endpoint& to, std::string_view protocol);
void expect_upgraded(load_socket& socket, const endpoint& to); // reads the answer to a request that was sent
void answer_websocket(load_socket& socket);

// Appends `payload` as one binary message, masked as a client's must be.
void append_frame(byte_vector& out, bytes_view payload);

// Parses frames, masked or not, in any split.
class frame_reader {
public:
    // Moves the unmasked payload of data frames to the front of `data` and returns its size. Appends the
    // pongs to send to `due`. Check failed() afterwards.
    std::size_t receive(mutable_bytes data, byte_vector& due);
    // The same, but only counts: it moves and unmasks nothing and answers no ping.
    std::uint64_t count(bytes_view data);
    // There was a close frame or something that is not a frame.
    bool failed() const noexcept { return failed_; }

private:
    // Takes one byte of a header. Returns true when the header is complete.
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
