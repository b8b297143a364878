// The seat of a WebSocket peer (PROTOCOL.md section 9): 16 random bytes, written as 32 hexadecimal digits.
#pragma once

#include <parley/base/bytes.hpp>
#include <parley/base/random.hpp>

#include <optional>

namespace parley {

// A seat. It is a secret: whoever knows it may enter its owner's room. Nothing here writes it to a log or an
// error.
class seat_token {
public:
    static constexpr std::size_t byte_count = 16;

    static seat_token random(random_source& from) noexcept;
    // Reads 32 hexadecimal digits in either case. Returns nothing for any other text.
    static std::optional<seat_token> from_text(std::string_view digits) noexcept;

    std::string text() const { return to_hex(bytes_); } // in lower case
    bytes_view bytes() const noexcept { return bytes_; }

    // Compares in constant time.
    friend bool operator==(const seat_token& a, const seat_token& b) noexcept;

private:
    seat_token() noexcept = default;

    std::array<byte, byte_count> bytes_{};
};

} // namespace parley
