#include <parley/payload/zstd_encoder.hpp>

#include <boost/system/errc.hpp>

#include <zstd.h>

#include <algorithm>
#include <limits>

namespace parley {
namespace {

struct free_encoder {
    void operator()(ZSTD_CCtx* encoder) const noexcept { ZSTD_freeCCtx(encoder); }
};

// The windows of all these are at most 8 MiB.
constexpr int min_zstd_level = 1, max_zstd_level = 19;

} // namespace

struct zstd_encoder::state {
    std::unique_ptr<ZSTD_CCtx, free_encoder> library;
    int level = min_zstd_level;

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

zstd_encoder::zstd_encoder(int level) : state_{std::make_unique<state>()}
{
    state_->level = std::clamp(level, min_zstd_level, max_zstd_level);
}
zstd_encoder::zstd_encoder(zstd_encoder&&) noexcept = default;
zstd_encoder& zstd_encoder::operator=(zstd_encoder&&) noexcept = default;
zstd_encoder::~zstd_encoder() = default;

error_code zstd_encoder::begin(std::uint64_t size) noexcept
{
    auto& library = state_->library;
    if (!library) {
        library.reset(ZSTD_createCCtx());
        if (!library) return make_error_code(boost::system::errc::not_enough_memory);
        ZSTD_CCtx_setParameter(library.get(), ZSTD_c_compressionLevel, state_->level);
    }
    ZSTD_CCtx_reset(library.get(), ZSTD_reset_session_only);
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
