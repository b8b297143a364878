// An owner for an open file descriptor, and the system's last error as an error_code.
#pragma once

#include <parley/base/error.hpp>

#include <cerrno>
#include <unistd.h>
#include <utility>

namespace parley {

// Owns an open file descriptor, or none (-1).
class descriptor {
public:
    descriptor() = default;
    explicit descriptor(int fd) noexcept : fd_(fd) {}
    descriptor(descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    descriptor& operator=(descriptor&& other) noexcept
    {
        if (this != &other) {
            reset();
            fd_ = std::exchange(other.fd_, -1);
        }
        return *this;
    }
    ~descriptor() { reset(); }

    int get() const noexcept { return fd_; }
    int release() noexcept { return std::exchange(fd_, -1); }
    explicit operator bool() const noexcept { return fd_ >= 0; }
    void reset() noexcept
    {
        if (fd_ >= 0) ::close(std::exchange(fd_, -1));
    }

private:
    int fd_ = -1;
};

inline error_code last_system_error() noexcept
{
    return {errno, boost::system::system_category()};
}

} // namespace parley
