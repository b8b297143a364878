#include "bench/report.hpp"

#include "bench/criteria.hpp"
#include "bench/svg_plot.hpp"
#include "bench/tables.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace parley::bench {
namespace {

constexpr const char* style = R"(
:root { --ink: #1d2429; --paper: #fff; --faint: #55626b; --rule: #dfe4e8; --other: #a9b4bd; --good: #20701f; --bad: #a3301c;
  --c0: #0b6e99; --c1: #c2571a; --c2: #5a8f29; --c3: #8a4fa3; --c4: #b03a5b; --c5: #7a6a4f; --c6: #555555; color-scheme: light dark }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e8eb; --paper: #171b1e; --faint: #9aa7b0; --rule: #353d43; --other: #5c6872;
  --good: #7ac06f; --bad: #ee8a72; --c0: #4fb3de; --c1: #ea8a50; --c2: #97c964; --c3: #c08fd6; --c4: #e37d9b; --c5: #c0ad8a; --c6: #a8a8a8 } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 1000px; margin: 2em auto; padding: 0 1em }
h1, h2, h3 { line-height: 1.2 } h2 { margin-top: 2.2em; border-bottom: 1px solid var(--rule) } h3 { margin-bottom: .2em }
p.with { margin: .1em 0 .6em; color: var(--faint) }
svg { max-width: 100%; height: auto; font: 12px system-ui, sans-serif; display: block }
svg text { fill: var(--ink) } svg .axis { font-weight: 600 }
svg .grid { stroke: var(--rule) } svg .whisker { stroke: var(--ink); stroke-width: 1.5 }
.wide { overflow-x: auto } summary { cursor: pointer; color: var(--faint) }
table { border-collapse: collapse; font-size: 13px; margin: 1em 0 } th, td { padding: .2em .7em; border-bottom: 1px solid var(--rule); text-align: left; vertical-align: top }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap }
.wins { color: var(--good) } .loses { color: var(--bad) } .absent { color: var(--faint) }
)";

// A plot holds what can be compared: the same benchmark and metric.
struct panel {
    std::string benchmark, metric, unit;
    bench::better better;
    std::vector<const measurement*> members;
};

std::vector<panel> panels(const std::vector<measurement>& all)
{
    std::vector<panel> out;
    for (const measurement& m : all) {
        const auto same = [&](const panel& p) {
            return p.benchmark == m.benchmark && p.metric == m.metric && p.unit == m.unit;
        };
        auto found = std::find_if(out.begin(), out.end(), same);
        if (found == out.end()) found = out.insert(out.end(), {m.benchmark, m.metric, m.unit, m.better, {}});
        found->members.push_back(&m);
    }
    return out;
}

std::string axis_of(const panel& p)
{
    return fmt::format("{} [{}], {} is better", p.metric, p.unit, p.better == better::less ? "less" : "more");
}

parameters without(parameters with, const std::string& name)
{
    with.erase(name);
    return with;
}

// Curves where more than one number of waiting peers was measured.
std::string waiting_curves(const panel& p)
{
    std::vector<curve> curves;
    std::set<double> sizes;
    for (const measurement* m : p.members) {
        const auto size = m->with.find("waiting");
        if (size == m->with.end() || !std::holds_alternative<double>(size->second)) return {};
        const double x = std::get<double>(size->second);
        if (x <= 0) return {};
        sizes.insert(x);
        const std::string label = fmt::format("{} ({})", m->subject, text_of(without(m->with, "waiting")));
        auto found =
            std::find_if(curves.begin(), curves.end(), [&](const curve& c) { return c.label == label; });
        if (found == curves.end()) found = curves.insert(curves.end(), {label, {}});
        found->points.emplace_back(x, m->total().median);
    }
    if (sizes.size() < 2) return {};
    for (curve& one : curves) std::sort(one.points.begin(), one.points.end());
    return curve_plot(curves, "waiting peers (logarithmic)", axis_of(p));
}

// A group of bars for each set of parameters.
std::string bars_by_parameters(const panel& p)
{
    std::vector<parameters> groups;
    for (const measurement* m : p.members)
        if (std::find(groups.begin(), groups.end(), m->with) == groups.end()) groups.push_back(m->with);
    std::string out;
    for (const parameters& with : groups) {
        std::vector<bar> bars;
        for (const measurement* m : p.members) {
            if (m->with != with) continue;
            const summary total = m->total();
            bars.push_back(
                {m->subject, total.median, total.min, total.max, m->subject.starts_with("parley")});
        }
        if (!with.empty()) out += fmt::format("<p class=\"with\">{}</p>\n", markup(text_of(with)));
        out += bar_plot(bars, axis_of(p), p.unit);
    }
    return out;
}

