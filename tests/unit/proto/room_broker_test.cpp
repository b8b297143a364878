#include <parley/proto/room_broker.hpp>

#include <unit/proto/support.hpp>

namespace parley::test {
namespace {

using namespace std::chrono_literals;

std::uint32_t number(connection_id c)
{
    return static_cast<std::uint32_t>(c);
}

struct action_names {
    std::string operator()(const room_action::answer& a) const
    {
        return std::to_string(number(a.to)) + ": " + std::string{as_text(encode(a.code))};
    }
    std::string operator()(const room_action::join& a) const
    {
        return "join " + std::to_string(number(a.client)) + ' ' + std::to_string(number(a.server));
    }
};

using seat = std::optional<seat_token>;

// A seat whose every byte is `b`.
seat_token seat_of(byte b)
{
    const std::array<byte, seat_token::byte_count> bytes = [b] {
        std::array<byte, seat_token::byte_count> out{};
        out.fill(b);
        return out;
    }();
    return seat_token::from_text(to_hex(bytes)).value();
}

struct bench {
    explicit bench(room_options options = {}) : broker{options} {}

    void agree(std::string_view client, std::string_view server, const seat& clients = {},
               const seat& servers = {})
    {
        broker.agree({named(client), clients}, {named(server), servers}, now);
    }
    void connect(std::uint32_t c, std::string_view who, const seat& presented = {})
    {
        broker.connect(connection_id{c}, {named(who), presented});
    }
    // Returns how many bytes were left.
    std::size_t say(std::uint32_t c, std::string_view bytes)
    {
        bytes_view input = as_bytes(bytes);
        broker.receive(connection_id{c}, input, now);
        return input.size();
    }
    void enter(std::uint32_t c, std::string_view who, const std::string& other, const seat& presented = {})
    {
        connect(c, who, presented);
        say(c, other + "\n");
    }
    void leave(std::uint32_t c) { broker.disconnect(connection_id{c}); }
    void pass(duration time)
    {
        now += time;
        broker.expire(now);
    }
    lines take()
    {
        lines out;
        while (const auto action = broker.next_action()) out.push_back(std::visit(action_names{}, *action));
        return out;
    }
    void expect_counts(std::size_t agreements, std::size_t waiting)
    {
        EXPECT_EQ(broker.count().agreements, agreements);
        EXPECT_EQ(broker.count().waiting, waiting);
        if (agreements + waiting == 0) {
            EXPECT_EQ(broker.next_deadline(), no_deadline);
        }
    }

