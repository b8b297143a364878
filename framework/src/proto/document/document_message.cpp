#include "proto/document/document_message.hpp"

#include <parley/proto/document_fault.hpp>

#include <algorithm>

namespace parley {

const document_header* document_message_reader::header(bytes_view& input) noexcept
{
    if (header_size_ < header_bytes_.size()) {
        buffer_.clear();
        const std::size_t taken = std::min(header_bytes_.size() - header_size_, input.size());
        std::copy_n(input.begin(), taken, header_bytes_.data() + header_size_);
        header_size_ += taken;
        input = input.subspan(taken);
        if (header_size_ < header_bytes_.size()) return nullptr;
        header_ = {static_cast<document_message>(header_bytes_[0]),
                   load_be<std::uint32_t>(header_bytes_.data() + 1)};
        left_ = header_.length;
    }
    return &header_;
}

std::optional<bytes_view> document_message_reader::body(bytes_view& input)
{
    bytes_view out;
    if (buffer_.empty() && input.size() >= left_) {
        out = piece(input);
    } else {
        if (buffer_.empty()) buffer_.reserve(left_);
        append_bytes(buffer_, piece(input));
        out = buffer_;
    }
    if (left_ != 0) return std::nullopt;
    header_size_ = 0;
    return out;
}

bytes_view document_message_reader::piece(bytes_view& input) noexcept
{
    const bytes_view out = input.first(std::min(left_, input.size()));
    input = input.subspan(out.size());
    left_ -= out.size();
    if (left_ == 0) header_size_ = 0;
    return out;
}

std::string_view cut_text(std::string_view text, std::size_t max_bytes) noexcept
{
    if (text.size() <= max_bytes) return text;
    while (max_bytes > 0 && (static_cast<byte>(text[max_bytes]) & 0xc0) == 0x80) --max_bytes;
    return text.substr(0, max_bytes);
}

errc to_errc(session_reason reason) noexcept
{
    switch (reason) {
    case session_reason::refused_by_user:
        return errc::refused_by_peer;
    case session_reason::cancelled:
        return errc::cancelled_by_peer;
    case session_reason::no_space:
        return errc::no_room_at_peer;
    case session_reason::destination_exists:
        return errc::destination_exists_at_peer;
    case session_reason::file_failed:
        return errc::file_failed_at_peer;
    case session_reason::document_changed:
        return errc::document_changed_at_peer;
    case session_reason::bad_entry:
        return errc::entry_not_taken_by_peer;
    case session_reason::broken_rule:
        return errc::rule_broken_says_peer;
    case session_reason::protocol:
        return errc::protocol_mismatch;
    case session_reason::internal:
        break;
    }
    return errc::failed_at_peer;
}

bool may_suit_another_receiver(const error_code& error, bool was_sent) noexcept
{
    if (error == errc::entry_not_taken_by_peer) return !was_sent;
    return error == errc::refused_by_peer || error == errc::no_room_at_peer ||
           error == errc::destination_exists_at_peer || error == errc::file_failed_at_peer;
}

} // namespace parley
