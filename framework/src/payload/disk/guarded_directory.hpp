// The one way by which anything that came from the other side reaches a disk. Everything is relative to an
// open directory; every name passes one guard (name_problem of safe_name.hpp: one path component, nothing
// hostile); a link is never followed and nothing existing is ever overwritten. No other source of this room
// creates, moves or removes anything.
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

// An open regular file. Errors are the system's own. Not thread-safe.
class guarded_file {
public:
    guarded_file() noexcept = default;
    explicit guarded_file(descriptor fd) noexcept : fd_(std::move(fd)) {}

    explicit operator bool() const noexcept { return static_cast<bool>(fd_); }
    void close() noexcept { fd_.reset(); }
    // Writes all of `bytes` at the end of what was appended before.
    error_code append(bytes_view bytes);
    // Reads all of `out` from `offset`. Errors: io_error when the file ends first.
    error_code read_at(std::uint64_t offset, mutable_bytes out) const;
    // Appends the first `length` bytes of `from`, in the kernel where it can.
    error_code append_copy(const guarded_file& from, std::uint64_t length);
    std::uint64_t size() const noexcept { return size_; } // of what was appended

private:
    descriptor fd_;
    std::uint64_t size_ = 0;
};

// An open directory. Errors: hostile_name for a name that the guard refuses, destination_exists when the name
// is taken, the system's own. Not thread-safe.
class guarded_directory {
public:
    guarded_directory() noexcept = default;

    // Opens a directory that this side's user chose; links in `path` are followed.
    static result<guarded_directory> open(const std::filesystem::path& path);

    explicit operator bool() const noexcept { return static_cast<bool>(fd_); }

    // Creates what was not there. Modes are cut by the umask.
    result<guarded_file> make_file(std::string_view name) const;
    result<guarded_directory> make_directory(std::string_view name, unsigned mode = 0777) const;
    error_code make_empty_directory(std::string_view name, unsigned mode = 0777) const;

    // Opens what is there, for reading; never through a link.
    result<guarded_file> open_file(std::string_view name) const;
    result<guarded_directory> open_directory(std::string_view name) const;

    // destination_exists when anything, a dangling link too, has that name.
    error_code require_absent(std::string_view name) const;

    // How move() avoids overwriting: one renameat2, or, where the file system does not know that, a hard link
    // (for a file) or a rename over a directory just created empty.
    enum class move_method { best, portable };

    // Gives the file or directory `name` the name `to_name` in `to`, which has none of that name.
    error_code move(std::string_view name, const guarded_directory& to, std::string_view to_name,
                    move_method method = move_method::best) const;
    // Gives the file `name` another name in `to`. Errors: also what a file system without hard links says.
    error_code link(std::string_view name, const guarded_directory& to, std::string_view to_name) const;

    error_code remove_file(std::string_view name) const noexcept;
    // Removes the directory `name` and all in it, with two descriptors and no recursion however deep it is.
    error_code remove_directory(std::string_view name) const noexcept;

    // Takes the lock that says "in use" on this directory, for as long as it is open.
    enum class lock_state { taken, held_by_another, unsupported };
    lock_state lock() const noexcept;
    // Whether `name` is this very directory, not a link to it.
    bool is_named(const guarded_directory& parent, std::string_view name) const noexcept;
    // Whether this process' user owns it and nobody else may enter it.
    bool is_private() const noexcept;

    // The names in it that begin and end as given, in any order.
    result<std::vector<std::string>> names(std::string_view prefix, std::string_view suffix) const;

    struct space {
        std::uint64_t free_bytes = 0;  // that this user may take
        std::uint32_t block_bytes = 1; // what a file is rounded up to
    };
    result<space> free_space() const;

private:
    explicit guarded_directory(descriptor fd) noexcept : fd_(std::move(fd)) {}

    descriptor fd_;
};

} // namespace parley
