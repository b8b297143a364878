#include "relay/rooms/splice_pipe.hpp"

#include <boost/asio/error.hpp>

#include <algorithm>
#include <cerrno>

#ifdef __linux__
#include <csignal>
#include <ctime>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <unistd.h>
#endif

namespace parley::detail {

namespace asio = boost::asio;

#ifdef __linux__

namespace {

// splice(2) has no MSG_NOSIGNAL. It may raise SIGPIPE in this thread; the guard blocks the signal, and
// take_back() removes it.
class sigpipe_guard {
public:
    sigpipe_guard() noexcept
    {
        ::sigemptyset(&pipe_);
        ::sigaddset(&pipe_, SIGPIPE);
        ::pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
    }
    sigpipe_guard(const sigpipe_guard&) = delete;
    sigpipe_guard& operator=(const sigpipe_guard&) = delete;
    ~sigpipe_guard() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

    void take_back() noexcept
    {
        if (::sigismember(&before_, SIGPIPE) != 0) return;
        const timespec at_once{};
        while (::sigtimedwait(&pipe_, nullptr, &at_once) < 0 && errno == EINTR) {
        }
    }

private:
    sigset_t pipe_{}, before_{};
};

error_code error_of(int number) noexcept
{
    if (number == EAGAIN) return asio::error::would_block;
    if (number == EINVAL || number == ENOSYS) return asio::error::operation_not_supported;
    return {number, boost::system::system_category()};
}

} // namespace

splice_pipe::~splice_pipe()
{
    if (in_ >= 0) ::close(in_);
    if (out_ >= 0) ::close(out_);
}

splice_pipe splice_pipe::open(std::size_t most_bytes, std::size_t least_bytes) noexcept
{
    splice_pipe made;
    int ends[2];
    if (::pipe2(ends, O_NONBLOCK | O_CLOEXEC) != 0) return made;
    made.out_ = ends[0];
    made.in_ = ends[1];
    int capacity = ::fcntl(made.in_, F_GETPIPE_SZ);
    for (std::size_t size = most_bytes; size >= least_bytes && capacity < static_cast<int>(size); size /= 2) {
        const int set = ::fcntl(made.in_, F_SETPIPE_SZ, static_cast<int>(size));
        if (set > 0) capacity = set;
    }
    if (capacity < static_cast<int>(least_bytes)) return {};
    made.capacity_ = static_cast<std::size_t>(capacity);
    return made;
}

std::size_t splice_pipe::fill(int socket, std::size_t most, error_code& error) noexcept
{
    error.clear();
    ssize_t size = -1;
    do size = ::splice(socket, nullptr, in_, nullptr, std::min(most, capacity_), SPLICE_F_NONBLOCK);
    while (size < 0 && errno == EINTR);
    if (size > 0) return held_ = static_cast<std::size_t>(size);
    error = size == 0 ? error_code{asio::error::eof} : error_of(errno);
    return 0;
}

std::size_t splice_pipe::drain(int socket, error_code& error) noexcept
{
    error.clear();
    sigpipe_guard guard;
    ssize_t size = -1;
    do size = ::splice(out_, nullptr, socket, nullptr, held_, SPLICE_F_NONBLOCK);
    while (size < 0 && errno == EINTR);
    if (size > 0) {
        held_ -= static_cast<std::size_t>(size);
        return static_cast<std::size_t>(size);
    }
    const int number = size == 0 ? EIO : errno;
    if (number == EPIPE) guard.take_back();
    error = error_of(number);
    return 0;
}

// splice(2) blocks unless the descriptor itself is non-blocking. Asio keeps its own flag, and its waits are
// as before.
bool prepare_for_splice(int socket) noexcept
{
    int on = 1;
    return socket >= 0 && ::ioctl(socket, FIONBIO, &on) == 0;
}

std::size_t pipe_pool::usual_max_lent() noexcept
{
    constexpr std::size_t usual = 64, parts = 8;
    rlimit descriptors{};
    if (::getrlimit(RLIMIT_NOFILE, &descriptors) != 0) return 0;
    return std::min<std::size_t>(usual, descriptors.rlim_cur / parts / 2);
}

#else

splice_pipe::~splice_pipe() = default;
splice_pipe splice_pipe::open(std::size_t, std::size_t) noexcept
{
    return {};
}
std::size_t splice_pipe::fill(int, std::size_t, error_code& error) noexcept
{
    error = asio::error::operation_not_supported;
    return 0;
}
std::size_t splice_pipe::drain(int, error_code& error) noexcept
{
    error = asio::error::operation_not_supported;
    return 0;
}
bool prepare_for_splice(int) noexcept
{
    return false;
}
std::size_t pipe_pool::usual_max_lent() noexcept
{
    return 0;
}

#endif

splice_pipe pipe_pool::take() noexcept
{
    if (lent_ >= max_lent_) return {};
    splice_pipe out;
    if (!kept_.empty()) {
        out = std::move(kept_.back());
        kept_.pop_back();
    } else if (rests_ > 0) {
        --rests_;
    } else if (!(out = splice_pipe::open(most_pipe_bytes, least_pipe_bytes))) {
        constexpr std::size_t takes_until_asked_again = 1000;
        rests_ = takes_until_asked_again;
    }
    if (out) ++lent_;
    return out;
}

void pipe_pool::give_back(splice_pipe used) noexcept
{
    if (!used) return;
    --lent_;
    if (used.held() != 0 || kept_.size() >= max_kept) return;
    try {
        kept_.push_back(std::move(used));
    } catch (...) { // it is closed instead
    }
}

} // namespace parley::detail
