// What waits for one handshake connection's reader: packets' bytes, in order. Private to the framework.
#pragma once

#include <parley/base/bytes.hpp>

#include <boost/asio/buffer.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <new>
#include <span>
#include <utility>

namespace parley {

// A list of chunks that are filled to the end, so that small packets cost no more than their bytes. An empty
// queue holds no memory beyond itself, which is what nearly every waiting peer has. Its owner bounds it. Not
// thread-safe.
class packet_queue {
public:
    packet_queue() noexcept = default;
    packet_queue(const packet_queue&) = delete;
    packet_queue& operator=(const packet_queue&) = delete;
    ~packet_queue() { clear(); }

    // Views given by gather() stay valid.
    void push(bytes_view packet)
    {
        bytes_ += packet.size();
        while (!packet.empty()) {
            if (last_ == nullptr || last_->end == last_->capacity) grow();
            const std::size_t n = std::min<std::size_t>(packet.size(), last_->capacity - last_->end);
            std::copy_n(packet.begin(), n, last_->data() + last_->end);
            last_->end += static_cast<std::uint32_t>(n);
            packet = packet.subspan(n);
        }
    }

    bool empty() const noexcept { return bytes_ == 0; }
    std::size_t bytes() const noexcept { return bytes_; }
    // The memory that it takes, which is what its owner bounds.
    std::size_t cost() const noexcept { return cost_; }

    // Fills `out` with what comes first, as views that live until consume() or clear(). Returns how many it
    // filled.
    std::size_t gather(std::span<boost::asio::const_buffer> out) const noexcept
    {
        std::size_t n = 0;
        for (chunk* c = first_; c != nullptr && n < out.size(); c = c->next)
            out[n++] = boost::asio::const_buffer(c->data() + c->begin, c->end - c->begin);
        return n;
    }

    // The first `n` bytes are written.
    void consume(std::size_t n) noexcept
    {
        bytes_ -= n;
        while (first_ != nullptr) {
            const std::size_t taken = std::min<std::size_t>(n, first_->end - first_->begin);
            first_->begin += static_cast<std::uint32_t>(taken);
            n -= taken;
            if (first_->begin != first_->end) return;
            drop_first();
        }
    }

    void clear() noexcept
    {
        while (first_ != nullptr) drop_first();
        bytes_ = 0;
    }

private:
    struct chunk {
        chunk* next;
        std::uint32_t begin, end, capacity; // of the bytes behind it
        byte* data() noexcept { return reinterpret_cast<byte*>(this + 1); }
    };
    // The first chunk has room for an announcement; each next one is twice as large, up to a page.
    static constexpr std::size_t first_bytes = 112, last_bytes = 4096, allocator_bytes = 16;

    static std::size_t cost_of(std::uint32_t capacity) noexcept
    {
        return sizeof(chunk) + capacity + allocator_bytes;
    }

    void grow()
    {
        const std::size_t size =
            last_ == nullptr ? first_bytes : std::min(2 * (sizeof(chunk) + last_->capacity), last_bytes);
        const auto capacity = static_cast<std::uint32_t>(size - sizeof(chunk));
        const auto added = new (::operator new(size)) chunk{nullptr, 0, 0, capacity};
        (last_ == nullptr ? first_ : last_->next) = added;
        last_ = added;
        cost_ += cost_of(capacity);
    }

    void drop_first() noexcept
    {
        cost_ -= cost_of(first_->capacity);
        chunk* const next = first_->next;
        ::operator delete(std::exchange(first_, next));
        if (next == nullptr) last_ = nullptr;
    }

    chunk* first_ = nullptr;
    chunk* last_ = nullptr;
    std::size_t bytes_ = 0, cost_ = 0;
};

} // namespace parley
