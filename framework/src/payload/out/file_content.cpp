#include "payload/out/file_content.hpp"

#include <algorithm>
#include <fcntl.h>

namespace parley {
namespace {

// From this size on it pays to tell the system that the file is read in order.
constexpr std::uint64_t announce_reading_bytes = 1 << 20;
// The most that one read() call asks for: some systems refuse more than 2 GiB.
constexpr std::size_t max_read_bytes = 1 << 30;

} // namespace

result<file_content> file_content::open_at(int directory, const char* name, std::uint64_t size)
{
    descriptor fd(::openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
    if (!fd) {
        // The file is gone, or became a link or a socket, or a directory above it is not one any more.
        if (errno == ENOENT || errno == ELOOP || errno == ENOTDIR || errno == ENXIO)
            return errc::document_changed;
        return last_system_error();
    }
    result<file_content> out = regular(std::move(fd));
    if (!out)
        return out.error() == errc::not_a_document ? make_error_code(errc::document_changed) : out.error();
    if (out->size_ != size) return errc::document_changed;
    return out;
}

result<file_content> file_content::regular(descriptor fd)
{
    struct stat status;
    if (::fstat(fd.get(), &status) != 0) return last_system_error();
    if (!S_ISREG(status.st_mode)) return errc::not_a_document;
    file_content out = stream(std::move(fd), static_cast<std::uint64_t>(status.st_size));
    out.watched_ = true;
    out.modified_ = status.st_mtim;
    if (out.size_ >= announce_reading_bytes) ::posix_fadvise(out.fd_.get(), 0, 0, POSIX_FADV_SEQUENTIAL);
    return out;
}

file_content file_content::stream(descriptor fd, std::uint64_t size)
{
    file_content out;
    out.fd_ = std::move(fd);
    out.size_ = out.left_ = size;
    return out;
}

void file_content::begin_id() noexcept
{
    if (!hash_) hash_ = std::make_unique<object_hasher>();
    hash_->begin(entry_kind::file, size_);
}

error_code file_content::read(mutable_bytes out)
{
    if (out.size() > left_) return errc::document_changed;
    for (mutable_bytes rest = out; !rest.empty();) {
        const ssize_t n = ::read(fd_.get(), rest.data(), std::min(rest.size(), max_read_bytes));
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return last_system_error();
        if (n == 0) return errc::document_changed;
        rest = rest.subspan(static_cast<std::size_t>(n));
    }
    if (hash_) hash_->update(out);
    left_ -= out.size();
    return left_ == 0 ? check_unchanged() : error_code();
}

error_code file_content::rewind() noexcept
{
    if (::lseek(fd_.get(), 0, SEEK_SET) != 0) return last_system_error();
    left_ = size_;
    return {};
}

error_code file_content::check_unchanged() const noexcept
{
    if (!watched_) return {};
    struct stat status;
    if (::fstat(fd_.get(), &status) != 0) return last_system_error();
    const bool same = static_cast<std::uint64_t>(status.st_size) == size_ &&
                      status.st_mtim.tv_sec == modified_.tv_sec &&
                      status.st_mtim.tv_nsec == modified_.tv_nsec;
    return same ? error_code() : make_error_code(errc::document_changed);
}

} // namespace parley
