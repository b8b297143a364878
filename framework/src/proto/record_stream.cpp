#include <parley/proto/record_stream.hpp>

#include "proto/take_into.hpp"

#include <algorithm>
#include <utility>

namespace parley {
namespace {

constexpr std::size_t end_length = 0xffff;

} // namespace

result<record_writer> record_writer::create(cipher c, record_layout layout, const spoke_key& key) noexcept
{
    auto made = record_cipher::create(c, layout, key);
    if (!made) return made.error();
    return record_writer{std::move(*made)};
}

result<std::size_t> record_writer::write(bytes_view content, mutable_bytes out) noexcept
{
    std::size_t written = 0;
    while (!content.empty()) {
        const bytes_view one = content.first(std::min(content.size(), max_record_content_bytes));
        const auto sealed = cipher_.seal(sequence_, one, out.subspan(written));
        if (!sealed) return sealed.error();
        ++sequence_;
        written += *sealed;
        content = content.subspan(one.size());
    }
    return written;
}

void record_reader::wiping_delete::operator()(byte* bytes) const noexcept
{
    wipe({bytes, max_record_bytes});
    delete[] bytes;
}

result<record_reader> record_reader::create(cipher c, const spoke_key& key)
{
    record_reader made;
    made.buffer_.reset(new byte[max_record_bytes]);
    auto original = record_cipher::create(c, record_layout::original, key);
    if (!original) return original.error();
    made.original_ = std::make_unique<record_cipher>(std::move(*original));
    if (c != cipher::aes_256_gcm) {
        made.layout_ = record_layout::original;
        return made;
    }
    auto current = record_cipher::create(c, record_layout::current, key);
    if (!current) return current.error();
    made.current_ = std::make_unique<record_cipher>(std::move(*current));
    // A failed attempt wipes its output, so the first record cannot be opened in place.
    made.trial_.reset(new byte[max_record_bytes]);
    return made;
}

result<record_reader::content> record_reader::read(bytes_view& input) noexcept
{
    return read_to(input, {});
}

result<record_reader::content> record_reader::read(bytes_view& input, mutable_bytes out) noexcept
{
    return read_to(input, out);
}

// An empty `out` means the reader's own buffer.
result<record_reader::content> record_reader::read_to(bytes_view& input, mutable_bytes out) noexcept
{
    while (!error_ && !ended_) {
        if (!take_into(buffer_.get(), size_, input, record_header_bytes)) return content{};
        const std::size_t n = load_be<std::uint16_t>(buffer_.get());
        if (n == end_length) {
            ended_ = true;
            break;
        }
        if (n > max_record_content_bytes) return fail(errc::record_too_long);

        const std::size_t body_bytes = n + record_tag_bytes;
        bytes_view body;
        if (size_ == record_header_bytes && input.size() >= body_bytes) {
            body = input.first(body_bytes); // opened in place
            input = input.subspan(body_bytes);
        } else {
            if (!take_into(buffer_.get(), size_, input, record_header_bytes + body_bytes)) return content{};
            body = {buffer_.get() + record_header_bytes, body_bytes};
        }
        size_ = 0;
        const auto opened = open(body, out);
        if (!opened) return fail(opened.error());
        ++sequence_;
        if (!opened->empty()) return content{*opened, false};
    }
    if (error_) return error_;
    input = {}; // discard what follows the end
    return content{{}, true};
}

// Opens into `out`, or into the buffer if `out` is empty. Returns the content.
result<bytes_view> record_reader::open(bytes_view body, mutable_bytes out) noexcept
{
    const bool in_place = body.data() == buffer_.get() + record_header_bytes;
    const std::size_t at = in_place ? record_header_bytes : 0;
    if (out.empty()) out = {buffer_.get() + at, max_record_bytes - at};
    if (!layout_) {
        const auto n = current_->open(sequence_, body, {trial_.get(), max_record_bytes});
        if (n) {
            std::copy_n(trial_.get(), *n, out.data());
            settle(record_layout::current);
            return bytes_view{out.first(*n)};
        }
        if (n.error() != errc::record_forged) return n.error();
    }
    const auto n = (layout_ == record_layout::current ? *current_ : *original_).open(sequence_, body, out);
    if (!n) return n.error();
    if (!layout_) settle(record_layout::original);
    return bytes_view{out.first(*n)};
}

void record_reader::settle(record_layout layout) noexcept
{
    layout_ = layout;
    trial_.reset();
    (layout == record_layout::current ? original_ : current_).reset();
}

error_code record_reader::fail(error_code why) noexcept
{
    wipe({buffer_.get(), max_record_bytes});
    return error_ = why;
}

} // namespace parley
