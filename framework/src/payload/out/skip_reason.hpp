// What an error of the system means for one path of a document: that path is skipped, or nothing goes on.
#pragma once

#include <parley/base/error.hpp>

#include <boost/system/errc.hpp>

#include <string>
#include <string_view>
#include <sys/stat.h>

namespace parley {

// Whether the system has run out of something, so that the next path would fail, too.
inline bool is_exhaustion(const error_code& error)
{
    namespace sys = boost::system::errc;
    return error == sys::too_many_files_open || error == sys::too_many_files_open_in_system ||
           error == sys::not_enough_memory;
}

// Whether the path was removed or replaced after its name was read.
inline bool is_gone(const error_code& error)
{
    namespace sys = boost::system::errc;
    return error == sys::no_such_file_or_directory || error == sys::not_a_directory ||
           error == sys::too_many_symbolic_link_levels;
}

// Why the path is skipped, for people.
inline std::string skip_reason(const error_code& error)
{
    namespace sys = boost::system::errc;
    if (is_gone(error)) return "it vanished before its turn";
    if (error == errc::not_a_document) return "it was replaced before its turn";
    if (error == sys::permission_denied || error == sys::operation_not_permitted)
        return "no permission to read it";
    if (error == sys::file_too_large) return "it is longer than 16 MiB, which its size does not say";
    return error.message();
}

// The same for a directory that was listed in part.
inline std::string skip_reason_of_part(const error_code& error)
{
    return "a part of it: " + error.message();
}

// Why a path that is neither a file nor a directory is skipped.
inline std::string_view kind_that_does_not_travel(mode_t mode) noexcept
{
    if (S_ISLNK(mode)) return "symbolic link";
    if (S_ISSOCK(mode)) return "socket";
    if (S_ISFIFO(mode)) return "named pipe";
    if (S_ISCHR(mode) || S_ISBLK(mode)) return "device";
    return "special file";
}

} // namespace parley
