// The only code that creates, moves or removes files for the other side. Everything is relative to an open
// directory. Every name passes one check (component_problem of safe_name.hpp). It never follows a link and never
// overwrites anything. No other source of this room creates, moves or removes anything.
#pragma once

#include <parley/base/bytes.hpp>
#include <parley/base/descriptor.hpp>
#include <parley/base/error.hpp>
#include <parley/base/result.hpp>

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace parley {

// An open regular file. Errors are the system's own, in file_category(). Not thread-safe.
class guarded_file {
public:
    guarded_file() noexcept = default;
    explicit guarded_file(descriptor fd) noexcept : fd_(std::move(fd)) {}

    explicit operator bool() const noexcept { return static_cast<bool>(fd_); }
    // Some file systems report only here that what was written is lost. The destructor ignores that.
    error_code close() noexcept;
    // Writes all of `bytes` after everything appended before.
    error_code append(bytes_view bytes);
    // The same, but leaves holes where there are 16 KiB of zeros or more. Call end_holes() after the last bytes.
    error_code append_sparse(bytes_view bytes);
    error_code end_holes();
    // Reads all of `out` from `offset`. Errors: io_error when the file ends first.
    error_code read_at(std::uint64_t offset, mutable_bytes out) const;
    // Appends the first `length` bytes of `from` with its holes, inside the kernel where possible.
    error_code append_copy(const guarded_file& from, std::uint64_t length);
    std::uint64_t size() const noexcept { return size_; } // the number of bytes appended

private:
    descriptor fd_;
    std::uint64_t size_ = 0;
    bool ends_in_hole_ = false;
};

// An open directory. Errors: hostile_name (the check refuses a name), destination_exists (the name is taken),
// the system's own, in file_category(). Not thread-safe.
class guarded_directory {
public:
    guarded_directory() noexcept = default;

    // Opens a directory that the local user chose. Follows links in `path`.
    static result<guarded_directory> open(const std::filesystem::path& path);

    explicit operator bool() const noexcept { return static_cast<bool>(fd_); }

    // Creates a new file or directory. The umask restricts the mode.
    result<guarded_file> make_file(std::string_view name) const;
    result<guarded_directory> make_directory(std::string_view name, unsigned mode = 0777) const;
    error_code make_empty_directory(std::string_view name, unsigned mode = 0777) const;

    // Opens an existing file or directory for reading, never through a link.
    result<guarded_file> open_file(std::string_view name) const;
    result<guarded_directory> open_directory(std::string_view name) const;

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
    // Adds a hard link to the file `name` in `to`. Errors: also those of a file system without hard links.
    error_code link(std::string_view name, const guarded_directory& to, std::string_view to_name) const;

    error_code remove_file(std::string_view name) const noexcept;
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
