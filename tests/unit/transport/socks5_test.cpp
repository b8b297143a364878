#include "proxy_support.hpp"
#include "transport/proxy/socks5.hpp"

#include <parley/testing/seeded_random.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace parley::test {
namespace {

using detail::socks5;
using ::testing::HasSubstr;
using namespace std::string_literals;

// A dialogue with a proxy that says `all` whatever it is told.
struct conversation {
    conversation(const std::string& host, const proxy_settings& proxy, std::string_view all)
        : dialogue{host, 0x2328, proxy}
    {
        rest = all;
        while (!dialogue.finished()) {
            if (!dialogue.output().empty()) {
                said.emplace_back(as_text(dialogue.output()));
                dialogue.output_written();
            }
            if (rest.empty()) {
                dialogue.receive_end();
                break;
            }
            EXPECT_GE(dialogue.wanted(), 1U);
            const std::size_t size = std::min(dialogue.wanted(), rest.size());
            dialogue.receive(as_bytes(rest).first(size));
            rest.erase(0, size);
        }
    }
    socks5 dialogue;
    std::string rest;
    std::vector<std::string> said;
};

const std::string bound_v4 = "\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x50"s;

TEST(socks5_test, without_credentials_the_proxy_gets_the_name)
{
    const proxy_settings proxy = proxy_of("socks5h://p");
    const conversation had{"relay.example", proxy, "\x05\x00"s + bound_v4 + "more"};
    EXPECT_FALSE(had.dialogue.error());
    EXPECT_EQ(had.said, (std::vector{"\x05\x01\x00"s, "\x05\x01\x00\x03\x0drelay.example\x23\x28"s}));
    EXPECT_EQ(had.rest, "more") << "nothing of what follows is taken";
}

TEST(socks5_test, user_name_and_password)
{
    const proxy_settings proxy = proxy_of("socks5://me:secret@p");
    const conversation had{"relay", proxy, "\x05\x02\x01\x00"s + bound_v4};
    EXPECT_FALSE(had.dialogue.error());
    EXPECT_EQ(had.said, (std::vector{"\x05\x02\x00\x02"s, "\x01\x02me\x06secret"s,
                                     "\x05\x01\x00\x03\x05relay\x23\x28"s}));
    const conversation not_needed{"relay", proxy, "\x05\x00"s + bound_v4};
    EXPECT_FALSE(not_needed.dialogue.error());
    EXPECT_EQ(not_needed.said.size(), 2U);
}

TEST(socks5_test, addresses_go_as_addresses_and_every_bound_address_is_read_over)
{
    const proxy_settings proxy = proxy_of("socks5://p");
    const conversation v4{"192.0.2.1", proxy, "\x05\x00\x05\x00\x00\x03\x04name\x00\x50x"s};
    EXPECT_EQ(v4.said.back(), "\x05\x01\x00\x01\xc0\x00\x02\x01\x23\x28"s);
    EXPECT_FALSE(v4.dialogue.error());
    EXPECT_EQ(v4.rest, "x");
    const conversation v6{"2001:db8::1", proxy, "\x05\x00\x05\x00\x00\x04"s + std::string(18, '\0') + "x"};
    EXPECT_EQ(v6.said.back(), "\x05\x01\x00\x04\x20\x01\x0d\xb8"s + std::string(11, '\0') + "\x01\x23\x28"s);
    EXPECT_FALSE(v6.dialogue.error());
    EXPECT_EQ(v6.rest, "x");
    const conversation empty_name{"a", proxy, "\x05\x00\x05\x00\x00\x03\x00\x00\x50x"s};
    EXPECT_FALSE(empty_name.dialogue.error());
    EXPECT_EQ(empty_name.rest, "x");
}

TEST(socks5_test, every_refusal_has_its_error)
{
    const proxy_settings with = proxy_of("socks5://me:secret@p"), without = proxy_of("socks5://p");
    const auto error_of = [&](const proxy_settings& proxy, const std::string& all) {
        return conversation{"relay", proxy, all}.dialogue.error();
    };
    EXPECT_EQ(error_of(without, "\x05\xff"s), errc::proxy_refused_credentials);
    EXPECT_EQ(error_of(with, "\x05\xff"s), errc::proxy_refused_credentials);
    EXPECT_EQ(error_of(with, "\x05\x02\x01\x01"s), errc::proxy_refused_credentials);
    EXPECT_THAT((conversation{"relay", without, "\x05\xff"s}.dialogue.detail()), HasSubstr("asks for"));

    const std::array<errc, 10> meanings{errc::proxy_failed, // not reached: 0 is success
                                        errc::proxy_cannot_connect,
                                        errc::proxy_refused_destination,
                                        errc::proxy_cannot_connect,
                                        errc::proxy_cannot_connect,
                                        errc::proxy_cannot_connect,
                                        errc::proxy_cannot_connect,
                                        errc::proxy_refused_destination,
                                        errc::proxy_refused_destination,
                                        errc::proxy_failed};
    for (std::size_t reply = 1; reply < meanings.size(); ++reply) {
        // Two bytes are enough: some proxies end the connection after them.
        const conversation had{"relay", without, "\x05\x00\x05"s + static_cast<char>(reply)};
        EXPECT_EQ(had.dialogue.error(), meanings[reply]) << reply;
        EXPECT_THAT(had.dialogue.detail(), HasSubstr("SOCKS reply " + std::to_string(reply)));
    }
}

TEST(socks5_test, what_is_no_answer)
{
    const proxy_settings with = proxy_of("socks5://me:secret@p"), without = proxy_of("socks5://p");
    for (const std::string& all : {""s, "\x05"s, "\x04\x00"s, "HTTP/1.1 400"s, "\x05\x01"s, "\x05\x02"s,
                                   "\x05\x00\x04\x00"s, "\x05\x00\x05\x00\x00\x02"s,
                                   "\x05\x00\x05\x00\x00\x01\x7f\x00"s, "\x05\x00\x05\x00\x00\x03\xff"s}) {
        const conversation had{"relay", without, all};
        EXPECT_EQ(had.dialogue.error(), errc::proxy_failed) << to_hex(as_bytes(all));
        EXPECT_FALSE(had.dialogue.detail().empty());
    }
    EXPECT_THAT((conversation{"relay", without, "HT"s}.dialogue.detail()), HasSubstr("speaks HTTP"));
    EXPECT_EQ((conversation{"relay", with, "\x05\x02\x00\x00"s}.dialogue.error()), errc::proxy_failed);
    EXPECT_EQ((conversation{std::string(256, 'a'), without, ""s}.dialogue.error()),
              errc::proxy_refused_destination);
}

TEST(socks5_test, no_bytes_throw_and_every_dialogue_ends)
{
    testing::seeded_random random{21};
    const proxy_settings with = proxy_of("socks5://me:secret@p");
    for (int i = 0; i < 20'000; ++i) {
        std::string all = "\x05\x02\x01\x00"s + bound_v4;
        std::array<byte, 4> dice;
        random.fill(dice);
        all[dice[0] % all.size()] = static_cast<char>(dice[1]);
        all.resize(dice[2] % (all.size() + 1));
        const conversation had{"relay", with, all};
        EXPECT_TRUE(had.dialogue.finished());
    }
}

} // namespace
} // namespace parley::test
