#include "unit/web/web_world.hpp"

namespace parley::web::test {
namespace {

constexpr std::string_view code = "lusab-babad-gutit";

byte_vector text_of(std::size_t size, std::uint64_t seed)
{
    seeded_random random{seed};
    byte_vector out;
    while (out.size() < size) {
        const std::string word = std::to_string(random.below(1000)) + " lorem ipsum ";
        out.insert(out.end(), word.begin(), word.end());
    }
    out.resize(size);
    return out;
}

// A tree with a large file that does not compress, one that does, small and empty ones, and folders.
void add_tree(test_page& page, std::size_t large = 300'000)
{
    seeded_random random{7};
    page.add("photos/b/large.bin", random.bytes(large));
    page.add("photos/a.txt", text_of(large, 3));
    page.add("photos/b/empty", {});
    page.add("photos/a/small", text_of(100, 4));
    page.add_folder("photos/nothing here");
    page.add("photos/z-empty", {});
}

std::map<std::string, byte_vector> tree_of(std::size_t large = 300'000)
{
    seeded_random random{7};
    return {{"a.txt", text_of(large, 3)},
            {"a/", {}},
            {"a/small", text_of(100, 4)},
            {"b/", {}},
            {"b/empty", {}},
            {"b/large.bin", random.bytes(large)},
            {"nothing here/", {}},
            {"z-empty", {}}};
}

void start_sending(web_world& world, test_page& page, std::uint64_t receivers = 1, std::string name = {})
{
    world.act(page, [&](web_peer& peer) { peer.send(std::move(name), receivers, secret_bytes{code}); });
}
void start_receiving(web_world& world, test_page& page, std::string_view with = code)
{
    world.act(page, [&](web_peer& peer) { peer.receive(secret_bytes{with}); });
}

TEST(web_peer, sends_a_tree_to_another)
{
    for (std::uint64_t seed = 1; seed <= 5; ++seed) {
        web_world world{seed};
        test_page& sender = world.add_page();
        test_page& receiver = world.add_page();
        add_tree(sender);
        start_sending(world, sender);
        start_receiving(world, receiver);
        ASSERT_TRUE(world.run()) << seed;
        EXPECT_TRUE(sender.finished && receiver.finished);
        EXPECT_TRUE(receiver.placed);
        EXPECT_EQ(receiver.tree(), tree_of());
        EXPECT_EQ(receiver.offered->offer().kind, document_kind::directory);
        EXPECT_EQ(receiver.offered->offer().name, "photos");
        EXPECT_EQ(sender.words,
                  (std::vector<std::string>{"waiting", "meeting", "receiving", "delivered", "finished"}));
        EXPECT_EQ(receiver.words,
                  (std::vector<std::string>{"waiting", "meeting", "offer", "receiving", "finished"}));
        EXPECT_EQ(sender.progress, 600'100U);
        EXPECT_EQ(receiver.progress, 600'100U);
        world.run_until([] { return false; });
        EXPECT_EQ(world.open_connections(), 0U);
    }
}

TEST(web_peer, sends_a_file_a_text_and_several_items)
{
    struct example {
        std::function<void(test_page&)> add;
        document_kind kind;
        std::string name;
        std::map<std::string, byte_vector> tree;
    };
    const byte_vector text = text_of(1000, 1);
    const example examples[] = {
        {[&](test_page& p) { p.add("report.txt", text); }, document_kind::file, "report.txt", {{"", text}}},
        {[&](test_page& p) { p.add("empty", {}); }, document_kind::file, "empty", {{"", {}}}},
        {[&](test_page& p) {
             p.peer.items().add_text(text.size());
             p.items.push_back(text);
         },
         document_kind::text,
         "",
         {{"", text}}},
        {[&](test_page& p) {
             p.add("b/c", text);
             p.add("a", text);
         },
         document_kind::items,
         "",
         {{"a", text}, {"b/", {}}, {"b/c", text}}},
        {[&](test_page& p) { p.add_folder("only"); }, document_kind::directory, "only", {}},
    };
    for (const example& each : examples) {
        web_world world{1};
        test_page& sender = world.add_page();
        test_page& receiver = world.add_page();
        each.add(sender);
        start_sending(world, sender);
        start_receiving(world, receiver);
        ASSERT_TRUE(world.run());
        EXPECT_TRUE(sender.finished && receiver.finished);
        EXPECT_EQ(receiver.offered->offer().kind, each.kind);
        EXPECT_EQ(receiver.offered->offer().name, each.name);
        EXPECT_EQ(receiver.tree(), each.tree);
    }
}

TEST(web_peer, continues_after_a_break_anywhere)
{
    std::size_t clean = 0;
    for (std::size_t at = 0;; ++at) {
        web_world world{at + 10};
        test_page& sender = world.add_page();
        test_page& receiver = world.add_page();
        add_tree(sender, 90'000);
        start_sending(world, sender);
        start_receiving(world, receiver);
        test_page& breaks = at % 2 == 0 ? sender : receiver;
        bool was_cut = false, in_room = false;
        world.before_step = [&] {
            if (world.steps != at) return;
            was_cut = true;
            in_room = world.is_in_room(breaks);
            world.cut(breaks);
        };
        ASSERT_TRUE(world.run()) << at;
        // Before anybody was in the room a wait can be over for one of them, which is no break of a session.
        if (in_room) {
            EXPECT_TRUE(receiver.finished) << at << receiver.story();
            EXPECT_TRUE(sender.finished) << at << sender.story() << receiver.story();
        }
        EXPECT_EQ(receiver.finished, receiver.placed) << at;
        if (receiver.finished) {
            EXPECT_EQ(receiver.tree(), tree_of(90'000)) << at;
        }
        if (sender.finished) {
            EXPECT_TRUE(receiver.placed) << "a false Sent after " << at;
        }
        if (!was_cut && ++clean == 5) break;
    }
}

TEST(web_peer, goes_on_where_a_transfer_broke)
{
    web_world world{3};
    test_page& sender = world.add_page();
    test_page& receiver = world.add_page();
    seeded_random random{9};
    const byte_vector large = random.bytes(3'000'000);
    sender.add("large.bin", large);
    start_sending(world, sender);
    start_receiving(world, receiver);
    for (const std::uint64_t at : {500'000U, 1'500'000U, 2'500'000U}) {
        ASSERT_TRUE(world.run_until([&] { return receiver.progress >= at; }));
        world.cut(receiver);
        ASSERT_TRUE(world.run_until([&] { return receiver.count("resumed") != 0; }));
        ASSERT_TRUE(world.run_until([&] { return receiver.words.back() == "receiving"; }));
        EXPECT_GE(receiver.kept, at);
        receiver.words.clear();
    }
    ASSERT_TRUE(world.run());
    EXPECT_TRUE(sender.finished && receiver.finished);
    EXPECT_EQ(receiver.files[0], large);
    EXPECT_EQ(receiver.count("offer"), 0U) << "the user is asked once";
}

TEST(web_peer, gives_up_ten_minutes_after_a_break)
{
    web_world world{4};
    test_page& sender = world.add_page();
    test_page& receiver = world.add_page();
    add_tree(sender);
    start_sending(world, sender);
    start_receiving(world, receiver);
    ASSERT_TRUE(world.run_until([&] { return receiver.progress > 100'000; }));
    world.relay_is_down = true;
    world.cut(sender);
    world.cut(receiver);
    const time_point broke = world.now();
    ASSERT_TRUE(world.run());
    EXPECT_TRUE(sender.failed && receiver.failed);
    EXPECT_GE(world.now() - broke, 10min);
    EXPECT_LT(world.now() - broke, 11min);
    EXPECT_GT(sender.count("interrupted"), 15U);
    EXPECT_FALSE(receiver.placed);
}

TEST(web_peer, serves_several_receivers_at_once)
{
    web_world world{5};
    test_page& sender = world.add_page();
    test_page& one = world.add_page();
    test_page& two = world.add_page();
    add_tree(sender);
    start_sending(world, sender, 2);
    start_receiving(world, one);
    ASSERT_TRUE(world.run_until([&] { return one.progress > 0; }));
    start_receiving(world, two);
    ASSERT_TRUE(world.run_until([&] { return two.progress > 0; }));
    world.cut(one);
    ASSERT_TRUE(world.run());
    EXPECT_TRUE(sender.finished && one.finished && two.finished);
    EXPECT_EQ(sender.delivered, 2U);
    EXPECT_EQ(one.tree(), tree_of());
    EXPECT_EQ(two.tree(), tree_of());
}

TEST(web_peer, waits_on_after_a_refusal)
{
    web_world world{6};
    test_page& sender = world.add_page();
    test_page& unwilling = world.add_page();
    unwilling.refusal = session_reason::refused_by_user;
    add_tree(sender);
    start_sending(world, sender);
    start_receiving(world, unwilling);
    ASSERT_TRUE(world.run_until([&] { return unwilling.is_over() && sender.count("note refused") == 1; }));
    EXPECT_EQ(unwilling.failed->code, errc::refused_by_user);
    test_page& willing = world.add_page();
    start_receiving(world, willing);
    ASSERT_TRUE(world.run());
    EXPECT_TRUE(sender.finished && willing.finished);
}

TEST(web_peer, says_when_the_storage_is_full)
{
    web_world world{7};
    test_page& sender = world.add_page();
    test_page& receiver = world.add_page();
    receiver.room = 150'000;
    add_tree(sender);
    start_sending(world, sender);
    start_receiving(world, receiver);
    ASSERT_TRUE(world.run_until([&] { return receiver.is_over() && sender.count("note left") == 1; }));
    EXPECT_EQ(receiver.failed->code, errc::no_room);
    EXPECT_FALSE(receiver.placed);
}

TEST(web_peer, says_when_an_item_has_changed_or_cannot_be_read)
{
    for (const bool changed : {true, false}) {
        web_world world{8};
        test_page& sender = world.add_page();
        test_page& receiver = world.add_page();
        add_tree(sender);
        if (changed)
            sender.shrunk[0] = 1000;
        else
            sender.unreadable = session_reason::file_failed;
        start_sending(world, sender);
        start_receiving(world, receiver);
        ASSERT_TRUE(world.run());
        ASSERT_TRUE(sender.failed && receiver.failed);
        EXPECT_EQ(receiver.failed->code,
                  changed ? errc::document_changed_at_peer : errc::file_failed_at_peer);
        EXPECT_NE(receiver.failed->text.find(changed ? "large.bin" : "a/small"), std::string::npos);
        EXPECT_FALSE(receiver.placed);
    }
}

TEST(web_peer, comes_back_to_a_relay_that_it_lost_while_it_waited)
{
    web_world world{13};
    test_page& sender = world.add_page();
    test_page& receiver = world.add_page();
    add_tree(sender, 10'000);
    start_sending(world, sender);
    for (int i = 0; i < 3; ++i) {
        ASSERT_TRUE(
            world.run_until([&] { return sender.count("waiting") == static_cast<std::size_t>(i) + 1; }));
        world.cut(sender);
    }
    ASSERT_TRUE(world.run_until([&] { return sender.count("note reconnecting") == 3; }));
    start_receiving(world, receiver);
    ASSERT_TRUE(world.run());
    EXPECT_TRUE(sender.finished && receiver.finished);
}

TEST(web_peer, says_at_once_that_the_relay_cannot_be_reached)
{
    web_world world{14};
    world.relay_is_down = true;
    test_page& receiver = world.add_page();
    start_receiving(world, receiver);
    ASSERT_TRUE(world.run());
    EXPECT_EQ(receiver.failed->code, errc::connect_failed);
    EXPECT_EQ(receiver.failed->when, phase::connecting);
}

TEST(web_peer, does_not_meet_another_code)
{
    web_world world{9};
    test_page& sender = world.add_page();
    test_page& receiver = world.add_page();
    add_tree(sender);
    start_sending(world, sender);
    start_receiving(world, receiver, "wrong");
    ASSERT_TRUE(world.run());
    EXPECT_EQ(receiver.count("note wrong-code"), 1U);
    EXPECT_EQ(sender.count("note wrong-code"), 1U);
    EXPECT_TRUE(sender.failed->code == condition::timed_out && receiver.failed->code == condition::timed_out);
}

TEST(web_peer, ends_when_its_user_cancels)
{
    for (std::size_t at = 0; at < 300; at += 7) {
        web_world world{at};
        test_page& sender = world.add_page();
        test_page& receiver = world.add_page();
        add_tree(sender, 50'000);
        start_sending(world, sender);
        start_receiving(world, receiver);
        test_page& cancels = at % 2 == 0 ? sender : receiver;
        bool was_over = false;
        world.before_step = [&] {
            if (world.steps != at) return;
            was_over = cancels.is_over();
            world.act(cancels, [](web_peer& peer) { peer.cancel(); });
        };
        ASSERT_TRUE(world.run_until([&] {
            return cancels.is_over() && (world.steps > at || (sender.is_over() && receiver.is_over()));
        })) << at;
        if (!was_over && cancels.failed) {
            EXPECT_EQ(cancels.failed->code, errc::cancelled) << at;
        }
        if (sender.finished) {
            EXPECT_TRUE(receiver.placed) << at;
        }
        // The other one does not wait for ten minutes.
        const time_point cancelled = world.now();
        test_page& other = at % 2 == 0 ? receiver : sender;
        const bool was_in_session = other.count("receiving") != 0;
        ASSERT_TRUE(world.run());
        if (was_in_session) {
            EXPECT_LT(world.now() - cancelled, 1min) << at;
        }
    }
}

TEST(web_peer, survives_damaged_bytes)
{
    for (std::uint64_t seed = 1; seed <= 60; ++seed) {
        web_world world{seed};
        test_page& sender = world.add_page();
        test_page& receiver = world.add_page();
        add_tree(sender, 60'000);
        start_sending(world, sender);
        start_receiving(world, receiver);
        std::size_t left = 3;
        world.before_step = [&] {
            if (left == 0 || world.random().below(40) != 0) return;
            test_page& page = world.random().below(2) == 0 ? sender : receiver;
            if (!world.is_in_room(page)) return;
            const bool did = world.tamper(page, [&](byte_vector& bytes) {
                bytes[world.random().below(bytes.size())] ^= static_cast<byte>(1 + world.random().below(255));
            });
            if (did) --left;
        };
        ASSERT_TRUE(world.run()) << seed;
        if (receiver.finished) {
            EXPECT_EQ(receiver.tree(), tree_of(60'000)) << seed;
        }
        if (sender.finished) {
            EXPECT_TRUE(receiver.placed) << seed;
        }
    }
}

TEST(web_peer, holds_little_of_a_document)
{
    web_world world{11};
    test_page& sender = world.add_page();
    test_page& receiver = world.add_page();
    seeded_random random{12};
    sender.add("large.bin", random.bytes(12'000'000));
    start_sending(world, sender);
    start_receiving(world, receiver);
    std::size_t most_storing = 0;
    world.before_step = [&] {
        std::size_t storing = 0;
        for (const auto& each : receiver.storing)
            if (const auto* bytes = std::get_if<action::append>(&each)) storing += bytes->bytes.size();
        most_storing = std::max(most_storing, storing);
    };
    ASSERT_TRUE(world.run());
    EXPECT_TRUE(sender.finished && receiver.finished);
    EXPECT_EQ(receiver.files[0], sender.items[0]);
    EXPECT_LE(world.most_under_way, 1'600'000U);
    EXPECT_LE(most_storing, 2'500'000U);
}

} // namespace
} // namespace parley::web::test
