#include "bench/machine.hpp"

#include "bench/child.hpp"
#include "bench/failure.hpp"
#include "bench/library_speed.hpp"

#include <parley/base/descriptor.hpp>

#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <thread>

namespace parley::bench {
namespace {

constexpr const char* congestion_path = "/proc/sys/net/ipv4/tcp_congestion_control";

std::string first_line(const std::string& path)
{
    std::ifstream file{path};
    std::string line;
    std::getline(file, line);
    return line;
}

std::string cpu_model()
{
    std::ifstream file{"/proc/cpuinfo"};
    for (std::string line; std::getline(file, line);)
        if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
    return "unknown";
}

std::string compiler()
{
#ifdef __clang__
    return "clang " __clang_version__;
#else
    return "gcc " __VERSION__;
#endif
}

// haproxy, socat and nginx each report their version differently.
std::string version_of(const std::string& program)
{
    const std::string path = find_program(program);
    if (path.empty()) return "absent";
    const bool short_option = program == "nginx" || program == "haproxy";
    const std::string option = program == "socat" ? "-V" : short_option ? "-v" : "--version";
    try {
        child running{{path, option}, child_output::everything};
        std::string line;
        while (running.read_line(line, std::chrono::seconds{10}))
            if (line.find_first_of("0123456789") != std::string::npos) return line;
        return "unknown";
    } catch (const failure& why) {
        return why.what();
    }
}

} // namespace

std::map<std::string, parameter> describe_machine()
{
    utsname kernel{};
    ::uname(&kernel);
    struct sysinfo memory{};
    ::sysinfo(&memory);
    rlimit descriptors{};
    ::getrlimit(RLIMIT_NOFILE, &descriptors);
    const std::string governor = first_line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor");
    return {{"cpu", cpu_model()},
            {"cores", static_cast<double>(std::thread::hardware_concurrency())},
            {"kernel", fmt::format("{} {}", kernel.sysname, kernel.release)},
            {"memory_bytes", static_cast<double>(memory.totalram) * memory.mem_unit},
            {"governor", governor.empty() ? "unknown" : governor},
            {"congestion_control", system_congestion_control()},
            {"load_average", static_cast<double>(memory.loads[0]) / (1 << SI_LOAD_SHIFT)},
            {"descriptors", static_cast<double>(descriptors.rlim_cur)}};
}

std::map<std::string, std::string> describe_versions(const std::vector<std::string>& programs)
{
    std::map<std::string, std::string> out = library_versions();
    out["parley-bench"] = PARLEY_VERSION;
    out["compiler"] = compiler();
    for (const std::string& program : programs)
        out[std::filesystem::path{program}.filename().string()] = version_of(program);
    return out;
}

std::string system_congestion_control()
{
    const std::string name = first_line(congestion_path);
    return name.empty() ? "unknown" : name;
}

bool set_system_congestion_control(const std::string& name)
{
    {
        std::ofstream file{congestion_path};
        file << name << std::flush;
    }
    return system_congestion_control() == name;
}

bool enter_own_network()
{
    if (::unshare(CLONE_NEWNET) != 0) return false;
    const descriptor any{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
    ifreq loopback{};
    loopback.ifr_name[0] = 'l';
    loopback.ifr_name[1] = 'o';
    loopback.ifr_flags = IFF_UP;
    return ::ioctl(any.get(), SIOCSIFFLAGS, &loopback) == 0;
}

} // namespace parley::bench
