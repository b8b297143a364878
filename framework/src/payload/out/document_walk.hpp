// A directory tree as it was when it was listed. document_source announces it and sends it in the same
// order.
#pragma once

#include <parley/base/result.hpp>
#include <parley/base/time.hpp>
#include <parley/payload/document_source.hpp>

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

namespace parley {

// Limits of the walk, which are those of our own receiver.
inline constexpr std::size_t max_walk_depth = 128;         // nested directories, including the top one
inline constexpr std::uint64_t max_walk_paths = 1'999'998; // files and directories below the top

// One step through the tree, depth first.
struct walk_step {
    enum class kind : byte {
        file,
        directory, // its own steps follow, up to its `end`
        end,       // of the innermost open directory
    };
    kind what;
    std::string_view name;  // one path component; empty for `end`
    std::uint64_t size = 0; // of a file
};

// The paths below a directory, in the order of Git's trees (bytewise, a directory compared as `name/`). One
// arena holds names and sizes. A directory takes 3 bytes and its name. A file below 128 bytes takes the same,
// and one byte more for each factor of 128 in its size. A million files with names of twelve bytes take about
// 17 MiB.
//
// Movable; not thread-safe.
class document_walk {
public:
    // Walks the tree below the open directory `top`, which it borrows, relative to open descriptors. Follows
    // no link. Calls `on_skipped` (may be empty) for paths that do not travel: links, special files, what
    // cannot be read, names of more than 255 bytes. Errors: timed_out (the deadline passed), cancelled (`stopped`
    // became true; may be null), too_many_entries, tree_too_deep, the system's
    // own (`error_path` says where).
    static result<document_walk> of(int top, const std::function<void(const skipped_path&)>& on_skipped,
                                    std::string& error_path, time_point deadline = no_deadline,
                                    const std::atomic<bool>* stopped = nullptr);

    document_walk() = default;
    document_walk(document_walk&&) noexcept = default;
    document_walk& operator=(document_walk&&) noexcept = default;

    std::uint64_t file_count() const noexcept { return files_; }
    std::uint64_t directory_count() const noexcept { return directories_; } // includes the top one
    std::uint64_t content_bytes() const noexcept { return content_bytes_; }
    std::size_t arena_bytes() const noexcept;

    // The next step; nothing after the end of the top directory. The name is valid as long as this object.
    std::optional<walk_step> next() noexcept;

private:
    class walker;
    static constexpr std::size_t chunk_bytes = 64 * 1024;
    struct chunk {
        std::unique_ptr<byte[]> bytes;
        std::size_t used = 0;
    };

    void append(walk_step::kind what, std::string_view name, std::uint64_t size);

    std::vector<chunk> chunks_;
    std::size_t chunk_ = 0; // the position of next()
    std::size_t offset_ = 0;
    std::uint64_t files_ = 0;
    std::uint64_t directories_ = 1;
    std::uint64_t content_bytes_ = 0;
};

} // namespace parley
