#include "payload/disk/guarded_directory.hpp"

#include "payload/disk/file_call.hpp"

#include <parley/base/safe_name.hpp>

#include <boost/system/errc.hpp>

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <limits>
#include <memory>

namespace parley {
namespace {

// A name that has passed the check. The calls below take names only in this form.
class component {
public:
    explicit component(std::string_view name) noexcept
    {
        safe_ = component_problem(name).empty();
        if (safe_) *std::copy(name.begin(), name.end(), text_) = '\0';
    }
    bool safe() const noexcept { return safe_; }
    const char* c_str() const noexcept { return text_; }

private:
    char text_[max_name_bytes + 1];
    bool safe_ = false;
};

// Everything that is created on the disk is created here.
enum class thing { file, directory };
error_code create(int directory, std::string_view name, thing what, unsigned mode, descriptor& out)
{
    const component guarded(name);
    if (!guarded.safe()) return errc::hostile_name;
    if (what == thing::directory) {
        if (::mkdirat(directory, guarded.c_str(), static_cast<mode_t>(mode)) != 0) return last_file_error();
        return {};
    }
    const int flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
    const int fd =
        uninterrupted([&] { return ::openat(directory, guarded.c_str(), flags, static_cast<mode_t>(mode)); });
    if (fd < 0) return last_file_error();
    out = descriptor(fd);
    return {};
}

error_code open_existing(int directory, std::string_view name, thing what, descriptor& out,
                         int access = O_RDONLY)
{
    const component guarded(name);
    if (!guarded.safe()) return errc::hostile_name;
    const int flags = access | O_NOFOLLOW | O_CLOEXEC | (what == thing::directory ? O_DIRECTORY : O_NONBLOCK);
    const int fd = uninterrupted([&] { return ::openat(directory, guarded.c_str(), flags); });
    if (fd < 0) return last_file_error();
    out = descriptor(fd);
    return {};
}

struct directory_closer {
    void operator()(DIR* directory) const noexcept { ::closedir(directory); }
};
using directory_stream = std::unique_ptr<DIR, directory_closer>;

// Reads the directory `name` of `parent` ("." for `parent` itself); null on failure.
directory_stream read_directory(int parent, const char* name)
{
    descriptor fd(::openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!fd) return nullptr;
    DIR* stream = ::fdopendir(fd.get());
    if (stream == nullptr) return nullptr;
    static_cast<void>(fd.release());
    return directory_stream(stream);
}

bool is_dot(const char* name)
{
    return std::strcmp(name, ".") == 0 || std::strcmp(name, "..") == 0;
}

} // namespace

result<guarded_directory> guarded_directory::open(const std::filesystem::path& path)
{
    const int fd = uninterrupted([&] { return ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); });
    if (fd < 0) return last_file_error();
    return guarded_directory(descriptor(fd));
}

result<guarded_file> guarded_directory::make_file(std::string_view name, unsigned mode) const
{
    descriptor fd;
    if (const error_code error = create(fd_.get(), name, thing::file, mode, fd)) return error;
    return guarded_file(std::move(fd));
}

error_code guarded_directory::make_empty_directory(std::string_view name, unsigned mode) const
{
    descriptor unused;
    return create(fd_.get(), name, thing::directory, mode, unused);
}

result<guarded_directory> guarded_directory::make_directory(std::string_view name, unsigned mode) const
{
    if (const error_code error = make_empty_directory(name, mode)) return error;
    return open_directory(name);
}

result<guarded_file> guarded_directory::open_file(std::string_view name) const
{
    descriptor fd;
    if (const error_code error = open_existing(fd_.get(), name, thing::file, fd)) return error;
    return guarded_file(std::move(fd));
}

result<guarded_directory> guarded_directory::open_directory(std::string_view name) const
{
    descriptor fd;
    if (const error_code error = open_existing(fd_.get(), name, thing::directory, fd)) return error;
    return guarded_directory(std::move(fd));
}

result<guarded_file> guarded_directory::open_file_to_continue(std::string_view name) const
{
    descriptor fd;
    if (const error_code error = open_existing(fd_.get(), name, thing::file, fd, O_RDWR)) return error;
    struct stat found{};
    if (::fstat(fd.get(), &found) != 0) return last_file_error();
    if (!S_ISREG(found.st_mode) || found.st_nlink != 1) return error_code(EIO, file_category());
    return guarded_file(std::move(fd));
}

error_code guarded_directory::make_link(std::string_view name, const std::string& target) const
{
    const component guarded(name);
    if (!guarded.safe()) return errc::hostile_name;
    if (::symlinkat(target.c_str(), fd_.get(), guarded.c_str()) != 0) return last_file_error();
    return {};
}

