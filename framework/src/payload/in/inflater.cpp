#include "payload/in/inflater.hpp"

#include "payload/format/adler32.hpp"

#include <algorithm>
#include <cstring>
#include <new>

namespace parley {
namespace {

constexpr std::size_t zlib_header_bytes = 2;
constexpr std::size_t stored_header_bytes = 5;
constexpr std::size_t checksum_bytes = 4;
constexpr unsigned block_type_mask = 6; // of a block's first three bits; 0 means stored

} // namespace

void inflater::reset() noexcept
{
    phase_ = phase::header;
    adler_ = 1;
    block_left_ = 0;
    last_block_ = false;
    small_bytes_ = 0;
    recent_ = {};
    window_filled_ = 0;
}

inflater::progress inflater::fail() noexcept
{
    phase_ = phase::bad;
    return {status::bad, 0, {}};
}

// Collects `wanted` bytes in small_. Returns true when they are complete, and starts over at the next call.
bool inflater::take_small(bytes_view& in, std::size_t wanted) noexcept
{
    const std::size_t n = std::min(wanted - small_bytes_, in.size());
    std::copy_n(in.begin(), n, small_.begin() + static_cast<std::ptrdiff_t>(small_bytes_));
    in = in.subspan(n);
    small_bytes_ += n;
    if (small_bytes_ < wanted) return false;
    small_bytes_ = 0;
    return true;
}

// Accepts deflate with a window of at most 32 KiB, without a dictionary.
bool inflater::take_zlib_header() noexcept
{
    const unsigned method = small_[0], flags = small_[1];
    const bool right =
        (method & 0x0f) == 8 && method >> 4 <= 7 && (flags & 0x20) == 0 && (method << 8 | flags) % 31 == 0;
    if (right) phase_ = phase::block;
    return right;
}

bool inflater::take_stored_header() noexcept
{
    const unsigned length = small_[1] | static_cast<unsigned>(small_[2]) << 8;
    const unsigned inverse = small_[3] | static_cast<unsigned>(small_[4]) << 8;
    last_block_ = (small_[0] & 1) != 0;
    block_left_ = length;
    phase_ = length > 0 ? phase::stored_data : last_block_ ? phase::checksum : phase::block;
    return (length ^ inverse) == 0xffff;
}

void inflater::remember(bytes_view stored) noexcept
{
    if (last_block_) return;
    if (stored.size() < window_bytes) keep();
    recent_ = stored.last(std::min(stored.size(), window_bytes));
}

void inflater::keep() noexcept
{
    if (recent_.empty() || phase_ == phase::deflated) return;
    if (!window_) window_.reset(new (std::nothrow) byte[2 * window_bytes]);
    if (!window_) {
        phase_ = phase::bad;
        return;
    }
    // Room for twice the window, so that tiny pieces do not move all of it each time.
    if (window_filled_ + recent_.size() > 2 * window_bytes) {
        const std::size_t kept = window_bytes - recent_.size();
        std::memmove(window_.get(), window_.get() + (window_filled_ - kept), kept);
        window_filled_ = kept;
    }
    std::memcpy(window_.get() + window_filled_, recent_.data(), recent_.size());
    window_filled_ += recent_.size();
    recent_ = {};
}

// Begins the first block that is not stored; the engine does all blocks after it, too. Its window is the
// stored data before it.
bool inflater::start_engine() noexcept
{
    keep();
    if (phase_ == phase::bad) return false;
    if (!engine_) engine_.emplace();
    phase_ = phase::deflated;
    const std::size_t wanted = std::min(window_filled_, window_bytes);
    return engine_->restart({window_.get() + (window_filled_ - wanted), wanted});
}

inflater::progress inflater::inflate_some(bytes_view& in, mutable_bytes out) noexcept
{
    const raw_inflate::progress done = engine_->step(in, out);
    adler_ = adler32(adler_, out.first(done.made));
    if (done.state == raw_inflate::status::bad) return fail();
    if (done.state == raw_inflate::status::ended) phase_ = phase::checksum;
    return {status::more, done.made, {}};
}

inflater::progress inflater::step(bytes_view& in, mutable_bytes out) noexcept
{
    for (;;) {
        switch (phase_) {
        case phase::header:
            if (!take_small(in, zlib_header_bytes)) return {};
            if (!take_zlib_header()) return fail();
            break;
        case phase::block:
            if (in.empty()) return {};
            if ((in.front() & block_type_mask) == 0)
                phase_ = phase::stored_header;
            else if (!start_engine())
                return fail();
            break;
        case phase::stored_header:
            if (!take_small(in, stored_header_bytes)) return {};
            if (!take_stored_header()) return fail();
            break;
        case phase::stored_data: {
            const std::size_t n = std::min(in.size(), std::size_t{block_left_});
            if (n == 0) return {};
            const bytes_view stored = in.first(n);
            in = in.subspan(n);
            adler_ = adler32(adler_, stored);
            remember(stored);
            block_left_ -= static_cast<std::uint32_t>(n);
            if (block_left_ == 0) phase_ = last_block_ ? phase::checksum : phase::block;
            return {status::more, 0, stored};
        }
        case phase::deflated: {
            const progress done = inflate_some(in, out);
            // After the deflated bytes comes the checksum, but hand out what was made first.
            if (done.state == status::bad || phase_ == phase::deflated || done.made > 0) return done;
            break;
        }
        case phase::checksum:
            if (!take_small(in, checksum_bytes)) return {};
            if (load_be<std::uint32_t>(small_.data()) != adler_) return fail();
            phase_ = phase::ended;
            return {status::ended, 0, {}};
        case phase::ended:
            return {status::ended, 0, {}};
        case phase::bad:
            return {status::bad, 0, {}};
        }
    }
}

} // namespace parley
