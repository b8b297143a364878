// The result of a run: one JSON document (docs/benchmarks.md has its schema).
#pragma once

#include "bench/statistics.hpp"

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace parley::bench {

inline constexpr std::string_view schema_name = "parley-bench/2";

enum class better : bool { less, more };

using parameter = std::variant<double, std::string>;
using parameters = std::map<std::string, parameter>;

// One quantity of one program, measured once per run.
struct measurement {
    std::string benchmark; // "room"
    std::string system;    // the system under test: "parley-relay", "haproxy splice"
    parameters with;       // {"rooms": 8, "sender": "tcp"}
    std::string metric;    // "throughput"
    std::string unit;      // "MB/s"
    bench::better better = better::less;
    std::vector<double> values; // one per run, in order
    // By role ("relay", "generator"), one per run. Empty if only the metric matters.
    std::map<std::string, std::vector<double>> cpu_seconds;

    summary total() const { return summarise(values); }
    // Whether both measure the same thing, perhaps of two programs.
    bool comparable(const measurement& other) const;
};

// A claim of this project, as a number that a run confirms or not.
struct criterion {
    std::string what; // one line that names the two things compared
    std::string unit; // "ratio", or the unit of the measurement
    double target = 0;
    bool at_most = true; // else at least
    // The median, or the quotient of two of the same run; nothing when a part of it was not measured.
    std::optional<double> measured;

    bool met() const noexcept { return measured && (at_most ? *measured <= target : *measured >= target); }
};

struct run_document {
    std::map<std::string, parameter> machine;
    std::map<std::string, std::string> versions;
    std::map<std::string, parameter> settings;
    std::vector<criterion> criteria;
    std::vector<measurement> measurements;
};

// "rooms=8 sender=tcp"
std::string text_of(const parameters& with);
std::string text_of(const parameter& value);

// Indented JSON with a newline at its end. Infinite and undefined numbers become 0.
std::string to_json(const run_document& document);

// Writes it to a file. Throws failure.
void save_run(const std::filesystem::path& path, const run_document& document);

// Collects the values of several runs in one measurement each, in the order of their first appearance.
class results {
public:
    // Adds the value of one run, and the CPU time by role, to the measurement that `about` describes. Ignores
    // the values and cpu_seconds of `about`.
    void add(const measurement& about, double value, const std::map<std::string, double>& cpu_seconds = {});
    const std::vector<measurement>& all() const noexcept { return all_; }

private:
    std::vector<measurement> all_;
};

} // namespace parley::bench
