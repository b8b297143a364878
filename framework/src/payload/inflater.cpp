#include "payload/inflater.hpp"

#include <zlib.h>

#include <algorithm>
#include <limits>

namespace parley {

struct inflater::state {
    z_stream stream{};
    bool usable = false;

    state() { usable = inflateInit(&stream) == Z_OK; }
    ~state()
    {
        if (usable) inflateEnd(&stream);
    }
    state(const state&) = delete;
    state& operator=(const state&) = delete;
};

inflater::inflater() : state_(std::make_unique<state>()) {}
inflater::inflater(inflater&&) noexcept = default;
inflater& inflater::operator=(inflater&&) noexcept = default;
inflater::~inflater() = default;

void inflater::reset() noexcept
{
    if (state_->usable) inflateReset(&state_->stream);
}

inflater::progress inflater::step(bytes_view in, mutable_bytes out) noexcept
{
    if (!state_->usable) return {status::bad, 0, 0};
    constexpr std::size_t most = std::numeric_limits<uInt>::max();
    z_stream& stream = state_->stream;
    const auto offered = static_cast<uInt>(std::min(in.size(), most));
    const auto room = static_cast<uInt>(std::min(out.size(), most));
    stream.next_in = const_cast<Bytef*>(in.data()); // zlib's interface: it does not write there
    stream.avail_in = offered;
    stream.next_out = out.data();
    stream.avail_out = room;
    const int answer = inflate(&stream, Z_NO_FLUSH);
    progress done{status::more, offered - stream.avail_in, room - stream.avail_out};
    // Z_BUF_ERROR only says that nothing could be done with what was offered.
    if (answer == Z_STREAM_END)
        done.state = status::ended;
    else if (answer != Z_OK && answer != Z_BUF_ERROR)
        done.state = status::bad;
    return done;
}

} // namespace parley
