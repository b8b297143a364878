#include <parley/payload/bytes_source.hpp>

#include "payload/source/content_fault.hpp"
#include "payload/source/one_entry.hpp"
#include "payload/source/refused_name.hpp"

#include <algorithm>

namespace parley {

bytes_source::bytes_source(std::shared_ptr<const document_outline> outline, byte_vector content) noexcept
    : outline_(std::move(outline)), content_(std::move(content))
{
}

result<std::unique_ptr<bytes_source>> bytes_source::file(std::string name, byte_vector content,
                                                         random_source& random, diagnostics* diag)
{
    if (is_refused_name(name, diag)) return errc::hostile_name;
    auto outline = outline_of_one(document_kind::file, std::move(name), content.size(), random);
    return std::unique_ptr<bytes_source>(new bytes_source(std::move(outline), std::move(content)));
}

result<std::unique_ptr<bytes_source>> bytes_source::text(std::string_view text, std::string title,
                                                         random_source& random, diagnostics* diag)
{
    if (text.size() > max_document_text_bytes) return errc::document_too_large;
    if (is_refused_title(title, diag)) return errc::hostile_name;
    auto outline = outline_of_one(document_kind::text, std::move(title), text.size(), random);
    return std::unique_ptr<bytes_source>(
        new bytes_source(std::move(outline), byte_vector(text.begin(), text.end())));
}

result<std::shared_ptr<const document_outline>> bytes_source::list()
{
    return outline_;
}

std::unique_ptr<content_source> bytes_source::another() const
{
    return std::unique_ptr<content_source>(new bytes_source(outline_, content_));
}

error_code bytes_source::open(std::uint32_t number, std::uint64_t offset)
{
    open_ = false;
    if (stopped_) return fail_cancelled(fault_);
    if (number != 0 || offset > content_.size()) return fail_misused(fault_);
    open_ = true;
    position_ = static_cast<std::size_t>(offset);
    return {};
}

result<std::size_t> bytes_source::read(mutable_bytes out)
{
    if (stopped_) return fail_cancelled(fault_);
    if (!open_) return fail_misused(fault_);
    const std::size_t n = std::min(out.size(), content_.size() - position_);
    std::copy_n(content_.begin() + static_cast<std::ptrdiff_t>(position_), n, out.begin());
    position_ += n;
    return n;
}

error_code bytes_source::close()
{
    if (!open_) return fail_misused(fault_);
    open_ = false;
    return {};
}

} // namespace parley
