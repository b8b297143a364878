#include "bench/scripted_peer.hpp"

#include <parley/proto/relay_machine.hpp>

#include <gtest/gtest.h>

#include <array>

namespace parley::bench {
namespace {

// Both peers of each kind before the framework's own relay machine, without sockets.
class handshake : public ::testing::TestWithParam<bool> {
protected:
    void exchange()
    {
        for (bool moved = true; moved;) {
            moved = false;
            for (std::size_t i = 0; i < 2; ++i) {
                if (!peers[i]) continue;
                const byte_vector said = peers[i]->take_output();
                bytes_view input = said;
                while (!input.empty()) {
                    const auto packet = parsers[i].parse(input);
                    ASSERT_TRUE(packet && *packet);
                    relay.receive(connection_id{static_cast<std::uint32_t>(i)}, **packet, {});
                    moved = true;
                    drain();
                }
            }
        }
    }
    void drain()
    {
        while (auto action = relay.next_action()) {
            if (const auto* send = std::get_if<relay_action::send>(&*action))
                peers[static_cast<std::size_t>(send->to)]->receive(send->packet->view());
            agreed = agreed || std::holds_alternative<relay_action::agree>(*action);
        }
    }
    void connect(std::size_t i, std::unique_ptr<scripted_peer> peer)
    {
        peers[i] = std::move(peer);
        relay.connect(connection_id{static_cast<std::uint32_t>(i)},
                      *identity::from_text("127.0.0.1:" + std::to_string(1000 + i)), {});
        peers[i]->receive({});
        exchange();
    }

    relay_machine relay;
    std::array<std::unique_ptr<scripted_peer>, 2> peers;
    std::array<packet_parser, 2> parsers;
    bool agreed = false;
};

TEST_P(handshake, EndsInAnAgreement)
{
    connect(0, make_server_peer(GetParam(), 7));
    EXPECT_TRUE(peers[0]->identified());
    connect(1, make_client_peer(GetParam(), 7, peers[0]->announces()));
    EXPECT_TRUE(agreed);
    EXPECT_TRUE(peers[0]->done());
    EXPECT_TRUE(peers[1]->done());
}

TEST_P(handshake, OtherServersAreLeftAlone)
{
    connect(0, make_server_peer(GetParam(), 7));
    connect(1, make_client_peer(GetParam(), 8, make_server_peer(false, 8)->announces()));
    EXPECT_TRUE(peers[1]->identified());
    EXPECT_FALSE(agreed || peers[0]->done() || peers[1]->done());
}

INSTANTIATE_TEST_SUITE_P(Keys, handshake, ::testing::Bool(),
                         [](const auto& param) { return param.param ? "Agreement" : "Precomputed"; });

} // namespace
} // namespace parley::bench
