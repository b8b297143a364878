#include "relay/config_file.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace parley::relayd {
namespace {

std::string problems(const std::string& text)
{
    relay_configuration c;
    std::string out;
    for (const std::string& line : read_config_text(c, "relay.json", text)) out += line + "\n";
    return out;
}

TEST(config_file, sets_what_it_names)
{
    relay_configuration c;
    EXPECT_TRUE(read_config_text(c, "f", R"({
        "listen": ["127.0.0.1:9000", "[::1]:0"],
        "timeout": 12.5,
        "max-rooms": 7,
        "log-level": "debug",
        "json": true
    })")
                    .empty());
    EXPECT_EQ(c.listen.size(), 2u);
    EXPECT_EQ(c.timeout, std::chrono::milliseconds{12500});
    EXPECT_EQ(c.limits.rooms, 7u);
    EXPECT_EQ(c.level, log_level::debug);
    EXPECT_TRUE(c.json);
    EXPECT_TRUE(read_config_text(c, "f", "{}").empty());
    EXPECT_EQ(c.limits.rooms, 7u);
}

TEST(config_file, says_what_is_wrong_and_where)
{
    EXPECT_EQ(problems("{\n\"max-room\": 1\n}"),
              "relay.json: line 2: max-room: unknown key (is max-rooms meant?)\n");
    EXPECT_EQ(problems("{\"zzzzzzzzzzzzzzzzz\": 1}"), "relay.json: line 1: zzzzzzzzzzzzzzzzz: unknown key\n");
    EXPECT_EQ(problems("{\n\n\"max-rooms\": \"many\"}"),
              "relay.json: line 3: max-rooms: \"many\" is not a whole number from 0 to 1000000000\n");
    EXPECT_EQ(problems("{\"timeout\": 0}"),
              "relay.json: line 1: timeout: 0 is not a number from 0.001 to 31536000\n");
    EXPECT_EQ(problems("{\"log-level\": \"loud\"}"),
              "relay.json: line 1: log-level: \"loud\" is not one of debug, info, warning, error\n");
    EXPECT_NE(problems("{\"listen\": [\"nowhere\"]}").find("relay.json: line 1: listen: nowhere: "),
              std::string::npos);
    EXPECT_EQ(problems("{\"json\": true,\n\"json\": false}"),
              "relay.json: line 2: json: is set twice\n");
}

TEST(config_file, says_all_that_is_wrong)
{
    EXPECT_EQ(problems("{\"timeout\": 0,\n \"max-rooms\": -1,\n \"x\": {\"timeout\": [0]}}"),
              "relay.json: line 1: timeout: 0 is not a number from 0.001 to 31536000\n"
              "relay.json: line 2: max-rooms: -1 is not a whole number from 0 to 1000000000\n"
              "relay.json: line 3: x: unknown key\n");
}

TEST(config_file, that_is_no_json_says_where)
{
    for (const char* text : {"", "{", "[]", "7", "\"x\"", "null", "{\"timeout\": }", "{}{}", "{\"a\":[}",
                             "[[1]]", "{\"timeout\": 1,}", "{\"timeout\" 1}", "\xff", "{\"a\":1e999}"}) {
        const std::string what = problems(text);
        EXPECT_TRUE(what.starts_with("relay.json: line 1: ")) << text << ": " << what;
    }
    EXPECT_TRUE(problems("{\n\"timeout\": 1\n\"max-rooms\": 2}")
                    .starts_with("relay.json: line 3: not a JSON object: "));
    EXPECT_NE(problems("{\"a\":" + std::string(100'000, '[')).find("too deep"), std::string::npos);
    EXPECT_EQ(problems("{\"\\u001b[31m\": 1}").find('\x1b'), std::string::npos);
}

TEST(config_file, is_read_from_a_disk_within_bounds)
{
    const auto path =
        std::filesystem::temp_directory_path() / ("config_file_test." + std::to_string(::getpid()));
    relay_configuration c;
    EXPECT_NE(read_config_file(c, path.string()).at(0).find("No such file"), std::string::npos);
    std::ofstream{path} << "{\"max-rooms\": 3}";
    EXPECT_TRUE(read_config_file(c, path.string()).empty());
    EXPECT_EQ(c.limits.rooms, 3u);
    std::ofstream{path} << std::string(max_config_file_bytes + 1, ' ');
    EXPECT_NE(read_config_file(c, path.string()).at(0).find("longer"), std::string::npos);
    std::filesystem::remove(path);
    EXPECT_FALSE(read_config_file(c, std::filesystem::temp_directory_path().string()).empty());
}

} // namespace
} // namespace parley::relayd
