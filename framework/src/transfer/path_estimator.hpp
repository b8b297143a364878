// Whether the way to the receiver swallows all that is written. Private to the framework.
#pragma once

#include <parley/stream/any_stream.hpp>

#include <algorithm>

namespace parley::detail {

// What the sender's own system tells ends at the relay: bytes vanish into its buffers at once, however slow
// the way behind it is. A relay that cannot pass them on stops reading, and then the window that it offers
// shrinks. So a way is believed to be fast once some MiB were acknowledged, while the window is as wide as it
// ever was.
class path_estimator {
public:
    // A document that comes to less never finds out. Before that, a relay's buffers are about as large.
    static constexpr std::uint64_t believed_bytes = 4 << 20;

    // `written` bytes of the document, `counts` of the stream that carries them, `window` bytes offered by the
    // other end; nothing where that cannot be known, and such a way is not fast.
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
