// Packets that wait to be written to one handshake connection: shared encodings, in order. The owner bounds
// the queue.
#pragma once

#include <parley/wire/writer.hpp>

#include <boost/asio/buffer.hpp>

#include <algorithm>
#include <memory>
#include <vector>

namespace parley {

// An empty queue allocates nothing. Almost every waiting peer has an empty queue. Not thread-safe.
class packet_queue {
public:
    void push(std::shared_ptr<const encoded_packet> packet)
    {
        bytes_ += packet->view().size();
        packets_.push_back(std::move(packet));
    }

    bool empty() const noexcept { return bytes_ == 0; }
    std::size_t bytes() const noexcept { return bytes_; }
    std::size_t packets() const noexcept { return packets_.size() - head_; }

    // Fills `out` with views of the first bytes, which are valid until consume() or clear(). Returns the
    // number of views.
    std::size_t gather(std::span<boost::asio::const_buffer> out) const noexcept
    {
        const std::size_t n = std::min(out.size(), packets());
        for (std::size_t i = 0; i < n; ++i) {
            const bytes_view bytes = packets_[head_ + i]->view().subspan(i == 0 ? head_offset_ : 0);
            out[i] = boost::asio::const_buffer(bytes.data(), bytes.size());
        }
        return n;
    }

    // Removes the first `n` bytes.
    void consume(std::size_t n) noexcept
    {
        bytes_ -= n;
        while (n > 0) {
            const std::size_t left = packets_[head_]->view().size() - head_offset_;
            if (n < left) {
                head_offset_ += n;
                return;
            }
            n -= left;
            head_offset_ = 0;
            packets_[head_++].reset();
        }
        if (head_ == packets_.size()) {
            // Most connections write only a few packets. An idle one should hold no array.
            packets_ = {};
            head_ = 0;
        } else if (head_ >= 1024 && head_ * 2 >= packets_.size()) {
            packets_.erase(packets_.begin(), packets_.begin() + static_cast<std::ptrdiff_t>(head_));
            head_ = 0;
        }
    }

    void clear() noexcept
    {
        packets_ = {};
        head_ = head_offset_ = bytes_ = 0;
    }

private:
    std::vector<std::shared_ptr<const encoded_packet>> packets_;
    std::size_t head_ = 0;        // the first packet that is not fully written
    std::size_t head_offset_ = 0; // bytes of it that are written
    std::size_t bytes_ = 0;
};

} // namespace parley
