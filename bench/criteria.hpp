// What this project says of itself, as ratios that a run either shows or does not.
#pragma once

#include "bench/measurement.hpp"

namespace parley::bench {

// All criteria in their order, from the medians of one run. Where the number of peers or rooms may vary, the
// largest that was measured counts, and `what` says which.
std::vector<criterion> criteria_of(const std::vector<measurement>& all);

// "criterion | measured | target | met", a line each.
std::string criteria_table(const std::vector<criterion>& all);

} // namespace parley::bench
