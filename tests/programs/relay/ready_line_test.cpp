#include "relay/ready_line.hpp"

#include <boost/asio/ip/address.hpp>

#include <gtest/gtest.h>

namespace parley::relayd {
namespace {

tcp_endpoint at(const char* address, std::uint16_t port)
{
    return {asio::ip::make_address(address), port};
}

TEST(ready_line, for_people_and_for_machines)
{
    const std::vector<tcp_endpoint> handshake{at("127.0.0.1", 40001), at("::1", 40002)};
    const std::vector<tcp_endpoint> rooms{at("127.0.0.1", 40003)};
    EXPECT_EQ(ready_line(handshake, rooms, false),
              "parley-relay ready: handshake 127.0.0.1:40001 [::1]:40002, rooms 127.0.0.1:40003");
    EXPECT_EQ(
        ready_line(handshake, rooms, true),
        R"({"event":"ready","handshake":["127.0.0.1:40001","[::1]:40002"],"rooms":["127.0.0.1:40003"]})");
}

} // namespace
} // namespace parley::relayd
