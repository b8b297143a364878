#include "relay/config_file.hpp"

#include "relay/settings.hpp"

#include <parley/base/bytes.hpp>

#include <boost/iterator/iterator_adaptor.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <iterator>
#include <memory>
#include <stdexcept>

namespace parley::relayd {
namespace {

using value = nlohmann::ordered_json;

// The characters of a text. The number of the current line is kept outside, because the parser copies its
// iterators.
class counted_text
    : public boost::iterator_adaptor<counted_text, const char*, const char, std::input_iterator_tag> {
public:
    counted_text(const char* at, std::size_t* line) : iterator_adaptor_(at), line_(line) {}

private:
    friend boost::iterator_core_access;
    void increment()
    {
        if (*base_reference()++ == '\n') ++*line_;
    }

    std::size_t* line_;
};

// A member of the outermost object.
struct entry {
    std::string key;
    std::size_t line = 0;
    value content;
};

constexpr int max_depth = 8;

// Appends the members of the outermost object to `out`, each with its line. Throws std::exception for a text
// that is no JSON object; then `line` is where.
void read_members(const std::string& text, std::size_t& line, std::vector<entry>& out)
{
    using on = value::parse_event_t;
    const auto collect = [&](int depth, on event, const value& parsed) {
        if (depth == 0 && event != on::object_start && event != on::object_end)
            throw std::runtime_error{"not an object"};
        if (depth > max_depth) throw std::runtime_error{"too deep"};
        if (depth != 1) return true;
        if (event == on::key)
            out.push_back({parsed.get<std::string>(), line, {}});
        else if (event != on::object_start && event != on::array_start)
            out.back().content = parsed;
        return true;
    };
    const char* begin = text.data();
    const value all =
        value::parse(counted_text{begin, &line}, counted_text{begin + text.size(), &line}, collect);
}

// What the JSON parser says, without its own name and place.
std::string reason_of(const std::exception& why)
{
    const std::string_view all = why.what();
    const std::size_t at = all.find(": ", all.find("column"));
    return escaped(at == std::string_view::npos ? all : all.substr(at + 2));
}

} // namespace

std::vector<std::string> read_config_text(relay_configuration& configuration, const std::string& name,
                                          const std::string& text)
{
    const std::string file = escaped(name);
    std::size_t line = 1;
    std::vector<entry> entries;
    try {
        read_members(text, line, entries);
    } catch (const std::exception& why) {
        return {fmt::format("{}: line {}: not a JSON object: {}", file, line, reason_of(why))};
    }

    std::vector<std::string> problems;
    std::vector<std::string_view> seen;
    for (const entry& e : entries) {
        std::string what;
        const setting* s = find_setting(e.key);
        if (s == nullptr) {
            const setting* near = nearest_setting(e.key);
            what = near != nullptr ? fmt::format("unknown key (is {} meant?)", near->name) : "unknown key";
        } else if (std::find(seen.begin(), seen.end(), e.key) != seen.end()) {
            what = "is set twice";
        } else {
            what = assign(configuration, *s, e.content);
        }
        seen.push_back(e.key);
        if (!what.empty())
            problems.push_back(fmt::format("{}: line {}: {}: {}", file, e.line, escaped(e.key), what));
    }
    return problems;
}

std::vector<std::string> read_config_file(relay_configuration& configuration, const std::string& path)
{
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file{std::fopen(path.c_str(), "rbe"), &std::fclose};
    const auto failed = [&] {
        return std::vector<std::string>{fmt::format("{}: {}", escaped(path), std::strerror(errno))};
    };
    if (!file) return failed();
    std::string text(max_config_file_bytes + 1, '\0');
    errno = 0;
    text.resize(std::fread(text.data(), 1, text.size(), file.get()));
    if (std::ferror(file.get()) != 0) return failed();
    if (text.size() > max_config_file_bytes)
        return {fmt::format("{}: longer than {} bytes", escaped(path), max_config_file_bytes)};
    return read_config_text(configuration, path, text);
}

} // namespace parley::relayd
