#include "stream/layer/websocket_codec.hpp"

#include <parley/testing/seeded_random.hpp>

#include <gtest/gtest.h>

namespace parley::detail {
namespace {

using role = websocket_role;

struct received {
    std::string text;
    byte_vector output;
};

// A server's codec fed with hexadecimal, `step` bytes at a time.
struct server {
    explicit server(std::size_t max_message_bytes = 1024) : codec(role::server, max_message_bytes, random) {}

    received feed(std::string_view hex, std::size_t step = 1000)
    {
        received out;
        byte_vector bytes = from_hex(hex).bytes;
        for (std::size_t at = 0; at < bytes.size(); at += step) {
            const mutable_bytes part = mutable_bytes{bytes}.subspan(at, std::min(step, bytes.size() - at));
            const std::size_t kept = codec.receive(part, out.output);
            out.text += as_text(part.first(kept));
        }
        return out;
    }

    testing::seeded_random random{1};
    websocket_codec codec;
};

// Masked with zeros, so that the payload can be read here.
constexpr std::string_view zero_mask = "00000000";

std::string frame(std::string_view start, std::string_view payload_hex)
{
    return std::string{start} + std::string{zero_mask} + std::string{payload_hex};
}

TEST(websocket_codec_test, message_boundaries_mean_nothing_in_any_split)
{
    const std::string hex = frame("0282", "6161") + frame("0080", "") + frame("8980", "") +
                            frame("8081", "62") + frame("8283", "636465");
    for (std::size_t step = 1; step < 50; ++step) {
        server s;
        const received got = s.feed(hex, step);
        EXPECT_EQ(got.text, "aabcde") << step;
        EXPECT_EQ(to_hex(got.output), "8a00") << "the ping between the fragments is answered";
        EXPECT_FALSE(s.codec.failed());
    }
}

TEST(websocket_codec_test, what_one_role_sends_the_other_reads)
{
    for (const std::size_t size : {1u, 125u, 126u, 65535u, 65536u, 200000u}) {
        testing::seeded_random random{size};
        byte_vector text(size);
        random.fill(text);
        for (const role from : {role::client, role::server}) {
            websocket_codec sender{from, 1u << 20, random};
            websocket_codec reader{from == role::client ? role::server : role::client, 1u << 20, random};
            byte_vector wire, answer;
            sender.send(text, wire);
            sender.end(wire);
            wire.resize(reader.receive(wire, answer));
            EXPECT_EQ(wire, text);
            EXPECT_TRUE(reader.closed());
            EXPECT_EQ(reader.close_code(), 1000);
            EXPECT_TRUE(answer.empty()) << "the answer waits until this side ends, too";
        }
    }
}

TEST(websocket_codec_test, a_head_and_the_bytes_are_the_frame_that_send_makes)
{
    testing::seeded_random random{1};
    for (const std::size_t size : {1u, 125u, 126u, 5000u, 65535u, 65536u}) {
        websocket_codec sender{role::server, 1u << 20, random};
        const byte_vector text(size, 'x');
        byte_vector wire;
        sender.send(text, wire);
        std::array<byte, websocket_codec::max_header_bytes> head{};
        std::size_t takes = size;
        const std::size_t head_size = sender.head(takes, head);
        EXPECT_EQ(takes, size);
        byte_vector made{head.begin(), head.begin() + static_cast<std::ptrdiff_t>(head_size)};
        made.insert(made.end(), text.begin(), text.end());
        EXPECT_EQ(made, wire) << size;
    }
    std::array<byte, websocket_codec::max_header_bytes> head{};
    byte_vector output;
    std::size_t size = 5000;
    websocket_codec bounded{role::server, 1000, random};
    EXPECT_NE(bounded.head(size, head), 0u);
    EXPECT_EQ(size, 1000u) << "no message above the bound";
    bounded.end(output);
    EXPECT_EQ(bounded.head(size, head), 0u) << "nothing follows the end";
    const websocket_codec client{role::client, 1000, random};
    EXPECT_EQ(client.head(size, head), 0u) << "a client's bytes do not stay as they are";
}

// Each payload begins at another place, is moved by another distance and ends in another part of a word.
TEST(websocket_codec_test, unmasks_at_every_offset)
{
    testing::seeded_random random{3};
    for (std::size_t size = 1; size < 200; ++size) {
        websocket_codec sender{role::client, 1u << 20, random}, reader{role::server, 1u << 20, random};
        byte_vector text(size), wire, answer, got;
        random.fill(text);
        for (int i = 0; i < 3; ++i) sender.send(text, wire);
        const std::size_t cut = size * 3 / 2;
        for (const mutable_bytes part : {mutable_bytes{wire}.first(cut), mutable_bytes{wire}.subspan(cut)}) {
            const std::size_t kept = reader.receive(part, answer);
            got.insert(got.end(), part.begin(), part.begin() + static_cast<std::ptrdiff_t>(kept));
        }
        byte_vector thrice;
        for (int i = 0; i < 3; ++i) thrice.insert(thrice.end(), text.begin(), text.end());
        EXPECT_EQ(got, thrice) << size;
    }
}

TEST(websocket_codec_test, sends_no_message_above_the_bound)
{
    testing::seeded_random random{1};
    websocket_codec sender{role::server, 1024, random};
    websocket_codec reader{role::client, 1024, random};
    byte_vector wire, answer;
    sender.send(byte_vector(5000), wire);
    EXPECT_EQ(reader.receive(wire, answer), 5000u);
    EXPECT_FALSE(reader.failed());
}

struct broken {
    const char* what;
    std::string hex;
    std::uint16_t code;
};

class broken_rule_test : public ::testing::TestWithParam<broken> {};

TEST_P(broken_rule_test, is_answered_with_its_close_code)
{
    server s;
    const received got = s.feed("8281"
                                "00000000"
                                "61" +
                                GetParam().hex);
    EXPECT_EQ(got.text.substr(0, 1), "a") << "what came before is read";
    EXPECT_TRUE(s.codec.failed());
    ASSERT_EQ(got.output.size(), 4u);
    EXPECT_EQ(got.output[0], 0x88);
    EXPECT_EQ(load_be<std::uint16_t>(got.output.data() + 2), GetParam().code);
}

INSTANTIATE_TEST_SUITE_P(
    rules, broken_rule_test,
    ::testing::Values(broken{"a text message", frame("8181", "61"), 1003},
                      broken{"too large", frame("82fe0401", ""), 1009},
                      broken{"too large in 64 bits", frame("82ff0000000100000000", ""), 1009},
                      broken{"fragments too large together",
                             frame("02fe0400", std::string(2048, '0')) + frame("8081", "61"), 1009},
                      broken{"no mask", "820161", 1002}, broken{"a reserved bit", frame("c281", "61"), 1002},
                      broken{"an unknown opcode", frame("8381", "61"), 1002},
                      broken{"an unknown control opcode", frame("8b80", ""), 1002},
                      broken{"a fragmented ping", frame("0980", ""), 1002},
                      broken{"a long ping", frame("89fe007e", ""), 1002},
                      broken{"a continuation of nothing", frame("8081", "61"), 1002},
                      broken{"a message inside a message", frame("0281", "61") + frame("8281", "62"), 1002},
                      broken{"a length in too many bytes", frame("82fe0001", "61"), 1002},
                      broken{"a length with the top bit", frame("82ff8000000000000000", ""), 1002},
                      broken{"a close of one byte", frame("8881", "03"), 1002},
                      broken{"a close code that is never sent", frame("8882", "03ed"), 1002},
                      broken{"a close reason that is no UTF-8", frame("8884", "03e8c328"), 1007},
                      broken{"a surrogate in the reason", frame("8885", "03e8eda080"), 1007}));

TEST(websocket_codec_test, a_close_is_read_with_its_code_and_nothing_after_it)
{
    server s;
    const received got = s.feed(frame("8885", "0fa0c3bc2e") + frame("8281", "61"));
    EXPECT_EQ(got.text, "");
    EXPECT_TRUE(s.codec.closed());
    EXPECT_EQ(s.codec.close_code(), 4000);
    byte_vector answer;
    s.codec.end(answer);
    EXPECT_EQ(to_hex(answer), "88020fa0");
    s.codec.end(answer);
    EXPECT_EQ(answer.size(), 4u) << "once";
}

TEST(websocket_codec_test, pings_without_end_make_no_output_without_end)
{
    server s;
    std::string hex;
    for (int i = 0; i < 1000; ++i) hex += frame("8984", "01020304");
    EXPECT_LT(s.feed(hex).output.size(), 600u);
    EXPECT_FALSE(s.codec.failed());
}

TEST(websocket_codec_test, tells_whether_anything_was_heard)
{
    server s;
    EXPECT_TRUE(s.codec.take_heard()) << "a new peer has the benefit of the doubt";
    EXPECT_FALSE(s.codec.take_heard());
    s.feed(frame("8a80", ""));
    EXPECT_TRUE(s.codec.take_heard());
}

} // namespace
} // namespace parley::detail
