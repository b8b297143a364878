// The source of one entry's bytes while it is sent: memory or an open file.
#pragma once

#include <parley/base/bytes.hpp>
#include <parley/base/error.hpp>

namespace parley {

// The content of one entry, read once from beginning to end. The owner knows its size and reads no more than
// that.
class content_reader {
public:
    // Fills `out`. Errors: the system's own, document_changed (there is less content than before, or at the
    // last byte the content is not what it was at the first).
    virtual error_code read(mutable_bytes out) = 0;

protected:
    ~content_reader() = default;
};

// Content in memory, which it borrows.
class memory_content final : public content_reader {
public:
    memory_content() = default;
    explicit memory_content(bytes_view bytes) noexcept : left_(bytes) {}
    error_code read(mutable_bytes out) override;

private:
    bytes_view left_;
};

} // namespace parley
