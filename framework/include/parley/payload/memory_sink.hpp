// A sink for one file that goes to no folder: a text that the program shows, or standard output.
#pragma once

#include <parley/payload/content_sink.hpp>

#include <functional>

namespace parley {

// Takes documents of the kinds file, stream and text. Not thread-safe.
//
// Errors, with the reason of fault():
//   not_a_file          refused_by_user: a document of another kind
//   document_too_large  no_space: more than max_bytes
//   document_changed    document_changed: what was given to the callback already does not begin the file any more
//   the callback's own  file_failed
class memory_sink final : public content_sink {
public:
    // Keeps the content, at most `max_bytes`, in memory.
    explicit memory_sink(std::uint64_t max_bytes = max_document_text_bytes) : max_bytes_(max_bytes) {}
    // Hands the content to `output`, one piece after another as it comes, and at the end, in commit(), without bytes. An
    // error of it fails the transfer. After a break in one run the content goes on where it was.
    explicit memory_sink(std::function<error_code(bytes_view)> output)
        : max_bytes_(unknown_size), output_(std::move(output))
    {
    }

    result<sink_preview> preview(std::shared_ptr<const document_outline> document) override;
    result<std::vector<kept_part>> begin() override;
    error_code open(std::uint32_t number, std::uint64_t offset) override;
    error_code write(bytes_view bytes) override;
    error_code close() override { return {}; }
    result<stored_document> commit() override;
    void end(bool keep) noexcept override;
    const document_fault& fault() const noexcept override { return fault_; }

    // What has come. Empty with a callback.
    const byte_vector& content() const noexcept { return content_; }

private:
    error_code fail(error_code error, session_reason reason, std::string text);

    std::uint64_t max_bytes_;
    std::function<error_code(bytes_view)> output_;
    byte_vector content_;
    std::uint64_t size_ = 0; // of what has come
    blake2b_256 hash_;       // of it, with a callback
    bool committed_ = false;
    document_fault fault_;
};

} // namespace parley
