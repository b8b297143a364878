#include <parley/transport/proxy.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

namespace parley::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

proxy_settings parsed(const std::string& text)
{
    diagnostics diag;
    auto out = proxy_settings::parse(text, &diag);
    EXPECT_TRUE(out) << text << ": " << diag.message();
    return out ? std::move(*out) : proxy_settings{};
}

TEST(proxy_settings_test, kinds_hosts_and_ports)
{
    struct expected {
        const char* text;
        proxy_kind kind;
        const char* host;
        std::uint16_t port;
        const char* printed;
    };
    for (const expected& e : {
             expected{"http://proxy.example:3128", proxy_kind::http, "proxy.example", 3128,
                      "http://proxy.example:3128"},
             expected{"HTTP://proxy/", proxy_kind::http, "proxy", 80, "http://proxy:80"},
             expected{"proxy:8080", proxy_kind::http, "proxy", 8080, "http://proxy:8080"},
             expected{"socks5://192.0.2.1", proxy_kind::socks5, "192.0.2.1", 1080, "socks5://192.0.2.1:1080"},
             expected{"socks5h://[2001:db8::1]:9", proxy_kind::socks5, "2001:db8::1", 9,
                      "socks5://[2001:db8::1]:9"},
             expected{"socks://[::1]", proxy_kind::socks5, "::1", 1080, "socks5://[::1]:1080"},
         }) {
        const proxy_settings proxy = parsed(e.text);
        EXPECT_EQ(proxy.kind, e.kind) << e.text;
        EXPECT_EQ(proxy.host, e.host) << e.text;
        EXPECT_EQ(proxy.port, e.port) << e.text;
        EXPECT_EQ(proxy.text(), e.printed);
        EXPECT_TRUE(proxy.user.empty());
        EXPECT_TRUE(proxy.password.empty());
    }
}

TEST(proxy_settings_test, credentials_are_read_and_not_printed)
{
    const proxy_settings proxy = parsed("socks5://al%40ice:p%3Aa%25ss@w@host:1");
    EXPECT_EQ(proxy.user, "al@ice");
    EXPECT_EQ(proxy.password.text(), "p:a%ss@w");
    EXPECT_EQ(proxy.host, "host");
    EXPECT_EQ(proxy.text(), "socks5://host:1");
    EXPECT_EQ(parsed("http://alice@host").user, "alice");
    EXPECT_TRUE(parsed("http://alice@host").password.empty());

    proxy_settings later = parsed("http://host");
    EXPECT_FALSE(later.set_credentials("bob:one:two %41"));
    EXPECT_EQ(later.user, "bob");
    EXPECT_EQ(later.password.text(), "one:two %41");
    EXPECT_TRUE(later.set_credentials("nobody"));
    EXPECT_TRUE(later.set_credentials(":secret"));
}

TEST(proxy_settings_test, what_is_wrong_is_said_without_the_secret)
{
    for (const std::string& text : {
             std::string{"https://user:hunter2@host"},
             std::string{"socks4://user:hunter2@host"},
             std::string{"http://user:hunter2"},
             std::string{"http://user:hunter2@"},
             std::string{"http://user:hunter2@host:0"},
             std::string{"http://user:hunter2@host:70000"},
             std::string{"http://user:hunter2@ho st"},
             std::string{"http://user:hunter2@host/path"},
             std::string{"http://user:hunter2@host:1,2"},
             std::string{"http://user:hunter2%4@host"},
             std::string{"http://user:hunter2%zz@host"},
             std::string{"http://:hunter2@host"},
             std::string{"http://us%3Aer:hunter2@host"},
             std::string{"http://user:hunter2@[::1"},
             "socks5://user:hunter2" + std::string(255, 'x') + "@host",
             std::string{""},
             "http://user:hunter2@" + std::string(3000, 'h'),
         }) {
        diagnostics diag;
        EXPECT_EQ(proxy_settings::parse(text, &diag).error(), errc::bad_address) << text;
        EXPECT_FALSE(diag.empty()) << text;
        EXPECT_THAT(diag.message(), Not(HasSubstr("hunter2")));
    }
}

class proxy_environment_test : public ::testing::Test {
protected:
    // The proxy that is chosen for `relay`, as text; "" for none, "!" and the reason for an error.
    std::string choose(const std::string& relay)
    {
        diagnostics diag;
        const auto chosen = proxy_from_environment(
            *relay_address::parse(relay),
            [&](const char* name) -> const char* {
                const auto found = variables.find(name);
                return found == variables.end() ? nullptr : found->second.c_str();
            },
            &diag);
        if (!chosen) return "!" + diag.message();
        return *chosen ? (*chosen)->text() : "";
    }
    std::map<std::string, std::string> variables;
};

