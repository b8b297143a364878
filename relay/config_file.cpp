#include "relay/config_file.hpp"

#include "relay/settings.hpp"

#include <parley/base/bytes.hpp>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <iterator>
#include <memory>

namespace parley::relayd {
namespace {

using value = nlohmann::ordered_json;

// The characters of a text. The number of the current line is kept outside, because the parser copies its
// iterators.
class counted_text {
public:
    using iterator_category = std::input_iterator_tag;
    using value_type = char;
    using difference_type = std::ptrdiff_t;
    using pointer = const char*;
    using reference = const char&;

    counted_text(const char* at, std::size_t* line) : at_(at), line_(line) {}
    const char& operator*() const { return *at_; }
    counted_text& operator++()
    {
        if (*at_++ == '\n') ++*line_;
        return *this;
    }
    counted_text operator++(int)
    {
        counted_text before = *this;
        ++*this;
        return before;
    }
    bool operator==(const counted_text& other) const { return at_ == other.at_; }

private:
    const char* at_;
    std::size_t* line_;
};

struct entry {
    std::string key;
    std::size_t line = 0;
    value content;
};

// Collects the members of the outermost object, each with its line.
class collector final : public nlohmann::json_sax<value> {
public:
    static constexpr std::size_t max_depth = 8;

    explicit collector(const std::size_t& line) : line_(line) {}

    std::vector<entry> entries;
    std::string wrong; // with the line
    std::size_t wrong_line = 0;
    bool is_object = false;

    bool null() override { return add(nullptr); }
    bool boolean(bool v) override { return add(v); }
    bool number_integer(number_integer_t v) override { return add(v); }
    bool number_unsigned(number_unsigned_t v) override { return add(v); }
    bool number_float(number_float_t v, const string_t&) override { return add(v); }
    bool string(string_t& v) override { return add(v); }
    bool binary(binary_t&) override { return fail("binary data"); }
    bool start_object(std::size_t) override
    {
        if (open_.empty() && !is_object) return is_object = true;
        return open(value::object());
    }
    bool end_object() override { return open_.empty() || close(); }
    bool start_array(std::size_t) override
    {
        return is_object ? open(value::array()) : fail("not an object");
    }
    bool end_array() override { return close(); }
    bool key(string_t& name) override
    {
        if (!open_.empty()) {
            names_.back() = name;
            return true;
        }
        entries.push_back({name, line_, {}});
        return true;
    }
    bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception& why) override
    {
        const std::string_view all = why.what();
        const std::size_t at = all.find(": ", all.find("column"));
        return fail(std::string{at == std::string_view::npos ? all : all.substr(at + 2)});
    }

private:
    bool fail(std::string what)
    {
        if (wrong.empty()) wrong = std::move(what), wrong_line = line_;
        return false;
    }
    bool add(value v)
    {
        if (!open_.empty()) {
            if (open_.back().is_array())
                open_.back().push_back(std::move(v));
            else
                open_.back()[names_.back()] = std::move(v);
            return true;
        }
        if (!is_object || entries.empty()) return fail("not an object");
        entries.back().content = std::move(v);
        return true;
    }
    bool open(value v)
    {
        if (open_.size() == max_depth) return fail("too deep");
        open_.push_back(std::move(v));
        names_.emplace_back();
        return true;
    }
    bool close()
    {
        value done = std::move(open_.back());
        open_.pop_back();
        names_.pop_back();
        return add(std::move(done));
    }

    const std::size_t& line_;
    std::vector<value> open_;
    std::vector<std::string> names_;
};

} // namespace

std::vector<std::string> read_config_text(relay_configuration& configuration, const std::string& name,
                                          const std::string& text)
{
    const std::string file = escaped(name);
    std::size_t line = 1;
    collector found{line};
    const bool whole = value::sax_parse(counted_text{text.data(), &line},
                                        counted_text{text.data() + text.size(), &line}, &found);
    if (!whole || !found.wrong.empty())
        return {
            fmt::format("{}: line {}: not a JSON object: {}", file, found.wrong_line, escaped(found.wrong))};

    std::vector<std::string> problems;
    std::vector<std::string_view> seen;
    for (const entry& e : found.entries) {
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
