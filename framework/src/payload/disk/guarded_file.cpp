#include "payload/disk/guarded_file.hpp"

#include "payload/disk/file_call.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <memory>

namespace parley {
namespace {

// Zeros are looked for in pieces of this size. Shorter holes save little.
constexpr std::size_t zero_piece_bytes = 4096;
constexpr std::size_t least_hole_bytes = 4 * zero_piece_bytes;

// What lies in a file from `offset` on, up to `end`. Where the file system cannot tell, all is data.
struct extent {
    bool is_hole;
    std::uint64_t bytes;
};
extent next_extent(int fd, std::uint64_t offset, std::uint64_t end)
{
    const auto up_to = [&](off_t found) {
        const auto at = static_cast<std::uint64_t>(found);
        return at > offset && at < end ? at - offset : end - offset;
    };
    const off_t data = ::lseek(fd, static_cast<off_t>(offset), SEEK_DATA);
    if (data < 0) return {errno == ENXIO, end - offset}; // ENXIO: nothing but a hole follows
    if (static_cast<std::uint64_t>(data) > offset) return {true, up_to(data)};
    const off_t hole = ::lseek(fd, static_cast<off_t>(offset), SEEK_HOLE);
    return {false, hole < 0 ? end - offset : up_to(hole)};
}

bool is_zero(bytes_view bytes)
{
    return bytes[0] == 0 && std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0;
}

} // namespace

error_code guarded_file::append(bytes_view bytes)
{
    while (!bytes.empty()) {
        const ssize_t count = uninterrupted(
            [&] { return ::pwrite(fd_.get(), bytes.data(), bytes.size(), static_cast<off_t>(size_)); });
        if (count < 0) return last_file_error();
        if (count == 0) return {EIO, file_category()}; // so that nothing waits for a disk that takes nothing
        size_ += static_cast<std::uint64_t>(count);
        bytes = bytes.subspan(static_cast<std::size_t>(count));
        ends_in_hole_ = false;
    }
    return {};
}

error_code guarded_file::append_sparse(bytes_view bytes)
{
    std::size_t data = 0; // where the bytes begin that are not written yet
    std::size_t at = 0;
    while (at < bytes.size()) {
        std::size_t zeros = 0;
        while (at + zeros < bytes.size()) {
            const bytes_view rest = bytes.subspan(at + zeros);
            const bytes_view piece = rest.first(std::min(rest.size(), zero_piece_bytes));
            if (!is_zero(piece)) break;
            zeros += piece.size();
        }
        if (zeros >= least_hole_bytes) {
            if (const error_code error = append(bytes.subspan(data, at - data))) return error;
            size_ += zeros;
            ends_in_hole_ = true;
            data = at + zeros;
        }
        at += std::max(zeros, zero_piece_bytes);
    }
    return data < bytes.size() ? append(bytes.subspan(data)) : error_code();
}

error_code guarded_file::end_holes()
{
    if (!ends_in_hole_) return {};
    ends_in_hole_ = false;
    if (uninterrupted([&] { return ::ftruncate(fd_.get(), static_cast<off_t>(size_)); }) == 0) return {};
    // Not every file system makes a file longer by this.
    constexpr byte zero = 0;
    --size_;
    return append({&zero, 1});
}

error_code guarded_file::close() noexcept
{
    // After EINTR, Linux has closed it.
    return !fd_ || ::close(fd_.release()) == 0 || errno == EINTR ? error_code() : last_file_error();
}

error_code guarded_file::read_at(std::uint64_t offset, mutable_bytes out) const
{
    while (!out.empty()) {
        const ssize_t count = uninterrupted(
            [&] { return ::pread(fd_.get(), out.data(), out.size(), static_cast<off_t>(offset)); });
        if (count < 0) return last_file_error();
        if (count == 0) return {EIO, file_category()};
        offset += static_cast<std::uint64_t>(count);
        out = out.subspan(static_cast<std::size_t>(count));
    }
    return {};
}

error_code guarded_file::append_copy(const guarded_file& from, std::uint64_t length)
{
    struct stat source{};
    if (::fstat(from.fd_.get(), &source) != 0) return last_file_error();
    if (static_cast<std::uint64_t>(source.st_size) < length)
        return make_error_code(boost::system::errc::io_error);
    std::uint64_t done = 0;
    while (done < length) {
        const extent next = next_extent(from.fd_.get(), done, length);
        if (next.is_hole) {
            done += next.bytes;
            size_ += next.bytes;
            ends_in_hole_ = true;
            continue;
        }
        auto in = static_cast<off_t>(done);
        auto out = static_cast<off_t>(size_);
        const auto piece = static_cast<std::size_t>(std::min<std::uint64_t>(next.bytes, 1u << 30));
        const ssize_t count =
            uninterrupted([&] { return ::copy_file_range(from.fd_.get(), &in, fd_.get(), &out, piece, 0); });
        if (count <= 0) break; // unsupported here: copy by hand, which also reports a real error
        done += static_cast<std::uint64_t>(count);
        size_ += static_cast<std::uint64_t>(count);
        ends_in_hole_ = false;
    }
    if (done == length) return end_holes();
    constexpr std::size_t buffer_bytes = 128 * 1024;
    const auto buffer = std::make_unique_for_overwrite<byte[]>(buffer_bytes);
    while (done < length) {
        const auto piece = static_cast<std::size_t>(std::min<std::uint64_t>(length - done, buffer_bytes));
        if (const error_code error = from.read_at(done, {buffer.get(), piece})) return error;
        if (const error_code error = append({buffer.get(), piece})) return error;
        done += piece;
    }
    return {};
}

error_code guarded_file::continue_at(std::uint64_t offset)
{
    if (uninterrupted([&] { return ::ftruncate(fd_.get(), static_cast<off_t>(offset)); }) != 0)
        return last_file_error();
    size_ = offset;
    ends_in_hole_ = false;
    return {};
}

void guarded_file::set_mode(unsigned mode) const noexcept
{
    struct stat found{};
    if (::fstat(fd_.get(), &found) == 0)
        static_cast<void>(::fchmod(fd_.get(), (found.st_mode & 07000) | static_cast<mode_t>(mode & 0777)));
}

void guarded_file::set_modified(std::int64_t time) const noexcept
{
    const ::timespec times[2] = {{0, UTIME_OMIT}, to_timespec(time)};
    static_cast<void>(::futimens(fd_.get(), times));
}

} // namespace parley
