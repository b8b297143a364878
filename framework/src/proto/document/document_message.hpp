// The messages of a document's transfer (SESSION2.md section 6): u8 type, u32 length, body.
#pragma once

#include <parley/base/bytes.hpp>
#include <parley/base/utf8.hpp>

#include <algorithm>
#include <optional>
#include <string>

namespace parley {

enum class document_message : byte {
    offer = 0x10,
    entries = 0x11,
    offer_end = 0x12,
    accept = 0x20,
    accept_end = 0x21,
    refuse = 0x22,
    file = 0x30,
    data = 0x31,
    file_end = 0x32,
    sent = 0x33,
    progress = 0x40,
    stored = 0x41,
    error = 0x50,
};

inline constexpr std::size_t document_header_bytes = 5;
inline constexpr std::size_t max_document_body_bytes = 65536; // of all messages but data
inline constexpr std::size_t max_document_data_bytes = 262144;

struct document_header {
    document_message type; // any number
    std::uint32_t length;

    constexpr bool is_too_long() const noexcept
    {
        return length > (type == document_message::data ? max_document_data_bytes : max_document_body_bytes);
    }
};

// Cuts a stream of bytes into messages, whatever its split into reads. The caller judges each header before it
// reads the body. Allocates only for a body that comes in pieces, and no more than its length. Not
// thread-safe.
class document_message_reader {
public:
    // Takes bytes from the front of `input` until a header is complete. Returns it again until the body has been
    // read. Null when it needs more bytes.
    const document_header* header(bytes_view& input) noexcept;
    // After a header: takes bytes until the body is complete, and returns it. It is valid until the next call,
    // and as long as `input`. Only for a header that is not too long.
    std::optional<bytes_view> body(bytes_view& input);
    // After a header: takes those bytes of the body that are in `input`, and returns them.
    bytes_view piece(bytes_view& input) noexcept;

    // Whether it has taken a part of a message.
    bool mid_message() const noexcept { return header_size_ != 0; }

private:
    std::array<byte, document_header_bytes> header_bytes_{};
    std::size_t header_size_ = 0;
    document_header header_{};
    std::size_t left_ = 0; // bytes of the body to come
    byte_vector buffer_;   // the part of the body that has come
};

// Reads the fields of a body, in order. Once a field is not right, all others are zero and empty.
class body_reader {
public:
    explicit body_reader(bytes_view body) noexcept : left_{body} {}

    template <class Integer>
    Integer number() noexcept
    {
        const bytes_view bytes = take(sizeof(Integer));
        return bytes.empty() ? Integer{} : load_be<Integer>(bytes.data());
    }
    template <std::size_t N>
    std::array<byte, N> array() noexcept
    {
        std::array<byte, N> out{};
        const bytes_view bytes = take(N);
        std::copy(bytes.begin(), bytes.end(), out.begin());
        return out;
    }
    // A text behind its length, which is a u8 or a u16.
    template <class Length>
    std::string_view text() noexcept
    {
        const std::string_view out = as_text(take(number<Length>()));
        if (is_valid_utf8(out)) return out;
        fail("holds text that is not UTF-8");
        return {};
    }

    bool at_end() const noexcept { return left_.empty(); }
    bytes_view rest() const noexcept { return left_; }
    // Says what is wrong with the fields until now. Null when nothing is.
    const char* problem() const noexcept { return problem_; }
    // The same for the whole body, which ends here.
    const char* problem_at_end() const noexcept
    {
        return problem_ == nullptr && !at_end() ? "is longer than its form" : problem_;
    }

private:
    bytes_view take(std::size_t n) noexcept
    {
        if (n > left_.size()) {
            fail("is shorter than its form");
            return {};
        }
        const bytes_view out = left_.first(n);
        left_ = left_.subspan(n);
        return out;
    }
    void fail(const char* problem) noexcept
    {
        if (problem_ == nullptr) problem_ = problem;
        left_ = {};
    }

    bytes_view left_;
    const char* problem_ = nullptr;
};

template <class Integer>
void append_number(byte_vector& out, Integer value)
{
    out.resize(out.size() + sizeof value);
    store_be(out.data() + out.size() - sizeof value, value);
}

inline void append_bytes(byte_vector& out, bytes_view bytes)
{
    out.insert(out.end(), bytes.begin(), bytes.end());
}

// A text behind its length. It must not be longer than that can say.
template <class Length>
void append_text(byte_vector& out, std::string_view text)
{
    append_number(out, static_cast<Length>(text.size()));
    append_bytes(out, as_bytes(text));
}

// The beginning of `text`, at most `max_bytes` long, which cuts no character.
std::string_view cut_text(std::string_view text, std::size_t max_bytes) noexcept;

// A name, or its beginning, for the text of a reason. The side that shows the text escapes it.
inline std::string quoted(std::string_view name)
{
    constexpr std::size_t max_quoted_bytes = 120;
    return "'" + std::string{cut_text(name, max_quoted_bytes)} + "'";
}

} // namespace parley
