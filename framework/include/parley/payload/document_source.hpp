// Sends a document: makes a PACK stream (PROTOCOL.md section 8) of a file, a directory or some bytes, and
// hands it out piece by piece. Hashes and compresses nothing before the first read. Memory does not depend on
// the sizes of the files: under 2 MiB, or with threads 2 MiB plus 1.5 MiB for each. A directory costs its
// names and about sixty bytes per path more.
#pragma once

#include <parley/base/bytes.hpp>
#include <parley/base/diagnostics.hpp>
#include <parley/base/result.hpp>
#include <parley/base/time.hpp>
#include <parley/payload/skipped_path.hpp>

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace parley {

enum class compression {
    sampled, // try the beginning of each file; store what does not shrink
    always,
    never,
};

struct source_options {
    source_options() = default;

    compression compress = compression::sampled;
    // 1..9. Levels up to 5 use ISA-L, which has three levels: it is many times as fast as zlib, and its
    // output about 7 % larger. Levels from 6 use zlib. Without ISA-L all levels use zlib.
    int level = 4;
    // The number of threads that deflate large contents: 1..8, more means 8, and 0 means one less than the
    // processor has. A content is large when a MiB of it has shrunk and 4 MiB or more are left (with
    // `always`: when it has 4 MiB or more). With 1, the thread that reads the source deflates. Otherwise the
    // threads start at the first large content and end with the source, whose destructor waits for the blocks
    // under way, about 512 KiB each. If the system gives fewer threads, the source uses those. The stream
    // does not depend on the number of threads.
    unsigned threads = 0;
    // The name that receivers see; by default the last component of the path.
    std::optional<std::string> name;
    // A receiver gives up when it hears nothing for a while. So read() hands something out after this time at
    // the latest, as long as the file system answers, and a tenth of it when it has something.
    duration longest_silence = std::chrono::seconds{10};
    // Called for each path that is skipped, once for each reason: a link, a socket, a device, something that
    // cannot be read, a path that vanished after it was listed. Called by open(), and by read() on the thread
    // that reads. May be empty.
    std::function<void(const skipped_path&)> on_skipped;
};

// Sends files in the order of the walk, and each directory after its contents. Of equal files and directories
// only the first is sent in full; the others are sent as copies of it. Movable; not thread-safe,
// but for stop().
//
// A document with a path is what it is when it is read:
//
//   the first read()     looks at the path again: it lists the directory, or opens the file. A file that an
//                        editor has replaced since open() is sent with its new content. If the directory takes
//                        longer than `longest_silence` to list, the list of open() stands.
//   an entry begins      the file is opened and its size taken. A path of the list that is gone, or is no file
//                        any more, or cannot be read, is skipped. The entry that the head has announced for it
//                        becomes an empty one to which no directory refers.
//   an entry is sent     a change of the file is the error document_changed. Files up to 256 KiB are read
//                        before their entry begins, so they cannot change in it.
//
// What is added to a directory after the first read() is not sent.
class document_source {
public:
    // Looks at `path`: a regular file, a directory, or a link to one. Lists a directory to count it. The
    // offered name is the last component of the path (of the absolute path for "." and ".."), unless the
    // options have one. Errors: not_a_document, hostile_name (receivers refuse the document's name; `diag` says
    // why), too_many_entries and tree_too_deep (`diag` says where), the system's own, for example file_too_large
    // for a file that is longer than 16 MiB but whose size says that it is small.
    static result<document_source> open(const std::filesystem::path& path, source_options options = {},
                                        diagnostics* diag = nullptr);

    // A file with the given name and content. Errors: hostile_name.
    static result<document_source> from_bytes(std::string name, byte_vector content,
                                              source_options options = {}, diagnostics* diag = nullptr);

    // A file with the given name and the first `size` bytes of the open descriptor `fd`. Takes ownership of
    // `fd`. Errors: hostile_name.
    static result<document_source> from_descriptor(std::string name, int fd, std::uint64_t size,
                                                   source_options options = {}, diagnostics* diag = nullptr);

    document_source(document_source&&) noexcept;
    document_source& operator=(document_source&&) noexcept;
    ~document_source();

    // Writes the next bytes of the stream to `out`, which has at least 64 bytes. Returns their number; 0
    // after the trailer. Fills `out` unless a record must end first (PROTOCOL.md section 8): before the entry
    // of a single file, before the trailer, and after it; or unless that takes long. The caller may cut the
    // bytes of one call into several records, but must not put bytes of two calls into one record.
    // Blocks on the disk. The first call lists a directory. A large file that shrinks is read in blocks of 512
    // KiB, one more than there are threads. A file above 256 KiB that has the size and the first 64 KiB of an
    // earlier one is first read as a whole, to see whether it is equal; when `longest_silence` has passed
    // it is sent in full instead.
    // Errors: cancelled (after stop()), document_changed (a file changed after its entry began), the system's
    // own, and in the first call those of open(). After an error there is no more.
    result<std::size_t> read(mutable_bytes out);

    // Lets read() fail with `cancelled` soon, also one that is under way on another thread.
    void stop() noexcept;

    // Whether read() has returned the whole stream, its trailer included.
    bool finished() const noexcept;

    // Sets whether speed matters more than a small stream from now on; at first it does not. If so, `sampled`
    // stores what it would have deflated, for 1 to 8 MiB or to the end of the file, before it decides again.
    void prefer_speed(bool now) noexcept;

    // The file of the last error, relative to the document. Not safe to print without escaping.
    const std::string& error_path() const noexcept;
    // When it came, if that was inside the file's entry: "after 512 of 1000 bytes". Else empty.
    const std::string& error_when() const noexcept;

    const std::string& name() const noexcept; // the offered name
    // What is known so far. read() may change it, up to the end of the document.
    bool is_directory() const noexcept;
    std::uint64_t file_count() const noexcept;
    std::uint64_t directory_count() const noexcept; // includes the top one; 0 for a file
    std::uint64_t skipped_count() const noexcept; // paths that do not travel; those below one are not counted
    std::uint64_t content_bytes() const noexcept; // the sum of the files' sizes
    std::uint64_t content_bytes_read() const noexcept; // how much of that read() has returned

private:
    struct state;
    explicit document_source(std::unique_ptr<state> s) noexcept;
    std::unique_ptr<state> state_;
};

} // namespace parley
