#include "peer/proxy_option.hpp"

#include "peer/options.hpp"
#include "scratch.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>

namespace parley::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class proxy_option : public ::testing::Test {
protected:
    command_result<proxy_pointer> choose(const std::string& relay = "relay")
    {
        return choose_proxy(given, *relay_address::parse(relay), lookup());
    }
    environment_lookup lookup()
    {
        return [this](const char* name) -> const char* {
            const auto found = variables.find(name);
            return found == variables.end() ? nullptr : found->second.c_str();
        };
    }
    // The proxy's text, "" for none, or "EXIT: message".
    std::string text(const std::string& relay = "relay")
    {
        const auto chosen = choose(relay);
        if (!chosen) return std::to_string(to_int(chosen.error().exit)) + ": " + chosen.error().message;
        return *chosen ? (*chosen)->text() : "";
    }

    proxy_arguments given;
    std::map<std::string, std::string> variables;
};

TEST_F(proxy_option, the_first_source_decides)
{
    EXPECT_EQ(text(), "");
    variables["ALL_PROXY"] = "http://usual:1";
    EXPECT_EQ(text(), "http://usual:1");
    variables["PARLEY_PROXY"] = "socks5://ours:1";
    EXPECT_EQ(text(), "socks5://ours:1");
    variables["NO_PROXY"] = "*"; // for the usual variables only
    EXPECT_EQ(text(), "socks5://ours:1");
    given.proxy = "http://argument:1";
    EXPECT_EQ(text(), "http://argument:1");
    given.proxy = "none";
    EXPECT_EQ(text(), "");
    given.proxy.clear();
    variables["PARLEY_PROXY"] = "none";
    EXPECT_EQ(text(), "");
}

TEST_F(proxy_option, a_wrong_one_names_its_source_and_shows_no_secret)
{
    given.proxy = "ftp://u:hunter2@host";
    EXPECT_THAT(text(), HasSubstr("2: --proxy: "));
    EXPECT_THAT(text(), Not(HasSubstr("hunter2")));
    given.proxy.clear();
    variables["PARLEY_PROXY"] = "http://u:hunter2@host:x";
    EXPECT_THAT(text(), HasSubstr("2: PARLEY_PROXY: "));
    EXPECT_THAT(text(), Not(HasSubstr("hunter2")));
    variables = {{"ALL_PROXY", "gopher://u:hunter2@host"}};
    EXPECT_THAT(text(), HasSubstr("2: ALL_PROXY: "));
}

TEST_F(proxy_option, credentials_from_a_file)
{
    const test::scratch_folder folder;
    const auto file = folder.path() / "auth";
    std::ofstream{file} << "user:pass:word\nsecond line\n";
    given.auth_file = file;
    EXPECT_EQ(text(), "") << "nobody to give them to";
    for (const char* source : {"--proxy", "ALL_PROXY"}) {
        given.proxy = std::string{source} == "--proxy" ? "socks5://x:y@p" : "";
        variables = {{"ALL_PROXY", "socks5://x:y@p"}};
        const auto chosen = choose();
        ASSERT_TRUE(chosen && *chosen) << source;
        EXPECT_EQ((*chosen)->user, "user");
        EXPECT_EQ((*chosen)->password.text(), "pass:word");
    }
    std::ofstream{file} << "nobody\n";
    EXPECT_THAT(text(), HasSubstr("2: --proxy-auth-file "));
    given.auth_file = folder.path() / "missing";
    EXPECT_THAT(text(), HasSubstr("8: --proxy-auth-file "));
}

TEST_F(proxy_option, the_command_line_hands_it_on)
{
    variables["HTTPS_PROXY"] = "http://s:1";
    const auto proxy_of = [&](std::vector<std::string> line) -> std::string {
        const auto parsed = parse_command_line(std::move(line), "", lookup());
        proxy_pointer proxy;
        if (const auto* send = std::get_if<send_command_options>(&parsed)) proxy = send->common.proxy;
        if (const auto* recv = std::get_if<recv_command_options>(&parsed)) proxy = recv->common.proxy;
        if (const auto* probe = std::get_if<probe_command_options>(&parsed)) proxy = probe->proxy;
        return proxy ? proxy->text() : "";
    };
    EXPECT_EQ(proxy_of({"send", "--relay", "wss://r", "x"}), "http://s:1");
    EXPECT_EQ(proxy_of({"recv", "--relay", "wss://r"}), "http://s:1");
    EXPECT_EQ(proxy_of({"probe", "wss://r"}), "http://s:1");
    EXPECT_EQ(proxy_of({"probe", "ws://r"}), "");
    EXPECT_EQ(proxy_of({"probe", "ws://r", "--proxy", "socks5://p"}), "socks5://p:1080");
    const auto wrong = parse_command_line({"probe", "r", "--proxy", "x://y"}, "", {});
    const auto* text = std::get_if<print_and_exit>(&wrong);
    ASSERT_NE(text, nullptr);
    EXPECT_EQ(text->exit, exit_code::usage);
}

TEST(proxy_credentials_on_the_command_line, are_overwritten)
{
    std::vector<std::string> texts{"parley",  "send", "--proxy", "http://u:p@h:1", "--proxy=socks5://u:p@h:1",
                                   "--proxy", "h:1",  "x@y",     "--proxy"};
    std::vector<char*> arguments;
    for (std::string& text : texts) arguments.push_back(text.data());
    hide_proxy_credentials(static_cast<int>(arguments.size()), arguments.data());
    EXPECT_EQ(texts[3], "http://xxx@h:1");
    EXPECT_EQ(texts[4], "--proxy=socks5://xxx@h:1");
    EXPECT_EQ(texts[6], "h:1");
    EXPECT_EQ(texts[7], "x@y");
}

} // namespace
} // namespace parley::cli
