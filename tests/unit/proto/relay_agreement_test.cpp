#include <unit/proto/relay_bench.hpp>

namespace parley::test {
namespace {

using bench = relay_bench;

// Section 3.6: the server's agreement to this very client, since the client's last X.
TEST(relay_machine, accepted_counts_only_after_the_servers_agreement)
{
    bench b;
    b.server(0);
    b.server(1);
    b.client(2);
    b.client(3);
    const packet::x_and_client_identity x{{}, named("p:2")};
    const auto dropped = [&](std::uint32_t from) {
        b.take();
        b.say(from, uid{1}, packet::accepted{});
        EXPECT_EQ(b.take(), lines{"drop " + std::to_string(from) + ": 0a no_agreement"});
    };
    dropped(2);
    b.say(2, uid{1}, x);
    dropped(2);
    b.say(1, uid{3}, packet::agreement{}); // another server's
    dropped(2);
    b.say(0, uid{4}, packet::agreement{}); // to another client
    dropped(2);
    b.say(0, uid{3}, packet::agreement{});
    b.say(2, uid{1}, x); // it begins anew
    dropped(2);
    b.say(0, uid{3}, packet::agreement{});
    b.say(2, uid{2}, x); // to another server: changes nothing
    b.take();
    b.say(2, uid{1}, packet::accepted{});
    EXPECT_EQ(b.take().front(), "to 0: 0003 accepted");
}

// Who gets the number of a client that has left does not get its agreement.
TEST(relay_machine, an_agreement_ends_with_its_client)
{
    bench b;
    b.server(0);
    b.client(1);
    b.say(0, uid{2}, packet::agreement{});
    b.leave(1);
    for (std::uint32_t i = 0; i < 0xffff - 2; ++i) { // until the number comes round
        b.client(1);
        b.leave(1);
    }
    b.client(1);
    b.take();
    b.say(1, uid{1}, packet::accepted{});
    EXPECT_EQ(b.take(), lines{"drop 1: 0a no_agreement"});
    b.say(0, uid{2}, packet::refused{});
    b.say(0, uid{2}, packet::agreement{});
    EXPECT_EQ(b.take().back(), "to 1: 0001 agreement") << "it has that number";
}

TEST(relay_machine, remembers_a_bounded_number_of_agreements)
{
    bench b;
    b.server(0);
    constexpr std::uint32_t clients = 65;
    for (std::uint32_t c = 1; c <= clients; ++c) b.client(c);
    for (std::uint32_t c = 1; c <= clients; ++c)
        b.say(0, uid{static_cast<std::uint16_t>(c + 1)}, packet::agreement{});
    b.take();
    b.say(1, uid{1}, packet::accepted{});
    EXPECT_EQ(b.take(), lines{"drop 1: 0a no_agreement"}) << "the oldest is forgotten";
    b.say(2, uid{1}, packet::accepted{});
    EXPECT_EQ(b.take().front(), "to 0: 0003 accepted");
}

} // namespace
} // namespace parley::test