TEST_F(proxy_environment_test, each_transport_has_its_variables)
{
    variables = {{"HTTPS_PROXY", "http://s:1"}, {"HTTP_PROXY", "http://h:1"}, {"ALL_PROXY", "socks5://a:1"}};
    EXPECT_EQ(choose("tls://relay"), "http://s:1");
    EXPECT_EQ(choose("wss://relay"), "http://s:1");
    EXPECT_EQ(choose("ws://relay"), "http://h:1");
    EXPECT_EQ(choose("relay"), "socks5://a:1");
    EXPECT_EQ(choose("unix:/run/relay"), "");
    variables.erase("HTTPS_PROXY");
    variables["HTTP_PROXY"] = "";
    EXPECT_EQ(choose("wss://relay"), "socks5://a:1");
    EXPECT_EQ(choose("ws://relay"), "socks5://a:1");
    variables.erase("ALL_PROXY");
    EXPECT_EQ(choose("relay"), "");
}

TEST_F(proxy_environment_test, small_letters_come_first)
{
    variables = {{"all_proxy", "http://small:1"}, {"ALL_PROXY", "http://large:1"}};
    EXPECT_EQ(choose("relay"), "http://small:1");
    variables["no_proxy"] = "elsewhere";
    variables["NO_PROXY"] = "relay";
    EXPECT_EQ(choose("relay"), "http://small:1");
}

TEST_F(proxy_environment_test, a_cgi_program_does_not_believe_its_client)
{
    variables = {{"HTTP_PROXY", "http://evil:1"}, {"REQUEST_METHOD", "GET"}};
    EXPECT_EQ(choose("ws://relay"), "");
    variables["http_proxy"] = "http://good:1";
    EXPECT_EQ(choose("ws://relay"), "http://good:1");
}

TEST_F(proxy_environment_test, an_error_names_the_variable)
{
    variables = {{"ALL_PROXY", "https://u:hunter2@host"}};
    EXPECT_THAT(choose("relay"), HasSubstr("!ALL_PROXY: "));
    EXPECT_THAT(choose("relay"), Not(HasSubstr("hunter2")));
    variables["NO_PROXY"] = "relay";
    EXPECT_EQ(choose("relay"), "");
}

TEST(proxy_exemption_test, entries)
{
    struct row {
        const char* list;
        const char* host;
        std::uint16_t port;
        bool exempt;
    };
    for (const row& r : {
             row{"", "a.example", 1, false},
             row{"*", "a.example", 1, true},
             row{"example", "a.example", 1, true},
             row{".example", "a.example", 1, true},
             row{"*.example", "a.example", 1, true},
             row{"a.example", "a.example", 1, true},
             row{"A.EXAMPLE", "a.Example", 1, true},
             row{"a.example", "a.example.", 1, true},
             row{"xample", "a.example", 1, false},
             row{"a.example.org", "a.example", 1, false},
             row{"other, \ta.example", "a.example", 1, true},
             row{"a.example:9000", "a.example", 9000, true},
             row{"a.example:9000", "a.example", 9001, false},
             row{"a.example:", "a.example", 9001, false},
             row{"*:9000", "b", 9000, true},
             row{"192.0.2.1", "192.0.2.1", 1, true},
             row{"192.0.2.1:2", "192.0.2.1", 1, false},
             row{"192.0.2.1", "192.0.2.10", 1, false},
             row{"2.1", "192.0.2.1", 1, false},
             row{"192.0.2.0/24", "192.0.2.77", 1, true},
             row{"192.0.2.99/24", "192.0.2.77", 1, true},
             row{"192.0.2.0/24", "192.0.3.77", 1, false},
             row{"0.0.0.0/0", "192.0.3.77", 1, true},
             row{"192.0.2.0/33", "192.0.2.77", 1, false},
             row{"192.0.2.0/x", "192.0.2.77", 1, false},
             row{"192.0.2.0/24", "::ffff:192.0.2.7", 1, true},
             row{"192.0.2.0/24", "name", 1, false},
             row{"2001:db8::/32", "2001:db8:1::1", 1, true},
             row{"2001:db8::/32", "2001:db9::1", 1, false},
             row{"::/0", "192.0.2.1", 1, false},
             row{"2001:DB8::0:1", "2001:db8::1", 1, true},
             row{"[2001:db8::1]:7", "2001:db8::1", 7, true},
             row{"[2001:db8::1]:7", "2001:db8::1", 8, false},
             row{"[2001:db8::/32]:7", "2001:db8::1", 7, true},
             row{"::1", "localhost", 1, false},
             row{",, . ,*.,:1,[],/,[", "a.example", 1, false},
         })
        EXPECT_EQ(is_proxy_exempt(r.list, r.host, r.port), r.exempt) << r.list << " for " << r.host;
}

} // namespace
} // namespace parley::test
