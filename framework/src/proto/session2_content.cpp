#include <parley/proto/session2_content.hpp>

#include <parley/base/utf8.hpp>

#include <algorithm>

namespace parley {
namespace {

constexpr std::size_t max_text8_bytes = 255;
constexpr std::size_t extension_header_bytes = 3;

// Takes a content apart. After the first fault it gives zeros, and keeps the fault's words.
class content_reader {
public:
    explicit content_reader(bytes_view content) noexcept : left_{content} {}

    byte u8() noexcept
    {
        const bytes_view taken = take(1);
        return taken.empty() ? byte{0} : taken[0];
    }
    std::uint16_t u16() noexcept
    {
        const bytes_view taken = take(2);
        return taken.empty() ? std::uint16_t{0} : load_be<std::uint16_t>(taken.data());
    }
    std::string text8()
    {
        const std::string_view text = as_text(take(u8()));
        if (!is_valid_utf8(text)) fail("text that is not UTF-8");
        return std::string{fault_ == nullptr ? text : std::string_view{}};
    }
    bytes_view take(std::size_t n) noexcept
    {
        if (n > left_.size()) fail("a body shorter than its form");
        if (fault_ != nullptr) return {};
        const bytes_view out = left_.first(n);
        left_ = left_.subspan(n);
        return out;
    }
    void fail(const char* fault) noexcept
    {
        if (fault_ == nullptr) fault_ = fault;
    }
    bool failed() const noexcept { return fault_ != nullptr; }

    // Whether all was as it must be, and nothing is left.
    bool finish(diagnostics* diag)
    {
        if (!left_.empty()) fail("a body longer than its form");
        if (fault_ != nullptr && diag != nullptr) diag->set_message(fault_);
        return fault_ == nullptr;
    }

private:
    bytes_view left_;
    const char* fault_ = nullptr;
};

// Every extension is checked. None is known, so none is kept.
void skip_extensions(content_reader& in) noexcept
{
    std::size_t total = 0;
    int last_id = -1;
    for (unsigned left = in.u8(); left != 0 && !in.failed(); --left) {
        const byte id = in.u8();
        const std::uint16_t length = in.u16();
        total += extension_header_bytes + length;
        in.take(length);
        if (id <= last_id) in.fail("extensions out of order");
        if (total > max_extensions_bytes) in.fail("extensions of 4096 bytes or more");
        last_id = id;
    }
}

// The longest beginning of whole characters that has at most `max_bytes` bytes.
std::string_view cut(std::string_view text, std::size_t max_bytes) noexcept
{
    std::size_t size = 0;
    for (;;) {
        const std::size_t next = decode_utf8(text.substr(size)).length;
        if (next == 0 || size + next > max_bytes) return text.substr(0, size);
        size += next;
    }
}

void append_text8(byte_vector& out, std::string_view text)
{
    out.push_back(static_cast<byte>(text.size()));
    const bytes_view bytes = as_bytes(text);
    out.insert(out.end(), bytes.begin(), bytes.end());
}

} // namespace

bool is_protocol_name(std::string_view name) noexcept
{
    return !name.empty() && name.size() <= max_protocol_name_bytes && std::ranges::all_of(name, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-';
    });
}

byte_vector encode(const session2_hello& hello)
{
    byte_vector out;
    append_text8(out, hello.protocol);
    append_text8(out, cut(hello.software, max_software_bytes));
    out.push_back(0);
    return out;
}

byte_vector encode(const session2_abort& abort)
{
    byte_vector out{static_cast<byte>(abort.reason)};
    append_text8(out, cut(abort.text, max_text8_bytes));
    return out;
}

result<session2_hello> parse_hello(bytes_view content, diagnostics* diag)
{
    content_reader in{content};
    session2_hello out;
    out.protocol = in.text8();
    if (!is_protocol_name(out.protocol)) in.fail("a protocol name outside its alphabet");
    out.software = in.text8();
    if (out.software.size() > max_software_bytes) in.fail("a software name of more than 64 bytes");
    skip_extensions(in);
    if (!in.finish(diag)) return errc::bad_record;
    return out;
}

result<session2_abort> parse_abort(bytes_view content, diagnostics* diag)
{
    content_reader in{content};
    session2_abort out;
    out.reason = to_session_reason(in.u8());
    out.text = in.text8();
    if (!in.finish(diag)) return errc::bad_record;
    return out;
}

} // namespace parley
