#include "relay/options.hpp"

#include <gtest/gtest.h>

namespace parley::relayd {
namespace {

using arguments = std::vector<std::string>;

relay_configuration parse(const arguments& given)
{
    auto parsed = parse_command_line(given);
    if (auto* configuration = std::get_if<relay_configuration>(&parsed); configuration != nullptr)
        return std::move(*configuration);
    ADD_FAILURE() << std::get<print_and_exit>(parsed).text;
    return {};
}

std::vector<std::string> texts(const std::vector<listen_address>& addresses)
{
    std::vector<std::string> all;
    for (const listen_address& address : addresses) all.push_back(address.text());
    return all;
}

TEST(relay_options, have_the_protocols_defaults)
{
    const relay_configuration configuration = parse({});
    EXPECT_EQ(texts(configuration.listen), (arguments{"tcp://*:9000"}));
    EXPECT_EQ(texts(configuration.room_listen), (arguments{"tcp://*:9001"}));
    EXPECT_EQ(configuration.timeout, std::chrono::hours{1});
    EXPECT_EQ(configuration.room_timeout, std::chrono::seconds{30});
    EXPECT_EQ(configuration.level, log_level::info);
    EXPECT_EQ(configuration.format, log_format::text);
    EXPECT_FALSE(configuration.json);
}

TEST(relay_options, may_name_several_addresses)
{
    const relay_configuration configuration =
        parse({"--listen", "127.0.0.1:1", "--listen", "[::1]:2", "--room-listen", "127.0.0.1:3",
               "--room-listen", "[::1]:0"});
    EXPECT_EQ(texts(configuration.listen), (arguments{"tcp://127.0.0.1:1", "tcp://[::1]:2"}));
    EXPECT_EQ(texts(configuration.room_listen), (arguments{"tcp://127.0.0.1:3", "tcp://[::1]:0"}));
}

TEST(relay_options, put_the_rooms_where_the_handshakes_are)
{
    EXPECT_EQ(texts(parse({"--listen", "127.0.0.1:7000", "--listen", "127.0.0.1:7001"}).room_listen),
              (arguments{"tcp://127.0.0.1:9001"}));
    EXPECT_EQ(texts(parse({"--listen", "127.0.0.1:0", "--listen", "[::1]:0"}).room_listen),
              (arguments{"tcp://127.0.0.1:0", "tcp://[::1]:0"}));
}

TEST(relay_options, set_the_rest)
{
    const relay_configuration configuration = parse({"--timeout", "1.5", "--room-timeout", "2", "--json",
                                                     "--log-level", "debug", "--log-format", "json"});
    EXPECT_EQ(configuration.timeout, std::chrono::milliseconds{1500});
    EXPECT_EQ(configuration.room_timeout, std::chrono::seconds{2});
    EXPECT_TRUE(configuration.json);
    EXPECT_EQ(configuration.level, log_level::debug);
    EXPECT_EQ(configuration.format, log_format::json);
    EXPECT_EQ(parse({"--quiet"}).level, log_level::error);
    const relay_server_options options = server_options(configuration);
    EXPECT_EQ(options.relay.peer_timeout, std::chrono::milliseconds{1500});
    EXPECT_EQ(options.rooms.room_timeout, std::chrono::seconds{2});
    EXPECT_EQ(options.handshake_addresses, configuration.listen);
    EXPECT_EQ(options.room_addresses, configuration.room_listen);
}

TEST(relay_options, that_are_wrong_say_what_is_wrong)
{
    const std::vector<std::pair<arguments, const char*>> cases{
        {{"--listen", "127.0.0.1"}, "--listen 127.0.0.1"},
        {{"--listen", "example.org:9000"}, "--listen example.org"},
        {{"--listen", "1.2.3.4:65536"}, "--listen 1.2.3.4"},
        {{"--room-listen", "x:y"}, "--room-listen x:y"},
        {{"--timeout", "0"}, "--timeout"},
        {{"--timeout", "never"}, "--timeout"},
        {{"--log-level", "loud"}, "--log-level"},
        {{"--quiet", "--log-level", "info"}, "exclude"},
        {{"extra"}, "extra"},
        {{"--listen", "a\x1b[31m"}, "--listen a"},
    };
    for (const auto& [given, part] : cases) {
        const auto parsed = parse_command_line(given);
        const auto* text = std::get_if<print_and_exit>(&parsed);
        ASSERT_NE(text, nullptr) << part;
        EXPECT_EQ(text->exit, exit_code::usage);
        EXPECT_NE(text->text.find(part), std::string::npos) << text->text;
        EXPECT_EQ(text->text.find('\x1b'), std::string::npos);
    }
}

TEST(relay_options, ask_for_help_and_version)
{
    const auto help = parse_command_line({"--help"});
    EXPECT_EQ(std::get<print_and_exit>(help).exit, exit_code::ok);
    EXPECT_NE(std::get<print_and_exit>(help).text.find("--room-listen"), std::string::npos);
    const auto version = parse_command_line({"--version"});
    EXPECT_TRUE(std::get<print_and_exit>(version).text.starts_with("parley-relay 0."));
}

} // namespace
} // namespace parley::relayd
