// Lists directories into an outline.
#pragma once

#include "payload/source/exclude_patterns.hpp"

#include <parley/base/descriptor.hpp>
#include <parley/payload/folder_source.hpp>

#include <atomic>
#include <fcntl.h>
#include <sys/stat.h>

namespace parley {

// Opens a file and nothing that blocks, through no link.
inline constexpr int read_file_flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;

// The fields of an entry that come from the system.
std::int64_t modified_of(const struct stat& status) noexcept; // unknown_time where 64 bits do not hold it
std::uint16_t mode_of(const struct stat& status) noexcept;

// Why a link at a path of `components` components does not travel with `target`. Empty when it does.
std::string link_problem(std::string_view target, std::size_t components);

// Whether the open regular file ends where its size says. procfs and sysfs have files that do not.
bool has_true_size(int fd, const struct stat& status) noexcept;

struct listing_limits {
    std::uint64_t entries = max_listed_entries;
    std::uint64_t bytes = max_listed_bytes;
};

// Adds paths to an outline, in its order. Works relative to open descriptors and follows no link. Needs, beside
// the outline, the names of one directory on each level, and a descriptor for each level. Not thread-safe.
class folder_listing {
public:
    // All arguments live as long as the listing. `on_skipped` may be empty.
    folder_listing(document_outline& out, const exclude_patterns& excluded, bool include_links,
                   const std::function<void(const skipped_path&)>& on_skipped,
                   const std::atomic<bool>& stopped, listing_limits limits = {});
    ~folder_listing();

    // Adds the item `name`, a file or a directory with this status, but nothing below it. It must be taken.
    error_code add_item(std::string_view name, const struct stat& status);
    // Adds all that is below the open directory `top`, which stays open. Its path is `path`: the name of an item, or
    // empty. Errors: too_many_entries, cancelled, the system's own.
    error_code add_below(int top, std::string_view path);

    std::uint64_t skipped() const noexcept { return skipped_; }
    // After an error.
    const document_fault& fault() const noexcept { return fault_; }

private:
    struct level;

    error_code push(int fd, descriptor owned);
    error_code add(level& here, const char* name);
    error_code add_directory(level& here, const char* name, document_entry entry);
    error_code add_file(level& here, const char* name, const struct stat& status, document_entry entry);
    error_code add_link(level& here, const char* name, document_entry entry);
    error_code append(const document_entry& entry);
    error_code fail_limit();
    error_code skip(std::string reason);
    error_code skip_after(const error_code& error);

    document_outline& out_;
    const exclude_patterns& excluded_;
    const bool include_links_;
    const std::function<void(const skipped_path&)>& on_skipped_;
    const std::atomic<bool>& stopped_;
    const listing_limits limits_;
    std::vector<level> levels_;
    std::size_t top_components_ = 0; // of the path of the top
    std::string path_;               // of the entry that is being added
    std::string target_;             // of the link that is being added
    std::uint64_t skipped_ = 0;
    document_fault fault_;
};

} // namespace parley
