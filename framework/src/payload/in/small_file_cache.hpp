// Holds small files in memory until their folder arrives. Such a file is then written once, in its place,
// instead of staged and renamed.
#pragma once

#include <parley/base/bytes.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace parley {

// Filled from front to back, and empty again when every content has been released. Not thread-safe.
class small_file_cache {
public:
    static constexpr std::size_t longest_bytes = 64 * 1024; // of one content
    static constexpr std::size_t room_bytes = 4 * 1024 * 1024;
    static constexpr std::size_t max_contents = 16 * 1024; // since it was last empty

    // Returns the position for the content of the entry `number`, which has `size` bytes. Nothing when the
    // content is too long or the room is full.
    std::optional<std::uint32_t> hold(std::uint32_t number, std::uint64_t size);
    // One of the contents is no longer needed. The caller knows which.
    void release() noexcept;

    bool empty() const noexcept { return held_ == 0; }
    byte* at(std::uint64_t position) noexcept { return room_.get() + position; }
    // The entries held since the room was last empty, including those that were released.
    const std::vector<std::uint32_t>& numbers() const noexcept { return numbers_; }

private:
    std::unique_ptr<byte[]> room_;
    std::size_t used_ = 0;
    std::size_t held_ = 0;
    std::vector<std::uint32_t> numbers_;
};

} // namespace parley
