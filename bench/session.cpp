#include "bench/session.hpp"

#include "bench/failure.hpp"
#include "bench/machine.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

namespace parley::bench {

std::uint64_t settings::document_bytes() const noexcept
{
    constexpr double quick_mb = 256;
    return static_cast<std::uint64_t>((quick ? std::min(transfer_mb, quick_mb) : transfer_mb) * 1e6);
}

std::map<std::string, parameter> settings::described() const
{
    const auto commands = [](const std::vector<given_command>& given) {
        std::string out;
        for (const given_command& one : given)
            out += fmt::format("{}{}={}", out.empty() ? "" : "; ", one.name, one.line);
        return out;
    };
    std::string addresses;
    for (const given_relay& one : relays) addresses += (addresses.empty() ? "" : " ") + one.address;
    return {{"transports", fmt::format("{}", fmt::join(transports, " "))},
            {"only", fmt::format("{}", fmt::join(only, " "))},
            {"listen", fmt::format("{}", fmt::join(listen, " "))},
            {"waiting", fmt::format("{}", fmt::join(waiting, " "))},
            {"memory_waiting", fmt::format("{}", fmt::join(memory_waiting, " "))},
            {"keys", keys},
            {"relays", addresses},
            {"relay_commands", commands(relay_commands)},
            {"forward_commands", commands(forward_commands)},
            {"send_commands", commands(send_commands)},
            {"recv_commands", commands(recv_commands)},
            {"runs", static_cast<double>(runs)},
            {"quick", quick ? "yes" : "no"},
            {"seconds", seconds},
            {"threads", static_cast<double>(threads)},
            {"generators", static_cast<double>(generators)},
            {"congestion_control", congestion.empty() ? "the system's" : congestion},
            {"rooms", fmt::format("{}", fmt::join(rooms, " "))},
            {"concurrency", static_cast<double>(concurrency)},
            {"rate", rate},
            {"transfer_mb", transfer_mb},
            {"small_files", static_cast<double>(small_files)},
            {"memory_ballast", memory_ballast ? "yes" : "no"}};
}

bool settings::wanted(std::string_view system) const
{
    if (only.empty()) return true;
    for (const std::string& start : only)
        if (system.starts_with(start)) return true;
    return false;
}

std::filesystem::path session::fresh(const std::string& stem)
{
    return folder() / fmt::format("{}-{}", stem, next_++);
}

void session::add(const measurement& about, double value, const std::map<std::string, double>& cpu_seconds)
{
    results_.add(about, value, cpu_seconds);
    std::string cpu;
    for (const auto& [role, seconds] : cpu_seconds) cpu += fmt::format("  {} {:.3f} s CPU", role, seconds);
    say(fmt::format("{:<11} {:<26} {:<34} {} {:.6g} {}{}", about.benchmark, about.system, text_of(about.with),
                    about.metric, value, about.unit, cpu));
}

void session::add(measurement about, const char* metric, const char* unit, better direction, double value,
                  const std::map<std::string, double>& cpu_seconds)
{
    about.metric = metric;
    about.unit = unit;
    about.better = direction;
    add(about, value, cpu_seconds);
}

void session::say(const std::string& line) const
{
    std::fputs((line + "\n").c_str(), stderr);
}

void session::skip(const std::string& what, const std::string& why)
{
    if (skipped_.emplace(what, why).second) say(fmt::format("skipped: {} ({})", what, why));
}

bool session::attempt(const std::string& what, const std::function<void()>& part)
{
    try {
        part();
        return true;
    } catch (const failure& why) {
        ++failures_;
        say(fmt::format("FAILED: {}: {}", what, why.what()));
        return false;
    }
}

run_document session::document() const
{
    run_document out;
    out.machine = describe_machine();
    out.versions = describe_versions(
        {settings_.parley_relay, settings_.parley, "haproxy", "nginx", "socat", "wormhole"});
    out.settings = settings_.described();
    for (const auto& [what, why] : skipped_) out.settings["skipped " + what] = why;
    out.measurements = results_.all();
    return out;
}

} // namespace parley::bench
