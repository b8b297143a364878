#include <parley/payload/zstd_decoder.hpp>

#include <boost/system/errc.hpp>

#include <zstd.h>

#include <algorithm>
#include <array>

namespace parley {
namespace {

constexpr int max_window_log = 23;
static_assert(std::uint64_t{1} << max_window_log == max_zstd_window_bytes);
constexpr std::size_t content_buffer_bytes = std::size_t{128} << 10; // the largest block

// The header of a frame: magic number (4), descriptor (1), window (0 or 1), dictionary id (0 to 4), content size
// (0 to 8); all little-endian. The library takes more than the protocol does.
class frame_header {
public:
    // Takes bytes until it is complete.
    void take(bytes_view& input) noexcept
    {
        while (size_ < expected_bytes() && !input.empty()) {
            bytes_[size_++] = input.front();
            input = input.subspan(1);
        }
    }
    bool is_complete() const noexcept { return size_ == expected_bytes(); }
    bytes_view bytes() const noexcept { return bytes_view{bytes_}.first(size_); }

    // What is wrong with a complete header.
    std::string_view problem() const noexcept
    {
        if (little_endian(0, 4) != 0xfd2fb528) return "no Zstandard frame";
        if (little_endian(dictionary_at(), dictionary_bytes()) != 0)
            return "a Zstandard frame with a dictionary";
        if (window() > max_zstd_window_bytes) return "a Zstandard frame with a window above 8 MiB";
        return {};
    }

private:
    static constexpr std::size_t fixed_bytes = 5;

    byte descriptor() const noexcept { return bytes_[4]; }
    bool is_single_segment() const noexcept { return (descriptor() & 0x20) != 0; }
    std::size_t dictionary_at() const noexcept { return fixed_bytes + (is_single_segment() ? 0 : 1); }
    std::size_t dictionary_bytes() const noexcept
    {
        return std::array<std::size_t, 4>{0, 1, 2, 4}[descriptor() & 3];
    }
    std::size_t size_bytes() const noexcept
    {
        return std::array<std::size_t, 4>{is_single_segment() ? 1u : 0u, 2, 4, 8}[descriptor() >> 6];
    }
    // Of what has come.
    std::size_t expected_bytes() const noexcept
    {
        return size_ < fixed_bytes ? fixed_bytes : dictionary_at() + dictionary_bytes() + size_bytes();
    }
    std::uint64_t little_endian(std::size_t at, std::size_t n) const noexcept
    {
        std::uint64_t value = 0;
        while (n-- > 0) value = value << 8 | bytes_[at + n];
        return value;
    }
    std::uint64_t window() const noexcept
    {
        if (!is_single_segment()) {
            const byte encoded = bytes_[fixed_bytes];
            const std::uint64_t base = std::uint64_t{1} << (10 + (encoded >> 3));
            return base + base / 8 * (encoded & 7);
        }
        const std::uint64_t size = little_endian(dictionary_at() + dictionary_bytes(), size_bytes());
        return size_bytes() == 2 ? size + 256 : size;
    }

    std::array<byte, 18> bytes_{};
    std::size_t size_ = 0;
};

struct free_decoder {
    void operator()(ZSTD_DCtx* decoder) const noexcept { ZSTD_freeDCtx(decoder); }
};

} // namespace

struct zstd_decoder::state {
    std::unique_ptr<ZSTD_DCtx, free_decoder> library;
    std::unique_ptr<byte[]> content{new byte[content_buffer_bytes]};
    frame_header header;
    bytes_view header_left; // the part of it that the library has not seen
    bool header_judged = false;
    bool ended = false;
    std::uint64_t due = 0; // bytes of content that must still come, or all ones
    bool overlong = false;
    error_code error;
    std::string_view problem;

    error_code fail(std::string_view words) noexcept
    {
        problem = words;
        return error = errc::document_rule_broken;
    }

    result<bytes_view> decode(bytes_view& input) noexcept
    {
        if (error) return error;
        if (overlong) return fail("more content than its entry has");
        header.take(input);
        if (!header.is_complete()) return bytes_view{};
        if (!header_judged) {
            if (const std::string_view words = header.problem(); !words.empty()) return fail(words);
            header_judged = true;
            header_left = header.bytes();
        }
        while (!ended) {
            bytes_view& source = header_left.empty() ? input : header_left;
            // One byte more than is due shows that there is too much.
            const std::uint64_t bound = due == unknown ? content_buffer_bytes : due + 1;
            ZSTD_outBuffer out{content.get(),
                               static_cast<std::size_t>(std::min<std::uint64_t>(bound, content_buffer_bytes)),
                               0};
            ZSTD_inBuffer in{source.data(), source.size(), 0};
            const std::size_t left = ZSTD_decompressStream(library.get(), &out, &in);
            if (ZSTD_isError(left) != 0) return fail(ZSTD_getErrorName(left));
            source = source.subspan(in.pos);
            ended = left == 0;
            if (out.pos > 0) {
                overlong = out.pos > due;
                if (due != unknown) due -= std::min<std::uint64_t>(out.pos, due);
                return bytes_view{content.get(), out.pos};
            }
            if (!ended && header_left.empty() && input.empty()) return bytes_view{};
        }
        if (!input.empty()) return fail("something follows the Zstandard frame");
        return bytes_view{};
    }

    static constexpr std::uint64_t unknown = std::numeric_limits<std::uint64_t>::max();
};

zstd_decoder::zstd_decoder() : state_{std::make_unique<state>()} {}
zstd_decoder::zstd_decoder(zstd_decoder&&) noexcept = default;
zstd_decoder& zstd_decoder::operator=(zstd_decoder&&) noexcept = default;
zstd_decoder::~zstd_decoder() = default;

void zstd_decoder::begin(std::uint64_t due) noexcept
{
    state& s = *state_;
    s.header = {};
    s.header_left = {};
    s.header_judged = s.ended = s.overlong = false;
    s.due = due;
    s.error = {};
    s.problem = {};
    if (s.library) {
        ZSTD_DCtx_reset(s.library.get(), ZSTD_reset_session_only);
        return;
    }
    s.library.reset(ZSTD_createDCtx());
    if (s.library)
        ZSTD_DCtx_setParameter(s.library.get(), ZSTD_d_windowLogMax, max_window_log);
    else
        s.error = make_error_code(boost::system::errc::not_enough_memory);
}

result<bytes_view> zstd_decoder::decode(bytes_view& input) noexcept
{
    return state_->decode(input);
}

bool zstd_decoder::is_complete() const noexcept
{
    return state_->ended && !state_->error;
}

std::string_view zstd_decoder::problem() const noexcept
{
    return state_->problem;
}

} // namespace parley
