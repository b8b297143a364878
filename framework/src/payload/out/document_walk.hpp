// A directory tree as it was when it was counted: what document_source announces, and then sends in this very
// order.
#pragma once

#include <parley/base/result.hpp>
#include <parley/payload/document_source.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

namespace parley {

// Names longer than a receiver's file system takes never get here; trees deeper or larger than this are
// refused, as our own receiver refuses them.
inline constexpr std::size_t max_walk_depth = 128; // directories inside one another, the top one included
inline constexpr std::uint64_t max_walk_paths = 1'999'998; // files and directories below the top

// One step through the tree, depth first.
struct walk_step {
    enum class kind : byte {
        file,
        directory, // its own steps follow, up to its end
        end,       // of the directory whose steps came last
    };
    kind what;
    std::string_view name;  // one path component; empty for `end`
    std::uint64_t size = 0; // of a file
};

// The paths below a directory in the order in which Git's trees have them (bytewise, a directory compared as
// `name/`), kept as names and sizes in one arena: 3 bytes and the name for a file below 128 bytes, a byte
// more for each factor of 128 in its size; 3 bytes and the name for a directory. A million files with names
// of twelve bytes make some 17 MiB.
//
// A value; not thread-safe.
class document_walk {
public:
    // Walks the tree below the open directory `top`, which it borrows, relative to open descriptors and
    // following no link. Calls `on_skipped` (may be empty) for what does not travel: links, special files,
    // what cannot be read, names that no receiver takes, and those that differ only by case or Unicode form
    // from one that travels. Errors: the system's own (with error_path saying where), too_many_entries,
    // tree_too_deep.
    static result<document_walk> of(int top, const std::function<void(const skipped_path&)>& on_skipped,
                                    std::string& error_path);

    document_walk() = default;
    document_walk(document_walk&&) noexcept = default;
    document_walk& operator=(document_walk&&) noexcept = default;

    std::uint64_t file_count() const noexcept { return files_; }
    std::uint64_t directory_count() const noexcept { return directories_; } // the top one included
    std::uint64_t content_bytes() const noexcept { return content_bytes_; }
    std::size_t arena_bytes() const noexcept;

    // The next step; nothing after the end of the top directory. The name lives as long as this does.
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
    std::size_t chunk_ = 0; // where next() stands
    std::size_t offset_ = 0;
    std::uint64_t files_ = 0;
    std::uint64_t directories_ = 1;
    std::uint64_t content_bytes_ = 0;
};

} // namespace parley
