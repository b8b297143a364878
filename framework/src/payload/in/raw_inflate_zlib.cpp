#include "payload/format/adler32.hpp"
#include "payload/in/raw_inflate.hpp"

#include <zlib.h>

#include <algorithm>
#include <limits>
#include <new>

namespace parley {

std::uint32_t adler32(std::uint32_t sum, bytes_view bytes) noexcept
{
    return static_cast<std::uint32_t>(adler32_z(sum, bytes.data(), bytes.size()));
}

struct raw_inflate::state {
    z_stream stream{};
    bool usable = false;

    state() { usable = inflateInit2(&stream, -MAX_WBITS) == Z_OK; }
    ~state()
    {
        if (usable) inflateEnd(&stream);
    }
    state(const state&) = delete;
    state& operator=(const state&) = delete;
};

raw_inflate::raw_inflate() noexcept : state_(new(std::nothrow) state) {}
raw_inflate::raw_inflate(raw_inflate&&) noexcept = default;
raw_inflate& raw_inflate::operator=(raw_inflate&&) noexcept = default;
raw_inflate::~raw_inflate() = default;

bool raw_inflate::restart(bytes_view window) noexcept
{
    if (!state_ || !state_->usable || inflateReset(&state_->stream) != Z_OK) return false;
    return window.empty() ||
           inflateSetDictionary(&state_->stream, window.data(), static_cast<uInt>(window.size())) == Z_OK;
}

raw_inflate::progress raw_inflate::step(bytes_view& in, mutable_bytes out) noexcept
{
    constexpr std::size_t most = std::numeric_limits<uInt>::max();
    z_stream& stream = state_->stream;
    const auto offered = static_cast<uInt>(std::min(in.size(), most));
    const auto room = static_cast<uInt>(std::min(out.size(), most));
    stream.next_in = const_cast<Bytef*>(in.data()); // zlib does not write there
    stream.avail_in = offered;
    stream.next_out = out.data();
    stream.avail_out = room;
    const int answer = inflate(&stream, Z_NO_FLUSH);
    in = in.subspan(offered - stream.avail_in);
    progress done{status::more, room - stream.avail_out};
    // Z_BUF_ERROR only means that there was nothing to do.
    if (answer == Z_STREAM_END)
        done.state = status::ended;
    else if (answer != Z_OK && answer != Z_BUF_ERROR)
        done.state = status::bad;
    return done;
}

} // namespace parley
