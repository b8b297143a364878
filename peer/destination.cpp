#include "peer/destination.hpp"

#include "peer/interrupt.hpp"

#include <parley/base/descriptor.hpp>

#include <cerrno>
#include <unistd.h>

namespace parley::cli {
namespace {

command_error local_failure(const std::filesystem::path& path, const std::string& why)
{
    return {exit_code::local_file, escaped(path.native()) + ": " + why};
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

error_code write_to_standard_output(bytes_view bytes)
{
    if (bytes.empty()) {
        // Some file systems report only here that what was written is lost.
        const int copy = ::dup(STDOUT_FILENO);
        return copy < 0 || (::close(copy) != 0 && errno != EINTR) ? as_file_error(last_system_error())
                                                                  : error_code{};
    }
    while (!bytes.empty()) {
        if (wait_writable(STDOUT_FILENO) == wait_outcome::interrupted) return errc::cancelled;
        const ssize_t count = ::write(STDOUT_FILENO, bytes.data(), bytes.size());
        if (count < 0 && (errno == EINTR || errno == EAGAIN)) continue;
        if (count < 0) return as_file_error(last_system_error());
        bytes = bytes.subspan(static_cast<std::size_t>(count));
    }
    return {};
}

} // namespace parley::cli
