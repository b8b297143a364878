// The claims of this project, as ratios that a run confirms or not.
#pragma once

#include "bench/measurement.hpp"

namespace parley::bench {

// All criteria in order, from the medians of one run. Where the number of peers or rooms may vary, the
// largest one that was measured counts, and `what` names it.
std::vector<criterion> criteria_of(const std::vector<measurement>& all);

// "criterion | measured | target | met", one per line.
std::string criteria_table(const std::vector<criterion>& all);

} // namespace parley::bench
