#include "peer/spool.hpp"

#include "peer/interrupt.hpp"

#include <array>
#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <memory>
#include <string>
#include <unistd.h>

namespace parley::cli {
namespace {

constexpr std::size_t copy_bytes = 256u << 10;

// A new file without a name, readable and writable only by this user. -1 and errno on failure.
int open_unnamed() noexcept
{
    const int descriptor = ::open(temporary_directory(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (descriptor >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL)) return descriptor;
    // The file system does not support O_TMPFILE.
    std::string name = std::string{temporary_directory()} + "/parley-XXXXXX";
    const int named = ::mkostemp(name.data(), O_CLOEXEC);
    if (named >= 0) ::unlink(name.c_str());
    return named;
}

error_code write_all(int descriptor, const char* data, std::size_t size) noexcept
{
    while (size > 0) {
        const ssize_t count = ::write(descriptor, data, size);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return last_system_error();
        data += count;
        size -= static_cast<std::size_t>(count);
    }
    return {};
}

} // namespace

const char* temporary_directory() noexcept
{
    const char* chosen = std::getenv("TMPDIR");
    return chosen != nullptr && *chosen != '\0' ? chosen : "/tmp";
}

result<spooled_file> spool(int input)
{
    spooled_file out{descriptor{open_unnamed()}};
    if (!out.file) return last_system_error();
    const auto buffer = std::make_unique<char[]>(copy_bytes);
    for (;;) {
        if (wait_readable(input) == wait_outcome::interrupted) return errc::cancelled;
        const ssize_t count = ::read(input, buffer.get(), copy_bytes);
        if (count < 0 && (errno == EINTR || errno == EAGAIN)) continue;
        if (count < 0) return last_system_error();
        if (count == 0) break;
        const error_code error = write_all(out.file.get(), buffer.get(), static_cast<std::size_t>(count));
        if (error) return error;
        out.size += static_cast<std::uint64_t>(count);
    }
    if (::lseek(out.file.get(), 0, SEEK_SET) < 0) return last_system_error();
    return out;
}

} // namespace parley::cli
