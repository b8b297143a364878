// How a peer enters a room (PROTOCOL.md section 6): it sends one line with the other peer's identity and
// reads two bytes from the relay.
//
//     peer  -> relay   identity || '\n'      under 100 bytes
//     relay -> peer    "00"  both are here
//                      "01"  the other peer did not come in time
//                      "02"  no such agreement, or a malformed line
#pragma once

#include <parley/proto/machine.hpp>
#include <parley/wire/identity.hpp>

#include <variant>

namespace parley {

inline constexpr std::size_t max_room_line_bytes = 100; // with its newline

enum class room_answer : byte { joined = 0, absent = 1, denied = 2 };
// The two bytes on the wire, in static storage.
bytes_view encode(room_answer answer) noexcept;

// Reads a room line from the front of a stream, in any split. Not thread-safe.
class room_line_parser {
public:
    // Takes bytes up to and including the newline. Returns the identity, or nothing when it needs more bytes.
    // Reports a broken rule at the first byte that breaks it: identity_empty, identity_bad_character,
    // identity_unterminated. After an error every call returns it.
    result<std::optional<identity>> parse(bytes_view& input) noexcept;

private:
    std::array<byte, max_identity_bytes> buffer_{};
    byte size_ = 0;
    error_code error_;
};

// The peer's side, a Machine: writes the line and reads the answer. Leaves the bytes after the answer in
// `input`.
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
    // room_absent, room_denied, room_bad_answer, unexpected_end, or the argument of stop().
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
