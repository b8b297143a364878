// A document on its way out: a file, a directory or some bytes as a PACK stream (PROTOCOL.md section 8),
// pulled piece by piece. Nothing is hashed or compressed before the first read; memory stays flat however
// large the document is: under 2 MiB, with threads 2 MiB and 1.5 MiB for each of them, and for a directory a
// name and some sixty bytes for each path besides.
#pragma once

#include <parley/base/bytes.hpp>
#include <parley/base/result.hpp>

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace parley {

enum class compression {
    sampled, // each file's beginning is tried: what does not shrink is stored
    always,
    never,
};

// Something that was met on the walk and does not travel: a link, a socket, a device, what cannot be read, a
// name that receivers refuse.
struct skipped_path {
    std::string path;   // relative to the document, as on disk: not yet safe to print
    std::string reason; // e.g. "symbolic link"
};

struct source_options {
    source_options() = default;

    compression compress = compression::sampled;
    // 1..9: up to 5 ISA-L's three levels, many times as fast as zlib's and some 7 % larger, from 6 on zlib's
    // own; zlib's throughout where the framework was built without ISA-L.
    int level = 4;
    // How many threads deflate what is left of a content when its first MiB shrank and 4 MiB or more are
    // left: 1..8 (above: 8), or 0 for one less than the processor has. 1: no thread is made, the one that
    // reads the source deflates. Otherwise they are made for the first such content, and end with the source,
    // which waits for what they are at, some 512 KiB each. The stream is the same whatever their number;
    // where the system gives fewer, these do.
    unsigned threads = 0;
    // Called for each path that is skipped, while the tree is walked; may be empty.
    std::function<void(const skipped_path&)> on_skipped;
};

// Files are sent in the order of the walk, each directory after what is in it. Of equal files (and
// directories) only the first is sent in full, the others as copies of it. A value; one thread at a time.
class document_source {
public:
    // Opens `path`: a regular file or a directory (named through a link: what it points to), walked once to
    // count it. The offered name is the path's last component (of the absolute path, for "." and "..").
    // Errors: not_a_document, the system's own (with `path` in no message: the caller knows it), hostile_name
    // for a name that no receiver would take, too_many_entries, tree_too_deep.
    static result<document_source> open(const std::filesystem::path& path, source_options options = {});

    // A file of `content` called `name`.
    static result<document_source> from_bytes(std::string name, byte_vector content,
                                              source_options options = {});

    // A file called `name` with the first `size` bytes of the open descriptor `fd`, which it owns from now
    // on.
    static result<document_source> from_descriptor(std::string name, int fd, std::uint64_t size,
                                                   source_options options = {});

    document_source(document_source&&) noexcept;
    document_source& operator=(document_source&&) noexcept;
    ~document_source();

    // The next bytes of the stream, at most out.size() (at least 64) of them; 0 after the trailer. It fills
    // `out` unless a record must end first (PROTOCOL.md section 8): before the entry of a single file, before
    // the trailer, and after it. What one call returns may be cut further, but no record may hold the bytes
    // of two calls. Blocks on the disk: as a rule for little more than out.size() bytes, but a long file that
    // shrinks is read in blocks of 512 KiB, one more than there are threads, and a file above 256 KiB of the
    // same size as an earlier one is first read as a whole, to see whether it is equal. Errors: the system's
    // own, document_changed when a file is not what it was when it was counted; after an error there is no
    // more.
    result<std::size_t> read(mutable_bytes out);

    // Whether read() has returned the whole stream, its trailer included.
    bool finished() const noexcept;

    // Whether from now on it matters more that bytes come soon than that they are few: `sampled` then stores
    // what it would have deflated, for 1 to 8 MiB or to the end of the file before it thinks again. At first: no.
    void prefer_speed(bool now) noexcept;

    // Which file the last error spoke of, relative to the document; not yet safe to print.
    const std::string& error_path() const noexcept;

    const std::string& name() const noexcept; // the offered name
    bool is_directory() const noexcept;
    std::uint64_t file_count() const noexcept;
    std::uint64_t directory_count() const noexcept;    // the top one included; 0 for a file
    std::uint64_t content_bytes() const noexcept;      // the sum of the files' sizes
    std::uint64_t content_bytes_read() const noexcept; // how much of that is in what read() has returned

private:
    struct state;
    explicit document_source(std::unique_ptr<state> s) noexcept;
    std::unique_ptr<state> state_;
};

} // namespace parley