    time_point now{};
    room_broker broker;
};

TEST(room_broker, joins_the_two_of_an_agreement_in_either_order)
{
    for (const bool client_first : {false, true}) {
        bench b;
        b.agree("10.0.0.1:1000", "10.0.0.2:2000");
        b.expect_counts(1, 0);
        if (client_first) b.enter(1, "10.0.0.1:5555", "10.0.0.2:2000");
        b.enter(2, "10.0.0.2:6666", "10.0.0.1:1000");
        if (!client_first) {
            EXPECT_EQ(b.take(), lines{}) << "one alone waits";
            b.expect_counts(1, 1);
            b.enter(1, "10.0.0.1:5555", "10.0.0.2:2000");
        }
        EXPECT_EQ(b.take(), (lines{"1: 00", "2: 00", "join 1 2"}));
        b.expect_counts(0, 0);
    }
}

TEST(room_broker, the_line_comes_in_any_split_and_what_follows_stays)
{
    bench b;
    b.agree("c:1", "s:1");
    b.enter(1, "c:9", "s:1");
    b.connect(2, "s:9");
    EXPECT_EQ(b.say(2, "c"), 0U);
    EXPECT_EQ(b.say(2, ":"), 0U);
    b.expect_counts(1, 2);
    EXPECT_EQ(b.say(2, "1\nrecord"), 6U);
    EXPECT_EQ(b.take(), (lines{"1: 00", "2: 00", "join 1 2"}));
}

TEST(room_broker, early_bytes_of_one_that_waits_are_not_taken)
{
    bench b;
    b.agree("c:1", "s:1");
    b.connect(2, "s:9");
    EXPECT_EQ(b.say(2, "c:1\nearly"), 5U);
    EXPECT_EQ(b.say(2, "more"), 4U);
    b.enter(1, "c:9", "s:1");
    EXPECT_EQ(b.take(), (lines{"1: 00", "2: 00", "join 1 2"}));
}

TEST(room_broker, denies_whom_no_agreement_names)
{
    bench b;
    b.agree("c:1", "s:1");
    b.enter(1, "c:9", "x:1");
    b.enter(2, "c:9", "c:1"); // its own name
    b.enter(3, "c:9", "s:2");
    EXPECT_EQ(b.take(), (lines{"1: 02", "2: 02", "3: 02"}));
    b.expect_counts(1, 0);
    EXPECT_EQ(b.say(1, "s:1\n"), 4U) << "answered is answered";
    b.leave(1);
    EXPECT_EQ(b.take(), lines{});
}

TEST(room_broker, denies_a_malformed_line)
{
    bench b;
    b.agree("c:1", "s:1");
    std::uint32_t c = 0;
    for (const std::string& line : {std::string{"\n"}, std::string{"s 1\n"}, std::string(200, 'a')}) {
        b.connect(c, "c:9");
        b.say(c, line);
        EXPECT_EQ(b.take(), lines{std::to_string(c) + ": 02"});
        ++c;
    }
    b.expect_counts(1, 0);
}

TEST(room_broker, a_place_is_for_the_address_of_its_peer)
{
    bench b;
    b.agree("10.0.0.1:1000", "[2001:db8::1]:2000");
    b.enter(1, "10.0.0.3:1000", "[2001:db8::1]:2000");
    b.enter(2, "[2001:db8::2]:2000", "10.0.0.1:1000");
    EXPECT_EQ(b.take(), (lines{"1: 02", "2: 02"}));
    b.enter(3, "10.0.0.1:77", "[2001:db8::1]:2000");
    b.enter(4, "[2001:db8::1]:88", "10.0.0.1:1000");
    EXPECT_EQ(b.take(), (lines{"3: 00", "4: 00", "join 3 4"}));
}

TEST(room_broker, the_address_can_be_left_out)
{
    bench b{room_options{.same_address = false}};
    b.agree("10.0.0.1:1000", "10.0.0.2:2000");
    b.enter(1, "1.1.1.1:1", "10.0.0.2:2000");
    b.enter(2, "2.2.2.2:2", "10.0.0.1:1000");
    EXPECT_EQ(b.take(), (lines{"1: 00", "2: 00", "join 1 2"}));
}

TEST(room_broker, a_seat_enters_from_another_address)
{
    bench b;
    b.agree("10.0.0.1:1000", "10.0.0.2:2000", seat_of(1), seat_of(2));
    b.enter(1, "[2001:db8::1]:5", "10.0.0.2:2000", seat_of(1));
    b.enter(2, "192.0.2.7:6", "10.0.0.1:1000", seat_of(2));
    EXPECT_EQ(b.take(), (lines{"1: 00", "2: 00", "join 1 2"}));
    b.expect_counts(0, 0);
}

TEST(room_broker, by_seat_only_takes_no_place_of_an_address)
{
    bench b;
    b.agree("c:1", "s:1", {}, seat_of(2));
    b.broker.connect(connection_id{1}, {named("c:9"), seat_of(1)}, true);
    b.say(1, "s:1\n");
    b.broker.connect(connection_id{2}, {named("elsewhere:9"), seat_of(2)}, true);
    b.say(2, "c:1\n");
    EXPECT_EQ(b.take(), lines{"1: 02"});
    b.enter(3, "c:9", "s:1");
    EXPECT_EQ(b.take(), (lines{"3: 00", "2: 00", "join 3 2"}));
}

TEST(room_broker, keeps_what_is_held_for_an_agreement_as_long_as_it_waits)
{
    room_options options;
    options.max_agreements = 2;
    bench b{options};
    std::array<std::weak_ptr<int>, 3> held;
    for (std::weak_ptr<int>& each : held) {
        const auto made = std::make_shared<int>();
        each = made;
        b.broker.agree(named("c:1"), named("s:1"), b.now, made);
    }
    EXPECT_TRUE(held[0].expired()) << "the oldest makes room";
    b.enter(1, "c:9", "s:1");
    EXPECT_FALSE(held[2].expired());
    b.enter(2, "s:9", "c:1");
    EXPECT_TRUE(held[2].expired()) << "joined";
    EXPECT_FALSE(held[1].expired());
    b.pass(options.room_timeout);
    EXPECT_TRUE(held[1].expired());
}

TEST(room_broker, a_seat_that_was_presented_is_demanded_even_at_the_right_address)
{
    for (const bool same_address : {true, false}) {
        bench b{room_options{.same_address = same_address}};
        b.agree("10.0.0.1:1000", "10.0.0.2:2000", seat_of(1), seat_of(2));
        b.enter(1, "10.0.0.1:1000", "10.0.0.2:2000");
        b.enter(2, "10.0.0.1:1000", "10.0.0.2:2000", seat_of(3));
        b.enter(3, "10.0.0.1:1000", "10.0.0.2:2000", seat_of(2)); // the other peer's
        b.enter(4, "10.0.0.1:1000", "10.0.0.1:1000", seat_of(1)); // its own name
        EXPECT_EQ(b.take(), (lines{"1: 02", "2: 02", "3: 02", "4: 02"}));
        b.enter(5, "10.0.0.1:1000", "10.0.0.2:2000", seat_of(1));
        b.enter(6, "10.0.0.2:2000", "10.0.0.1:1000", seat_of(2));
        EXPECT_EQ(b.take(), (lines{"5: 00", "6: 00", "join 5 6"}));
    }
}

TEST(room_broker, without_a_seat_the_address_counts_whatever_the_room_presents)
{
    bench b;
    b.agree("10.0.0.1:1000", "10.0.0.2:2000", {}, seat_of(2));
    b.enter(1, "10.0.0.3:1000", "10.0.0.2:2000", seat_of(2));
    b.enter(2, "10.0.0.3:1000", "10.0.0.2:2000", seat_of(1));
    EXPECT_EQ(b.take(), (lines{"1: 02", "2: 02"}));
    b.enter(3, "10.0.0.1:77", "10.0.0.2:2000", seat_of(1));
    b.enter(4, "10.0.0.9:88", "10.0.0.1:1000", seat_of(2));
    EXPECT_EQ(b.take(), (lines{"3: 00", "4: 00", "join 3 4"}));
}

TEST(room_broker, no_guess_of_a_seat_enters)
{
    bench b;
    b.agree("c:1", "s:1", seat_of(0x5a), seat_of(2));
    std::uint32_t c = 0;
    for (std::size_t bit = 0; bit < 8 * seat_token::byte_count; ++bit) {
        std::string digits = seat_of(0x5a).text();
        const int digit = hex_digit(static_cast<byte>(digits[bit / 4])) ^ (1 << bit % 4);
        digits[bit / 4] = "0123456789abcdef"[digit];
        b.enter(c, "c:1", "s:1", seat_token::from_text(digits));
        EXPECT_EQ(b.take(), lines{std::to_string(c) + ": 02"});
        b.leave(c++);
    }
    b.expect_counts(1, 0);
    b.enter(c, "elsewhere:1", "s:1", seat_of(0x5a));
    EXPECT_EQ(b.take(), lines{});
    b.expect_counts(1, 1);
}

TEST(room_broker, a_seat_that_is_taken_is_free_again_when_its_owner_leaves)
{
    bench b;
    b.agree("c:1", "s:1", seat_of(1), seat_of(2));
    b.enter(1, "x:1", "s:1", seat_of(1));
    b.enter(2, "y:1", "s:1", seat_of(1));
    EXPECT_EQ(b.take(), lines{"2: 02"});
    b.leave(1);
    b.enter(3, "z:1", "s:1", seat_of(1));
    b.enter(4, "s:1", "c:1", seat_of(2));
    EXPECT_EQ(b.take(), (lines{"3: 00", "4: 00", "join 3 4"}));
}

TEST(room_broker, a_seat_of_two_agreements_enters_each)
{
    bench b;
    b.agree("c:1", "s:1", seat_of(1), seat_of(2));
    b.agree("c:1", "t:1", seat_of(1), seat_of(2));
    b.enter(1, "a:1", "s:1", seat_of(1));
    b.enter(2, "b:1", "c:1", seat_of(2)); // the newest, t's
    EXPECT_EQ(b.take(), lines{});
    b.enter(3, "b:1", "c:1", seat_of(2));
    EXPECT_EQ(b.take(), (lines{"1: 00", "3: 00", "join 1 3"}));
    b.enter(4, "a:1", "t:1", seat_of(1));
    EXPECT_EQ(b.take(), (lines{"4: 00", "2: 00", "join 4 2"}));
    b.expect_counts(0, 0);
}

TEST(room_broker, a_taken_place_is_not_taken_again)
{
    bench b;
    b.agree("c:1", "s:1");
    b.enter(1, "c:8", "s:1");
    b.enter(2, "c:9", "s:1");
    EXPECT_EQ(b.take(), lines{"2: 02"});
    b.enter(3, "s:9", "c:1");
    EXPECT_EQ(b.take(), (lines{"1: 00", "3: 00", "join 1 3"}));
}

TEST(room_broker, one_that_leaves_frees_its_place)
{
    bench b;
    b.agree("c:1", "s:1");
    b.enter(1, "c:8", "s:1");
    b.leave(1);
    b.expect_counts(1, 0);
    b.enter(2, "c:9", "s:1");
    EXPECT_EQ(b.take(), lines{});
    b.enter(3, "s:9", "c:1");
    EXPECT_EQ(b.take(), (lines{"2: 00", "3: 00", "join 2 3"}));
    b.leave(2);
    b.leave(3);
    b.leave(77);
    EXPECT_EQ(b.take(), lines{});
    b.expect_counts(0, 0);
}

TEST(room_broker, an_identity_in_two_agreements_leads_where_the_address_fits)
{
    bench b;
    b.agree("a:1", "s:1");
    b.agree("b:1", "s:1"); // the same identity came back
    b.enter(1, "a:2", "s:1");
    b.enter(2, "b:2", "s:1");
    EXPECT_EQ(b.take(), lines{});
    b.enter(3, "s:3", "a:1");
    EXPECT_EQ(b.take(), (lines{"1: 00", "3: 00", "join 1 3"}));
    b.enter(4, "s:4", "b:1");
    EXPECT_EQ(b.take(), (lines{"2: 00", "4: 00", "join 2 4"}));
}

TEST(room_broker, of_equal_agreements_the_newest_is_entered)
{
    bench b{room_options{.room_timeout = 30s}};
    b.agree("c:1", "s:1");
    b.pass(10s);
    b.agree("c:1", "s:1");
    b.enter(1, "c:2", "s:1");
    b.enter(2, "s:2", "c:1");
    EXPECT_EQ(b.take(), (lines{"1: 00", "2: 00", "join 1 2"}));
    b.expect_counts(1, 0);
    EXPECT_EQ(b.broker.next_deadline(), b.now + 20s) << "the older one is left";
}

TEST(room_broker, one_whose_other_does_not_come_in_time_is_told)
{
    bench b{room_options{.room_timeout = 30s}};
    b.agree("c:1", "s:1");
    b.agree("d:1", "t:1");
    b.pass(20s);
    b.enter(1, "c:8", "s:1");
    b.pass(10s - 1ns);
    EXPECT_EQ(b.take(), lines{});
    b.pass(1ns);
    EXPECT_EQ(b.take(), lines{"1: 01"}) << "from the agreement, not from the coming";
    b.expect_counts(0, 0);
    b.enter(2, "s:9", "c:1");
    EXPECT_EQ(b.take(), lines{"2: 02"});
    b.leave(1);
    EXPECT_EQ(b.take(), lines{});
}

TEST(room_broker, an_agreement_that_is_over_is_not_entered_even_before_expire)
{
    bench b{room_options{.room_timeout = 30s}};
    b.agree("c:1", "s:1");
    b.now += 30s;
    b.enter(1, "c:8", "s:1");
    EXPECT_EQ(b.take(), lines{"1: 02"});
}

TEST(room_broker, one_agreement_too_many_ends_the_oldest)
{
    bench b{room_options{.max_agreements = 2}};
    b.agree("c:1", "s:1");
    b.enter(1, "c:8", "s:1");
    b.agree("c:2", "s:2");
    b.agree("c:3", "s:3");
    EXPECT_EQ(b.take(), lines{"1: 01"});
    b.expect_counts(2, 0);
    b.enter(2, "s:9", "c:1");
    EXPECT_EQ(b.take(), lines{"2: 02"});
    b.enter(3, "c:9", "s:2");
    b.enter(4, "s:9", "c:2");
    EXPECT_EQ(b.take(), (lines{"3: 00", "4: 00", "join 3 4"}));
}

TEST(room_broker, nothing_is_left_of_many)
{
    bench b{room_options{.room_timeout = 5s}};
    for (std::uint32_t i = 0; i < 1000; ++i) {
        const std::string c = "c:" + std::to_string(i), s = "s:" + std::to_string(i);
        b.agree(c, s);
        if (i % 3 != 0) b.enter(2 * i, c, s);
        if (i % 3 == 1) b.enter(2 * i + 1, s, c);
        if (i % 3 == 2 && i % 2 == 0) b.leave(2 * i);
    }
    b.pass(5s);
    std::size_t joins = 0;
    for (const auto& line : b.take()) joins += line.starts_with("join") ? 1U : 0U;
    EXPECT_EQ(joins, 333U);
    b.expect_counts(0, 0);
}

} // namespace
} // namespace parley::test
