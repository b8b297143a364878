#pragma once

#include "bench/measurement.hpp"

namespace parley::bench {

struct named_run {
    std::string name; // of the file
    run_document document;
};

// One HTML page that needs nothing else: what was compared with what, a table of ratios, a plot for each
// metric (curves where the number of waiting peers varies, else bars), all values, and the circumstances of
// each run.
std::string report_page(const std::vector<named_run>& runs);

} // namespace parley::bench
