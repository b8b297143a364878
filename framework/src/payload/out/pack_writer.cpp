#include "payload/out/pack_writer.hpp"

#include <algorithm>
#include <cstring>

namespace parley {
namespace {

constexpr std::uint64_t max_copy_instruction_bytes = 0xffffff;

void append_varint(byte_vector& out, std::uint64_t value)
{
    for (; value >= 0x80; value >>= 7) out.push_back(static_cast<byte>(value | 0x80));
    out.push_back(static_cast<byte>(value));
}

// The first byte has bit 7 and one bit for each byte of offset (0..3) and size (4..6) that follows. Zero
// bytes are left out.
void append_copy(byte_vector& out, std::uint64_t offset, std::uint64_t size)
{
    const std::size_t instruction = out.size();
    out.push_back(0x80);
    for (unsigned i = 0; i < 7; ++i) {
        const auto b = static_cast<byte>(i < 4 ? offset >> (8 * i) : size >> (8 * (i - 4)));
        if (b == 0) continue;
        out[instruction] = static_cast<byte>(out[instruction] | 1u << i);
        out.push_back(b);
    }
}

} // namespace

byte_vector copy_delta(std::uint64_t size)
{
    byte_vector out;
    append_varint(out, size); // of the base
    append_varint(out, size); // of the result
    for (std::uint64_t offset = 0; offset < size; offset += max_copy_instruction_bytes)
        append_copy(out, offset, std::min(size - offset, max_copy_instruction_bytes));
    return out;
}

void pack_writer::frame(bytes_view bytes)
{
    std::memcpy(frame_.data() + frame_end_, bytes.data(), bytes.size());
    frame_end_ += bytes.size();
}

void pack_writer::begin_pack(std::uint32_t entries)
{
    frame_begin_ = frame_end_ = 0;
    frame(encode_pack_head(entries));
}

void pack_writer::begin_entry(pack_entry_kind kind, std::uint64_t size, content_reader& content)
{
    frame_begin_ = 0;
    frame_end_ = encode_entry_header(kind, size, frame_.data());
    content_ = &content;
    deflater_.start(size);
}

void pack_writer::begin_copy(std::uint64_t base, std::uint64_t size)
{
    const std::uint64_t distance = position_ - base;
    delta_ = copy_delta(size);
    delta_content_ = memory_content(delta_);
    begin_entry(pack_entry_kind::offset_delta, delta_.size(), delta_content_);
    frame_end_ += encode_base_distance(distance, frame_.data() + frame_end_);
}

void pack_writer::end_pack()
{
    frame_begin_ = frame_end_ = 0;
    frame(stream_hash_.finish());
}

result<std::size_t> pack_writer::read(mutable_bytes out)
{
    const std::size_t framing = std::min(out.size(), frame_end_ - frame_begin_);
    if (framing > 0) std::memcpy(out.data(), frame_.data() + frame_begin_, framing);
    frame_begin_ += framing;
    std::size_t done = framing;
    if (content_ != nullptr && done < out.size()) {
        const result<std::size_t> n = deflater_.read(out.subspan(done), *content_);
        if (!n) return n.error();
        done += *n;
    }
    if (content_ != nullptr && frame_begin_ == frame_end_ && deflater_.finished()) content_ = nullptr;
    stream_hash_.update(out.first(done));
    position_ += done;
    return done;
}

std::uint64_t pack_writer::content_bytes_taken() const noexcept
{
    return content_ == nullptr ? 0 : deflater_.content_bytes_taken();
}

} // namespace parley
