#include "bench/child.hpp"

#include "bench/failure.hpp"

#include <parley/base/bytes.hpp>

#define BOOST_PROCESS_USE_STD_FS
#include <boost/process.hpp>
#include <boost/process/extend.hpp>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <ctime>
#include <fcntl.h>
#include <fstream>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <thread>

namespace parley::bench {
namespace {

namespace process = boost::process;
using std::chrono::steady_clock;

constexpr std::chrono::seconds patience{2};   // between SIGTERM and SIGKILL
constexpr std::chrono::milliseconds pause{1}; // between two looks at whether a program has ended
constexpr std::size_t max_line_bytes = 1u << 20;

double seconds_of(const timeval& time)
{
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
}

std::int64_t clock_ns(clockid_t id) noexcept
{
    timespec now{};
    if (::clock_gettime(id, &now) != 0) return 0;
    return static_cast<std::int64_t>(now.tv_sec) * 1'000'000'000 + now.tv_nsec;
}

// Adds a process and all its descendants. Leaves out those that end meanwhile.
void add_family(pid_t root, std::vector<pid_t>& out)
{
    if (std::find(out.begin(), out.end(), root) != out.end()) return;
    out.push_back(root);
    std::error_code ignored;
    const std::filesystem::path tasks = "/proc/" + std::to_string(root) + "/task";
    for (const auto& task : std::filesystem::directory_iterator{tasks, ignored}) {
        std::ifstream children{task.path() / "children"};
        for (pid_t one = 0; children >> one;) add_family(one, out);
    }
}

std::vector<pid_t> family(const std::vector<pid_t>& roots)
{
    std::vector<pid_t> out;
    for (const pid_t root : roots) add_family(root, out);
    return out;
}

} // namespace

std::string find_program(const std::string& name)
{
    if (name.find('/') != std::string::npos) return ::access(name.c_str(), X_OK) == 0 ? name : "";
    std::vector<std::filesystem::path> folders = boost::this_process::path();
    for (const char* more : {"/usr/sbin", "/usr/local/sbin", "/sbin"}) folders.emplace_back(more);
    return process::search_path(name, folders).string();
}

child::child(const std::vector<std::string>& arguments, child_output read,
             const std::map<std::string, std::string>& environment, const std::filesystem::path& folder)
    : name_(arguments.at(0)), errors_(::memfd_create("complaints", MFD_CLOEXEC))
{
    const std::string program = find_program(name_);
    if (program.empty()) throw system_failure(name_, ENOENT);
    int output[2];
    if (::pipe2(output, O_CLOEXEC) != 0) throw system_failure("pipe", errno);
    output_ = descriptor{output[0]};
    const descriptor output_end{output[1]};
    const int out = read == child_output::none ? errors_.get() : output_end.get();
    const int err = read == child_output::everything ? output_end.get() : errors_.get();
    process::environment variables = boost::this_process::environment();
    for (const auto& [key, value] : environment) variables[key] = value;
    const auto before_exec = [&folder, harness = ::getpid()](auto&) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        // Boost's start_dir would start the program in the current folder if it cannot enter `folder`.
        if (::getppid() != harness || (!folder.empty() && ::chdir(folder.c_str()) != 0)) ::_exit(127);
        ::signal(SIGPIPE, SIG_DFL);
    };
    std::error_code error;
    process::child started{process::exe = program,
                           process::args = std::vector(arguments.begin() + 1, arguments.end()),
                           process::std_in < process::null,
                           process::posix::fd.bind(STDOUT_FILENO, out),
                           process::posix::fd.bind(STDERR_FILENO, err),
                           process::extend::on_exec_setup = before_exec,
                           variables,
                           error};
    if (error) throw failure{name_ + ": " + error.message()};
    pid_ = started.id();
    started.detach(); // wait4 waits for it, to get its CPU time
}

