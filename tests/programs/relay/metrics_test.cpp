#include "relay/metrics.hpp"

#include <boost/asio/io_context.hpp>

#include <gtest/gtest.h>

#include <regex>

namespace parley::relayd {
namespace {

struct metrics : testing::Test {
    std::string text() { return counted.text(relay); }
    double value(const std::string& series)
    {
        const std::string all = "\n" + text();
        const std::size_t at = all.find("\n" + series + " ");
        EXPECT_NE(at, std::string::npos) << series;
        return at == std::string::npos ? -1 : std::stod(all.substr(at + series.size() + 2));
    }

    asio::io_context context{1};
    relay_observer nobody;
    relay_metrics counted{nobody};
    relay_server relay{context.get_executor(), {}, counted};
    identity who = *identity::from_text("192.0.2.77:4001");
};

TEST_F(metrics, count_what_is_told)
{
    counted.connected(who, relay_channel::handshake);
    counted.connected(who, relay_channel::room);
    counted.connected(who, relay_channel::room);
    counted.disconnected(who, relay_channel::room, {});
    counted.disconnected(who, relay_channel::handshake, make_error_code(errc::timed_out));
    counted.hello(who, peer_kind::server);
    counted.agreed(who, who);
    counted.dropped(who, drop_reason::unknown_destination, 5);
    counted.rejected(who, relay_channel::handshake, reject_reason::address_full);
    counted.accept_failed(relay_channel::room, {});
    counted.room_opened(who, who);
    room_report report;
    report.time = std::chrono::seconds{5};
    counted.room_closed(report);
    counted.reloaded(false);

    EXPECT_EQ(value("parley_relay_connections_total{channel=\"room\"}"), 2);
    EXPECT_EQ(value("parley_relay_disconnections_total{channel=\"handshake\",reason=\"timed_out\"}"), 1);
    EXPECT_EQ(value("parley_relay_disconnections_total{channel=\"room\",reason=\"done\"}"), 1);
    EXPECT_EQ(value("parley_relay_hellos_total{kind=\"server\"}"), 1);
    EXPECT_EQ(value("parley_relay_agreements_total"), 1);
    EXPECT_EQ(value("parley_relay_packets_dropped_total{reason=\"unknown_destination\"}"), 1);
    EXPECT_EQ(value("parley_relay_rejections_total{reason=\"address_full\"}"), 1);
    EXPECT_EQ(value("parley_relay_accept_failures_total{channel=\"room\"}"), 1);
    EXPECT_EQ(value("parley_relay_rooms_total"), 1);
    EXPECT_EQ(value("parley_relay_room_duration_seconds_count"), 1);
    EXPECT_EQ(value("parley_relay_room_duration_seconds_sum"), 5);
    EXPECT_EQ(value("parley_relay_config_reloads_total{result=\"failure\"}"), 1);
    EXPECT_EQ(value("parley_relay_draining"), 0);
    EXPECT_GT(value("process_resident_memory_bytes"), 1e6);
    EXPECT_GT(value("process_open_fds"), 3);
}

TEST_F(metrics, have_every_refusal_from_the_start)
{
    for (std::size_t i = 0; i < refusals; ++i)
        EXPECT_EQ(value("parley_relay_rejections_total{reason=\"" +
                        std::string{reject_reason_name(static_cast<reject_reason>(i))} + "\"}"),
                  0);
}

TEST_F(metrics, hold_no_addresses_and_keep_to_the_conventions)
{
    counted.connected(who, relay_channel::handshake);
    counted.disconnected(who, relay_channel::handshake, {});
    const std::string all = text();
    EXPECT_EQ(all.find("192.0.2"), std::string::npos);
    std::istringstream lines{all};
    const std::regex type{"# TYPE ([a-z_]+) (counter|gauge|histogram)"};
    std::size_t families = 0;
    for (std::string line; std::getline(lines, line);) {
        if (!line.starts_with("# TYPE")) continue;
        std::smatch parts;
        ASSERT_TRUE(std::regex_match(line, parts, type)) << line;
        const std::string name = parts[1];
        EXPECT_EQ(name.ends_with("_total"), parts[2] == "counter") << line;
        EXPECT_NE(all.find("# HELP " + name + " "), std::string::npos) << name;
        ++families;
    }
    EXPECT_GT(families, 15u);
}

TEST_F(metrics, say_that_it_drains)
{
    relay.drain();
    EXPECT_EQ(value("parley_relay_draining"), 1);
}

} // namespace
} // namespace parley::relayd