result<guarded_directory::node> guarded_directory::look_at(std::string_view name) const
{
    const component guarded(name);
    if (!guarded.safe()) return make_error_code(errc::hostile_name);
    struct stat found{};
    if (::fstatat(fd_.get(), guarded.c_str(), &found, AT_SYMLINK_NOFOLLOW) != 0) return last_file_error();
    node seen;
    if (S_ISREG(found.st_mode)) seen.kind = node_kind::file;
    if (S_ISDIR(found.st_mode)) seen.kind = node_kind::directory;
    if (S_ISLNK(found.st_mode)) seen.kind = node_kind::link;
    seen.mode = found.st_mode & 0777;
    seen.size = static_cast<std::uint64_t>(found.st_size);
    seen.is_own = found.st_uid == ::geteuid() && (found.st_nlink == 1 || S_ISDIR(found.st_mode));
    return seen;
}

std::string guarded_directory::name_on_disk(std::string_view name) const
{
    const component guarded(name);
    struct stat found{};
    const directory_stream stream = read_directory(fd_.get(), ".");
    if (guarded.safe() && stream != nullptr &&
        ::fstatat(fd_.get(), guarded.c_str(), &found, AT_SYMLINK_NOFOLLOW) == 0)
        while (const dirent* entry = ::readdir(stream.get()))
            if (entry->d_ino == found.st_ino && !is_dot(entry->d_name)) return entry->d_name;
    return std::string(name);
}

error_code guarded_directory::require_absent(std::string_view name) const
{
    const component guarded(name);
    if (!guarded.safe()) return errc::hostile_name;
    struct stat found{};
    if (::fstatat(fd_.get(), guarded.c_str(), &found, AT_SYMLINK_NOFOLLOW) == 0)
        return errc::destination_exists;
    return errno == ENOENT ? error_code() : last_file_error();
}

error_code guarded_directory::move(std::string_view name, const guarded_directory& to,
                                   std::string_view to_name, move_method method) const
{
    const component from(name);
    const component target(to_name);
    if (!from.safe() || !target.safe()) return errc::hostile_name;
    // Without RENAME_NOREPLACE most file systems say EINVAL. After any error the other methods are as safe, and
    // they report a real one, too.
    if (method == move_method::no_replace) {
        if (::renameat2(fd_.get(), from.c_str(), to.fd_.get(), target.c_str(), RENAME_NOREPLACE) == 0)
            return {};
        if (errno == EEXIST) return last_file_error();
    }
    struct stat found{};
    if (::fstatat(fd_.get(), from.c_str(), &found, AT_SYMLINK_NOFOLLOW) != 0) return last_file_error();
    if (!S_ISDIR(found.st_mode)) {
        if (method != move_method::own) {
            const error_code error = link(name, to, to_name);
            if (!error) static_cast<void>(remove_file(name)); // the file is in its place
            if (!error || error == errc::destination_exists) return error;
        }
        return move_over_own_file(from.c_str(), to, to_name);
    }
    // A rename replaces only an empty directory. This one is ours, because it did not exist before.
    if (const error_code error = to.make_empty_directory(to_name, 0700)) return error;
    if (::renameat(fd_.get(), from.c_str(), to.fd_.get(), target.c_str()) == 0) return {};
    const error_code error = last_file_error();
    ::unlinkat(to.fd_.get(), target.c_str(), AT_REMOVEDIR);
    return error;
}

error_code guarded_directory::replace(std::string_view name, const guarded_directory& to,
                                      std::string_view to_name) const
{
    const component from(name);
    const component target(to_name);
    if (!from.safe() || !target.safe()) return errc::hostile_name;
    struct stat found{};
    if (::fstatat(to.fd_.get(), target.c_str(), &found, AT_SYMLINK_NOFOLLOW) == 0 &&
        !S_ISREG(found.st_mode) && !S_ISLNK(found.st_mode))
        return errc::destination_exists;
    // It never replaces a directory by something else.
    if (::renameat(fd_.get(), from.c_str(), to.fd_.get(), target.c_str()) == 0) return {};
    return errno == EISDIR ? make_error_code(errc::destination_exists) : last_file_error();
}

// A rename replaces any file. This one is ours, because it did not exist before, and nobody has written to it.
error_code guarded_directory::move_over_own_file(const char* from, const guarded_directory& to,
                                                 std::string_view to_name) const
{
    const component target(to_name);
    descriptor own;
    if (const error_code error = create(to.fd_.get(), to_name, thing::file, 0600, own)) return error;
    own.reset(); // some file systems replace no open file
    struct stat found{};
    const bool known = ::fstatat(to.fd_.get(), target.c_str(), &found, AT_SYMLINK_NOFOLLOW) == 0;
    if (known && (!S_ISREG(found.st_mode) || found.st_size != 0)) return errc::destination_exists;
    if (known && ::renameat(fd_.get(), from, to.fd_.get(), target.c_str()) == 0) return {};
    const error_code error = last_file_error();
    ::unlinkat(to.fd_.get(), target.c_str(), 0);
    return error;
}

