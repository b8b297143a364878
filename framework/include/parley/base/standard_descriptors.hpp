// Standard input, output and error of a program that was started without them.
#pragma once

#include <cerrno>
#include <fcntl.h>
#include <unistd.h>

namespace parley {

// Opens /dev/null on each of the descriptors 0 to 2 that is closed. Otherwise the next pipe, socket or file
// of the program would take its number, and be written to as if it were standard output. /dev/null is opened
// in the wrong direction, so that reading from 0 and writing to 1 or 2 fail with EBADF. Call this before
// anything else is opened. Returns false, with errno set, if /dev/null cannot be opened.
inline bool open_standard_descriptors() noexcept
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) {
        if (::fcntl(fd, F_GETFD) >= 0 || errno != EBADF) continue;
        // The system gives the lowest free number, and those below `fd` are open.
        if (::open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd) return false;
    }
    return true;
}

} // namespace parley
