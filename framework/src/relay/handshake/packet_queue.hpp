// The queue of bytes that one handshake connection has to write. Private to the framework.
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

// Holds the bytes of packets in a list of chunks, so a small packet costs no more than its bytes. An empty queue
// holds no memory besides itself; most waiting peers have an empty queue. The owner bounds the queue. Not
// thread-safe.
class packet_queue {
public:
    packet_queue() noexcept = default;
    packet_queue(const packet_queue&) = delete;
    packet_queue& operator=(const packet_queue&) = delete;
    ~packet_queue() { clear(); }

    // Appends the bytes. Views from gather() stay valid.
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
    // The memory of the chunks, with the allocator's overhead.
    std::size_t cost() const noexcept { return cost_; }

    // Fills `out` with views of the first bytes, which are valid until consume() or clear(). Returns the
    // number of views.
    std::size_t gather(std::span<boost::asio::const_buffer> out) const noexcept
    {
        std::size_t n = 0;
        for (chunk* c = first_; c != nullptr && n < out.size(); c = c->next)
            out[n++] = boost::asio::const_buffer(c->data() + c->begin, c->end - c->begin);
        return n;
    }

    // Removes the first `n` bytes, which are written.
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
        std::uint32_t begin, end, capacity; // of the bytes that follow the chunk
        byte* data() noexcept { return reinterpret_cast<byte*>(this + 1); }
    };
    // The first chunk has room for one announcement. Each next chunk is twice as large, up to a page.
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
