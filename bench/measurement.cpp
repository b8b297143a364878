#include "bench/measurement.hpp"

#include "bench/failure.hpp"

#include <parley/base/bytes.hpp>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <cmath>
#include <cstring>
#include <fstream>
#include <iterator>
#include <set>

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
            {"subject", m.subject},
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

// Reads one object: every key is asked for once, and none may be left. The first fault is kept.
class object_reader {
public:
    object_reader(const json& value, std::string where, std::string& why)
        : value_(value), where_(std::move(where)), why_(why)
    {
        if (!value_.is_object()) fail("is no object");
    }

    const json* take(const char* key)
    {
        taken_.insert(key);
        if (!value_.is_object()) return nullptr;
        const auto found = value_.find(key);
        if (found != value_.end()) return &*found;
        fail(fmt::format("has no \"{}\"", key));
        return nullptr;
    }

    void read(const char* key, std::string& out)
    {
        const json* value = take(key);
        if (value == nullptr) return;
        if (value->is_string())
            out = value->get<std::string>();
        else
            fail(fmt::format("\"{}\" is no text", key));
    }

    void read(const char* key, double& out)
    {
        const json* value = take(key);
        if (value != nullptr) number(*value, key, out);
    }

    void read(const char* key, std::vector<double>& out)
    {
        const json* value = take(key);
        if (value != nullptr) numbers(*value, key, out);
    }

    template <class Value>
    void read(const char* key, std::map<std::string, Value>& out)
    {
        const json* value = take(key);
        if (value == nullptr) return;
        if (!value->is_object()) return fail(fmt::format("\"{}\" is no object", key));
        for (const auto& [name, inner] : value->items()) element(inner, escaped(name), out[name]);
    }

    // To be called last.
    void expect_no_more()
    {
        if (!value_.is_object()) return;
        for (const auto& [key, unused] : value_.items())
            if (!taken_.contains(key)) fail(fmt::format("has an unknown \"{}\"", escaped(key)));
    }

    void fail(const std::string& what)
    {
        if (why_.empty()) why_ = where_ + " " + what;
    }

private:
    void number(const json& value, const std::string& key, double& out)
    {
        if (value.is_number() && std::isfinite(value.get<double>()))
            out = value.get<double>();
        else
            fail(fmt::format("\"{}\" is no number", key));
    }
    void numbers(const json& value, const std::string& key, std::vector<double>& out)
    {
        if (!value.is_array()) return fail(fmt::format("\"{}\" is no list", key));
        for (const json& one : value) number(one, key, out.emplace_back());
    }
    void element(const json& value, const std::string& key, std::vector<double>& out)
    {
        numbers(value, key, out);
    }
    void element(const json& value, const std::string& key, std::string& out)
    {
        if (value.is_string())
            out = value.get<std::string>();
        else
            fail(fmt::format("\"{}\" is no text", key));
    }
    void element(const json& value, const std::string& key, parameter& out)
    {
        if (value.is_string())
            out = value.get<std::string>();
        else
            number(value, key, out.emplace<double>());
    }

    const json& value_;
    std::string where_;
    std::string& why_;
    std::set<std::string> taken_;
};

bool follows_from(const summary& stated, const measurement& m)
{
    const summary real = m.total();
    const auto near = [](double a, double b) { return std::abs(a - b) <= 1e-9 * std::max(1.0, std::abs(b)); };
    return near(stated.min, real.min) && near(stated.median, real.median) && near(stated.max, real.max);
}

measurement read_measurement(const json& value, std::size_t index, std::string& why)
{
    measurement out;
    object_reader reader{value, fmt::format("measurement {}", index), why};
    reader.read("benchmark", out.benchmark);
    reader.read("subject", out.subject);
    reader.read("parameters", out.with);
    reader.read("metric", out.metric);
    reader.read("unit", out.unit);
    std::string direction;
    reader.read("better", direction);
    if (direction != "less" && direction != "more") reader.fail("is \"better\" when neither less nor more");
    out.better = direction == "more" ? better::more : better::less;
    reader.read("values", out.values);
    if (out.values.empty()) reader.fail("has no values");
    summary stated;
    reader.read("min", stated.min);
    reader.read("median", stated.median);
    reader.read("max", stated.max);
    if (!follows_from(stated, out)) reader.fail("has a summary that does not follow from its values");
    reader.read("cpu_seconds", out.cpu_seconds);
    reader.expect_no_more();
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
    json list = json::array();
    for (const measurement& m : document.measurements) list.push_back(json_of(m));
    const json out{{"schema", schema_name},
                   {"machine", json_of(document.machine)},
                   {"versions", document.versions},
                   {"settings", json_of(document.settings)},
                   {"measurements", std::move(list)}};
    return out.dump(1, ' ', false, json::error_handler_t::replace) + "\n";
}

result<run_document> parse_run(std::string_view text, std::string& why)
{
    why.clear();
    const json value = json::parse(text, nullptr, false);
    run_document out;
    object_reader reader{value, "the document", why};
    if (value.is_discarded()) why = "this is no JSON";
    std::string schema;
    reader.read("schema", schema);
    if (schema != schema_name) reader.fail(fmt::format("is of schema \"{}\"", escaped(schema)));
    reader.read("machine", out.machine);
    reader.read("versions", out.versions);
    reader.read("settings", out.settings);
    if (const json* list = reader.take("measurements"); list != nullptr) {
        if (!list->is_array()) reader.fail("has \"measurements\" that are no list");
        for (std::size_t i = 0; list->is_array() && i < list->size() && why.empty(); ++i)
            out.measurements.push_back(read_measurement((*list)[i], i, why));
    }
    reader.expect_no_more();
    if (!why.empty()) return make_error_code(boost::system::errc::invalid_argument);
    return out;
}

run_document load_run(const std::filesystem::path& path)
{
    std::ifstream file{path, std::ios::binary};
    if (!file) throw system_failure(path.string(), errno);
    const std::string text{std::istreambuf_iterator<char>{file}, {}};
    std::string why;
    result<run_document> document = parse_run(text, why);
    if (!document) throw failure{path.string() + ": " + why};
    return std::move(*document);
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
        if (m.subject == about.subject && m.comparable(about)) found = &m;
    if (found == nullptr) {
        found = &all_.emplace_back(about);
        found->values.clear();
        found->cpu_seconds.clear();
    }
    found->values.push_back(value);
    for (const auto& [role, seconds] : cpu_seconds) found->cpu_seconds[role].push_back(seconds);
}

} // namespace parley::bench
