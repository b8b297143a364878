#include "relay/settings.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <set>

namespace parley::relayd {
namespace {

using json = nlohmann::ordered_json;

relay_configuration defaults()
{
    relay_configuration c;
    complete(c);
    return c;
}

TEST(settings, have_names_of_their_own_and_defaults_that_fit)
{
    std::set<std::string_view> names;
    for (const setting& s : settings()) {
        EXPECT_TRUE(names.insert(s.name).second) << s.name;
        EXPECT_FALSE(s.help.empty()) << s.name;
        relay_configuration c = defaults();
        EXPECT_EQ(assign(c, s, s.read(c)), "") << s.name;
        EXPECT_TRUE(differences(c, defaults()).empty()) << s.name;
    }
}

TEST(settings, refuse_every_other_type)
{
    const std::vector<json> samples{
        nullptr, true, -1, 1.5e300, "\x1b", json::array({1}), json::object({{"a", 1}})};
    for (const setting& s : settings()) {
        std::size_t refused = 0;
        for (const json& v : samples) {
            relay_configuration c = defaults();
            const std::string wrong = assign(c, s, v);
            refused += wrong.empty() ? 0u : 1u;
            EXPECT_EQ(wrong.find('\x1b'), std::string::npos);
        }
        EXPECT_GE(refused, samples.size() - 1) << s.name;
    }
}

TEST(settings, hold_their_bounds)
{
    for (const setting& s : settings()) {
        if (s.most == 0) continue;
        relay_configuration c = defaults();
        const json most =
            s.type == setting_type::whole ? json(static_cast<std::uint64_t>(s.most)) : json(s.most);
        EXPECT_EQ(assign(c, s, most), "") << s.name;
        EXPECT_NE(assign(c, s, s.most * 2), "") << s.name;
        EXPECT_NE(assign(c, s, s.least - 1), "") << s.name;
    }
}

TEST(settings, take_no_limit_for_0)
{
    relay_configuration c = defaults();
    EXPECT_EQ(assign(c, *find_setting("room-idle-timeout"), 0), "");
    EXPECT_EQ(c.limits.room_idle, duration::max());
    EXPECT_EQ(find_setting("room-idle-timeout")->read(c), 0);
    EXPECT_EQ(assign(c, *find_setting("room-idle-timeout"), 1.5), "");
    EXPECT_EQ(c.limits.room_idle, std::chrono::milliseconds{1500});
}

TEST(settings, origins_have_no_path)
{
    relay_configuration c = defaults();
    const setting& s = *find_setting("allowed-origin");
    const json fine{"https://relay.example", "http://[::1]:8080", "null"};
    EXPECT_EQ(assign(c, s, fine), "");
    EXPECT_EQ(server_options(c).allowed_origins.size(), 3u);
    for (const char* wrong :
         {"relay.example", "https://relay.example/", "https://", "://x", "*", "https://a b", ""})
        EXPECT_NE(assign(c, s, json::array({wrong})), "") << wrong;
}

TEST(settings, are_read_from_texts)
{
    relay_configuration c = defaults();
    EXPECT_EQ(assign_texts(c, *find_setting("max-rooms"), {"17"}), "");
    EXPECT_EQ(c.limits.rooms, 17u);
    EXPECT_EQ(assign_texts(c, *find_setting("json"), {"true"}), "");
    EXPECT_TRUE(c.json);
    EXPECT_EQ(assign_texts(c, *find_setting("log-addresses"), {"prefix"}), "");
    EXPECT_EQ(c.addresses, log_addresses::prefix);
    EXPECT_EQ(assign_texts(c, *find_setting("public-http"), {}), "");
    EXPECT_TRUE(c.public_http.empty());
    for (const char* wrong : {"17x", "", " 1", "1.5", "-1", "nan", "1e99"})
        EXPECT_NE(assign_texts(c, *find_setting("max-rooms"), {wrong}), "") << wrong;
    EXPECT_NE(assign_texts(c, *find_setting("max-hello-rate"), {"inf"}), "");
}

TEST(settings, find_what_was_meant)
{
    EXPECT_EQ(nearest_setting("max-room")->name, "max-rooms");
    EXPECT_EQ(nearest_setting("log_level")->name, "log-level");
    EXPECT_EQ(nearest_setting("tls-certifcate")->name, "tls-certificate");
    EXPECT_EQ(nearest_setting("something-else-entirely"), nullptr);
    EXPECT_EQ(nearest_setting(std::string(100'000, 'x')), nullptr);
}

TEST(settings, print_as_what_can_be_read_again)
{
    relay_configuration c = defaults();
    assign(c, *find_setting("max-total-rate"), 12.5);
    assign(c, *find_setting("listen"), json::array({"[::1]:7", "unix:/tmp/x"}));
    relay_configuration again;
    const json printed = json::parse(print_configuration(c));
    EXPECT_EQ(printed.size(), settings().size());
    for (const auto& [key, v] : printed.items()) EXPECT_EQ(assign(again, *find_setting(key), v), "") << key;
    EXPECT_TRUE(differences(c, again).empty());
    EXPECT_EQ(differences(c, defaults()).size(), 2u);
}

TEST(settings, contradict_each_other)
{
    relay_configuration c = defaults();
    EXPECT_EQ(contradiction(c), "");
    c.tls_key = "key";
    EXPECT_NE(contradiction(c).find("tls-certificate"), std::string::npos);
    c = defaults();
    assign(c, *find_setting("http-listen"), json::array({"wss://127.0.0.1:1"}));
    EXPECT_NE(contradiction(c), "");
}

TEST(settings, make_a_table_with_a_line_each)
{
    const std::string table = settings_table();
    for (const setting& s : settings())
        EXPECT_NE(table.find("| `" + std::string{s.name} + "` |"), std::string::npos) << s.name;
}

} // namespace
} // namespace parley::relayd
