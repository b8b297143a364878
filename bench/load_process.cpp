#include "bench/load_process.hpp"

#include "bench/failure.hpp"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <exception>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace parley::bench {
namespace detail {

void* map_shared(std::size_t bytes)
{
    void* memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw system_failure("shared memory", errno);
    return memory;
}

void unmap_shared(void* memory, std::size_t bytes) noexcept
{
    ::munmap(memory, bytes);
}

} // namespace detail

load_process::load_process(const std::function<void()>& work)
{
    const pid_t harness = ::getpid();
    pid_ = ::fork();
    if (pid_ < 0) throw system_failure("fork", errno);
    if (pid_ != 0) return;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::signal(SIGPIPE, SIG_IGN);
    int status = ::getppid() == harness ? 0 : 1;
    try {
        if (status == 0) work();
    } catch (const std::exception& why) {
        std::fprintf(stderr, "load generator: %s\n", why.what());
        status = 1;
    }
    // Run no destructors: everything inherited belongs to the harness.
    ::_exit(status);
}

load_process::~load_process()
{
    if (!running()) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
}

bool load_process::running() noexcept
{
    if (!reaped_) reaped_ = ::waitpid(pid_, nullptr, WNOHANG) == pid_;
    return !reaped_;
}

std::size_t raise_descriptor_limit() noexcept
{
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
    ::getrlimit(RLIMIT_NOFILE, &limit);
    return limit.rlim_cur;
}

} // namespace parley::bench
