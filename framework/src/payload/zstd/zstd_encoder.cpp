#include <parley/payload/zstd_encoder.hpp>

#include <boost/system/errc.hpp>

#include <zstd.h>

#include <algorithm>
#include <limits>
#include <utility>

namespace parley {
namespace {

struct free_encoder {
    void operator()(ZSTD_CCtx* encoder) const noexcept { ZSTD_freeCCtx(encoder); }
};

// The windows of all these are at most 8 MiB.
constexpr int max_zstd_level = 19;
constexpr unsigned max_zstd_threads = 8;
// Of the content that one thread takes at a time; the library's own default is four windows.
constexpr int job_bytes = 1 << 20;

} // namespace

struct zstd_encoder::state {
    std::unique_ptr<ZSTD_CCtx, free_encoder> library;
    int level = 1;
    int threads = 0;

    result<ending> step(bytes_view& content, mutable_bytes out, ZSTD_EndDirective how) noexcept
    {
        ZSTD_outBuffer to{out.data(), out.size(), 0};
        ZSTD_inBuffer from{content.data(), content.size(), 0};
        const std::size_t left = ZSTD_compressStream2(library.get(), &to, &from, how);
        if (ZSTD_isError(left) != 0) return make_error_code(boost::system::errc::invalid_argument);
        content = content.subspan(from.pos);
        return ending{to.pos, left == 0};
    }
};

zstd_encoder::zstd_encoder(int level, unsigned threads) : state_{std::make_unique<state>()}
{
    state_->level = std::clamp(level, zstd_encoder::stored, max_zstd_level);
    state_->threads = static_cast<int>(std::min(threads, max_zstd_threads));
}
zstd_encoder::zstd_encoder(zstd_encoder&&) noexcept = default;
zstd_encoder& zstd_encoder::operator=(zstd_encoder&&) noexcept = default;
zstd_encoder::~zstd_encoder() = default;

void zstd_encoder::set_level(int level) noexcept
{
    level = std::clamp(level, zstd_encoder::stored, max_zstd_level);
    if (std::exchange(state_->level, level) == level || !state_->library) return;
    if (state_->threads != 0) ZSTD_CCtx_setParameter(state_->library.get(), ZSTD_c_compressionLevel, level);
}

error_code zstd_encoder::begin(std::uint64_t size) noexcept
{
    auto& library = state_->library;
    if (!library) {
        library.reset(ZSTD_createCCtx());
        if (!library) return make_error_code(boost::system::errc::not_enough_memory);
        // Not supported by every build of the library, which then encodes on this thread.
        ZSTD_CCtx_setParameter(library.get(), ZSTD_c_nbWorkers, state_->threads);
        if (state_->threads != 0) ZSTD_CCtx_setParameter(library.get(), ZSTD_c_jobSize, job_bytes);
    }
    ZSTD_CCtx_reset(library.get(), ZSTD_reset_session_only);
    ZSTD_CCtx_setParameter(library.get(), ZSTD_c_compressionLevel, state_->level);
    const bool known = size != std::numeric_limits<std::uint64_t>::max();
    ZSTD_CCtx_setPledgedSrcSize(library.get(), known ? size : ZSTD_CONTENTSIZE_UNKNOWN);
    return {};
}

result<std::size_t> zstd_encoder::encode(bytes_view& content, mutable_bytes out) noexcept
{
    const auto step = state_->step(content, out, ZSTD_e_continue);
    if (!step) return step.error();
    return step->made;
}

result<zstd_encoder::ending> zstd_encoder::finish(mutable_bytes out) noexcept
{
    bytes_view nothing;
    return state_->step(nothing, out, ZSTD_e_end);
}

} // namespace parley
