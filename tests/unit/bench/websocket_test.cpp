#include "bench/load_websocket.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace parley::bench {
namespace {

byte_vector frame(byte opcode, bytes_view payload)
{
    byte_vector out{static_cast<byte>(0x80 | opcode), static_cast<byte>(payload.size())};
    out.insert(out.end(), payload.begin(), payload.end());
    return out;
}

TEST(LoadWebsocket, TheAnswerIsThatOfTheRfc)
{
    const std::string answer =
        upgrade_answer("GET / HTTP/1.1\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                       "Sec-WebSocket-Protocol: bob.room\r\n\r\n");
    EXPECT_THAT(answer, testing::HasSubstr("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"));
    EXPECT_THAT(answer, testing::HasSubstr("Sec-WebSocket-Protocol: bob.room\r\n"));
    EXPECT_TRUE(is_upgraded(answer));
    EXPECT_TRUE(answer.ends_with("\r\n\r\n"));
    EXPECT_EQ(upgrade_answer("GET / HTTP/1.1\r\n\r\n"), "");
    const endpoint to{wire_kind::websocket, "127.0.0.1", 80, "/lobby"};
    EXPECT_THAT(upgrade_request(to, "bob.handshake"), testing::StartsWith("GET /lobby HTTP/1.1\r\n"));
    EXPECT_NE(upgrade_answer(upgrade_request(to, "bob.handshake")), "");
}

// Frames of every length class, cut at random, come out as they went in; and are counted right.
TEST(LoadWebsocket, FramesInAnySplit)
{
    std::mt19937_64 draw{5};
    byte_vector sent, wire;
    for (const std::size_t size : {0u, 1u, 125u, 126u, 65535u, 65536u, 70000u, 3u}) {
        byte_vector payload(size);
        for (byte& one : payload) one = static_cast<byte>(draw());
        append_frame(wire, payload);
        sent.insert(sent.end(), payload.begin(), payload.end());
    }
    for (int round = 0; round < 20; ++round) {
        frame_reader reader, counter;
        byte_vector got, due, copy = wire;
        std::uint64_t counted = 0;
        for (std::size_t at = 0; at < copy.size();) {
            const std::size_t size =
                std::min<std::size_t>(copy.size() - at, 1 + draw() % (round < 10 ? 7 : 30'000));
            counted += counter.count(bytes_view{copy}.subspan(at, size));
            const std::size_t kept = reader.receive(mutable_bytes{copy}.subspan(at, size), due);
            got.insert(got.end(), copy.begin() + static_cast<std::ptrdiff_t>(at),
                       copy.begin() + static_cast<std::ptrdiff_t>(at + kept));
            at += size;
        }
        EXPECT_EQ(got, sent);
        EXPECT_EQ(counted, sent.size());
        EXPECT_FALSE(reader.failed() || counter.failed());
        EXPECT_TRUE(due.empty());
    }
}

TEST(LoadWebsocket, PingsAreAnsweredBetweenData)
{
    byte_vector wire = frame(2, as_bytes("ab"));
    for (const byte_vector& more :
         {frame(9, as_bytes("hi")), frame(9, {}), frame(10, as_bytes("x")), frame(2, as_bytes("cd"))})
        wire.insert(wire.end(), more.begin(), more.end());
    frame_reader reader;
    byte_vector due;
    const std::size_t kept = reader.receive(wire, due);
    EXPECT_EQ(as_text(bytes_view{wire}.first(kept)), "abcd");
    EXPECT_EQ(due, (byte_vector{0x8a, 0x82, 0, 0, 0, 0, 'h', 'i', 0x8a, 0x80, 0, 0, 0, 0}));
}

TEST(LoadWebsocket, CloseAndNonsenseEndIt)
{
    for (const byte_vector& wire :
         {frame(8, {}), frame(3, {}), frame(11, {}), byte_vector{0xf2, 0}, byte_vector{0x89, 126, 0, 200}}) {
        frame_reader reader;
        byte_vector copy = wire, due;
        reader.receive(copy, due);
        EXPECT_TRUE(reader.failed());
    }
}

} // namespace
} // namespace parley::bench
