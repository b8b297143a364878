#include "bench/svg_plot.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace parley::bench {
namespace {

constexpr double width = 760, label_width = 210, value_width = 110;
constexpr double row_height = 26, bar_height = 16, axis_height = 46;
constexpr double plot_height = 260, left = 70, right = 20, top = 12;
constexpr int grid_lines = 4;
// Of the page around it, which has them for light and for dark.
constexpr std::array<const char*, 7> colours{"var(--c0,#0b6e99)", "var(--c1,#c2571a)", "var(--c2,#5a8f29)",
                                             "var(--c3,#8a4fa3)", "var(--c4,#b03a5b)", "var(--c5,#7a6a4f)",
                                             "var(--c6,#555555)"};
constexpr const char* other_colour = "var(--other,#a9b4bd)";

std::string text_at(double x, double y, const char* anchor, const std::string& text, const char* more = "")
{
    return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\"{}>{}</text>\n", x, y, anchor, more,
                       markup(text));
}

std::string line(double x1, double y1, double x2, double y2, const char* kind)
{
    return fmt::format("<line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\" class=\"{}\"/>\n", x1,
                       y1, x2, y2, kind);
}

std::string begin(double height)
{
    return fmt::format(
        "<svg viewBox=\"0 0 {:.0f} {:.0f}\" width=\"{:.0f}\" height=\"{:.0f}\" role=\"img\">\n", width,
        height, width, height);
}

} // namespace

std::string markup(const std::string& text)
{
    std::string out;
    for (const char c : text) {
        if (c == '&')
            out += "&amp;";
        else if (c == '<')
            out += "&lt;";
        else if (c == '>')
            out += "&gt;";
        else if (c == '"')
            out += "&quot;";
        else
            out += c;
    }
    return out;
}

double round_up(double value)
{
    if (!(value > 0)) return 1;
    const double power = std::pow(10, std::floor(std::log10(value)));
    for (const double step : {1.0, 2.0, 5.0})
        if (value <= step * power * (1 + 1e-9)) return step * power;
    return 10 * power;
}

std::string short_number(double value)
{
    const double size = std::abs(value);
    if (size >= 1e9) return fmt::format("{:.3g}G", value / 1e9);
    if (size >= 1e6) return fmt::format("{:.3g}M", value / 1e6);
    if (size >= 1e4) return fmt::format("{:.3g}k", value / 1e3);
    if (size >= 1e3) return fmt::format("{:.0f}", value);
    return fmt::format("{:.3g}", value);
}

std::string bar_plot(const std::vector<bar>& bars, const std::string& axis, const std::string& unit)
{
    double most = 0;
    for (const bar& one : bars) most = std::max({most, one.value, one.most});
    const double end = round_up(most);
    const double span = width - label_width - value_width;
    const auto x = [&](double value) { return label_width + std::clamp(value / end, 0.0, 1.0) * span; };
    const double bottom = row_height * static_cast<double>(bars.size()) + 4;

    std::string out = begin(bottom + axis_height);
    for (int i = 0; i <= grid_lines; ++i) {
        const double value = end * i / grid_lines;
        out += line(x(value), 0, x(value), bottom, "grid");
        out += text_at(x(value), bottom + 16, "middle", short_number(value));
    }
    for (std::size_t i = 0; i < bars.size(); ++i) {
        const bar& one = bars[i];
        const double y = row_height * static_cast<double>(i) + (row_height - bar_height) / 2;
        const double middle = y + bar_height / 2;
        out += text_at(label_width - 8, middle + 4, "end", one.label);
        out += fmt::format(
            "<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" fill=\"{}\"/>\n", label_width,
            y, x(one.value) - label_width, bar_height, one.ours ? colours[0] : other_colour);
        out += line(x(one.least), middle, x(one.most), middle, "whisker");
        out += text_at(x(std::max(one.value, one.most)) + 6, middle + 4, "start",
                       fmt::format("{} {}", short_number(one.value), unit));
    }
    out += text_at(label_width + span / 2, bottom + 36, "middle", axis, " class=\"axis\"");
    return out + "</svg>\n";
}

std::string curve_plot(const std::vector<curve>& curves, const std::string& x_axis, const std::string& y_axis)
{
    double least_x = 0, most_x = 0, most_y = 0;
    for (const curve& one : curves)
        for (const auto& [x, y] : one.points) {
            least_x = least_x == 0 ? x : std::min(least_x, x);
            most_x = std::max(most_x, x);
            most_y = std::max(most_y, y);
        }
    const double end = round_up(most_y);
    const double from = std::floor(std::log10(std::max(least_x, 1e-9)));
    const double to = std::max(std::ceil(std::log10(std::max(most_x, 1e-9))), from + 1);
    const auto px = [&](double x) {
        return left + (std::log10(x) - from) / (to - from) * (width - left - right);
    };
    const auto py = [&](double y) { return top + (1 - y / end) * plot_height; };
    const double bottom = top + plot_height;
    constexpr double legend_line = 18;

    std::string out = begin(bottom + axis_height + legend_line * static_cast<double>(curves.size()));
    for (int i = 0; i <= grid_lines; ++i) {
        const double y = end * i / grid_lines;
        out += line(left, py(y), width - right, py(y), "grid") +
               text_at(left - 6, py(y) + 4, "end", short_number(y));
    }
    for (double power = from; power <= to; power += 1) {
        const double x = std::pow(10, power);
        out +=
            line(px(x), top, px(x), bottom, "grid") + text_at(px(x), bottom + 16, "middle", short_number(x));
    }
    for (std::size_t i = 0; i < curves.size(); ++i) {
        const char* colour = colours[i % colours.size()];
        std::string points;
        for (const auto& [x, y] : curves[i].points) {
            points += fmt::format("{:.1f},{:.1f} ", px(x), py(y));
            out += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3\" fill=\"{}\"/>\n", px(x), py(y),
                               colour);
        }
        out += fmt::format("<polyline points=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"2\"/>\n",
                           points, colour);
        const double y = bottom + axis_height + legend_line * static_cast<double>(i);
        out += fmt::format("<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"14\" height=\"10\" fill=\"{}\"/>\n", left,
                           y - 6, colour);
        out += text_at(left + 22, y + 3, "start", curves[i].label);
    }
    out += text_at((left + width - right) / 2, bottom + 34, "middle", x_axis, " class=\"axis\"");
    out += fmt::format(
        "<text x=\"14\" y=\"{0:.1f}\" text-anchor=\"middle\" class=\"axis\" transform=\"rotate(-90 14 "
        "{0:.1f})\">{1}</text>\n",
        top + plot_height / 2, markup(y_axis));
    return out + "</svg>\n";
}

} // namespace parley::bench
