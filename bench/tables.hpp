// Measurements as text.
#pragma once

#include "bench/measurement.hpp"

namespace parley::bench {

using row = std::vector<std::string>;
// Columns as wide as their widest cell; all but the first `left` are set to the right. The first row is the
// head.
std::string text_table(const std::vector<row>& rows, std::size_t left);

// How many times better the first is: above 1 it wins. 0 when either is not above 0.
double advantage(const measurement& first, const measurement& second);

// A comparison of one subject with another in the same run.
struct ratio {
    const measurement* first = nullptr;
    const measurement* second = nullptr;
    double times_better = 0;
};
// Each measurement of "parley…" beside every other subject of the same benchmark, parameters and metric.
std::vector<ratio> ratios_of(const std::vector<measurement>& all);
// The same measurement in two runs; `first` is the newer one.
std::vector<ratio> ratios_between(const run_document& older, const run_document& newer);

// "receiver 0.181, sender 0.116": the medians of what each process took in a run.
std::string cpu_text(const measurement& of);

std::string ratio_table(const std::vector<ratio>& ratios, const std::string& first,
                        const std::string& second);
std::string value_table(const std::vector<measurement>& all);
// What the document says of machine, versions and settings, a line each.
std::string circumstances(const run_document& document);

} // namespace parley::bench
