#include <parley/payload/memory_sink.hpp>

namespace parley {

error_code memory_sink::fail(error_code error, session_reason reason, std::string text)
{
    fault_ = {reason, std::move(text)};
    return error;
}

result<sink_preview> memory_sink::preview(std::shared_ptr<const document_outline> document)
{
    const document_offer& offer = document->offer();
    if (offer.kind == document_kind::directory || offer.kind == document_kind::items)
        return fail(errc::not_a_file, session_reason::refused_by_user, "only a file is taken here");
    if (offer.bytes != unknown_size && offer.bytes > max_bytes_)
        return fail(errc::document_too_large, session_reason::no_space,
                    "at most " + format_bytes(max_bytes_) + " are taken here");
    return sink_preview{};
}

result<std::vector<kept_part>> memory_sink::begin()
{
    std::vector<kept_part> parts;
    if (size_ > 0) parts.push_back({0, size_, output_ ? hash_.digest() : hash_blake2b_256(content_)});
    return parts;
}

error_code memory_sink::open(std::uint32_t number, std::uint64_t offset)
{
    if (number != 0 || offset > size_)
        return fail(errc::document_rule_broken, session_reason::internal, "too little is here");
    if (output_ && offset != size_)
        return fail(errc::document_changed, session_reason::document_changed,
                    "another content follows what has been written");
    if (!output_) content_.resize(static_cast<std::size_t>(offset));
    size_ = offset;
    return {};
}

error_code memory_sink::write(bytes_view bytes)
{
    if (bytes.size() > max_bytes_ - size_)
        return fail(errc::document_too_large, session_reason::no_space,
                    "at most " + format_bytes(max_bytes_) + " are taken here");
    if (!output_) {
        content_.insert(content_.end(), bytes.begin(), bytes.end());
    } else if (!bytes.empty()) {
        hash_.update(bytes);
        if (const error_code error = output_(bytes))
            return fail(as_file_error(error), session_reason::file_failed,
                        "cannot write: " + error.message());
    }
    size_ += bytes.size();
    return {};
}

result<stored_document> memory_sink::commit()
{
    if (output_)
        if (const error_code error = output_({}))
            return fail(as_file_error(error), session_reason::file_failed,
                        "cannot write: " + error.message());
    committed_ = true;
    stored_document out;
    out.files = 1;
    out.content_bytes = size_;
    return out;
}

void memory_sink::end(bool) noexcept
{
    if (!committed_) content_.clear();
}

} // namespace parley