error_code guarded_directory::link(std::string_view name, const guarded_directory& to,
                                   std::string_view to_name) const
{
    const component from(name);
    const component target(to_name);
    if (!from.safe() || !target.safe()) return errc::hostile_name;
    if (::linkat(fd_.get(), from.c_str(), to.fd_.get(), target.c_str(), 0) != 0) return last_file_error();
    return {};
}

error_code guarded_directory::remove_file(std::string_view name) const noexcept
{
    const component guarded(name);
    if (!guarded.safe()) return errc::hostile_name;
    if (::unlinkat(fd_.get(), guarded.c_str(), 0) != 0) return last_file_error();
    return {};
}

error_code guarded_directory::remove(std::string_view name) const noexcept
{
    const error_code error = remove_file(name);
    const bool is_directory =
        error == boost::system::errc::is_a_directory || error == boost::system::errc::operation_not_permitted;
    return is_directory ? remove_directory(name) : error;
}

error_code guarded_directory::remove_empty_directory(std::string_view name) const noexcept
{
    const component guarded(name);
    if (!guarded.safe()) return errc::hostile_name;
    if (::unlinkat(fd_.get(), guarded.c_str(), AT_REMOVEDIR) != 0) return last_file_error();
    return {};
}

namespace {

// Removes the directory `name` of `root` after moving its subdirectories to new names in `root`. Returns
// whether it is gone.
bool flatten(int root, const char* name, std::uint64_t& moved)
{
    if (::unlinkat(root, name, AT_REMOVEDIR) == 0) return true;
    const directory_stream inner = read_directory(root, name);
    if (inner == nullptr) return false;
    const int fd = ::dirfd(inner.get());
    while (const dirent* entry = ::readdir(inner.get())) {
        if (is_dot(entry->d_name) || ::unlinkat(fd, entry->d_name, 0) == 0) continue;
        if (::unlinkat(fd, entry->d_name, AT_REMOVEDIR) == 0) continue;
        for (int tries = 0; tries < 64; ++tries) {
            char fresh[32];
            std::snprintf(fresh, sizeof fresh, "removed-%llx", static_cast<unsigned long long>(moved++));
            if (::renameat2(fd, entry->d_name, root, fresh, RENAME_NOREPLACE) == 0) break;
            if (errno == EEXIST || errno == ENOTEMPTY) continue;
            ::renameat(fd, entry->d_name, root, fresh); // all that it could replace is to go, too
            break;
        }
    }
    return ::unlinkat(root, name, AT_REMOVEDIR) == 0;
}

} // namespace

error_code guarded_directory::remove_directory(std::string_view name) const noexcept
{
    const component guarded(name);
    if (!guarded.safe()) return errc::hostile_name;
    std::uint64_t moved = 0;
    bool progress = true;
    while (progress) {
        if (::unlinkat(fd_.get(), guarded.c_str(), AT_REMOVEDIR) == 0) return {};
        if (errno == ENOENT) return {};
        const directory_stream stream = read_directory(fd_.get(), guarded.c_str());
        if (stream == nullptr) return last_file_error();
        const int root = ::dirfd(stream.get());
        progress = false;
        while (const dirent* entry = ::readdir(stream.get())) {
            if (is_dot(entry->d_name)) continue;
            if (::unlinkat(root, entry->d_name, 0) == 0)
                progress = true;
            else if (errno == EISDIR || errno == EPERM)
                progress = flatten(root, entry->d_name, moved) || progress;
        }
    }
    return last_file_error();
}

void guarded_directory::remove_contents() noexcept
{
    const directory_stream stream(::fdopendir(fd_.get()));
    if (stream == nullptr) return;
    const int fd = fd_.release();
    while (const dirent* entry = ::readdir(stream.get()))
        if (!is_dot(entry->d_name) && ::unlinkat(fd, entry->d_name, 0) != 0)
            ::unlinkat(fd, entry->d_name, AT_REMOVEDIR);
}

guarded_directory::lock_state guarded_directory::lock() const noexcept
{
    if (uninterrupted([this] { return ::flock(fd_.get(), LOCK_EX | LOCK_NB); }) == 0)
        return lock_state::taken;
    return errno == EWOULDBLOCK ? lock_state::held_by_another : lock_state::unsupported;
}

