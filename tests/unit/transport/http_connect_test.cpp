#include "proxy_support.hpp"
#include "transport/proxy/http_connect.hpp"

#include <parley/testing/seeded_random.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace parley::test {
namespace {

using detail::http_connect;
using ::testing::HasSubstr;

std::string request_for(const std::string& host, const std::string& proxy = "http://p")
{
    const http_connect dialogue{host, 9000, proxy_of(proxy)};
    return std::string{as_text(dialogue.output())};
}

// Gives `answer` to a dialogue in pieces as large as it wants them; the bytes that it did not want.
std::string answer(http_connect& dialogue, std::string_view text)
{
    dialogue.output_written();
    while (!dialogue.finished() && !text.empty()) {
        EXPECT_GE(dialogue.wanted(), 1U);
        const std::size_t size = std::min(dialogue.wanted(), text.size());
        dialogue.receive(as_bytes(text.substr(0, size)));
        text.remove_prefix(size);
    }
    if (!dialogue.finished()) dialogue.receive_end();
    return std::string{text};
}

struct end {
    error_code error;
    std::string detail;
};

end after(std::string_view text, const std::string& proxy = "http://p")
{
    http_connect dialogue{"relay", 9000, proxy_of(proxy)};
    answer(dialogue, text);
    return {dialogue.error(), dialogue.detail()};
}

TEST(http_connect_test, the_request)
{
    EXPECT_EQ(request_for("relay.example"), "CONNECT relay.example:9000 HTTP/1.1\r\n"
                                            "Host: relay.example:9000\r\n"
                                            "User-Agent: parley\r\n\r\n");
    EXPECT_THAT(request_for("2001:db8::1"), HasSubstr("CONNECT [2001:db8::1]:9000 HTTP/1.1\r\n"));
    EXPECT_THAT(request_for("relay", "http://Aladdin:open%20sesame@p"),
                HasSubstr("\r\nProxy-Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n"));
}

TEST(http_connect_test, a_host_cannot_add_to_the_head)
{
    for (const std::string& host : {std::string{"relay\r\nX: y"}, std::string{"a b"}, std::string{},
                                    std::string(300, 'a'), std::string{"a\0b", 3}, std::string{"a/b"}}) {
        const http_connect dialogue{host, 9000, proxy_of("http://p")};
        EXPECT_TRUE(dialogue.finished());
        EXPECT_EQ(dialogue.error(), errc::proxy_refused_destination);
        EXPECT_TRUE(dialogue.output().empty());
    }
}

TEST(http_connect_test, success_takes_nothing_of_what_follows)
{
    for (const char* head : {"HTTP/1.1 200 Connection established\r\n\r\n", "HTTP/1.0 200\r\n\r\n",
                             "HTTP/1.1 204 X\r\nVia: 1.1 p\r\nContent-Length: 5\r\n\r\n",
                             "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"}) {
        http_connect dialogue{"relay", 9000, proxy_of("http://p")};
        const std::string rest = answer(dialogue, std::string{head} + "\r\n\r\n0000");
        EXPECT_FALSE(dialogue.error()) << head << dialogue.detail();
        EXPECT_EQ(rest, "\r\n\r\n0000") << head;
    }
}

TEST(http_connect_test, whose_fault_a_refusal_is)
{
    EXPECT_EQ(after("HTTP/1.1 403 Filtered\r\n\r\n").error, errc::proxy_refused_destination);
    EXPECT_EQ(after("HTTP/1.1 403 Filtered\r\n\r\n").detail, "HTTP status 403 Filtered");
    EXPECT_EQ(after("HTTP/1.1 302 Found\r\n\r\n").error, errc::proxy_refused_destination);
    EXPECT_EQ(after("HTTP/1.1 101 Switching\r\n\r\n").error, errc::proxy_refused_destination);
    for (const char* head : {"HTTP/1.1 500 Unable to connect\r\n\r\n", "HTTP/1.1 502 Bad Gateway\r\n\r\n",
                             "HTTP/1.1 504 Gateway Timeout\r\n\r\n"})
        EXPECT_EQ(after(head).error, errc::proxy_cannot_connect) << head;
    EXPECT_EQ(after("HTTP/1.1 403 \x1b[31mred\r\n\r\n").detail.find('\x1b'), std::string::npos);
}

TEST(http_connect_test, credentials_that_are_missing_wrong_or_of_another_scheme)
{
    const std::string basic = "HTTP/1.1 407 Auth\r\nProxy-Authenticate: Basic realm=\"x\"\r\n\r\n";
    EXPECT_EQ(after(basic).error, errc::proxy_refused_credentials);
    EXPECT_THAT(after(basic).detail, HasSubstr("asks for a user name"));
    EXPECT_EQ(after(basic, "http://u:p@p").error, errc::proxy_refused_credentials);
    EXPECT_EQ(after(basic, "http://u:p@p").detail, "HTTP status 407 Auth");
    const std::string both =
        "HTTP/1.1 407 A\r\nProxy-Authenticate: Digest realm=\"x\", basic realm=y\r\n\r\n";
    EXPECT_THAT(after(both).detail, HasSubstr("asks for a user name"));
    const std::string other = "HTTP/1.1 407 A\r\nProxy-Authenticate: Negotiate\r\n\r\n";
    EXPECT_THAT(after(other, "http://u:p@p").detail, HasSubstr("of the scheme Basic"));
    EXPECT_EQ(after("HTTP/1.1 407 A\r\n\r\n").error, errc::proxy_refused_credentials);
    EXPECT_EQ(after("HTTP/1.0 401 Unauthorized\r\n\r\n", "http://u:p@p").error,
              errc::proxy_refused_credentials);
}

TEST(http_connect_test, what_is_no_answer)
{
    for (const std::string& text :
         {std::string{}, std::string{"HTTP/1.1 200 O"}, std::string{"SSH-2.0-x\r\n"},
          std::string{"\x05\x00", 2}, std::string{"HTTP/2 200 OK\r\n\r\n"},
          std::string{"HTTP/1.1 2x0 OK\r\n\r\n"}, std::string{"HTTP/1.1 200 OK\r\nno colon\r\n\r\n"},
          std::string{"HTTP/1.1 99999 OK\r\n\r\n"},
          "HTTP/1.1 200 OK\r\nA: " + std::string(20'000, 'a') + "\r\n\r\n",
          "HTTP/1.1 200 OK\r\n" + std::string(20'000, '\r')}) {
        EXPECT_EQ(after(text).error, errc::proxy_failed) << text.substr(0, 40);
        EXPECT_FALSE(after(text).detail.empty());
    }
    std::string endless;
    for (int i = 0; i < 1000; ++i) endless += "HTTP/1.1 102 Processing\r\n\r\n";
    http_connect dialogue{"relay", 9000, proxy_of("http://p")};
    EXPECT_GT(answer(dialogue, endless).size(), endless.size() - 8 * 1024 - 64) << "bounded over all heads";
    EXPECT_EQ(dialogue.error(), errc::proxy_failed);
}

TEST(http_connect_test, no_bytes_throw_and_every_dialogue_ends)
{
    testing::seeded_random random{20};
    const std::string model = "HTTP/1.1 407 Proxy\r\nProxy-Authenticate: Basic a, Digest b\r\n\r\n";
    for (int i = 0; i < 20'000; ++i) {
        std::string text = model;
        std::array<byte, 8> dice;
        random.fill(dice);
        for (std::size_t k = 0; k < 6; k += 2) text[dice[k] % text.size()] = static_cast<char>(dice[k + 1]);
        if (dice[6] % 4 == 0) text.resize(dice[7] % text.size());
        http_connect dialogue{"relay", 9000, proxy_of("http://u:p@p")};
        answer(dialogue, text);
        EXPECT_TRUE(dialogue.finished());
    }
}

} // namespace
} // namespace parley::test
