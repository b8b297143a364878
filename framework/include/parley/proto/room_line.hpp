// How a peer enters a room (PROTOCOL.md section 6): one line with the other's identity, then two bytes from
// the relay.
//
//     peer  -> relay   identity || '\n'      under 100 bytes
//     relay -> peer    "00" both are here | "01" the other did not come in time | "02" no such agreement, or
//     malformed
#pragma once

#include <parley/proto/machine.hpp>
#include <parley/wire/identity.hpp>

#include <variant>

namespace parley {

inline constexpr std::size_t max_room_line_bytes = 100; // with its newline

enum class room_answer : byte { joined = 0, absent = 1, denied = 2 };
// The two bytes on the wire; static storage.
bytes_view encode(room_answer answer) noexcept;

// Takes a room line from the front of a stream, in any split. Not thread-safe.
class room_line_parser {
public:
    // Takes bytes up to and with the newline. The identity; nothing when more bytes are needed;
    // identity_empty, identity_bad_character or identity_unterminated as soon as the byte that breaks it is
    // seen. After an error it stays failed.
    result<std::optional<identity>> parse(bytes_view& input) noexcept;

private:
    std::array<byte, max_identity_bytes> buffer_{};
    byte size_ = 0;
    error_code error_;
};

// The peer's side, a Machine: writes the line, reads the answer. Bytes after the answer are left in `input`.
class room_entry_machine {
public:
    struct entered {};
    using event = std::variant<entered>;

    explicit room_entry_machine(const identity& other);

    void receive(bytes_view& input);
    void receive_end();
    void stop(error_code why);

    bytes_view output() const;
    void consume_output(std::size_t n);
    std::optional<event> next_event();
    bool finished() const noexcept { return finished_; }
    // room_absent, room_denied, room_bad_answer, unexpected_end, or what stop() was given.
    error_code error() const noexcept { return error_; }

private:
    std::array<byte, max_identity_bytes + 1> line_{};
    byte line_size_ = 0, line_sent_ = 0;
    std::array<byte, 2> answer_{};
    byte answer_size_ = 0;
    bool finished_ = false, event_due_ = false;
    error_code error_;
};

} // namespace parley
