// A program under test: started, waited for, measured, and ended by its id.
#pragma once

#include <parley/base/descriptor.hpp>

#include <chrono>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include <sys/types.h>

namespace parley::bench {

// The path of an executable: `name` itself when it holds a '/', else looked for in PATH and the system's
// folders for administrators. Empty when there is none.
std::string find_program(const std::string& name);

// Which of a child's output read_line() reads; the rest is kept for failures. A program that runs for long
// and whose output nobody reads needs `none`: a full pipe would stop it.
enum class child_output : unsigned char { none, standard, everything };

// A running program. It dies with the harness; destroying it ends it. One thread at a time.
class child {
public:
    // Throws failure when it cannot be executed. `environment` is added to ours.
    explicit child(const std::vector<std::string>& arguments, child_output read = child_output::standard,
                   const std::map<std::string, std::string>& environment = {},
                   const std::filesystem::path& folder = {});
    child(const child&) = delete;
    child& operator=(const child&) = delete;
    ~child() { end(); }

    pid_t pid() const noexcept { return pid_; }
    bool running();

    // The next line, without its newline. False at the end of the output, or when none has come in time.
    bool read_line(std::string& line, std::chrono::nanoseconds timeout);
    // Reads until a line that holds `text`, and returns it. Throws failure with what the program said.
    std::string wait_line(const std::string& text, std::chrono::nanoseconds timeout);
    // Waits for its end, reading what it writes meanwhile: the exit status, 128 + n after signal n. Throws
    // failure when it is still running then.
    int wait(std::chrono::nanoseconds timeout);
    // After its end: the exit status, 128 + n after signal n.
    int status() const noexcept { return status_; }
    // After wait(): the CPU time it took in all, with that of its children that it waited for.
    double cpu_seconds() const noexcept { return cpu_seconds_; }
    // SIGTERM, and SIGKILL after two seconds. May be repeated.
    void end() noexcept;

    // The output so far that read_line() does not read (the last few KiB), for people: escaped.
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

// The CPU time, in ns, that these processes and all that descend from them have taken, dead threads of the
// living included; dead processes count nothing.
std::int64_t cpu_time_ns(const std::vector<pid_t>& roots);
// Their resident memory in bytes, shared pages divided among those who share them (PSS).
std::int64_t resident_bytes(const std::vector<pid_t>& roots);
// CPU time of this process alone, and of the calling thread.
std::int64_t own_cpu_ns() noexcept;
std::int64_t thread_cpu_ns() noexcept;

} // namespace parley::bench