bool guarded_directory::is_named(const guarded_directory& parent, std::string_view name) const noexcept
{
    const component guarded(name);
    struct stat here{};
    struct stat there{};
    return guarded.safe() && ::fstat(fd_.get(), &here) == 0 &&
           ::fstatat(parent.fd_.get(), guarded.c_str(), &there, AT_SYMLINK_NOFOLLOW) == 0 &&
           here.st_dev == there.st_dev && here.st_ino == there.st_ino;
}

bool guarded_directory::is_replaced(const guarded_directory& parent, std::string_view name) const noexcept
{
    const component guarded(name);
    struct stat here{};
    struct stat there{};
    return guarded.safe() && ::fstat(fd_.get(), &here) == 0 &&
           ::fstatat(parent.fd_.get(), guarded.c_str(), &there, AT_SYMLINK_NOFOLLOW) == 0 &&
           (here.st_dev != there.st_dev || here.st_ino != there.st_ino);
}

bool guarded_directory::is_private() const noexcept
{
    struct stat here{};
    return ::fstat(fd_.get(), &here) == 0 && here.st_uid == ::geteuid() && (here.st_mode & 0077) == 0;
}

void guarded_directory::end_privacy() const noexcept
{
    static_cast<void>(::fchmod(fd_.get(), 0710));
}

void guarded_directory::set_mode(unsigned mode) const noexcept
{
    struct stat found{};
    if (::fstat(fd_.get(), &found) == 0)
        static_cast<void>(::fchmod(fd_.get(), (found.st_mode & 07000) | static_cast<mode_t>(mode & 0777)));
}

void guarded_directory::set_modified(std::int64_t time) const noexcept
{
    const ::timespec times[2] = {{0, UTIME_OMIT}, to_timespec(time)};
    static_cast<void>(::futimens(fd_.get(), times));
}

void guarded_directory::set_modified(std::string_view name, std::int64_t time) const noexcept
{
    const component guarded(name);
    const ::timespec times[2] = {{0, UTIME_OMIT}, to_timespec(time)};
    if (guarded.safe())
        static_cast<void>(::utimensat(fd_.get(), guarded.c_str(), times, AT_SYMLINK_NOFOLLOW));
}

void guarded_directory::set_modified_now() const noexcept
{
    static_cast<void>(::futimens(fd_.get(), nullptr));
}

result<std::int64_t> guarded_directory::modified() const noexcept
{
    struct stat found{};
    if (::fstat(fd_.get(), &found) != 0) return last_file_error();
    constexpr std::int64_t most = 9'000'000'000; // seconds whose nanoseconds fit
    const auto seconds = std::clamp<std::int64_t>(found.st_mtim.tv_sec, -most, most);
    return seconds * 1'000'000'000 + found.st_mtim.tv_nsec;
}

error_code guarded_directory::sync_file_system() const noexcept
{
    return uninterrupted([this] { return ::syncfs(fd_.get()); }) == 0 ? error_code() : last_file_error();
}

error_code guarded_directory::sync() const noexcept
{
    return uninterrupted([this] { return ::fsync(fd_.get()); }) == 0 ? error_code() : last_file_error();
}

guarded_directory::space guarded_directory::free_space() const noexcept
{
    struct statvfs found{};
    space free;
    // A file system that does not know its size (many in user space) says 0.
    if (uninterrupted([&] { return ::fstatvfs(fd_.get(), &found); }) != 0 || found.f_blocks == 0) return free;
    const std::uint64_t unit = found.f_frsize != 0 ? found.f_frsize : found.f_bsize;
    const auto bytes = [unit](std::uint64_t blocks) {
        return unit != 0 && blocks > UINT64_MAX / unit ? UINT64_MAX : blocks * unit;
    };
    free.free_bytes = bytes(found.f_bavail);
    free.total_bytes = bytes(found.f_blocks);
    if (found.f_files != 0) free.free_inodes = found.f_favail;
    free.block_bytes = static_cast<std::uint32_t>(std::clamp<std::uint64_t>(unit, 1, 1u << 20));
    return free;
}

result<std::vector<std::string>> guarded_directory::names(std::string_view prefix,
                                                          std::string_view suffix) const
{
    const directory_stream stream = read_directory(fd_.get(), ".");
    if (stream == nullptr) return last_file_error();
    std::vector<std::string> found;
    while (const dirent* entry = ::readdir(stream.get())) {
        const std::string_view name(entry->d_name);
        if (!is_dot(entry->d_name) && name.starts_with(prefix) && name.ends_with(suffix))
            found.emplace_back(name);
    }
    return found;
}

} // namespace parley
