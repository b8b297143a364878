#include "relay/handshake/packet_queue.hpp"

#include <parley/wire/writer.hpp>

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace parley {
namespace {

void push(packet_queue& queue, std::uint16_t number)
{
    queue.push(encode(uid{number}, packet::agreement{}).view());
}

// Writes up to `limit` bytes of what is gathered in up to `buffers` buffers.
std::string take(packet_queue& queue, std::size_t buffers, std::size_t limit)
{
    std::vector<boost::asio::const_buffer> out(buffers);
    const std::size_t count = queue.gather(out);
    std::string text;
    for (std::size_t i = 0; i < count; ++i)
        text.append(static_cast<const char*>(out[i].data()), out[i].size());
    text.resize(std::min(text.size(), limit));
    queue.consume(text.size());
    return text;
}

TEST(packet_queue, keeps_the_order_however_it_is_written)
{
    std::string expected;
    for (std::uint16_t i = 1; i <= 3000; ++i) expected += as_text(encode(uid{i}, packet::agreement{}).view());
    for (const std::size_t limit : {1u, 5u, 6u, 7u, 100u, 100'000u}) {
        packet_queue queue;
        std::string written;
        for (std::uint16_t i = 1; i <= 3000; ++i) {
            push(queue, i);
            if (i % 3 == 0) written += take(queue, 4, limit);
        }
        while (!queue.empty()) written += take(queue, 16, limit);
        EXPECT_EQ(written, expected) << limit;
        EXPECT_EQ(queue.bytes(), 0u);
        EXPECT_EQ(queue.cost(), 0u);
    }
}

TEST(packet_queue, counts_what_is_left)
{
    packet_queue queue;
    EXPECT_TRUE(queue.empty());
    push(queue, 1);
    push(queue, 2);
    EXPECT_EQ(queue.bytes(), 12u);
    queue.consume(7);
    EXPECT_EQ(queue.bytes(), 5u);
    EXPECT_EQ(take(queue, 1, 100), "00208"); // "000208" less its first byte
    EXPECT_TRUE(queue.empty());
}

TEST(packet_queue, costs_little_more_than_its_bytes)
{
    packet_queue queue;
    push(queue, 1);
    EXPECT_LE(queue.cost(), 128u) << "one small allocation";
    for (int i = 1; i < 10'000; ++i) {
        push(queue, 1);
        EXPECT_GE(queue.cost(), queue.bytes());
        EXPECT_LE(queue.cost(), 2 * queue.bytes() + 4200);
    }
    EXPECT_LE(queue.cost(), 60'000u + 60'000 / 50 + 4200);
    queue.consume(59'000);
    EXPECT_LE(queue.cost(), 2 * 4112u) << "what was written is freed";
    queue.clear();
    EXPECT_EQ(queue.cost(), 0u);
    EXPECT_TRUE(queue.empty());
}

TEST(packet_queue, keeps_what_is_being_written_in_its_place)
{
    packet_queue queue;
    push(queue, 1);
    std::vector<boost::asio::const_buffer> out(16);
    ASSERT_EQ(queue.gather(out), 1u);
    for (int i = 0; i < 10'000; ++i) push(queue, 2);
    EXPECT_EQ(as_text({static_cast<const byte*>(out[0].data()), 6}), "000108");
    EXPECT_EQ(out[0].size(), 6u);
}

} // namespace
} // namespace parley
