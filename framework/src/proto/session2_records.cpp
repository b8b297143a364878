#include <parley/proto/session2_records.hpp>

#include <algorithm>
#include <utility>

namespace parley {
namespace {

// The cipher of the record after `position` others; leaves its sequence number in `position`.
result<record_cipher> cipher_at(cipher c, const direction_key& key, std::uint64_t& position) noexcept
{
    auto out = record_cipher::create(c, record_layout::session2, key);
    if (!out) return out.error();
    for (; position >= session2_records_per_key; position -= session2_records_per_key) out->rekey();
    return std::move(*out);
}

// Goes on to the next record.
void advance(record_cipher& with, std::uint64_t& sequence) noexcept
{
    if (++sequence != session2_records_per_key) return;
    with.rekey();
    sequence = 0;
}

} // namespace

result<session2_record_writer> session2_record_writer::create(cipher c, const direction_key& key,
                                                              std::uint64_t position) noexcept
{
    auto made = cipher_at(c, key, position);
    if (!made) return made.error();
    session2_record_writer out{std::move(*made)};
    out.sequence_ = position;
    return out;
}

error_code session2_record_writer::append(record_type type, bytes_view content, byte_vector& out)
{
    if (content.size() > max_session2_content_bytes) return errc::record_too_long;
    const std::size_t before = out.size();
    // The plaintext comes to its place after the memory has its final size, so no copy of it stays behind.
    out.resize(before + session2_record_header_bytes + 1 + content.size() + record_tag_bytes);
    const mutable_bytes record = mutable_bytes{out}.subspan(before);
    const mutable_bytes plaintext = record.subspan(session2_record_header_bytes, 1 + content.size());
    plaintext[0] = static_cast<byte>(type);
    std::copy(content.begin(), content.end(), plaintext.begin() + 1);
    const auto sealed = cipher_.seal(sequence_, plaintext, record);
    if (!sealed) {
        out.resize(before);
        return sealed.error();
    }
    advance(cipher_, sequence_);
    return {};
}

void session2_record_reader::wiping_delete::operator()(byte* bytes) const noexcept
{
    wipe({bytes, max_session2_record_bytes});
    delete[] bytes;
}

result<session2_record_reader> session2_record_reader::create(cipher c, const direction_key& key,
                                                              std::uint64_t position)
{
    auto made = cipher_at(c, key, position);
    if (!made) return made.error();
    session2_record_reader out{std::move(*made)};
    out.buffer_.reset(new byte[max_session2_record_bytes]);
    out.sequence_ = position;
    return out;
}

result<std::optional<session2_record_reader::record>> session2_record_reader::read(bytes_view& input,
                                                                                   diagnostics* diag)
{
    if (error_) return error_;
    if (!fill(input, session2_record_header_bytes)) return std::optional<record>{};
    const std::size_t n = std::size_t{buffer_[0]} << 16 | load_be<std::uint16_t>(buffer_.get() + 1);
    if (n == 0 || n > max_session2_record_content_bytes) {
        if (diag != nullptr) diag->set_message("a record of " + std::to_string(n) + " bytes");
        return fail(errc::record_bad_length);
    }

    byte* const plaintext = buffer_.get() + session2_record_header_bytes;
    const std::size_t body_bytes = n + record_tag_bytes;
    bytes_view body;
    if (size_ == session2_record_header_bytes && input.size() >= body_bytes) {
        body = input.first(body_bytes);
        input = input.subspan(body_bytes);
    } else {
        if (!fill(input, session2_record_header_bytes + body_bytes)) return std::optional<record>{};
        body = {plaintext, body_bytes};
    }
    size_ = 0;
    const auto opened = cipher_.open(sequence_, body, {plaintext, n});
    if (!opened) {
        const bool damaged = opened.error() == errc::record_forged;
        if (damaged && diag != nullptr) diag->set_message("a tag that does not match");
        return fail(damaged ? make_error_code(errc::record_damaged) : opened.error());
    }
    advance(cipher_, sequence_);
    return record{static_cast<record_type>(plaintext[0]), {plaintext + 1, n - 1}};
}

// Takes bytes until the buffer holds `n`. Returns whether it does.
bool session2_record_reader::fill(bytes_view& input, std::size_t n) noexcept
{
    if (size_ >= n) return true;
    const std::size_t taken = std::min(n - size_, input.size());
    std::copy_n(input.begin(), taken, buffer_.get() + size_);
    size_ += taken;
    input = input.subspan(taken);
    return size_ == n;
}

error_code session2_record_reader::fail(error_code why) noexcept
{
    wipe({buffer_.get(), max_session2_record_bytes});
    return error_ = why;
}

} // namespace parley
