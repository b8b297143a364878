#include "payload/out/deflate_engine.hpp"

#include <isa-l/igzip_lib.h>

#include <algorithm>
#include <new>

namespace parley {
namespace {

constexpr std::size_t most_at_once = 1u << 30;

// ISA-L's level 2 is as fast as 1 and packs a little better. Level 3 takes twice as long.
constexpr int own_level(int level) noexcept
{
    return level <= 1 ? 1 : level <= 4 ? 2 : 3;
}

// Room for 16 Ki matches and literals. More room makes longer blocks, which pack no better and hold back more
// output.
constexpr std::uint32_t work_bytes(int own) noexcept
{
    return own == 1 ? ISAL_DEF_LVL1_SMALL : own == 2 ? ISAL_DEF_LVL2_SMALL : ISAL_DEF_LVL3_SMALL;
}

class isal_engine final : public deflate_engine {
public:
    explicit isal_engine(int level) noexcept : work_(new(std::nothrow) byte[work_bytes(own_level(level))])
    {
        isal_deflate_init(&stream_);
        stream_.level = static_cast<std::uint32_t>(own_level(level));
        stream_.level_buf = work_.get();
        stream_.level_buf_size = work_bytes(own_level(level));
        stream_.gzip_flag = IGZIP_DEFLATE;
    }
    bool usable() const noexcept { return work_ != nullptr; }

    void restart(bytes_view window) noexcept override
    {
        isal_deflate_reset(&stream_);
        stream_.end_of_stream = 0;
        stream_.flush = NO_FLUSH;
        isal_deflate_set_dict(&stream_, const_cast<byte*>(window.data()),
                              static_cast<std::uint32_t>(window.size())); // fails only in mid-stream
    }

    bool step(bytes_view& in, mutable_bytes& out, flush how) noexcept override
    {
        const auto offered = static_cast<std::uint32_t>(std::min(in.size(), most_at_once));
        const auto room = static_cast<std::uint32_t>(std::min(out.size(), most_at_once));
        stream_.next_in = const_cast<byte*>(in.data()); // ISA-L does not write there
        stream_.avail_in = offered;
        stream_.next_out = out.data();
        stream_.avail_out = room;
        stream_.flush = how == flush::sync ? SYNC_FLUSH : NO_FLUSH;
        stream_.end_of_stream = how == flush::finish && offered == in.size() ? 1 : 0;
        isal_deflate(&stream_); // fails only for wrong settings
        in = in.subspan(offered - stream_.avail_in);
        out = out.subspan(room - stream_.avail_out);
        if (how == flush::finish) return stream_.internal_state.state == ZSTATE_END;
        return in.empty() && stream_.avail_out > 0;
    }

private:
    std::unique_ptr<byte[]> work_;
    isal_zstream stream_;
};

} // namespace

std::unique_ptr<deflate_engine> make_isal_engine(int level) noexcept
{
    std::unique_ptr<isal_engine> made(new (std::nothrow) isal_engine(level));
    if (!made || !made->usable()) return nullptr;
    return made;
}

} // namespace parley