std::string plots(const std::vector<measurement>& all)
{
    std::string out, benchmark;
    for (const panel& p : panels(all)) {
        if (p.benchmark != benchmark) out += fmt::format("<h2>{}</h2>\n", markup(p.benchmark));
        benchmark = p.benchmark;
        std::set<std::string> subjects;
        for (const measurement* m : p.members) subjects.insert(m->subject);
        std::string compared;
        for (const std::string& one : subjects) compared += (compared.empty() ? "" : ", ") + one;
        const std::string curves = waiting_curves(p);
        out += fmt::format("<h3>{}</h3>\n<p class=\"with\">compared: {}; {} runs, medians{}</p>\n",
                           markup(p.metric), markup(compared), p.members.front()->values.size(),
                           curves.empty() ? ", lines from the least to the most" : "");
        out += curves.empty() ? bars_by_parameters(p) : curves;
    }
    return out;
}

std::string ratio_rows(const std::vector<measurement>& all)
{
    std::string out =
        "<table><tr><th>benchmark<th>parameters<th>metric<th>of<th>beside<th class=number>median<th "
        "class=number>beside it<th>unit<th class=number>times better</tr>\n";
    const std::vector<ratio> ratios = ratios_of(all);
    for (const ratio& r : ratios)
        out += fmt::format("<tr><td>{}<td>{}<td>{}<td>{}<td>{}<td class=number>{}<td "
                           "class=number>{}<td>{}<td class=\"number "
                           "{}\">{:.2f}</tr>\n",
                           markup(r.first->benchmark), markup(text_of(r.first->with)),
                           markup(r.first->metric), markup(r.first->subject), markup(r.second->subject),
                           short_number(r.first->total().median), short_number(r.second->total().median),
                           markup(r.first->unit), r.times_better >= 1 ? "wins" : "loses", r.times_better);
    return ratios.empty() ? "<p>Nothing in this run was compared with anything.</p>\n" : out + "</table>\n";
}

std::string value_rows(const std::vector<measurement>& all)
{
    std::string out = "<table><tr><th>benchmark<th>subject<th>parameters<th>metric<th class=number>median<th "
                      "class=number>min<th class=number>max<th class=number>runs<th>unit<th>CPU seconds a "
                      "run, medians</tr>\n";
    for (const measurement& m : all) {
        const summary total = m.total();
        out += fmt::format(
            "<tr><td>{}<td>{}<td>{}<td>{}<td class=number>{}<td class=number>{}<td class=number>{}<td "
            "class=number>{}<td>{}<td>{}</tr>\n",
            markup(m.benchmark), markup(m.subject), markup(text_of(m.with)), markup(m.metric),
            short_number(total.median), short_number(total.min), short_number(total.max), m.values.size(),
            markup(m.unit), markup(cpu_text(m)));
    }
    return out + "</table>\n";
}

template <class Values>
std::string circumstance_rows(const char* title, const Values& values)
{
    std::string out = fmt::format("<h3>{}</h3>\n<table>\n", title);
    for (const auto& [name, value] : values)
        out += fmt::format("<tr><td>{}<td>{}</tr>\n", markup(name), markup(text_of(parameter{value})));
    return out + "</table>\n";
}

} // namespace

std::string report_page(const std::vector<named_run>& runs)
{
    std::string out = fmt::format(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
        "content=\"width=device-width\"><title>parley-bench</title><style>{}</style></head><body>\n",
        style);
    for (const named_run& run : runs) {
        const run_document& d = run.document;
        out += fmt::format("<h1>{}</h1>\n", markup(run.name));
        const auto of = [](const auto& values, const char* key) {
            const auto found = values.find(key);
            return found == values.end() ? std::string{"unknown"} : text_of(parameter{found->second});
        };
        out += fmt::format("<p>Measured on {} with {} cores, {}, TCP congestion control {}, load average {}. "
                           "Each plot says what "
                           "is compared; all of it ran in one go, the programs taking turns.</p>\n",
                           markup(of(d.machine, "cpu")), markup(of(d.machine, "cores")),
                           markup(of(d.machine, "kernel")), markup(of(d.machine, "congestion_control")),
                           markup(of(d.machine, "load_average")));
        out +=
            "<h2>Criteria</h2>\n<p class=\"with\">What is claimed, and whether this run shows it; ratios of "
            "medians.</p>\n" +
            criteria_rows(criteria_of(d.measurements));
        out += "<h2>Ratios</h2>\n<details><summary>How many times better; above 1 the first one "
               "wins.</summary>\n<div "
               "class=wide>" +
               ratio_rows(d.measurements) + "</div></details>\n";
        out += plots(d.measurements);
        out += "<h2>All values</h2>\n<details><summary>Medians, least and most, and the CPU time of each "
               "process.</summary>\n<div class=wide>" +
               value_rows(d.measurements) + "</div></details>\n";
        out += "<h2>Circumstances</h2>\n" + circumstance_rows("Machine", d.machine) +
               circumstance_rows("Versions", d.versions) + circumstance_rows("Settings", d.settings);
    }
    return out + "</body></html>\n";
}

} // namespace parley::bench
