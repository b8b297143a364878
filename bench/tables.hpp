// Prints measurements as text.
#pragma once

#include "bench/measurement.hpp"

namespace parley::bench {

// Four significant digits.
std::string number_text(double value);

using row = std::vector<std::string>;
// Columns are as wide as their widest cell. All but the first `left` are right-aligned. The first row is the
// head.
std::string text_table(const std::vector<row>& rows, std::size_t left);

// How many times better `first` is: above 1 it wins. 0 if either value is not above 0.
double advantage(const measurement& first, const measurement& second);

// A comparison of one system with another in the same run.
struct ratio {
    const measurement* first = nullptr;
    const measurement* second = nullptr;
    double times_better = 0;
};
// Pairs each measurement of "parley…" with every other system of the same benchmark, parameters and metric.
std::vector<ratio> ratios_of(const std::vector<measurement>& all);
std::string ratio_table(const std::vector<ratio>& ratios);
std::string value_table(const std::vector<measurement>& all);
// What the document says about machine, versions and settings, one item per line.
std::string circumstances(const run_document& document);

} // namespace parley::bench
