#include "relay/rooms/bandwidth_share.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace parley::detail {
namespace {

using namespace std::chrono_literals;
const time_point start = time_point{} + 1h;

// Directions that read whenever they may, in virtual time.
struct simulation {
    struct direction {
        std::size_t room;
        double wants_per_second; // what comes to it
        double moved = 0;
        time_point next = start;
        bool waiting = false;
    };

    explicit simulation(std::size_t rooms_) : rooms(rooms_) {}

    void run(duration time, std::size_t most = 65536)
    {
        const time_point end = start + time;
        for (;;) {
            auto first = std::min_element(directions.begin(), directions.end(),
                                          [](const auto& a, const auto& b) { return a.next < b.next; });
            if (first->next >= end) return;
            direction& d = *first;
            const time_point now = d.next;
            if (std::exchange(d.waiting, false)) share.wait_ends(rooms[d.room]);
            const double there =
                d.wants_per_second * std::chrono::duration<double>(now - start).count() - d.moved;
            if (there < 1) {
                d.next = now + 10ms;
                continue;
            }
            const std::size_t n =
                std::min(share.quantum(rooms[d.room], most), static_cast<std::size_t>(there));
            d.moved += static_cast<double>(n);
            d.next = share.spend(rooms[d.room], n, now);
            if (d.next > now) {
                d.waiting = true;
                share.wait_begins(rooms[d.room]);
            } else {
                d.next += 1us;
            }
        }
    }

    bandwidth_share share;
    std::vector<bandwidth_share::room> rooms;
    std::vector<direction> directions;
};

TEST(bandwidth_share, is_even_among_those_in_motion)
{
    simulation s{10};
    s.share.set_rates(1e6, 0);
    for (std::size_t i = 0; i < 10; ++i) s.directions.push_back({i, 1e9});
    s.run(20s);
    double all = 0;
    for (const auto& d : s.directions) {
        EXPECT_NEAR(d.moved, 2e6, 1.2e5);
        all += d.moved;
    }
    EXPECT_NEAR(all, 2e7, 4e5);
}

TEST(bandwidth_share, gives_a_slow_one_all_it_wants_and_the_rest_to_others)
{
    simulation s{5};
    s.share.set_rates(1e6, 0);
    s.directions.push_back({0, 5e4});
    for (std::size_t i = 1; i < 5; ++i) s.directions.push_back({i, 1e9});
    s.run(20s);
    EXPECT_NEAR(s.directions[0].moved, 1e6, 5e4);
    for (std::size_t i = 1; i < 5; ++i) EXPECT_NEAR(s.directions[i].moved, 1.9e7 / 4, 3e5);
}

TEST(bandwidth_share, gives_a_room_no_more_for_two_directions)
{
    simulation s{2};
    s.share.set_rates(1e6, 0);
    s.directions = {{0, 1e9}, {0, 1e9}, {1, 1e9}};
    s.run(20s);
    EXPECT_NEAR(s.directions[0].moved + s.directions[1].moved, 1e7, 2e6);
    EXPECT_NEAR(s.directions[2].moved, 1e7, 2e6);
}

TEST(bandwidth_share, bounds_one_room)
{
    simulation s{2};
    s.share.set_rates(0, 1e5);
    s.directions = {{0, 1e9}, {0, 1e9}, {1, 1e9}};
    s.run(20s);
    EXPECT_NEAR(s.directions[0].moved + s.directions[1].moved, 2e6, 1e5);
    EXPECT_NEAR(s.directions[2].moved, 2e6, 1e5);
}

TEST(bandwidth_share, without_rates_waits_for_nothing)
{
    bandwidth_share share;
    bandwidth_share::room room;
    EXPECT_TRUE(share.unlimited());
    EXPECT_EQ(share.quantum(room, 65536), 65536u);
    EXPECT_EQ(share.spend(room, 1u << 30, start), start);
}

} // namespace
} // namespace parley::detail
