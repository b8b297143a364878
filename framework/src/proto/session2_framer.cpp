#include <parley/proto/session2_framer.hpp>

#include "proto/take_into.hpp"

#include <algorithm>

namespace parley {

void session2_record_framer::wiping_delete::operator()(byte* bytes) const noexcept
{
    wipe({bytes, max_session2_record_bytes});
    delete[] bytes;
}

session2_record_framer::session2_record_framer(std::size_t tag_bytes)
    : buffer_{new byte[max_session2_record_bytes]}, tag_bytes_{std::min(tag_bytes, record_tag_bytes)}
{
}

result<std::optional<session2_record_framer::frame>> session2_record_framer::next(bytes_view& input,
                                                                                  diagnostics* diag)
{
    if (error_) return error_;
    if (!take_into(buffer_.get(), size_, input, session2_record_header_bytes)) return std::optional<frame>{};
    const std::size_t n = std::size_t{buffer_[0]} << 16 | load_be<std::uint16_t>(buffer_.get() + 1);
    if (n == 0 || n > max_session2_record_content_bytes) {
        if (diag != nullptr) diag->set_message("a record of " + std::to_string(n) + " bytes");
        return fail(errc::record_bad_length);
    }

    byte* const content = buffer_.get() + session2_record_header_bytes;
    const std::size_t body_bytes = n + tag_bytes_;
    bytes_view body;
    if (size_ == session2_record_header_bytes && input.size() >= body_bytes) {
        body = input.first(body_bytes);
        input = input.subspan(body_bytes);
    } else {
        if (!take_into(buffer_.get(), size_, input, session2_record_header_bytes + body_bytes)) return std::optional<frame>{};
        body = {content, body_bytes};
    }
    size_ = 0;
    return frame{{buffer_.get(), session2_record_header_bytes}, body, {content, n}};
}

error_code session2_record_framer::fail(error_code why) noexcept
{
    wipe({buffer_.get(), max_session2_record_bytes});
    return error_ = why;
}

session2_record_numbers::number session2_record_numbers::next() noexcept
{
    if (sequence_ == session2_records_per_key) {
        key_ = next_direction_key(key_);
        sequence_ = 0;
    }
    number out{record_nonce(key_, sequence_), sequence_ == 0};
    ++sequence_;
    return out;
}

} // namespace parley
