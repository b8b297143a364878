#include "bench/measurement.hpp"

#include "bench/failure.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <cmath>
#include <cstring>
#include <fstream>

namespace parley::bench {
namespace {

using json = nlohmann::ordered_json;

json json_of(const parameter& value)
{
    return std::visit([](const auto& v) { return json(v); }, value);
}

json json_of(const std::map<std::string, parameter>& values)
{
    json out = json::object();
    for (const auto& [name, value] : values) out[name] = json_of(value);
    return out;
}

json json_of(const measurement& m)
{
    const summary total = m.total();
    return {{"benchmark", m.benchmark},
            {"system", m.system},
            {"parameters", json_of(m.with)},
            {"metric", m.metric},
            {"unit", m.unit},
            {"better", m.better == better::less ? "less" : "more"},
            {"values", m.values},
            {"min", total.min},
            {"median", total.median},
            {"max", total.max},
            {"cpu_seconds", m.cpu_seconds}};
}

json json_of(const criterion& one)
{
    return {{"criterion", one.what},
            {"unit", one.unit},
            {"measured", one.measured ? json(*one.measured) : json()},
            {"target", one.target},
            {"at_most", one.at_most}};
}

template <class Value>
json list_of(const std::vector<Value>& values)
{
    json out = json::array();
    for (const Value& one : values) out.push_back(json_of(one));
    return out;
}

} // namespace

failure system_failure(const std::string& what, int error)
{
    return failure{fmt::format("{}: {}", what, std::strerror(error))};
}

bool measurement::comparable(const measurement& other) const
{
    return benchmark == other.benchmark && with == other.with && metric == other.metric &&
           unit == other.unit && better == other.better;
}

std::string text_of(const parameter& value)
{
    if (const auto* number = std::get_if<double>(&value); number != nullptr)
        return fmt::format("{}", *number);
    return std::get<std::string>(value);
}

std::string text_of(const parameters& with)
{
    std::string out;
    for (const auto& [name, value] : with)
        out += fmt::format("{}{}={}", out.empty() ? "" : " ", name, text_of(value));
    return out;
}

std::string to_json(const run_document& document)
{
    const json out{{"schema", schema_name},
                   {"machine", json_of(document.machine)},
                   {"versions", document.versions},
                   {"settings", json_of(document.settings)},
                   {"criteria", list_of(document.criteria)},
                   {"measurements", list_of(document.measurements)}};
    return out.dump(1, ' ', false, json::error_handler_t::replace) + "\n";
}

void save_run(const std::filesystem::path& path, const run_document& document)
{
    std::ofstream file{path, std::ios::binary};
    file << to_json(document) << std::flush;
    if (!file) throw system_failure(path.string(), errno);
}

void results::add(const measurement& about, double value, const std::map<std::string, double>& cpu_seconds)
{
    if (!std::isfinite(value)) value = 0;
    measurement* found = nullptr;
    for (measurement& m : all_)
        if (m.system == about.system && m.comparable(about)) found = &m;
    if (found == nullptr) {
        found = &all_.emplace_back(about);
        found->values.clear();
        found->cpu_seconds.clear();
    }
    found->values.push_back(value);
    for (const auto& [role, seconds] : cpu_seconds) found->cpu_seconds[role].push_back(seconds);
}

} // namespace parley::bench
