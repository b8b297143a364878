// The relay's text for a peer's address (PROTOCOL.md section 1): "<addr>:<port>", 1 to 53 bytes.
#pragma once

#include <parley/base/bytes.hpp>
#include <parley/base/result.hpp>

namespace parley {

inline constexpr std::size_t max_identity_bytes = 53;

// An identity, held inline. A default-constructed one is empty, which no peer's identity is. Peers treat the
// text as opaque and compare it byte for byte.
class identity {
public:
    identity() noexcept = default;

    // Copies `text`. Errors: identity_empty, identity_unterminated (more than 53 bytes),
    // identity_bad_character (anything but printable ASCII without the space).
    static result<identity> from_text(std::string_view text) noexcept;

    std::string_view text() const noexcept { return {text_.data(), size_}; }
    bool empty() const noexcept { return size_ == 0; }

    // The address without the port: the text before the last ':', or all of it if there is no port. The
    // brackets of IPv6 are removed, so "[::1]:80" gives "::1". The view borrows this object.
    std::string_view address() const noexcept;

    friend bool operator==(const identity& a, const identity& b) noexcept { return a.text() == b.text(); }

    // Whether an identity may contain `c`: printable ASCII without the space.
    static constexpr bool is_allowed(byte c) noexcept { return c > 0x20 && c < 0x7f; }

private:
    friend class packet_parser;
    // Copies `text`, whose length and characters the caller has checked.
    static identity from_checked(std::string_view text) noexcept;

    std::array<char, max_identity_bytes> text_{};
    byte size_ = 0;
};

} // namespace parley

template <>
struct std::hash<parley::identity> {
    std::size_t operator()(const parley::identity& i) const noexcept
    {
        return std::hash<std::string_view>{}(i.text());
    }
};
