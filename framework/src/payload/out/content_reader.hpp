// Where the bytes of one entry come from while it is sent: memory or an open file.
#pragma once

#include <parley/base/bytes.hpp>
#include <parley/base/error.hpp>

namespace parley {

// The content of one entry, taken once from its beginning to its end. Its owner says its size; nobody reads
// past it.
class content_reader {
public:
    // Fills `out`. Errors: the system's own, document_changed when there is less than there was, or when the
    // last byte was taken and the content is not what it was at the first.
    virtual error_code read(mutable_bytes out) = 0;

protected:
    ~content_reader() = default;
};

// Content that lies in memory, borrowed.
class memory_content final : public content_reader {
public:
    memory_content() = default;
    explicit memory_content(bytes_view bytes) noexcept : left_(bytes) {}
    error_code read(mutable_bytes out) override;

private:
    bytes_view left_;
};

} // namespace parley
