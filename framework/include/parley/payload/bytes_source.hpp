// Bytes in memory as a document of session version 2 (SESSION2.md section 7): one file, or a short text.
#pragma once

#include <parley/base/diagnostics.hpp>
#include <parley/base/random.hpp>
#include <parley/payload/content_source.hpp>

#include <atomic>

namespace parley {

// Not thread-safe, but for stop().
class bytes_source final : public content_source {
public:
    // A file of this name and content. The document's id comes from `random`. Errors: hostile_name (receivers refuse
    // the name; `diag` says why).
    static result<std::unique_ptr<bytes_source>> file(std::string name, byte_vector content,
                                                      random_source& random, diagnostics* diag = nullptr);
    // A text that the receiver shows and does not store. The title, which may be empty, is shown, too. Errors:
    // document_too_large (above max_document_text_bytes), hostile_name (the title is longer than 255 bytes or not
    // UTF-8; `diag` says which).
    static result<std::unique_ptr<bytes_source>> text(std::string_view text, std::string title,
                                                      random_source& random, diagnostics* diag = nullptr);

    result<std::shared_ptr<const document_outline>> list() override;
    error_code open(std::uint32_t number, std::uint64_t offset) override;
    result<std::size_t> read(mutable_bytes out) override;
    error_code close() override;
    void stop() noexcept override { stopped_ = true; }
    void resume() noexcept override { stopped_ = false; }
    std::unique_ptr<content_source> another() const override;
    const document_fault& fault() const noexcept override { return fault_; }

private:
    bytes_source(std::shared_ptr<const document_outline> outline, byte_vector content) noexcept;

    std::shared_ptr<const document_outline> outline_;
    byte_vector content_;
    bool open_ = false;
    std::size_t position_ = 0;
    std::atomic<bool> stopped_ = false;
    document_fault fault_;
};

} // namespace parley
