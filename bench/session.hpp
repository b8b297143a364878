// One run of the harness: its settings, its measurements and its messages.
#pragma once

#include "bench/settings.hpp"

#include <parley/testing/temporary_folder.hpp>

#include <filesystem>
#include <functional>

namespace parley::bench {

// Progress goes to standard error, so that the result can be piped. Not thread-safe.
class session {
public:
    explicit session(bench::settings s) : settings_(std::move(s)) {}

    const bench::settings& settings() const noexcept { return settings_; }
    const std::filesystem::path& folder() const noexcept { return scratch_.path(); }
    // An unused name in the folder.
    std::filesystem::path fresh(const std::string& stem);

    void add(const measurement& about, double value, const std::map<std::string, double>& cpu_seconds = {});
    // The same for one of several metrics: `about` has the benchmark, the system and the parameters.
    void add(measurement about, const char* metric, const char* unit, better direction, double value,
             const std::map<std::string, double>& cpu_seconds = {});
    void say(const std::string& line) const;
    // Says, once for each pair, what is left out and why.
    void skip(const std::string& what, const std::string& why);
    // Runs one part. Reports and counts a failure that it throws. Returns whether it succeeded.
    bool attempt(const std::string& what, const std::function<void()>& part);

    // The measurements, with the machine and the versions.
    run_document document() const;
    const std::vector<measurement>& measurements() const noexcept { return results_.all(); }
    unsigned failures() const noexcept { return failures_; }

private:
    bench::settings settings_;
    testing::temporary_folder scratch_;
    results results_;
    std::map<std::string, std::string> skipped_;
    unsigned failures_ = 0;
    unsigned next_ = 0;
};

} // namespace parley::bench
