#include <parley/proto/offer_queue.hpp>

#include <gtest/gtest.h>

#include <functional>
#include <string>

namespace parley::test {
namespace {

// All actions that the queue wants now, as one line.
std::string actions(offer_queue& queue)
{
    std::string out;
    while (const auto action = queue.next_action()) {
        if (!out.empty()) out += ", ";
        if (const auto* asked = std::get_if<offer_action::ask>(&*action))
            out += "ask " + std::string{asked->peer.text()};
        else if (const auto* accepted = std::get_if<offer_action::accept>(&*action))
            out += "accept " + std::to_string(accepted->server.value);
        else if (const auto* refused = std::get_if<offer_action::refuse>(&*action))
            out += "refuse " + std::to_string(refused->server.value);
        else if (const auto* left = std::get_if<offer_action::withdrawn>(&*action))
            out += "withdrawn " + std::string{left->peer.text()};
        else
            out += "cancel";
    }
    return out;
}

sender_offer offer(std::uint16_t number)
{
    return {uid{number}, *identity::from_text("p:" + std::to_string(number))};
}

// The states of the table in the header, each with sender 1 as the current one and sender 2 in line.
enum class state { idle, asking, cancelling, accepted };

void bring_to(offer_queue& queue, state wanted)
{
    if (wanted == state::idle) return;
    queue.offered(offer(1));
    queue.offered(offer(2));
    if (wanted == state::cancelling) queue.gone(uid{1});
    if (wanted == state::accepted) queue.answered(true);
    actions(queue);
}

struct cell {
    const char* input;
    std::function<void(offer_queue&)> apply;
    const char* expected[4]; // by state
};

TEST(offer_queue, does_in_every_state_what_the_table_says)
{
    const cell cells[] = {
        {"offered", [](offer_queue& q) { q.offered(offer(3)); }, {"ask p:3", "", "", ""}},
        {"gone: the current one",
         [](offer_queue& q) { q.gone(uid{1}); },
         {"", "withdrawn p:1, cancel", "", "withdrawn p:1, ask p:2"}},
        {"gone: in line", [](offer_queue& q) { q.gone(uid{2}); }, {"", "", "", ""}},
        {"yes", [](offer_queue& q) { q.answered(true); }, {"", "accept 1", "ask p:2", ""}},
        {"no", [](offer_queue& q) { q.answered(false); }, {"", "refuse 1, ask p:2", "ask p:2", ""}},
    };
    for (const cell& c : cells)
        for (const state s : {state::idle, state::asking, state::cancelling, state::accepted}) {
            SCOPED_TRACE(std::string{c.input} + " in state " + std::to_string(static_cast<int>(s)));
            offer_queue queue;
            bring_to(queue, s);
            c.apply(queue);
            EXPECT_EQ(actions(queue), c.expected[static_cast<int>(s)]);
        }
}

TEST(offer_queue, asks_in_the_order_of_the_offers_and_forgets_who_has_left)
{
    offer_queue queue;
    for (std::uint16_t n = 1; n <= 4; ++n) queue.offered(offer(n));
    EXPECT_EQ(actions(queue), "ask p:1");
    queue.gone(uid{3});
    queue.answered(false);
    EXPECT_EQ(actions(queue), "refuse 1, ask p:2");
    queue.answered(false);
    EXPECT_EQ(actions(queue), "refuse 2, ask p:4");
    queue.answered(false);
    EXPECT_EQ(actions(queue), "refuse 4");
    queue.offered(offer(5));
    EXPECT_EQ(actions(queue), "ask p:5");
}

} // namespace
} // namespace parley::test
