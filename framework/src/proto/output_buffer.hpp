// The bytes that a machine has for its peer.
#pragma once

#include <parley/wire/writer.hpp>

namespace parley {

class output_buffer {
public:
    void put(uid to, const packet_variant& body)
    {
        const encoded_packet encoded = encode(to, body);
        const bytes_view added = encoded.view();
        bytes_.insert(bytes_.end(), added.begin(), added.end());
    }

    void append(bytes_view bytes)
    {
        if (sent_ > bytes_.size() / 2) { // never empty, it would grow for ever
            bytes_.erase(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(sent_));
            sent_ = 0;
        }
        bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
    }

    void clear() noexcept
    {
        bytes_.clear();
        sent_ = 0;
    }

    bytes_view view() const noexcept { return bytes_view{bytes_}.subspan(sent_); }

    void consume(std::size_t n) noexcept
    {
        sent_ += n < bytes_.size() - sent_ ? n : bytes_.size() - sent_;
        if (sent_ == bytes_.size()) clear();
    }

    // Exchanges what view() shows for `with`, whose content is dropped.
    void take(byte_vector& with)
    {
        with.clear();
        if (sent_ != 0)
            with.assign(view().begin(), view().end());
        else
            with.swap(bytes_);
        clear();
    }

private:
    byte_vector bytes_;
    std::size_t sent_ = 0;
};

} // namespace parley
