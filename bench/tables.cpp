#include "bench/tables.hpp"

#include <parley/base/bytes.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace parley::bench {
namespace {

// "receiver 0.181, sender 0.116": the median CPU seconds of each process.
std::string cpu_text(const measurement& of)
{
    std::string out;
    for (const auto& [role, values] : of.cpu_seconds)
        out += fmt::format("{}{} {:.3f}", out.empty() ? "" : ", ", role, summarise(values).median);
    return out;
}

} // namespace

std::string number_text(double value)
{
    return fmt::format("{:.4g}", value);
}

std::string text_table(const std::vector<row>& rows, std::size_t left)
{
    std::vector<std::size_t> widths(rows.front().size());
    for (const row& one : rows)
        for (std::size_t i = 0; i < one.size(); ++i) widths[i] = std::max(widths[i], one[i].size());
    std::string out;
    for (const row& one : rows) {
        std::string line;
        for (std::size_t i = 0; i < one.size(); ++i)
            line += i < left ? fmt::format("{:<{}}  ", one[i], widths[i])
                             : fmt::format("{:>{}}  ", one[i], widths[i]);
        line.erase(line.find_last_not_of(' ') + 1);
        out += line + "\n";
    }
    return out;
}

double advantage(const measurement& first, const measurement& second)
{
    const double a = first.total().median, b = second.total().median;
    if (a <= 0 || b <= 0) return 0;
    return first.better == better::more ? a / b : b / a;
}

std::vector<ratio> ratios_of(const std::vector<measurement>& all)
{
    std::vector<ratio> out;
    for (const measurement& first : all) {
        if (!first.system.starts_with("parley")) continue;
        for (const measurement& second : all)
            if (first.comparable(second) && first.system != second.system)
                out.push_back({&first, &second, advantage(first, second)});
    }
    return out;
}

std::string ratio_table(const std::vector<ratio>& ratios)
{
    std::vector<row> rows{
        {"benchmark", "parameters", "metric", "of", "beside", "median", "beside it", "unit", "times better"}};
    for (const ratio& one : ratios)
        rows.push_back({one.first->benchmark, escaped(text_of(one.first->with)), one.first->metric,
                        escaped(one.first->system), escaped(one.second->system),
                        number_text(one.first->total().median), number_text(one.second->total().median),
                        one.first->unit, fmt::format("{:.2f}", one.times_better)});
    return text_table(rows, 5);
}

std::string value_table(const std::vector<measurement>& all)
{
    std::vector<row> rows{{"benchmark", "parameters", "metric", "system", "median", "min", "max", "runs",
                           "unit", "CPU seconds a run"}};
    for (const measurement& one : all) {
        const summary total = one.total();
        rows.push_back({one.benchmark, escaped(text_of(one.with)), one.metric, escaped(one.system),
                        number_text(total.median), number_text(total.min), number_text(total.max),
                        std::to_string(one.values.size()), one.unit, escaped(cpu_text(one))});
    }
    return text_table(rows, 4);
}

std::string circumstances(const run_document& document)
{
    std::string out;
    const auto add = [&](const char* title, const auto& values) {
        out += title;
        for (const auto& [name, value] : values)
            out += fmt::format("\n  {:<24} {}", name, escaped(text_of(parameter{value})));
        out += "\n";
    };
    add("machine", document.machine);
    add("versions", document.versions);
    add("settings", document.settings);
    return out;
}

} // namespace parley::bench
