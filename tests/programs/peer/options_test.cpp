#include "peer/options.hpp"

#include "peer/forward_command.hpp"
#include "peer/send_command.hpp"

#include <gtest/gtest.h>

namespace parley::cli {
namespace {

using arguments = std::vector<std::string>;

send_command_options parse_send(arguments given, const std::string& environment = {})
{
    given.insert(given.begin(), "send");
    const parsed_command parsed = parse_command_line(given, environment);
    const auto* send = std::get_if<send_command_options>(&parsed);
    if (send != nullptr) return *send;
    const auto* text = std::get_if<print_and_exit>(&parsed);
    ADD_FAILURE() << (text != nullptr ? text->text : "another command");
    return {};
}

recv_command_options parse_recv(arguments given, const std::string& environment = {})
{
    given.insert(given.begin(), "recv");
    const parsed_command parsed = parse_command_line(given, environment);
    const auto* recv = std::get_if<recv_command_options>(&parsed);
    if (recv != nullptr) return *recv;
    const auto* text = std::get_if<print_and_exit>(&parsed);
    ADD_FAILURE() << (text != nullptr ? text->text : "another command");
    return {};
}

forward_command_options parse_forward(arguments given, const std::string& environment = {})
{
    given.insert(given.begin(), "forward");
    const parsed_command parsed = parse_command_line(given, environment);
    const auto* forward = std::get_if<forward_command_options>(&parsed);
    if (forward != nullptr) return *forward;
    const auto* text = std::get_if<print_and_exit>(&parsed);
    ADD_FAILURE() << (text != nullptr ? text->text : "another command");
    return {};
}

// What is printed for a wrong command line; empty when it is not wrong.
std::string complaint(const arguments& given, const std::string& environment = {})
{
    const parsed_command parsed = parse_command_line(given, environment);
    const auto* text = std::get_if<print_and_exit>(&parsed);
    if (text == nullptr || text->exit != exit_code::usage) return {};
    return text->text;
}

using kind = send_command_options::source_kind;

TEST(options, of_a_send_of_version_2)
{
    const send_command_options options = parse_send(
        {"a", "b", "--exclude", "*.o", "--exclude", "build/**", "--receivers", "3", "--session", "2"});
    EXPECT_EQ(options.paths, (std::vector<std::filesystem::path>{"a", "b"}));
    EXPECT_EQ(options.exclude, (std::vector<std::string>{"*.o", "build/**"}));
    EXPECT_EQ(options.receivers, 3u);
    EXPECT_EQ(options.common.session, session_versions::only_2);
    EXPECT_EQ(parse_send({"a", "--receivers", "unlimited"}).receivers, 0u);
    EXPECT_EQ(parse_send({"a", "--session", "1"}).common.session, session_versions::only_1);
}

TEST(options, of_a_plain_send)
{
    const send_command_options options = parse_send({"some/file"});
    EXPECT_EQ(options.kind, kind::paths);
    EXPECT_EQ(options.paths, (std::vector<std::filesystem::path>{"some/file"}));
    EXPECT_EQ(options.receivers, 1u);
    EXPECT_EQ(options.common.session, session_versions::both);
    EXPECT_EQ(options.compress, compression::sampled);
    EXPECT_EQ(options.layout, record_layout::current);
    EXPECT_FALSE(options.name);
    EXPECT_EQ(options.common.relay.host, "localhost");
    EXPECT_EQ(options.common.relay.port, 9000);
    EXPECT_EQ(options.common.relay.room_port, 9001);
    EXPECT_TRUE(options.common.relay_text.empty());
    EXPECT_EQ(options.common.timeout, std::chrono::hours{1});
    EXPECT_EQ(options.common.connect_timeout, std::chrono::seconds{15});
    EXPECT_EQ(options.common.idle_timeout, std::chrono::seconds{60});
    EXPECT_EQ(options.common.form, output_form::text);
    EXPECT_FALSE(options.common.code_file);
}

TEST(options, of_the_ways_to_send)
{
    EXPECT_EQ(parse_send({"-"}).kind, kind::standard_input);
    EXPECT_EQ(parse_send({"-", "--name", "log.txt"}).name, "log.txt");
    EXPECT_EQ(parse_send({"a/path", "--name", "b"}).name, "b");
    const send_command_options text = parse_send({"--text", "hello"});
    EXPECT_EQ(text.kind, kind::text);
    EXPECT_EQ(text.text, "hello");
    EXPECT_EQ(parse_send({"--text", ""}).kind, kind::text);
    EXPECT_EQ(parse_send({"--", "-file-with-a-dash"}).paths.front(), "-file-with-a-dash");
    EXPECT_EQ(parse_send({"f", "--compress"}).compress, compression::always);
    EXPECT_EQ(parse_send({"f", "--no-compress"}).compress, compression::never);
    EXPECT_EQ(parse_send({"f", "--records", "original"}).layout, record_layout::original);
}

TEST(options, of_a_receiver)
{
    const recv_command_options plain = parse_recv({});
    EXPECT_FALSE(plain.code);
    EXPECT_FALSE(plain.yes);
    EXPECT_FALSE(plain.output);
    const recv_command_options full = parse_recv({"a-code", "-y", "-o", "there", "--quiet"});
    EXPECT_EQ(full.code, "a-code");
    EXPECT_TRUE(full.yes);
    EXPECT_EQ(full.output, "there");
    EXPECT_EQ(full.common.form, output_form::quiet);
    EXPECT_EQ(parse_recv({"-o", "-"}).output, "-");
    EXPECT_EQ(parse_recv({"--json"}).common.form, output_form::json);
    EXPECT_EQ(plain.max_iterations, 4096U);
    EXPECT_EQ(parse_recv({"--max-iterations", "200000"}).max_iterations, 200'000U);
}

TEST(options, bound_the_guesses_of_either_role)
{
    EXPECT_EQ(parse_recv({}).common.max_wrong_codes, 10'000U);
    EXPECT_EQ(parse_recv({"--max-wrong-codes", "0"}).common.max_wrong_codes, 0U);
    EXPECT_EQ(parse_send({"f", "--max-wrong-codes", "100"}).common.max_wrong_codes, 100U);
}

TEST(options, name_the_relay_by_flag_then_environment)
{
    const recv_command_options flag = parse_recv({"--relay", "example.org:7000"}, "other.example");
    EXPECT_EQ(flag.common.relay.host, "example.org");
    EXPECT_EQ(flag.common.relay.port, 7000);
    EXPECT_EQ(flag.common.relay_text, "example.org:7000");
    const recv_command_options environment = parse_recv({}, "tcp://[::1]:7000");
    EXPECT_EQ(environment.common.relay.host, "::1");
    EXPECT_EQ(environment.common.relay_text, "tcp://[::1]:7000");
    const recv_command_options rooms = parse_recv({"--relay", "h:7000,7001", "--room-port", "7002"});
    EXPECT_EQ(rooms.common.relay.room_port, 7002);
    EXPECT_EQ(parse_recv({"--relay", "h:7000,7001"}).common.relay.room_port, 7001);
}

TEST(options, wait_for_parts_of_a_second)
{
    EXPECT_EQ(parse_recv({"--timeout", "1.5"}).common.timeout, std::chrono::milliseconds{1500});
    EXPECT_EQ(parse_recv({"--connect-timeout", "2"}).common.connect_timeout, std::chrono::seconds{2});
    EXPECT_EQ(parse_send({"f", "--idle-timeout", "600"}).common.idle_timeout, std::chrono::minutes{10});
}

TEST(options, that_are_wrong_say_what_is_wrong)
{
    const std::vector<std::pair<arguments, const char*>> cases{
        {{}, "subcommand"},
        {{"fly"}, ""},
        {{"send"}, "nothing to send"},
        {{"send", ""}, "nothing to send"},
        {{"send", "-", "b"}, "standard input"},
        {{"send", "a", "--text", "b"}, "exclude"},
        {{"send", "a", "--compress", "--no-compress"}, "exclude"},
        {{"send", "a", "--records", "newest"}, "--records"},
        {{"send", "-", "--code-file", "-"}, "standard input"},
        {{"send", "a", "--timeout", "0"}, "--timeout"},
        {{"send", "a", "--connect-timeout", "0"}, "--connect-timeout"},
        {{"recv", "--idle-timeout", "-1"}, "--idle-timeout"},
        {{"send", "a", "--timeout", "soon"}, "--timeout"},
        {{"send", "a", "--timeout", "1e300"}, "--timeout"},
        {{"send", "a", "--room-port", "0"}, "--room-port"},
        {{"send", "a", "--room-port", "65536"}, "--room-port"},
        {{"send", "a", "--quiet", "--json"}, "exclude"},
        {{"send", "a", "--relay", "host:none"}, "--relay host:none"},
        {{"send", "a", "--relay", "carrier-pigeon://host"}, "--relay carrier-pigeon"},
        {{"recv", "-o", ""}, "--output"},
        {{"recv", "-o", "-", "--json"}, "standard output"},
        {{"recv", "--unknown"}, "--unknown"},
        {{"recv", "--max-wrong-codes", "few"}, "--max-wrong-codes"},
        {{"recv", "--max-iterations", "0"}, "--max-iterations"},
    };
    for (const auto& [given, part] : cases) {
        const std::string text = complaint(given);
        ASSERT_FALSE(text.empty()) << part;
        EXPECT_NE(text.find(part), std::string::npos) << text;
        EXPECT_TRUE(text.starts_with("parley: ")) << text;
        EXPECT_NE(text.find("--help"), std::string::npos) << text;
    }
    EXPECT_NE(complaint({"recv"}, "not a relay").find("PARLEY_RELAY"), std::string::npos);
}

TEST(options, that_are_wrong_are_shown_without_their_control_characters)
{
    for (const arguments& given :
         {arguments{"recv", "--\x1b[31m"}, arguments{"recv", "--relay", "\x1b[31mred"}}) {
        const std::string text = complaint(given);
        ASSERT_FALSE(text.empty());
        EXPECT_EQ(text.find('\x1b'), std::string::npos);
    }
}

TEST(options, allow_a_dot)
{
    EXPECT_FALSE(parse_recv({}).allow_dot);
    EXPECT_TRUE(parse_recv({"-y", "--allow-dot"}).allow_dot);
}

TEST(options, another_name_is_asked_for)
{
    EXPECT_EQ(parse_recv({}).when_taken, taken_action::refuse);
    EXPECT_EQ(parse_recv({"--rename"}).when_taken, taken_action::rename);
    EXPECT_EQ(parse_recv({"--overwrite"}).when_taken, taken_action::overwrite);
    EXPECT_EQ(parse_recv({"--keep-going"}).when_taken, taken_action::keep_going);
    EXPECT_TRUE(parse_recv({}).keep);
    EXPECT_FALSE(parse_recv({"--no-keep"}).keep);
}

TEST(options, bound_a_document)
{
    const recv_command_options plain = parse_recv({});
    EXPECT_EQ(plain.max_size_bytes, UINT64_MAX);
    EXPECT_FALSE(plain.max_paths);
    const recv_command_options full = parse_recv({"--max-size", "20GiB", "--max-paths", "1000000"});
    EXPECT_EQ(full.max_size_bytes, 20ull << 30);
    EXPECT_EQ(full.max_paths, 1'000'000u);
    EXPECT_EQ(parse_recv({"--max-size", "12345"}).max_size_bytes, 12'345u);
    for (const arguments& wrong :
         {arguments{"recv", "--max-size", "much"}, arguments{"recv", "--max-size", "-1"},
          arguments{"recv", "--max-paths", "0"}, arguments{"recv", "--max-paths", "x"}})
        EXPECT_FALSE(complaint(wrong).empty()) << wrong.back();
}

TEST(options, of_a_forward)
{
    using targets = std::vector<forward_target>;
    using rules = std::vector<forward_rule>;
    const forward_command_options exposing = parse_forward(
        {"--expose", "localhost:22", "DB:5432", "--expose", "[::1]:80", "--timeout", "2", "--json"});
    EXPECT_EQ(exposing.exposed, (targets{{"localhost", 22}, {"db", 5432}, {"::1", 80}}));
    EXPECT_TRUE(exposing.rules.empty());
    EXPECT_EQ(exposing.common.timeout, std::chrono::seconds{2});
    EXPECT_EQ(exposing.common.form, output_form::json);
    const forward_command_options listening =
        parse_forward({"-L", "8080:localhost:80", "-L", "[::1]:0:db:5432", "--code-file", "c"}, "h:1");
    EXPECT_TRUE(listening.exposed.empty());
    EXPECT_EQ(listening.rules, (rules{{"localhost", 8080, {"localhost", 80}}, {"::1", 0, {"db", 5432}}}));
    EXPECT_EQ(listening.common.code_file, "c");
    EXPECT_EQ(listening.common.relay.host, "h");
}

TEST(options, of_a_forward_that_cannot_be)
{
    for (const arguments& wrong : {arguments{"forward"},
                                   {"forward", "--expose", "a:1", "-L", "1:a:1"},
                                   {"forward", "--expose", "a"},
                                   {"forward", "--expose", "a:0"},
                                   {"forward", "-L", "a:1"},
                                   {"forward", "-L", "1:a:1", "2:b:2"},
                                   {"forward", "-L", "h:1:a:1"},
                                   {"forward", "some-code", "-L", "1:a:1"},
                                   {"forward", "-L", "1:a:1", "--session", "2"},
                                   {"forward", "-L", "1:a:1", "--idle-timeout", "2"}})
        EXPECT_FALSE(complaint(wrong).empty()) << wrong.back();
    EXPECT_NE(complaint({"forward", "--expose", "a:x\n"}).find("--expose a:x\\x0a: "), std::string::npos)
        << complaint({"forward", "--expose", "a:x\n"});
}

TEST(options, ask_for_help_and_version)
{
    for (const arguments& given : {arguments{"--help"}, arguments{"send", "--help"}, arguments{"recv", "-h"},
                                   arguments{"forward", "--help"}}) {
        const parsed_command parsed = parse_command_line(given, {});
        const auto& text = std::get<print_and_exit>(parsed);
        EXPECT_EQ(text.exit, exit_code::ok);
        for (const char* number : {"0", "1", "2", "3", "4", "5", "6", "7", "8", "130", "143"})
            EXPECT_NE(text.text.find("  " + std::string{number} + "  "), std::string::npos) << number;
    }
    const parsed_command parsed = parse_command_line({"--version"}, {});
    EXPECT_TRUE(std::get<print_and_exit>(parsed).text.starts_with("parley 0."));
}

TEST(receiving_command, names_the_relay_as_the_sender_did)
{
    EXPECT_EQ(receiving_command(parse_send({"f"}).common), "parley recv");
    EXPECT_EQ(receiving_command(parse_send({"f", "--relay", "h:1"}).common), "parley recv --relay h:1");
    EXPECT_EQ(receiving_command(parse_send({"f"}, "h:1").common), "parley recv --relay h:1");
    EXPECT_EQ(receiving_command(parse_send({"f", "--relay", "[::1]:1", "--room-port", "5"}).common),
              "parley recv --relay '[::1]:1' --room-port 5");
}

TEST(forwarding_command, listens_on_ports_that_anybody_may_use)
{
    EXPECT_EQ(forwarding_command(parse_forward({"--expose", "localhost:80", "db:5432", "--relay", "h:1"})),
              "parley forward --relay h:1 -L 8080:localhost:80 -L 5432:db:5432");
    EXPECT_EQ(forwarding_command(parse_forward({"--expose", "[::1]:22", "a:22"})),
              "parley forward -L '8022:[::1]:22' -L 0:a:22");
}

} // namespace
} // namespace parley::cli
