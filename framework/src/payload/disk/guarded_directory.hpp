// The only code that creates, moves or removes files for the other side. Everything is relative to an open
// directory. Every name passes one check (component_problem of safe_name.hpp). It never follows a link and never
// overwrites anything; replace() alone does. No source outside this folder creates, moves or removes anything.
#pragma once

#include "payload/disk/guarded_file.hpp"

#include <parley/base/result.hpp>

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace parley {

// An open directory. Errors: hostile_name (the check refuses a name), destination_exists (the name is taken),
// the system's own, in file_category(). Not thread-safe.
class guarded_directory {
public:
    guarded_directory() noexcept = default;

    // Opens a directory that the local user chose. Follows links in `path`.
    static result<guarded_directory> open(const std::filesystem::path& path);

    explicit operator bool() const noexcept { return static_cast<bool>(fd_); }

    // Creates a new file or directory. The umask restricts the mode.
    result<guarded_file> make_file(std::string_view name, unsigned mode = 0666) const;
    result<guarded_directory> make_directory(std::string_view name, unsigned mode = 0777) const;
    error_code make_empty_directory(std::string_view name, unsigned mode = 0777) const;

    // Opens an existing file or directory for reading, never through a link.
    result<guarded_file> open_file(std::string_view name) const;
    result<guarded_directory> open_directory(std::string_view name) const;
    // The same for writing. Errors: also io_error when it is no regular file, or has another name, too.
    result<guarded_file> open_file_to_continue(std::string_view name) const;
    // Creates a symbolic link. Its target is not looked at.
    error_code make_link(std::string_view name, const std::string& target) const;

    enum class node_kind { file, directory, link, other };
    struct node {
        node_kind kind = node_kind::other;
        unsigned mode = 0; // permission bits
        std::uint64_t size = 0;
        bool is_own = false; // this user owns it, and it has no other name
    };
    // What has that name. Follows no link.
    result<node> look_at(std::string_view name) const;
    // The name under which the file system holds what it finds under `name`, which may differ in case or Unicode
    // form. `name` itself where that cannot be told.
    std::string name_on_disk(std::string_view name) const;

    // destination_exists when anything has that name, even a dangling link.
    error_code require_absent(std::string_view name) const;

    // How move() avoids overwriting. Each method is followed by those below it where the file system does not
    // support it.
    enum class move_method {
        no_replace, // one renameat2()
        link,       // a hard link to a file, whose old name is then removed
        own,        // a rename over an empty file or directory that was just created
    };

    // Renames the file or directory `name` to `to_name` in `to`, where that name must be free.
    error_code move(std::string_view name, const guarded_directory& to, std::string_view to_name,
                    move_method method = move_method::no_replace) const;
    // Renames the file or symbolic link `name` to `to_name` in `to`, and atomically replaces a file or symbolic link
    // of that name. Errors: destination_exists when that is something else.
    error_code replace(std::string_view name, const guarded_directory& to, std::string_view to_name) const;
    // Adds a hard link to the file `name` in `to`. Errors: also those of a file system without hard links.
    error_code link(std::string_view name, const guarded_directory& to, std::string_view to_name) const;

    error_code remove_file(std::string_view name) const noexcept;
    // Removes whatever has that name.
    error_code remove(std::string_view name) const noexcept;
    error_code remove_empty_directory(std::string_view name) const noexcept;
    // Removes the directory `name` and its contents, with two descriptors and no recursion, at any depth.
    error_code remove_directory(std::string_view name) const noexcept;
    // Removes the files and empty directories in this one, without another descriptor, and closes it.
    void remove_contents() noexcept;

    // Takes the lock that marks this directory as in use, for as long as the directory is open.
    enum class lock_state { taken, held_by_another, unsupported };
    lock_state lock() const noexcept;
    // Whether `name` is this directory itself and not a link to it.
    bool is_named(const guarded_directory& parent, std::string_view name) const noexcept;
    // Whether something else has that name now. False where that cannot be told.
    bool is_replaced(const guarded_directory& parent, std::string_view name) const noexcept;
    // Whether the user of this process owns it and nobody else may enter it.
    bool is_private() const noexcept;
    // Lets the group enter it, so that it is private no more.
    void end_privacy() const noexcept;
    // Changes the permission bits, and no other.
    void set_mode(unsigned mode) const noexcept;
    // The time of modification, in nanoseconds since 1970 UTC: of this directory, and of what is in it. Ignores
    // file systems that cannot.
    void set_modified(std::int64_t time) const noexcept;
    void set_modified(std::string_view name, std::int64_t time) const noexcept;
    void set_modified_now() const noexcept; // as its file system has it
    result<std::int64_t> modified() const noexcept;
    // Waits until all of this file system is on the disk.
    error_code sync_file_system() const noexcept;
    // Waits until the names in this directory are on the disk.
    error_code sync() const noexcept;

    // The names in it with the given prefix and suffix, in any order.
    result<std::vector<std::string>> names(std::string_view prefix, std::string_view suffix) const;

    struct space {
        std::uint64_t free_bytes = UINT64_MAX; // available to this user
        std::uint64_t total_bytes = UINT64_MAX;
        std::uint32_t block_bytes = 1;          // files take multiples of this
        std::uint64_t free_inodes = UINT64_MAX; // files and directories that this user may still make
    };
    // What the file system does not limit or tell is UINT64_MAX.
    space free_space() const noexcept;

private:
    explicit guarded_directory(descriptor fd) noexcept : fd_(std::move(fd)) {}
    error_code move_over_own_file(const char* from, const guarded_directory& to,
                                  std::string_view to_name) const;

    descriptor fd_;
};

} // namespace parley
