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
    const std::size_t n = 1 + content.size();
    out.resize(before + session2_record_header_bytes + n + (cipher_ ? record_tag_bytes : 0));
    const mutable_bytes record = mutable_bytes{out}.subspan(before);
    const mutable_bytes plaintext = record.subspan(session2_record_header_bytes, n);
    plaintext[0] = static_cast<byte>(type);
    std::copy(content.begin(), content.end(), plaintext.begin() + 1);
    if (!cipher_) {
        record[0] = static_cast<byte>(n >> 16);
        store_be(record.data() + 1, static_cast<std::uint16_t>(n));
        return {};
    }
    const auto sealed = cipher_->seal(sequence_, plaintext, record);
    if (!sealed) {
        out.resize(before);
        return sealed.error();
    }
    advance(*cipher_, sequence_);
    return {};
}

result<session2_record_reader> session2_record_reader::create(cipher c, const direction_key& key,
                                                              std::uint64_t position)
{
    auto made = cipher_at(c, key, position);
    if (!made) return made.error();
    session2_record_reader out{std::move(*made)};
    out.sequence_ = position;
    return out;
}

result<std::optional<session2_record_reader::record>> session2_record_reader::read(bytes_view& input,
                                                                                   diagnostics* diag)
{
    const auto framed = framer_.next(input, diag);
    if (!framed) return framed.error();
    if (!*framed) return std::optional<record>{};
    const session2_record_framer::frame& frame = **framed;
    if (!cipher_) {
        if (frame.body.data() != frame.content.data())
            std::copy(frame.body.begin(), frame.body.end(), frame.content.begin());
    } else if (const auto opened = cipher_->open(sequence_, frame.body, frame.content); !opened) {
        const bool damaged = opened.error() == errc::record_forged;
        if (damaged && diag != nullptr) diag->set_message("a tag that does not match");
        return framer_.fail(damaged ? make_error_code(errc::record_damaged) : opened.error());
    } else {
        advance(*cipher_, sequence_);
    }
    return record{static_cast<record_type>(frame.content[0]), frame.content.subspan(1)};
}

} // namespace parley
