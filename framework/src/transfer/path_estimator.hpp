// Estimates whether the path to the receiver is fast. Private to the framework.
#pragma once

#include <parley/stream/any_stream.hpp>

#include <algorithm>

namespace parley::detail {

// The sender's system sees only the path to the relay: the relay's buffers accept bytes at once, even when
// the path behind it is slow. A relay that cannot pass bytes on stops reading, and its advertised window
// shrinks. So a path counts as fast after some MiB were acknowledged, while the window is about as wide as it
// ever was.
class path_estimator {
public:
    // A smaller document never counts as fast. A relay's buffers are about this large.
    static constexpr std::uint64_t believed_bytes = 4 << 20;

    // `written`: bytes of the document; `counts`: of the stream that carries them; `window`: bytes that the
    // other end advertises. A path without counts or window is not fast.
    bool is_fast(std::uint64_t written, const std::optional<delivery_counts>& counts,
                 std::optional<std::uint64_t> window) noexcept
    {
        if (!counts || !window) return false;
        widest_ = std::max(widest_, *window);
        const std::uint64_t underway = counts->written - counts->acknowledged;
        return written >= underway + believed_bytes && *window >= widest_ - widest_ / 8;
    }

private:
    std::uint64_t widest_ = 0;
};

} // namespace parley::detail
