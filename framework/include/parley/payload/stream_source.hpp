// A stream whose length is not known as a document of session version 2 (SESSION2.md sections 7 to 9, kind 3).
#pragma once

#include <parley/base/descriptor.hpp>
#include <parley/base/diagnostics.hpp>
#include <parley/base/random.hpp>
#include <parley/payload/content_source.hpp>

#include <filesystem>
#include <functional>

namespace parley {

// Offers what comes from a descriptor or a function, up to its end. It keeps what it has read in a file without a
// name in `folder`, so that open() can go back to any byte that was read before; the file is gone with the
// source, however the program ends. open() beyond that byte is the error invalid_argument.
//
// read() waits for the first new bytes, and returns what is there. stop() ends that wait, but not that of a function.
// When the file cannot grow, the source ends with the system's error in file_category(), and with reason 03
// where the file system is full, else 05. What was read last is lost then, so the source gives no more.
//
// Not thread-safe, but for stop().
class stream_source final : public content_source {
public:
    // Writes the next bytes to its argument, which is not empty. Returns their number; 0 at the end.
    using reader = std::function<result<std::size_t>(mutable_bytes)>;

    // Reads `input`: a pipe, socket, terminal or file, blocking or not. For the standard input pass a duplicate. The
    // document's id comes from `random`. Errors: hostile_name (receivers refuse `name`), the system's own when
    // `folder` takes no file; `diag` says which.
    static result<std::unique_ptr<stream_source>> create(std::string name, descriptor input,
                                                         const std::filesystem::path& folder,
                                                         random_source& random, diagnostics* diag = nullptr);
    // Calls `input` for the bytes. list() does not call it.
    static result<std::unique_ptr<stream_source>> create(std::string name, reader input,
                                                         const std::filesystem::path& folder,
                                                         random_source& random, diagnostics* diag = nullptr);
    ~stream_source() override;

    result<std::shared_ptr<const document_outline>> list() override;
    error_code open(std::uint32_t number, std::uint64_t offset) override;
    result<std::size_t> read(mutable_bytes out) override;
    error_code close() override;
    void stop() noexcept override;
    void resume() noexcept override;
    const document_fault& fault() const noexcept override;

    // How many bytes have been read so far.
    std::uint64_t kept_bytes() const noexcept;

private:
    struct state;
    explicit stream_source(std::unique_ptr<state> s) noexcept;
    static result<std::unique_ptr<stream_source>> create(std::unique_ptr<state> s,
                                                         const std::filesystem::path& folder,
                                                         random_source& random, diagnostics* diag);
    std::unique_ptr<state> state_;
};

} // namespace parley
