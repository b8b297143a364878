#include "payload/out/deflate_engine.hpp"

#include <zlib.h>

#include <algorithm>
#include <new>

namespace parley {
namespace {

constexpr std::size_t most_at_once = 1u << 30;

class zlib_engine final : public deflate_engine {
public:
    explicit zlib_engine(int level) noexcept
    {
        usable_ = deflateInit2(&stream_, level, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY) == Z_OK;
    }
    zlib_engine(const zlib_engine&) = delete;
    zlib_engine& operator=(const zlib_engine&) = delete;
    ~zlib_engine() override
    {
        if (usable_) deflateEnd(&stream_);
    }

    bool usable() const noexcept { return usable_; }

    void restart(bytes_view window) noexcept override
    {
        if (!fresh_) deflateReset(&stream_);
        fresh_ = window.empty();
        if (!fresh_) deflateSetDictionary(&stream_, window.data(), static_cast<uInt>(window.size()));
    }

    bool step(bytes_view& in, mutable_bytes& out, flush how) noexcept override
    {
        fresh_ = false;
        const auto offered = static_cast<uInt>(std::min(in.size(), most_at_once));
        const auto room = static_cast<uInt>(std::min(out.size(), most_at_once));
        stream_.next_in = const_cast<Bytef*>(in.data());
        stream_.avail_in = offered;
        stream_.next_out = out.data();
        stream_.avail_out = room;
        const int answer = deflate(&stream_, how == flush::finish ? Z_FINISH
                                             : how == flush::sync ? Z_SYNC_FLUSH
                                                                  : Z_NO_FLUSH);
        in = in.subspan(offered - stream_.avail_in);
        out = out.subspan(room - stream_.avail_out);
        if (how == flush::finish) return answer == Z_STREAM_END;
        // Room left after a flush means that all output is out.
        return in.empty() && stream_.avail_out > 0;
    }

private:
    z_stream stream_{};
    bool usable_ = false;
    bool fresh_ = true;
};

} // namespace

std::unique_ptr<deflate_engine> make_zlib_engine(int level) noexcept
{
    std::unique_ptr<zlib_engine> made(new (std::nothrow) zlib_engine(level));
    if (!made || !made->usable()) return nullptr;
    return made;
}

} // namespace parley
