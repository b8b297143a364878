#include "payload/in/pack_reader.hpp"

#include <algorithm>
#include <utility>

namespace parley {

pack_reader::pack_reader() : buffer_(std::make_unique_for_overwrite<byte[]>(buffer_bytes)) {}

error_code pack_reader::fail(errc code, std::string_view problem)
{
    problem_ = problem;
    return code;
}

error_code pack_reader::write(bytes_view bytes, pack_sink& sink)
{
    if (failure_) return failure_;
    if (state_ == state::ended) return {};
    const std::uint64_t before = taken_;
    bytes_view in = bytes;
    // Hash whole pieces: byte by byte it would cost more than everything else.
    unhashed_ = bytes.data();
    bool hashing = state_ != state::trailer;
    bool more = true;
    while (more) {
        failure_ = advance(in, sink);
        if (failure_) return failure_;
        taken_ = before + (bytes.size() - in.size());
        if (hashing && (state_ == state::trailer || in.empty())) {
            hash_stream_to(in.data());
            hashing = false;
        }
        more = !in.empty() && state_ != state::ended;
    }
    inflater_.keep();
    return {};
}

void pack_reader::hash_stream_to(const byte* end)
{
    if (end > unhashed_) hash_.update({unhashed_, end});
    unhashed_ = end;
}

error_code pack_reader::advance(bytes_view& in, pack_sink& sink)
{
    error_code error;
    switch (state_) {
    case state::head:
        error = take_head(in, sink);
        break;
    case state::header:
        if (!header_begun_ && !in.empty()) {
            header_begun_ = true;
            entry_offset_ = taken_;
        }
        error = take_header(in, sink);
        break;
    case state::content:
        error = take_content(in, sink);
        break;
    case state::trailer:
        error = take_trailer(in, sink);
        break;
    case state::ended:
        break;
    }
    return error;
}

error_code pack_reader::take_head(bytes_view& in, pack_sink& sink)
{
    const std::size_t count = std::min(in.size(), pack_head_bytes - fixed_bytes_);
    std::copy_n(in.begin(), count, fixed_.begin() + static_cast<std::ptrdiff_t>(fixed_bytes_));
    in = in.subspan(count);
    fixed_bytes_ += count;
    if (fixed_bytes_ < pack_head_bytes) return {};
    const pack_head head = decode_pack_head(std::span(fixed_).first<pack_head_bytes>());
    if (head.error) return head.error;
    entries_ = head.entries;
    if (const error_code error = sink.begin_pack(entries_)) return error;
    number_ = 0;
    fixed_bytes_ = 0;
    state_ = entries_ == 0 ? state::trailer : state::header;
    return {};
}

error_code pack_reader::take_header(bytes_view& in, pack_sink& sink)
{
    while (!in.empty()) {
        const auto status = header_parser_.push(in.front());
        in = in.subspan(1);
        if (status == entry_header_parser::status::bad)
            return fail(errc::pack_bad_entry, "an unknown kind, a size above 64 bits or an impossible base");
        if (status == entry_header_parser::status::more) continue;
        const entry_header& header = header_parser_.header();
        left_ = header.size;
        buffered_ = 0;
        inflater_.reset();
        state_ = state::content;
        if (const error_code error = sink.begin_entry(header, number_, entry_offset_)) return error;
        content_hash_ = sink.content_hash();
        return {};
    }
    return {};
}

error_code pack_reader::hand_over(bytes_view content, pack_sink& sink)
{
    if (content.empty()) return {};
    if (content_hash_ != nullptr) content_hash_->update(content);
    return sink.content(content);
}

error_code pack_reader::hand_over_buffer(pack_sink& sink)
{
    return hand_over({buffer_.get(), std::exchange(buffered_, 0)}, sink);
}

// Stored content goes from the input to the sink. Deflated content first fills a buffer.
error_code pack_reader::take_content(bytes_view& in, pack_sink& sink)
{
    while (true) {
        const std::size_t before = in.size();
        // One byte of room more than is due reveals a stream that goes on past its announced size.
        const std::uint64_t due = left_ == UINT64_MAX ? left_ : left_ + 1;
        const auto room = static_cast<std::size_t>(std::min<std::uint64_t>(buffer_bytes - buffered_, due));
        const auto step = inflater_.step(in, mutable_bytes(buffer_.get() + buffered_, room));
        const std::size_t came = step.made + step.stored.size();
        if (came > left_) return fail(errc::pack_size_mismatch, "inflates to more than announced");
        left_ -= came;
        buffered_ += step.made;
        if (step.state == inflater::status::bad)
            return fail(errc::pack_bad_compression, "an invalid zlib stream");
        if (!step.stored.empty())
            if (const error_code error = take_stored(step.stored, in, sink)) return error;
        if (step.state == inflater::status::ended) {
            if (left_ != 0) return fail(errc::pack_size_mismatch, "inflates to less than announced");
            if (const error_code error = hand_over_buffer(sink)) return error;
            if (const error_code error = sink.end_entry()) return error;
            next_entry();
            return {};
        }
        const bool filled = step.made == room;
        if (buffered_ == buffer_bytes)
            if (const error_code error = hand_over_buffer(sink)) return error;
        if (in.empty() && !filled) return {};
        if (in.size() == before && came == 0)
            return fail(errc::pack_bad_compression, "an invalid zlib stream");
    }
}

// `in` begins where `stored` ends.
error_code pack_reader::take_stored(bytes_view stored, bytes_view in, pack_sink& sink)
{
    if (stored.size() <= std::min(small_piece_bytes, buffer_bytes - buffered_)) {
        std::copy(stored.begin(), stored.end(), buffer_.get() + buffered_);
        buffered_ += stored.size();
        return {};
    }
    if (const error_code error = hand_over_buffer(sink)) return error;
    if (content_hash_ == nullptr) return sink.content(stored);
    sha1::update_both(hash_, {unhashed_, in.data()}, *content_hash_, stored);
    unhashed_ = in.data();
    return sink.content(stored);
}

void pack_reader::next_entry()
{
    header_begun_ = false;
    if (number_ + 1 == entries_) {
        fixed_bytes_ = 0;
        state_ = state::trailer;
    } else {
        ++number_;
        state_ = state::header;
    }
}

error_code pack_reader::take_trailer(bytes_view& in, pack_sink& sink)
{
    const std::size_t count = std::min(in.size(), pack_trailer_bytes - fixed_bytes_);
    std::copy_n(in.begin(), count, fixed_.begin() + static_cast<std::ptrdiff_t>(fixed_bytes_));
    in = in.subspan(count);
    fixed_bytes_ += count;
    if (fixed_bytes_ < pack_trailer_bytes) return {};
    if (hash_.finish() != fixed_) return fail(errc::pack_bad_trailer, "the SHA-1 of the stream is another");
    if (const error_code error = sink.end_pack()) return error;
    state_ = state::ended;
    return {};
}

} // namespace parley
