// What this project says of itself, as ratios that a run either shows or does not.
#pragma once

#include "bench/measurement.hpp"

#include <optional>

namespace parley::bench {

struct criterion {
    std::string what; // one line, with what is measured beside what
    std::string unit; // "ratio", or that of the measurement
    double target = 0;
    bool at_most = true; // else at least
    // The median, or the quotient of two of the same run; nothing when something of it was not measured.
    std::optional<double> measured;

    bool met() const noexcept;
};

// All criteria in their order, from the medians of one run. Where the number of peers or rooms may vary, the
// largest that was measured counts, and `what` says which.
std::vector<criterion> criteria_of(const std::vector<measurement>& all);

// "criterion | measured | target | met", a line each.
std::string criteria_table(const std::vector<criterion>& all);
// The same as an HTML table.
std::string criteria_rows(const std::vector<criterion>& all);

} // namespace parley::bench
