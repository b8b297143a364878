#include "payload/out/file_content.hpp"

#include <boost/system/errc.hpp>

#include <algorithm>
#include <fcntl.h>

namespace parley {
namespace {

// From this size on it pays to tell the system that the file is read in order.
constexpr std::uint64_t announce_reading_bytes = 1 << 20;
// The most that one read() call asks for: some systems refuse more than 2 GiB.
constexpr std::size_t max_read_bytes = 1 << 30;
constexpr std::size_t least_first_read_bytes = 16 * 1024;

ssize_t read_some(int fd, mutable_bytes out) noexcept
{
    ssize_t n = 0;
    do {
        n = ::read(fd, out.data(), std::min(out.size(), max_read_bytes));
    } while (n < 0 && errno == EINTR);
    return n;
}

} // namespace

result<file_content> file_content::open_at(int directory, const char* name)
{
    descriptor fd(::openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
    if (fd) return regular(std::move(fd));
    if (errno == ELOOP || errno == ENXIO) return errc::not_a_document; // a link, or a socket
    return last_system_error();
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
    hash_->begin(pack_entry_kind::file, size_);
}

error_code file_content::read(mutable_bytes out)
{
    if (out.size() > left_) return errc::document_changed;
    for (mutable_bytes rest = out; !rest.empty();) {
        const ssize_t n = read_some(fd_.get(), rest);
        if (n < 0) return last_system_error();
        if (n == 0) return errc::document_changed;
        rest = rest.subspan(static_cast<std::size_t>(n));
    }
    if (hash_) hash_->update(out);
    left_ -= out.size();
    return left_ == 0 ? check_unchanged() : error_code();
}

error_code file_content::read_to_end(byte_vector& out, std::size_t most) const
{
    // One byte more than it should have shows its end. Some files of procfs give everything to the first call
    // and nothing to the second.
    const std::uint64_t first = std::max<std::uint64_t>(size_ + 1, least_first_read_bytes);
    out.resize(static_cast<std::size_t>(std::min<std::uint64_t>(first, most + 1)));
    std::size_t done = 0;
    for (;;) {
        if (done == out.size()) {
            if (done > most) return boost::system::errc::make_error_code(boost::system::errc::file_too_large);
            out.resize(std::min(2 * done, most + 1));
        }
        const ssize_t n = read_some(fd_.get(), mutable_bytes(out).subspan(done));
        if (n < 0) return last_system_error();
        if (n == 0) break;
        done += static_cast<std::size_t>(n);
    }
    out.resize(done);
    return {};
}

result<std::size_t> file_content::peek(mutable_bytes out) const
{
    std::size_t done = 0;
    while (done < out.size()) {
        const mutable_bytes rest = out.subspan(done);
        const ssize_t n = ::pread(fd_.get(), rest.data(), rest.size(), static_cast<off_t>(done));
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return last_system_error();
        if (n == 0) break;
        done += static_cast<std::size_t>(n);
    }
    return done;
}

error_code file_content::check_unchanged() const noexcept
{
    if (!watched_) return {};
    byte more = 0;
    const ssize_t n = read_some(fd_.get(), {&more, 1});
    if (n < 0) return last_system_error();
    if (n > 0) return errc::document_changed;
    struct stat status;
    if (::fstat(fd_.get(), &status) != 0) return last_system_error();
    const bool same = static_cast<std::uint64_t>(status.st_size) == size_ &&
                      status.st_mtim.tv_sec == modified_.tv_sec &&
                      status.st_mtim.tv_nsec == modified_.tv_nsec;
    return same ? error_code() : make_error_code(errc::document_changed);
}

} // namespace parley
