#include "peer/destination.hpp"

#include "peer/interrupt.hpp"
#include "peer/spool.hpp"

#include <parley/base/bytes.hpp>
#include <parley/base/descriptor.hpp>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <memory>
#include <unistd.h>

namespace parley::cli {
namespace {

constexpr std::size_t copy_bytes = 256u << 10;

command_error local_failure(const std::filesystem::path& path, const std::string& why)
{
    return {exit_code::local_file, escaped(path.native()) + ": " + why};
}

command_error write_to_standard_output(const char* data, std::size_t size)
{
    while (size > 0) {
        if (wait_writable(STDOUT_FILENO) == wait_outcome::interrupted) return {exit_code::interrupted, {}};
        const ssize_t count = ::write(STDOUT_FILENO, data, size);
        if (count < 0 && (errno == EINTR || errno == EAGAIN)) continue;
        if (count < 0) return {exit_code::local_file, "standard output: " + last_system_error().message()};
        data += count;
        size -= static_cast<std::size_t>(count);
    }
    return {exit_code::ok, {}};
}

} // namespace

command_result<destination> find_destination(const std::optional<std::string>& output)
{
    namespace fs = std::filesystem;
    if (!output) return destination{".", std::nullopt};
    const fs::path path{*output};
    std::error_code error;
    if (fs::is_directory(path, error)) return destination{path, std::nullopt};
    if (!path.has_filename() || path.filename() == "." || path.filename() == "..")
        return local_failure(path, "no such directory");
    const fs::path parent = path.has_parent_path() ? path.parent_path() : fs::path{"."};
    if (!fs::is_directory(parent, error))
        return local_failure(path, "the directory it would be in does not exist");
    return destination{parent, path.filename().native()};
}

command_result<scratch_directory> scratch_directory::create()
{
    std::string path = std::string{temporary_directory()} + "/parley-XXXXXX";
    if (::mkdtemp(path.data()) == nullptr) return local_failure(path, last_system_error().message());
    return scratch_directory{path};
}

void scratch_directory::remove() noexcept
{
    if (path_.empty()) return;
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
    path_.clear();
}

command_error copy_to_standard_output(const std::filesystem::path& path, scratch_directory& staging)
{
    const descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW)};
    if (!file) return local_failure(path, last_system_error().message());
    staging.remove();
    const auto buffer = std::make_unique<char[]>(copy_bytes);
    for (;;) {
        const ssize_t count = ::read(file.get(), buffer.get(), copy_bytes);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return local_failure(path, last_system_error().message());
        if (count == 0) return {exit_code::ok, {}};
        const command_error error = write_to_standard_output(buffer.get(), static_cast<std::size_t>(count));
        if (error.exit != exit_code::ok) return error;
    }
}

} // namespace parley::cli
