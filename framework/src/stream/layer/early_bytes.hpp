// Bytes of a stream that were read before whoever reads it now came. Private to the framework.
#pragma once

#include <parley/base/bytes.hpp>

#include <algorithm>

namespace parley::detail {

class early_bytes {
public:
    explicit early_bytes(byte_vector bytes = {}) noexcept : bytes_(std::move(bytes)) {}

    bool empty() const noexcept { return bytes_.empty(); }

    // Moves up to out.size() of them to `out`, and says how many; the last one frees the memory.
    std::size_t take(mutable_bytes out) noexcept
    {
        const std::size_t size = std::min(out.size(), bytes_.size() - taken_);
        std::copy_n(bytes_.begin() + static_cast<std::ptrdiff_t>(taken_), size, out.begin());
        taken_ += size;
        if (taken_ == bytes_.size()) {
            bytes_ = {};
            taken_ = 0;
        }
        return size;
    }

private:
    byte_vector bytes_;
    std::size_t taken_ = 0;
};

} // namespace parley::detail