bool child::reap(bool block) noexcept
{
    if (reaped_) return true;
    rusage usage{};
    int status = 0;
    const pid_t got = ::wait4(pid_, &status, block ? 0 : WNOHANG, &usage);
    if (got != pid_) return false;
    reaped_ = true;
    status_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    cpu_seconds_ = seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime);
    return true;
}

bool child::running()
{
    return !reap(false);
}

bool child::read_line(std::string& line, std::chrono::nanoseconds timeout)
{
    const auto limit = steady_clock::now() + timeout;
    for (;;) {
        if (const std::size_t end = pending_.find('\n'); end != std::string::npos) {
            line = pending_.substr(0, end);
            pending_.erase(0, end + 1);
            return true;
        }
        if (output_ended_ || pending_.size() > max_line_bytes) {
            line = std::exchange(pending_, {});
            return !line.empty();
        }
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(limit - steady_clock::now());
        pollfd ready{output_.get(), POLLIN, 0};
        if (left.count() <= 0 || ::poll(&ready, 1, static_cast<int>(left.count())) == 0) return false;
        char piece[4096];
        const ssize_t size = ::read(output_.get(), piece, sizeof piece);
        if (size > 0)
            pending_.append(piece, static_cast<std::size_t>(size));
        else if (size == 0 || errno != EINTR)
            output_ended_ = true;
    }
}

std::string child::wait_line(const std::string& text, std::chrono::nanoseconds timeout)
{
    const auto limit = steady_clock::now() + timeout;
    std::string said;
    for (std::string line; read_line(line, limit - steady_clock::now());) {
        if (line.find(text) != std::string::npos) return line;
        said = line;
    }
    throw failure{name_ + " did not say \"" + text + "\"; it said: " + escaped(said) + " " + complaints()};
}

int child::wait(std::chrono::nanoseconds timeout)
{
    const auto limit = steady_clock::now() + timeout;
    for (std::string line; read_line(line, limit - steady_clock::now());) {
    }
    // The end of its output is nearly always its own end.
    while (!reap(false)) {
        if (steady_clock::now() >= limit) throw failure{name_ + " does not end: " + complaints()};
        std::this_thread::sleep_for(pause);
    }
    return status_;
}

void child::end() noexcept
{
    if (pid_ <= 0 || reap(false)) return;
    ::kill(pid_, SIGTERM);
    const auto limit = steady_clock::now() + patience;
    while (!reap(false)) {
        if (steady_clock::now() >= limit) {
            ::kill(pid_, SIGKILL);
            reap(true);
            return;
        }
        std::this_thread::sleep_for(pause);
    }
}

std::string child::complaints() const
{
    constexpr off_t most = 2048;
    std::string text(most, '\0');
    const off_t size = ::lseek(errors_.get(), 0, SEEK_END);
    const ssize_t got = ::pread(errors_.get(), text.data(), text.size(), std::max<off_t>(0, size - most));
    text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    while (text.ends_with('\n')) text.pop_back();
    return escaped(text, 4 * most); // whatever its bytes are; the last lines say most
}

std::int64_t cpu_time_ns(const std::vector<pid_t>& roots)
{
    std::int64_t total = 0;
    for (const pid_t one : family(roots)) {
        // The sum of schedstat over all threads, including ended ones.
        clockid_t clock{};
        if (::clock_getcpuclockid(one, &clock) == 0) total += clock_ns(clock);
    }
    return total;
}

std::int64_t resident_bytes(const std::vector<pid_t>& roots)
{
    std::int64_t kibibytes = 0;
    for (const pid_t one : family(roots)) {
        std::ifstream rollup{"/proc/" + std::to_string(one) + "/smaps_rollup"};
        for (std::string key; rollup >> key;) {
            std::int64_t value = 0;
            if (key == "Pss:" && rollup >> value) kibibytes += value;
        }
    }
    return kibibytes * 1024;
}

std::int64_t own_cpu_ns() noexcept
{
    return clock_ns(CLOCK_PROCESS_CPUTIME_ID);
}

std::int64_t thread_cpu_ns() noexcept
{
    return clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

} // namespace parley::bench
