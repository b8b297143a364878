#include "stream/layer/websocket_codec.hpp"

#include <parley/testing/seeded_random.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

namespace parley::detail {
namespace {

struct received {
    std::string text;
    byte_vector output;
};

// A server's codec fed with hexadecimal, `step` bytes at a time.
struct server {
    explicit server(std::size_t max_message_bytes = 1024) : codec(max_message_bytes) {}

    received feed(std::string_view hex, std::size_t step = 1000)
    {
        received out;
        byte_vector bytes = from_hex(hex).bytes;
        for (std::size_t at = 0; at < bytes.size(); at += step) {
            const mutable_bytes part = mutable_bytes{bytes}.subspan(at, std::min(step, bytes.size() - at));
            const std::size_t kept = codec.receive(part, now, out.output);
            out.text += as_text(part.first(kept));
        }
        return out;
    }

    websocket_codec codec;
    time_point now{std::chrono::hours{1}};
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

// The head of a frame by its definition (RFC 6455 section 5.2), and the payload.
byte_vector frame_of(byte first, bytes_view payload, std::span<const byte> mask = {})
{
    byte_vector out{first};
    const std::size_t size = payload.size();
    const int length_bytes = size < 126 ? 0 : size < 65536 ? 2 : 8;
    const auto length = length_bytes == 0 ? size : length_bytes == 2 ? 126u : 127u;
    out.push_back(static_cast<byte>(length | (mask.empty() ? 0u : 0x80u)));
    for (int i = length_bytes; i > 0; --i) out.push_back(static_cast<byte>(size >> 8 * (i - 1)));
    out.insert(out.end(), mask.begin(), mask.end());
    for (std::size_t i = 0; i < size; ++i)
        out.push_back(mask.empty() ? payload[i] : static_cast<byte>(payload[i] ^ mask[i % 4]));
    return out;
}

TEST(websocket_codec_test, sends_frames_without_a_mask)
{
    for (const std::size_t size : {1u, 125u, 126u, 5000u, 65535u, 65536u}) {
        websocket_codec sender{1u << 20};
        const byte_vector text(size, 'x');
        byte_vector wire;
        sender.send(text, wire);
        EXPECT_EQ(wire, frame_of(0x82, text)) << size;
    }
}

TEST(websocket_codec_test, a_head_and_the_bytes_are_the_frame_that_send_makes)
{
    for (const std::size_t size : {1u, 125u, 126u, 5000u, 65535u, 65536u}) {
        websocket_codec sender{1u << 20};
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
    websocket_codec bounded{1000};
    EXPECT_NE(bounded.head(size, head), 0u);
    EXPECT_EQ(size, 1000u) << "no message above the bound";
    bounded.end(output);
    EXPECT_EQ(bounded.head(size, head), 0u) << "nothing follows the end";
}

// Each payload begins at another place, is moved by another distance and ends in another part of a word.
TEST(websocket_codec_test, unmasks_at_every_offset)
{
    testing::seeded_random random{3};
    for (std::size_t size = 1; size < 200; ++size) {
        websocket_codec reader{1u << 20};
        byte_vector text(size), wire, answer, got;
        random.fill(text);
        for (int i = 0; i < 3; ++i) {
            std::array<byte, 4> mask{};
            random.fill(mask);
            const byte_vector frame = frame_of(0x82, text, mask);
            wire.insert(wire.end(), frame.begin(), frame.end());
        }
        const std::size_t cut = size * 3 / 2;
        for (const mutable_bytes part : {mutable_bytes{wire}.first(cut), mutable_bytes{wire}.subspan(cut)}) {
            const std::size_t kept = reader.receive(part, time_point{}, answer);
            got.insert(got.end(), part.begin(), part.begin() + static_cast<std::ptrdiff_t>(kept));
        }
        byte_vector thrice;
        for (int i = 0; i < 3; ++i) thrice.insert(thrice.end(), text.begin(), text.end());
        EXPECT_EQ(got, thrice) << size;
    }
}

TEST(websocket_codec_test, sends_no_message_above_the_bound)
{
    websocket_codec sender{1024};
    byte_vector wire, expected;
    sender.send(byte_vector(2500), wire);
    for (const std::size_t size : {1024u, 1024u, 452u}) {
        const byte_vector frame = frame_of(0x82, byte_vector(size));
        expected.insert(expected.end(), frame.begin(), frame.end());
    }
    EXPECT_EQ(wire, expected);
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

TEST(websocket_codec_test, owes_the_latest_pong_when_much_waits)
{
    server s;
    byte_vector pings = from_hex(frame("8981", "01") + frame("8980", "") + frame("8982", "0203")).bytes;
    byte_vector output(600);
    s.codec.receive(pings, s.now, output);
    EXPECT_EQ(output.size(), 600u);
    output.clear();
    s.codec.answer(output);
    EXPECT_EQ(to_hex(output), "8a020203");
    s.codec.answer(output);
    EXPECT_EQ(output.size(), 4u) << "once";
    output.resize(600);
    byte_vector ping = from_hex(frame("8981", "01")).bytes;
    s.codec.receive(ping, s.now, output);
    output.clear();
    s.codec.end(output);
    s.codec.answer(output);
    EXPECT_EQ(to_hex(output), "880203e8") << "nothing follows the end";
}

std::string repeated(std::string_view text, std::size_t times)
{
    std::string out;
    for (std::size_t i = 0; i < times; ++i) out += text;
    return out;
}

class without_data_test : public ::testing::TestWithParam<std::string> {};

TEST_P(without_data_test, ends_the_connection_after_a_burst)
{
    server s;
    s.feed(repeated(GetParam(), 64));
    ASSERT_FALSE(s.codec.failed());
    s.now += std::chrono::milliseconds{110};
    s.feed(repeated(GetParam(), 2));
    ASSERT_FALSE(s.codec.failed()) << "twenty more a second";
    const received got = s.feed(repeated(GetParam(), 2) + frame("8281", "61"));
    EXPECT_TRUE(s.codec.failed());
    EXPECT_THAT(to_hex(got.output), ::testing::EndsWith("880203f0"));
    EXPECT_EQ(got.text, "");
}

INSTANTIATE_TEST_SUITE_P(frames, without_data_test,
                         ::testing::Values(frame("8980", ""), frame("8984", "01020304"), frame("8a80", ""),
                                           frame("8280", "")));

TEST(websocket_codec_test, empty_fragments_of_one_message_end_the_connection)
{
    server s;
    const received got = s.feed(frame("0280", "") + repeated(frame("0080", ""), 100));
    EXPECT_TRUE(s.codec.failed());
    EXPECT_EQ(to_hex(got.output), "880203f0");
}

TEST(websocket_codec_test, messages_that_end_in_an_empty_fragment_pass)
{
    server s;
    const received got = s.feed(repeated(frame("0281", "61") + frame("8080", ""), 1000));
    EXPECT_EQ(got.text.size(), 1000u);
    EXPECT_FALSE(s.codec.failed());
}

TEST(websocket_codec_test, keepalives_pass_for_ever)
{
    server s;
    for (int i = 0; i < 1000; ++i) {
        s.feed(repeated(frame("8980", "") + frame("8a80", ""), 10));
        ASSERT_FALSE(s.codec.failed()) << i;
        s.now += std::chrono::seconds{1};
    }
}

// A server's codec with a window that has sent `sent` bytes.
struct windowed_server : server {
    explicit windowed_server(std::size_t sent = 0)
    {
        codec = websocket_codec{1u << 20, true};
        byte_vector wire;
        while (sent > 0) {
            const byte_vector part(std::min<std::size_t>(sent, 1u << 20), 'x');
            codec.send(part, wire);
            sent -= part.size();
            wire.clear();
        }
    }
    // A text message in `frames` frames.
    received count(std::string_view text, std::size_t frames = 1, std::size_t step = 1000)
    {
        std::string hex;
        for (std::size_t i = 0; i < frames; ++i) {
            const std::size_t begin = text.size() * i / frames, end = text.size() * (i + 1) / frames;
            const bool last = i + 1 == frames;
            std::string start = std::string{last ? "8" : "0"} + (i == 0 ? "1" : "0");
            const std::array<byte, 1> size{static_cast<byte>(0x80 | (end - begin))};
            hex += frame(start + to_hex(size), to_hex(as_bytes(text.substr(begin, end - begin))));
        }
        return feed(hex, step);
    }
};

TEST(websocket_codec_test, a_window_is_as_far_ahead_as_the_peers_counts_allow)
{
    constexpr std::size_t window = websocket_window_bytes;
    windowed_server s;
    EXPECT_EQ(s.codec.sendable(), window);
    byte_vector wire;
    s.codec.send(byte_vector(1000, 'x'), wire);
    EXPECT_EQ(s.codec.sendable(), window - 1000);
    std::array<byte, websocket_codec::max_header_bytes> head{};
    std::size_t sent = 1000;
    for (std::size_t size = 1u << 20; s.codec.head(size, head) != 0; size = 1u << 20) sent += size;
    EXPECT_EQ(sent, window) << "no head for a byte more";
    EXPECT_EQ(s.codec.sendable(), 0u);
    s.count("0");
    EXPECT_EQ(s.codec.sendable(), 0u);
    s.count("1");
    EXPECT_EQ(s.codec.sendable(), 1u);
    std::size_t size = 5000;
    EXPECT_NE(s.codec.head(size, head), 0u);
    EXPECT_EQ(size, 1u) << "no more than the window";
    s.count("8388609");
    EXPECT_EQ(s.codec.sendable(), window);
    s.count("8388609");
    EXPECT_FALSE(s.codec.failed()) << "the same again does no harm";
    websocket_codec without{1000};
    EXPECT_EQ(without.sendable(), SIZE_MAX);
}

TEST(websocket_codec_test, a_count_comes_in_any_split_and_is_no_byte_of_the_stream)
{
    for (std::size_t frames = 1; frames <= 7; ++frames)
        for (std::size_t step = 1; step < 30; ++step) {
            windowed_server s{1024};
            const received before = s.feed(frame("8282", "6161"), step);
            const received count = s.count("1023", frames, step);
            const received after = s.feed(frame("8281", "62") + frame("8980", ""), step);
            EXPECT_EQ(before.text + count.text + after.text, "aab");
            EXPECT_EQ(to_hex(count.output), "");
            EXPECT_EQ(to_hex(after.output), "8a00");
            EXPECT_EQ(s.codec.sendable(), websocket_window_bytes - 1);
        }
}

TEST(websocket_codec_test, a_count_of_another_form_breaks_a_rule)
{
    for (const char* text : {"", "a", "-1", "+1", " 1", "1 ", "01", "00", "1.0", "1e3", "0x1",
                             "12345678901234567", "00000000000000001", "\xd9\xa1", "1\n", "1001", "999"}) {
        for (const std::size_t frames : {1u, 3u}) {
            windowed_server s{1000};
            EXPECT_FALSE(s.count("1000").output.size());
            const received got = s.count(text, frames);
            EXPECT_TRUE(s.codec.failed()) << text;
            EXPECT_EQ(to_hex(got.output), "880203ea") << text;
            EXPECT_EQ(s.codec.sendable(), SIZE_MAX) << "nobody waits for its counts";
            EXPECT_EQ(s.count("1000").output.size(), 0u);
        }
    }
    windowed_server fresh;
    fresh.count("1");
    EXPECT_TRUE(fresh.codec.failed()) << "nothing was sent";
    windowed_server most{1000};
    most.count("9999999999999999");
    EXPECT_TRUE(most.codec.failed());
    server without;
    EXPECT_EQ(to_hex(without.feed(frame("8181", "30")).output), "880203eb") << "1003 without a window";
}

TEST(websocket_codec_test, counts_that_move_little_are_frames_without_data)
{
    windowed_server slow{1u << 20};
    int counts = 0;
    for (; counts < 1000 && !slow.codec.failed(); ++counts) slow.count(std::to_string(counts));
    EXPECT_GT(counts, 50);
    EXPECT_LT(counts, 100);
    windowed_server steady{1u << 20};
    for (int i = 0; i < 1000; ++i, steady.now += std::chrono::milliseconds{60})
        steady.count(std::to_string(i));
    EXPECT_FALSE(steady.codec.failed());
    windowed_server fast;
    byte_vector wire;
    std::size_t used = 0;
    for (int i = 0; i < 1000; ++i) {
        fast.codec.send(byte_vector(65536, 'x'), wire);
        wire.clear();
        fast.count(std::to_string(used += 65536));
    }
    EXPECT_FALSE(fast.codec.failed());
    windowed_server split{1u << 20};
    for (int i = 1; i < 16 && !split.codec.failed(); ++i) split.count(std::to_string(i * 65536), 16);
    EXPECT_TRUE(split.codec.failed()) << "empty fragments count";
}

} // namespace
} // namespace parley::detail
