#include "payload/source/folder_listing.hpp"

#include "payload/out/directory_names.hpp"
#include "payload/out/skip_reason.hpp"
#include "payload/source/content_fault.hpp"

#include <parley/base/safe_name.hpp>

#include <algorithm>
#include <cstring>
#include <fcntl.h>

namespace parley {
namespace {

// Of an entry, beside path and target.
constexpr std::uint64_t fixed_entry_bytes = 23;

constexpr std::int64_t nanoseconds_per_second = 1'000'000'000;

} // namespace

std::int64_t modified_of(const struct stat& status) noexcept
{
    std::int64_t out = 0;
    if (__builtin_mul_overflow(std::int64_t{status.st_mtim.tv_sec}, nanoseconds_per_second, &out) ||
        __builtin_add_overflow(out, std::int64_t{status.st_mtim.tv_nsec}, &out))
        return unknown_time;
    return out;
}

std::uint16_t mode_of(const struct stat& status) noexcept
{
    return static_cast<std::uint16_t>(status.st_mode & 0777);
}

std::string link_problem(std::string_view target, std::size_t components)
{
    if (target.starts_with('/')) return "symbolic link to an absolute path";
    if (target.size() > max_entry_path_bytes) return "symbolic link whose target is longer than 4096 bytes";
    std::size_t up = 0;
    bool after_name = false;
    for (std::size_t begin = 0; begin <= target.size();) {
        const std::size_t end = std::min(target.find('/', begin), target.size());
        const std::string_view part = target.substr(begin, end - begin);
        begin = end + 1;
        if (part.empty() || part == ".") return "symbolic link with \".\" or an empty part in its target";
        if (part == "..") {
            if (after_name) return "symbolic link with \"..\" after a name in its target";
            ++up;
            continue;
        }
        after_name = true;
        if (const std::string_view problem = entry_name_problem(part); !problem.empty())
            return "symbolic link to a name that " + std::string(problem);
    }
    if (up + 1 > components) return "symbolic link that leads out of the document";
    return {};
}

bool has_true_size(int fd, const struct stat& status) noexcept
{
    if (status.st_blocks > 0) return true;
    byte one = 0;
    if (::pread(fd, &one, 1, status.st_size) != 0) return false;
    return status.st_size == 0 || ::pread(fd, &one, 1, status.st_size - 1) == 1;
}

// A directory whose paths are being added.
struct folder_listing::level {
    struct place {
        std::uint32_t offset;
        std::uint32_t bytes;
    };
    descriptor owned; // empty for the top, which is borrowed
    int fd = -1;
    std::size_t path_bytes = 0; // of its path
    std::string names;          // each ends with a NUL
    std::vector<place> order;
    std::size_t next = 0;
};

folder_listing::folder_listing(document_outline& out, const exclude_patterns& excluded, bool include_links,
                               const std::function<void(const skipped_path&)>& on_skipped,
                               const std::atomic<bool>& stopped, listing_limits limits)
    : out_(out),
      excluded_(excluded),
      include_links_(include_links),
      on_skipped_(on_skipped),
      stopped_(stopped),
      limits_(limits)
{
}

folder_listing::~folder_listing() = default;

error_code folder_listing::add_item(std::string_view name, const struct stat& status)
{
    path_ = name;
    document_entry entry;
    entry.path = path_;
    entry.mode = mode_of(status);
    entry.modified = modified_of(status);
    if (S_ISDIR(status.st_mode))
        entry.kind = entry_kind::directory;
    else
        entry.size = static_cast<std::uint64_t>(status.st_size);
    return append(entry);
}

error_code folder_listing::add_below(int top, std::string_view path)
{
    path_ = path;
    top_components_ = path.empty() ? 0 : 1;
    error_code error = push(top, descriptor());
    while (!error && !levels_.empty()) {
        level& here = levels_.back();
        if (here.next == here.order.size())
            levels_.pop_back();
        else
            error = add(here, here.names.c_str() + here.order[here.next++].offset);
    }
    levels_.clear();
    return error;
}

// Reads the whole directory at once, so that no directory stream stays open during the walk below it.
error_code folder_listing::push(int fd, descriptor owned)
{
    level& here = levels_.emplace_back();
    here.owned = std::move(owned);
    here.fd = fd;
    here.path_bytes = path_.size();
    result<directory_names> names = directory_names::of(fd);
    if (!names) return fail_reading(fault_, path_, names.error());
    for (;;) {
        const result<const char*> name = names->next();
        if (!name) {
            if (levels_.size() == 1 || is_exhaustion(name.error()))
                return fail_reading(fault_, path_, name.error());
            // Some of the directory cannot be listed. The rest travels.
            skip(skip_reason_of_part(name.error()));
            break;
        }
        if (*name == nullptr) break;
        if (stopped_) return fail_cancelled(fault_);
        const std::size_t length = std::strlen(*name);
        // 4 GiB of names, which is far more than may travel.
        if (here.names.size() + length + 1 > UINT32_MAX) return fail_limit();
        here.order.push_back(
            {static_cast<std::uint32_t>(here.names.size()), static_cast<std::uint32_t>(length)});
        here.names.append(*name, length + 1);
    }
    const std::string_view all = here.names;
    std::sort(here.order.begin(), here.order.end(), [all](level::place a, level::place b) {
        return all.substr(a.offset, a.bytes) < all.substr(b.offset, b.bytes);
    });
    return {};
}

// `here` and `name` are invalid afterwards.
error_code folder_listing::add(level& here, const char* name)
{
    path_.resize(here.path_bytes);
    if (!path_.empty()) path_ += '/';
    path_ += name;
    if (stopped_) return fail_cancelled(fault_);
    struct stat status;
    if (::fstatat(here.fd, name, &status, AT_SYMLINK_NOFOLLOW) != 0) {
        const error_code error = last_system_error();
        return excluded_.match(name, path_.c_str(), true) ? error_code() : skip_after(error);
    }
    if (excluded_.match(name, path_.c_str(), S_ISDIR(status.st_mode))) return {};
    if (const std::string_view problem = entry_name_problem(name); !problem.empty())
        return skip("its name " + std::string(problem));
    if (path_.size() > max_entry_path_bytes) return skip("its path is longer than 4096 bytes");
    if (top_components_ + levels_.size() > max_path_components)
        return skip("it is in more than 127 directories");
    document_entry entry;
    entry.path = path_;
    entry.mode = mode_of(status);
    entry.modified = modified_of(status);
    if (S_ISDIR(status.st_mode)) return add_directory(here, name, entry);
    if (S_ISREG(status.st_mode)) return add_file(here, name, status, entry);
    if (S_ISLNK(status.st_mode) && include_links_) return add_link(here, name, entry);
    return skip(std::string(kind_that_does_not_travel(status.st_mode)));
}

error_code folder_listing::add_directory(level& here, const char* name, document_entry entry)
{
    descriptor fd(::openat(here.fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!fd) return skip_after(last_system_error());
    entry.kind = entry_kind::directory;
    const std::size_t before = out_.entries().size();
    const error_code error = append(entry);
    if (error || out_.entries().size() == before) return error;
    const int number = fd.get();
    return push(number, std::move(fd));
}

error_code folder_listing::add_file(level& here, const char* name, const struct stat& status,
                                    document_entry entry)
{
    if (status.st_blocks > 0) {
        if (::faccessat(here.fd, name, R_OK, 0) != 0) return skip_after(last_system_error());
    } else {
        const descriptor fd(::openat(here.fd, name, read_file_flags));
        if (!fd) return skip_after(last_system_error());
        if (!has_true_size(fd.get(), status)) return skip("its size is not its length");
    }
    entry.size = static_cast<std::uint64_t>(status.st_size);
    return append(entry);
}

error_code folder_listing::add_link(level& here, const char* name, document_entry entry)
{
    target_.resize(max_entry_path_bytes + 1);
    const ssize_t n = ::readlinkat(here.fd, name, target_.data(), target_.size());
    if (n < 0) return skip_after(last_system_error());
    target_.resize(static_cast<std::size_t>(n));
    if (std::string problem = link_problem(target_, top_components_ + levels_.size()); !problem.empty())
        return skip(std::move(problem));
    entry.kind = entry_kind::link;
    entry.mode = 0;
    entry.target = target_;
    return append(entry);
}

// Adds the entry, or skips it.
error_code folder_listing::append(const document_entry& entry)
{
    const std::uint64_t bytes = fixed_entry_bytes + entry.path.size() + entry.target.size();
    if (out_.entries().size() >= limits_.entries || out_.entries_bytes() + bytes > limits_.bytes)
        return fail_limit();
    const std::optional<document_fault> fault = out_.add(entry);
    if (!fault) return {};
    if (fault->reason != session_reason::bad_entry) { // the list or the sum of sizes is full
        fault_ = {session_reason::no_space, fault->text};
        return errc::document_too_large;
    }
    return skip(entry.kind == entry_kind::link ? "symbolic link that leads to none of the items"
                                               : fault->text);
}

error_code folder_listing::fail_limit()
{
    fault_ = {session_reason::no_space, "more than " + std::to_string(limits_.entries) + " paths, or " +
                                            std::to_string(limits_.bytes) + " bytes of them, at " +
                                            quoted_path(path_)};
    return errc::too_many_entries;
}

// Goes on without the path.
error_code folder_listing::skip(std::string reason)
{
    ++skipped_;
    if (on_skipped_) on_skipped_({path_, std::move(reason)});
    return {};
}

// After an error of the system. What is gone already is no part of the document.
error_code folder_listing::skip_after(const error_code& error)
{
    if (is_exhaustion(error)) return fail_reading(fault_, path_, error);
    return is_gone(error) ? error_code() : skip(skip_reason(error));
}

} // namespace parley
