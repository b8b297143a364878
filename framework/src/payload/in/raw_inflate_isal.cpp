#include "payload/format/adler32.hpp"
#include "payload/in/raw_inflate.hpp"

#include <isa-l/igzip_lib.h>

#include <algorithm>
#include <limits>
#include <new>

namespace parley {
namespace {

constexpr std::size_t most_at_once = std::numeric_limits<std::int32_t>::max();

} // namespace

std::uint32_t adler32(std::uint32_t sum, bytes_view bytes) noexcept
{
    return isal_adler32(sum, bytes.data(), bytes.size());
}

struct raw_inflate::state {
    inflate_state stream;
};

// Not value-initialised: it is large, and isal_inflate_init() sets all that is needed.
raw_inflate::raw_inflate() noexcept : state_(new(std::nothrow) state) {}
raw_inflate::raw_inflate(raw_inflate&&) noexcept = default;
raw_inflate& raw_inflate::operator=(raw_inflate&&) noexcept = default;
raw_inflate::~raw_inflate() = default;

bool raw_inflate::restart(bytes_view window) noexcept
{
    if (!state_) return false;
    inflate_state& stream = state_->stream;
    isal_inflate_init(&stream);
    stream.crc_flag = ISAL_DEFLATE;
    return window.empty() ||
           isal_inflate_set_dict(&stream, const_cast<byte*>(window.data()),
                                 static_cast<std::uint32_t>(window.size())) == ISAL_DECOMP_OK;
}

raw_inflate::progress raw_inflate::step(bytes_view& in, mutable_bytes out) noexcept
{
    inflate_state& stream = state_->stream;
    const auto offered = static_cast<std::uint32_t>(std::min(in.size(), most_at_once));
    const auto room = static_cast<std::uint32_t>(std::min(out.size(), most_at_once));
    stream.next_in = const_cast<byte*>(in.data()); // ISA-L does not write there
    stream.avail_in = offered;
    stream.next_out = out.data();
    stream.avail_out = room;
    const int answer = isal_inflate(&stream);
    progress done{status::more, room - stream.avail_out};
    in = in.subspan(offered - stream.avail_in);
    if (answer < 0) {
        done.state = status::bad;
    } else if (stream.block_state == ISAL_BLOCK_FINISH) {
        done.state = status::ended;
        // Whole bytes in its bit buffer belong to what follows.
        const auto ahead = static_cast<std::size_t>(std::max(stream.read_in_length, 0)) / 8;
        in = {in.data() - ahead, in.size() + ahead};
    }
    return done;
}

} // namespace parley
