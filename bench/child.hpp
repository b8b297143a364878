// A program under test: it is started, awaited, measured, and ended by its process id.
#pragma once

#include <parley/base/descriptor.hpp>

#include <chrono>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include <sys/types.h>

namespace parley::bench {

// The path of an executable: `name` itself if it holds a '/', else the first match in PATH and the system's
// folders for administrators. Empty when there is none.
std::string find_program(const std::string& name);

// Selects the output that read_line() reads; the rest is kept for failure messages. Use `none` for a program
// that runs for long and whose output nobody reads: a full pipe would stop it.
enum class child_output : unsigned char { none, standard, everything };

// A running program. It dies with the harness, and the destructor ends it. Not thread-safe.
class child {
public:
    // Throws failure if the program cannot be executed. `environment` is added to the harness's own.
    explicit child(const std::vector<std::string>& arguments, child_output read = child_output::standard,
                   const std::map<std::string, std::string>& environment = {},
                   const std::filesystem::path& folder = {});
    child(const child&) = delete;
    child& operator=(const child&) = delete;
    ~child() { end(); }

    pid_t pid() const noexcept { return pid_; }
    bool running();

    // The next line, without its newline. False at the end of the output, or when no line arrives in time.
    bool read_line(std::string& line, std::chrono::nanoseconds timeout);
    // Reads up to a line that contains `text`, and returns that line. Throws failure with the program's
    // output.
    std::string wait_line(const std::string& text, std::chrono::nanoseconds timeout);
    // Waits for its end and reads its output meanwhile. Returns the exit status, or 128 + n after signal n.
    // Throws failure if it is still running after `timeout`.
    int wait(std::chrono::nanoseconds timeout);
    // After its end: the exit status, or 128 + n after signal n.
    int status() const noexcept { return status_; }
    // After wait(): its total CPU time, including that of the children it waited for.
    double cpu_seconds() const noexcept { return cpu_seconds_; }
    // Sends SIGTERM, and SIGKILL after two seconds. May be called again.
    void end() noexcept;

    // The last few KiB of the output that read_line() does not read, escaped, for people.
    std::string complaints() const;

private:
    bool reap(bool block) noexcept;

    std::string name_;
    pid_t pid_ = -1;
    descriptor output_, errors_;
    std::string pending_;
    bool output_ended_ = false;
    bool reaped_ = false;
    int status_ = 0;
    double cpu_seconds_ = 0;
};

// The CPU time in ns of these processes and all their descendants. It includes ended threads of living
// processes, but no ended processes.
std::int64_t cpu_time_ns(const std::vector<pid_t>& roots);
// The resident memory of the same processes in bytes. A shared page is divided among its users (PSS).
std::int64_t resident_bytes(const std::vector<pid_t>& roots);
// The CPU time of this process alone, and of the calling thread.
std::int64_t own_cpu_ns() noexcept;
std::int64_t thread_cpu_ns() noexcept;

} // namespace parley::bench
