// Plots as SVG text, without scripts or fonts of their own.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace parley::bench {

struct bar {
    std::string label;
    double value = 0, least = 0, most = 0; // the whisker, from least to most
    bool ours = false;                     // drawn in the first colour
};
// One bar a row, from zero, the value and its unit at its end; `axis` names the quantity below.
std::string bar_plot(const std::vector<bar>& bars, const std::string& axis, const std::string& unit);

struct curve {
    std::string label;
    std::vector<std::pair<double, double>> points; // sorted by x, which is above 0
};
// Curves over a logarithmic x, y from zero, with a legend.
std::string curve_plot(const std::vector<curve>& curves, const std::string& x_axis,
                       const std::string& y_axis);

// `text` as HTML and XML have it.
std::string markup(const std::string& text);
// A round number at or above `value` (1, 2 or 5 times a power of ten), for the end of an axis; 1 for 0 and
// below.
double round_up(double value);
// Three significant digits, with k, M or G from a thousand on.
std::string short_number(double value);

} // namespace parley::bench
