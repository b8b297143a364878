#include "peer/connection_advice.hpp"
#include "peer/probe_command.hpp"

#include <boost/asio/error.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace parley::cli {
namespace {

using ::testing::HasSubstr;

std::string advice(std::string_view name, error_code error, const std::string& relay = "tcp://h:1,2")
{
    probe_command_options options;
    options.relay = *relay_address::parse(relay);
    probe_step step;
    step.name = name;
    step.error = error;
    return probe_advice(step, options);
}

TEST(probe_advice_test, every_step_has_some)
{
    for (const char* name : {"resolve", "connect", "proxy", "tls", "upgrade", "handshake", "room"})
        for (const errc error : {errc::timed_out, errc::connect_failed, errc::unexpected_end,
                                 errc::unknown_packet_type, errc::bad_framing, errc::room_denied})
            EXPECT_GT(advice(name, error).size(), 40U) << name;
}

TEST(probe_advice_test, the_messages_of_send_and_recv_come_from_the_same_table)
{
    for (const errc error : {errc::name_not_resolved, errc::names_unavailable, errc::upgrade_refused,
                             errc::upgrade_redirected, errc::upgrade_denied, errc::upgrade_not_found,
                             errc::upgrade_required, errc::upgrade_bad_gateway, errc::upgrade_unavailable})
        EXPECT_EQ(advice("upgrade", error), connection_advice(error)) << error_code{error}.message();
    EXPECT_EQ(connection_advice(asio::error::connection_reset), "");
    EXPECT_EQ(connection_advice({}), "");
}

TEST(probe_advice_test, says_who_can_do_something)
{
    EXPECT_THAT(advice("connect", errc::proxy_unreachable), HasSubstr("--proxy none"));
    EXPECT_THAT(advice("proxy", errc::proxy_refused_credentials), HasSubstr("--proxy-auth-file"));
    EXPECT_THAT(advice("proxy", errc::proxy_refused_destination), HasSubstr("443"));
    EXPECT_THAT(advice("connect", errc::timed_out), HasSubstr("firewall"));
    EXPECT_THAT(advice("connect", errc::connect_failed, "unix:/run/x"), HasSubstr("this user"));
    EXPECT_THAT(advice("tls", errc::tls_failed), HasSubstr("--ca-file"));
    EXPECT_THAT(advice("upgrade", errc::upgrade_refused), HasSubstr("proxy_http_version"));
    EXPECT_THAT(advice("upgrade", errc::upgrade_redirected), HasSubstr("wss://"));
    EXPECT_THAT(advice("upgrade", errc::upgrade_denied), HasSubstr("access rules"));
    EXPECT_THAT(advice("upgrade", errc::upgrade_not_found), HasSubstr("path"));
    EXPECT_THAT(advice("upgrade", errc::upgrade_required), HasSubstr("proxy_http_version"));
    EXPECT_THAT(advice("upgrade", errc::upgrade_bad_gateway), HasSubstr("behind the web server"));
    EXPECT_THAT(advice("upgrade", errc::upgrade_unavailable), HasSubstr("full"));
    EXPECT_THAT(advice("room", errc::room_denied), HasSubstr("one address"));
    EXPECT_THAT(advice("room", asio::error::connection_refused), HasSubstr("port (2)"));
}

} // namespace
} // namespace parley::cli
