#include "peer/interrupt.hpp"

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

namespace parley::cli {
namespace {

// The signal handler uses only these.
std::atomic<int> first_signal{0};
std::atomic<int> wake_read{-1};
std::atomic<int> wake_write{-1};
std::atomic<const termios*> terminal_settings{nullptr};
std::atomic<int> terminal_descriptor{-1};
static_assert(std::atomic<int>::is_always_lock_free && std::atomic<const termios*>::is_always_lock_free);

constexpr std::array watched{SIGINT, SIGTERM, SIGHUP};
std::array<struct sigaction, watched.size()> old_actions;
// The others that end the process unless they are handled.
constexpr std::array deadly{SIGQUIT, SIGALRM,   SIGUSR1, SIGUSR2, SIGABRT, SIGSEGV, SIGBUS, SIGILL,   SIGFPE,
                            SIGTRAP, SIGVTALRM, SIGPROF, SIGSYS,  SIGXCPU, SIGIO,   SIGPWR, SIGSTKFLT};
// These only repeat what the failed write says.
constexpr std::array ignored{SIGPIPE, SIGXFSZ};
std::array<struct sigaction, ignored.size()> old_ignored_actions;
std::array<struct sigaction, deadly.size()> old_deadly_actions;

void restore_terminal() noexcept
{
    if (const termios* settings = terminal_settings.load(); settings != nullptr)
        ::tcsetattr(terminal_descriptor.load(), TCSANOW, settings);
}

extern "C" void on_signal(int signal)
{
    const int saved_errno = errno;
    int none = 0;
    if (!first_signal.compare_exchange_strong(none, signal)) {
        restore_terminal();
        ::_exit(128 + signal);
    }
    const char one = 1;
    if (::write(wake_write.load(), &one, 1) < 0) {
        // The pipe is empty before the first signal, so this cannot fail; nor could a handler report it.
    }
    errno = saved_errno;
}

// The action is the default one again (SA_RESETHAND), so that the process ends as if nothing had been here.
extern "C" void on_deadly_signal(int signal)
{
    restore_terminal();
    ::raise(signal);
}

wait_outcome wait_for(int descriptor, short events) noexcept
{
    std::array<pollfd, 2> set{pollfd{descriptor, events, 0}, pollfd{wake_read.load(), POLLIN, 0}};
    for (;;) {
        if (first_signal.load() != 0) return wait_outcome::interrupted;
        const int ready = ::poll(set.data(), set.size(), -1);
        // If poll fails, the read or write that follows reports the error.
        if (ready < 0 && errno != EINTR) return wait_outcome::ready;
        if (ready > 0 && set[0].revents != 0 && set[1].revents == 0) return wait_outcome::ready;
    }
}

} // namespace

interrupt_watch::interrupt_watch()
{
    std::array<int, 2> ends{-1, -1};
    if (::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) == 0) {
        wake_read = ends[0];
        wake_write = ends[1];
    }
    first_signal = 0;
    struct sigaction action{};
    action.sa_handler = on_signal;
    sigemptyset(&action.sa_mask);
    for (std::size_t i = 0; i < watched.size(); ++i) {
        ::sigaction(watched[i], nullptr, &old_actions[i]);
        if (watched[i] == SIGHUP && old_actions[i].sa_handler == SIG_IGN) continue;
        ::sigaction(watched[i], &action, nullptr);
    }
    action.sa_handler = on_deadly_signal;
    action.sa_flags = static_cast<int>(SA_RESETHAND) | SA_NODEFER;
    for (std::size_t i = 0; i < deadly.size(); ++i) {
        ::sigaction(deadly[i], nullptr, &old_deadly_actions[i]);
        if (old_deadly_actions[i].sa_handler == SIG_DFL) ::sigaction(deadly[i], &action, nullptr);
    }
    action.sa_flags = 0;
    action.sa_handler = SIG_IGN;
    for (std::size_t i = 0; i < ignored.size(); ++i)
        ::sigaction(ignored[i], &action, &old_ignored_actions[i]);
}

interrupt_watch::~interrupt_watch()
{
    for (std::size_t i = 0; i < watched.size(); ++i) ::sigaction(watched[i], &old_actions[i], nullptr);
    for (std::size_t i = 0; i < deadly.size(); ++i)
        if (old_deadly_actions[i].sa_handler == SIG_DFL)
            ::sigaction(deadly[i], &old_deadly_actions[i], nullptr);
    for (std::size_t i = 0; i < ignored.size(); ++i)
        ::sigaction(ignored[i], &old_ignored_actions[i], nullptr);
    ::close(wake_read.exchange(-1));
    ::close(wake_write.exchange(-1));
    first_signal = 0;
}

int interrupt_watch::signal() noexcept
{
    return first_signal.load();
}

int interrupt_watch::wake_descriptor() noexcept
{
    return wake_read.load();
}

void interrupt_watch::restore_on_exit(int descriptor, const termios* settings) noexcept
{
    // Set the settings last and clear them first, so that the handler never sees them with another
    // descriptor.
    terminal_settings = nullptr;
    terminal_descriptor = descriptor;
    terminal_settings = settings;
}

wait_outcome wait_readable(int descriptor) noexcept
{
    return wait_for(descriptor, POLLIN);
}

wait_outcome wait_writable(int descriptor) noexcept
{
    return wait_for(descriptor, POLLOUT);
}

} // namespace parley::cli
