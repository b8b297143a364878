// How hard a document is compressed while it is sent. Private to the framework.
#pragma once

#include <parley/payload/zstd_encoder.hpp>

#include <algorithm>
#include <array>
#include <cstddef>

namespace parley::detail {

// Finds the level at which the encoder and the network take the same time. The encoder's owner reports each read:
// while the network is the slower one the level rises, and when the network waits for the encoder it falls, down to no
// compression at all. After a fall it takes twice as many reads as before to rise.
class compression_level {
public:
    int level() const noexcept { return levels[at_]; }

    // The encoder takes another piece. `starving`: the network has nothing to send.
    void on_read(bool starving) noexcept
    {
        if (starving) {
            reads_ = 0;
            if (at_ == 0 || since_fall_++ < reads_of_fall) return;
            since_fall_ = 0;
            --at_;
            patience_ = std::min(2 * patience_, max_patience);
        } else if (++reads_ >= patience_) {
            reads_ = since_fall_ = 0;
            at_ = std::min(at_ + 1, levels.size() - 1);
        }
    }

private:
    static constexpr std::array levels{zstd_encoder::stored, -1, 1, 2, 3, 4, 5, 6, 7, 8, 9};
    static constexpr unsigned reads_of_fall = 4, min_patience = 16, max_patience = 512;

    std::size_t at_ = 2;
    unsigned reads_ = 0;      // since the level has risen, or the network waited
    unsigned since_fall_ = 0; // reads while the network waits, since the level has fallen
    unsigned patience_ = min_patience;
};

} // namespace parley::detail
