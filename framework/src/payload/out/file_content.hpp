// A file on disk as the content of an entry: read once, in order, and checked for changes.
#pragma once

#include "payload/format/object_id.hpp"
#include "payload/out/content_reader.hpp"

#include <parley/base/descriptor.hpp>
#include <parley/base/result.hpp>

#include <sys/stat.h>

namespace parley {

class file_content final : public content_reader {
public:
    file_content() = default;

    // Opens the regular file `name` in the open directory `directory`. Follows no link and never blocks, even
    // on a pipe. Errors: not_a_document (it is no regular file), the system's own.
    static result<file_content> open_at(int directory, const char* name);

    // The regular file behind `fd`. Errors: not_a_document, the system's own.
    static result<file_content> regular(descriptor fd);

    // The next `size` bytes from `fd`, of any type. Only their end is checked.
    static file_content stream(descriptor fd, std::uint64_t size);

    file_content(file_content&&) noexcept = default;
    file_content& operator=(file_content&&) noexcept = default;

    // What the system says. Files of procfs and sysfs have another length.
    std::uint64_t size() const noexcept { return size_; }

    // Makes read() hash what it reads, from the beginning on.
    void begin_id() noexcept;
    // The id, when everything was read.
    object_id finish_id() noexcept { return hash_->finish(); }

    // Fills `out`. At the last byte it checks that the file ends there and is as it was when it was opened.
    error_code read(mutable_bytes out) override;

    // Puts the whole file into `out`, wherever it ends. Call it instead of read(). Errors: file_too_large (it
    // is longer than `most`), the system's own.
    error_code read_to_end(byte_vector& out, std::size_t most) const;

    // Fills `out` from the beginning, as far as the file goes. Returns how much. Does not move read().
    result<std::size_t> peek(mutable_bytes out) const;

private:
    error_code check_unchanged() const noexcept;

    descriptor fd_;
    std::uint64_t size_ = 0;
    std::uint64_t left_ = 0;
    bool watched_ = false;
    timespec modified_{}; // when it was opened
    std::unique_ptr<object_hasher> hash_;
};

} // namespace parley
