#include "payload/source/unnamed_file.hpp"

#include <boost/system/errc.hpp>

#include <cstdlib>
#include <fcntl.h>

namespace parley {

result<unnamed_file> unnamed_file::in(const std::filesystem::path& folder)
{
    unnamed_file out;
    out.fd_ = descriptor(::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
    if (!out.fd_ && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL)) {
        // The file system has no O_TMPFILE.
        std::string name = (folder / ".parley-XXXXXX").native();
        out.fd_ = descriptor(::mkostemp(name.data(), O_CLOEXEC));
        if (out.fd_ && ::unlink(name.c_str()) != 0) return last_system_error();
    }
    if (!out.fd_) return last_system_error();
    return out;
}

error_code unnamed_file::append(bytes_view bytes)
{
    std::uint64_t end = size_;
    while (!bytes.empty()) {
        const ssize_t n = ::pwrite(fd_.get(), bytes.data(), bytes.size(), static_cast<off_t>(end));
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return last_system_error();
        end += static_cast<std::uint64_t>(n);
        bytes = bytes.subspan(static_cast<std::size_t>(n));
    }
    size_ = end;
    return {};
}

error_code unnamed_file::read_at(std::uint64_t offset, mutable_bytes out) const
{
    while (!out.empty()) {
        const ssize_t n = ::pread(fd_.get(), out.data(), out.size(), static_cast<off_t>(offset));
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return last_system_error();
        if (n == 0) return boost::system::errc::make_error_code(boost::system::errc::io_error);
        offset += static_cast<std::uint64_t>(n);
        out = out.subspan(static_cast<std::size_t>(n));
    }
    return {};
}

} // namespace parley
