#include "relay/handshake/packet_queue.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace parley {
namespace {

std::shared_ptr<const encoded_packet> packet_to(std::uint16_t number)
{
    return std::make_shared<const encoded_packet>(encode(uid{number}, packet::agreement{}));
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
    for (std::uint16_t i = 1; i <= 3000; ++i) expected += as_text(packet_to(i)->view());
    for (const std::size_t limit : {1u, 5u, 6u, 7u, 100u, 100'000u}) {
        packet_queue queue;
        std::string written;
        for (std::uint16_t i = 1; i <= 3000; ++i) {
            queue.push(packet_to(i));
            if (i % 3 == 0) written += take(queue, 4, limit);
        }
        while (!queue.empty()) written += take(queue, 16, limit);
        EXPECT_EQ(written, expected) << limit;
        EXPECT_EQ(queue.bytes(), 0u);
        EXPECT_EQ(queue.packets(), 0u);
    }
}

TEST(packet_queue, counts_what_is_left)
{
    packet_queue queue;
    EXPECT_TRUE(queue.empty());
    queue.push(packet_to(1));
    queue.push(packet_to(2));
    EXPECT_EQ(queue.bytes(), 12u);
    queue.consume(7);
    EXPECT_EQ(queue.bytes(), 5u);
    EXPECT_EQ(queue.packets(), 1u);
    EXPECT_EQ(take(queue, 1, 100), "00208"); // "000208" less its first byte
    EXPECT_TRUE(queue.empty());
}

TEST(packet_queue, shares_packets_and_lets_them_go)
{
    const auto shared = packet_to(1);
    packet_queue a, b;
    a.push(shared);
    b.push(shared);
    EXPECT_EQ(shared.use_count(), 3);
    a.consume(6);
    EXPECT_EQ(shared.use_count(), 2);
    b.clear();
    EXPECT_EQ(shared.use_count(), 1);
    EXPECT_TRUE(b.empty());
}

} // namespace
} // namespace parley
