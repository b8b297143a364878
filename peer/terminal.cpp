#include "peer/terminal.hpp"

#include "peer/interrupt.hpp"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace parley::cli {

bool is_terminal(int descriptor) noexcept
{
    return ::isatty(descriptor) == 1;
}

bool is_writable(int descriptor) noexcept
{
    const int flags = ::fcntl(descriptor, F_GETFL);
    return flags >= 0 && (flags & O_ACCMODE) != O_RDONLY;
}

std::size_t terminal_width(int descriptor) noexcept
{
    winsize size{};
    if (::ioctl(descriptor, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
    return size.ws_col;
}

echo_off::echo_off(int descriptor) noexcept : descriptor_(descriptor)
{
    active_ = is_terminal(descriptor) && ::tcgetattr(descriptor, &old_) == 0;
    resume();
}

echo_off::~echo_off()
{
    suspend();
}

void echo_off::suspend() noexcept
{
    if (!active_) return;
    ::tcsetattr(descriptor_, TCSANOW, &old_);
    interrupt_watch::restore_on_exit(-1, nullptr);
}

void echo_off::resume() noexcept
{
    if (!active_) return;
    interrupt_watch::restore_on_exit(descriptor_, &old_);
    termios hidden = old_;
    hidden.c_lflag &= ~static_cast<tcflag_t>(ECHO | ECHOE | ECHOK);
    hidden.c_lflag |= static_cast<tcflag_t>(ECHONL | ICANON | ISIG);
    ::tcsetattr(descriptor_, TCSANOW, &hidden);
}

} // namespace parley::cli
