#include "bench/load_websocket.hpp"

#include "bench/failure.hpp"

#include <parley/crypto/sha1.hpp>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/evp.h>

#include <random>
#include <sys/socket.h>

namespace parley::bench {
namespace {

byte_vector frame(byte opcode, bytes_view payload)
{
    byte_vector out{static_cast<byte>(0x80 | opcode), static_cast<byte>(payload.size())};
    out.insert(out.end(), payload.begin(), payload.end());
    return out;
}

// Over a pair of sockets: the request, its answer with the Accept of its key, and a request of somebody else.
TEST(LoadWebsocket, OpensAndAnswers)
{
    int ends[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    load_socket client{descriptor{ends[0]}}, server{descriptor{ends[1]}};
    const endpoint to{wire_kind::websocket, "127.0.0.1", 80, "/lobby"};
    const std::string request = upgrade_request(to, "bob.room");
    EXPECT_THAT(request, ::testing::StartsWith("GET /lobby HTTP/1.1\r\n"));
    ASSERT_TRUE(write_all(client, request));
    answer_websocket(server);
    std::array<char, 512> answer;
    const ssize_t size = client.recv(answer.data(), answer.size());
    ASSERT_GT(size, 0);
    const std::string_view text{answer.data(), static_cast<std::size_t>(size)};
    const std::string key = request.substr(request.find("Key: ") + 5, 24);
    sha1 hash;
    hash.update(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    const sha1_digest digest = hash.finish();
    byte accept[32];
    ASSERT_EQ(EVP_EncodeBlock(accept, digest.data(), sha1_bytes), 28);
    EXPECT_THAT(text, ::testing::HasSubstr(fmt::format("Sec-WebSocket-Accept: {}\r\n",
                                                       reinterpret_cast<const char*>(accept))));
    EXPECT_TRUE(is_upgraded(text));
    EXPECT_TRUE(text.ends_with("\r\n\r\n"));
    ASSERT_TRUE(write_all(client, "GET / HTTP/1.1\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"));
    EXPECT_THROW(answer_websocket(server), failure);
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
