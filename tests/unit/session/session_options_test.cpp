#include <parley/session/probe.hpp>
#include <parley/testing/seeded_random.hpp>
#include <parley/testing/virtual_clock.hpp>
#include <parley/transfer/receive_document.hpp>
#include <parley/transfer/send_document.hpp>
#include <parley/transport/resolver.hpp>

#include <gtest/gtest.h>

namespace parley::test {
namespace {

using namespace std::chrono_literals;

const relay_address address{"tcp", "relay.example", 1, 2, "/path"};

// Every getter gives what its setter was given, whatever else is set.
template <class Options>
class session_options_test : public ::testing::Test {};
using both = ::testing::Types<send_options, receive_options>;
TYPED_TEST_SUITE(session_options_test, both);

TYPED_TEST(session_options_test, keep_what_they_are_given)
{
    testing::seeded_random random{1};
    testing::virtual_clock virtual_time;
    system_resolver names;
    asio::io_context context;
    const auto proxy = std::make_shared<const proxy_settings>();
    const TypeParam options = TypeParam{}
                                  .relay(address)
                                  .connect_timeout(1s)
                                  .wait_timeout(2s)
                                  .entry_timeout(3s)
                                  .idle_timeout(4s)
                                  .reconnect(false)
                                  .random(&random)
                                  .time(&virtual_time)
                                  .names(&names)
                                  .ca_file("authorities.pem")
                                  .blocking(context.get_executor())
                                  .proxy(proxy);
    EXPECT_EQ(options.relay(), address);
    EXPECT_EQ(options.connect_timeout(), 1s);
    EXPECT_EQ(options.wait_timeout(), 2s);
    EXPECT_EQ(options.entry_timeout(), 3s);
    EXPECT_EQ(options.idle_timeout(), 4s);
    EXPECT_FALSE(options.reconnect());
    EXPECT_EQ(options.random(), &random);
    EXPECT_EQ(options.time(), &virtual_time);
    EXPECT_EQ(options.names(), &names);
    EXPECT_EQ(options.ca_file(), "authorities.pem");
    EXPECT_EQ(options.blocking(), executor{context.get_executor()});
    EXPECT_EQ(options.proxy(), proxy);
}

TYPED_TEST(session_options_test, have_defaults)
{
    const TypeParam options;
    EXPECT_EQ(options.relay(), relay_address{});
    EXPECT_EQ(options.connect_timeout(), 15s);
    EXPECT_EQ(options.wait_timeout(), 1h);
    EXPECT_EQ(options.entry_timeout(), 60s);
    EXPECT_EQ(options.idle_timeout(), 60s);
    EXPECT_TRUE(options.reconnect());
    EXPECT_EQ(options.random(), nullptr);
    EXPECT_EQ(options.time(), nullptr);
    EXPECT_EQ(options.names(), nullptr);
    EXPECT_TRUE(options.ca_file().empty());
    EXPECT_FALSE(options.blocking());
    EXPECT_EQ(options.proxy(), nullptr);
}

TEST(send_options_test, keep_what_they_are_given)
{
    const auto options = send_options{}
                             .layout(record_layout::original)
                             .iterations(7)
                             .cipher0(cipher::chacha20_poly1305)
                             .cipher1(cipher::aes_256_gcm)
                             .finish_timeout(5s);
    EXPECT_EQ(options.layout(), record_layout::original);
    EXPECT_EQ(options.iterations(), 7u);
    EXPECT_EQ(options.cipher0(), cipher::chacha20_poly1305);
    EXPECT_EQ(options.cipher1(), cipher::aes_256_gcm);
    EXPECT_EQ(options.finish_timeout(), 5s);
}

TEST(receive_options_test, keep_what_they_are_given)
{
    const auto options = receive_options{}.max_iterations(7).refusal_ends(true).close_timeout(6s);
    EXPECT_EQ(options.max_iterations(), 7u);
    EXPECT_TRUE(options.refusal_ends());
    EXPECT_EQ(options.close_timeout(), 6s);
}

TEST(probe_options_test, keep_what_they_are_given)
{
    testing::seeded_random random{1};
    system_resolver names;
    const auto proxy = std::make_shared<const proxy_settings>();
    const auto options = probe_options{}
                             .relay(address)
                             .random(&random)
                             .names(&names)
                             .ca_file("authorities.pem")
                             .proxy(proxy)
                             .step_timeout(8s)
                             .room_bytes(9);
    EXPECT_EQ(options.relay(), address);
    EXPECT_EQ(options.random(), &random);
    EXPECT_EQ(options.names(), &names);
    EXPECT_EQ(options.ca_file(), "authorities.pem");
    EXPECT_EQ(options.proxy(), proxy);
    EXPECT_EQ(options.step_timeout(), 8s);
    EXPECT_EQ(options.room_bytes(), 9u);
}

} // namespace
} // namespace parley::test
