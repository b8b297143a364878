// What one network can take of everything, by default: the table of docs/operating.md, row by row.
#include "relay/limits/attempt_limit.hpp"
#include "relay/limits/limiter.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <fstream>
#include <functional>
#include <map>
#include <sstream>
#include <string>

namespace parley::detail {
namespace {

using namespace std::chrono_literals;

std::string trimmed(const std::string& text)
{
    const std::size_t first = text.find_first_not_of(' ');
    return first == std::string::npos ? "" : text.substr(first, text.find_last_not_of(' ') - first + 1);
}

// Its rows by their first cell; the cells from the third on are numbers.
std::map<std::string, std::vector<std::size_t>> documented()
{
    std::ifstream file{OPERATING_DOCUMENT};
    std::map<std::string, std::vector<std::size_t>> out;
    bool inside = false;
    for (std::string line; std::getline(file, line);) {
        if (line.starts_with("| resource | setting |")) {
            EXPECT_EQ(line, "| resource | setting | one address | one /64 | one /48 | 200 addresses |");
            inside = true;
        } else if (!line.starts_with('|')) {
            inside = false;
        } else if (inside && !line.starts_with("|-")) {
            std::istringstream cells{line.substr(1)};
            std::vector<std::string> row;
            for (std::string cell; std::getline(cells, cell, '|');) row.push_back(trimmed(cell));
            EXPECT_EQ(row.size(), 6u) << line;
            for (std::size_t i = 2; i < row.size(); ++i) out[row[0]].push_back(std::stoul(row[i]));
        }
    }
    return out;
}

using addresses = std::vector<std::string>;

// Who attacks, in the order of the table's columns.
std::vector<addresses> attackers()
{
    addresses one{"192.0.2.1"}, half, whole, many;
    const auto six = [](int subnet, int host) {
        std::ostringstream text;
        text << "[2001:db8:7:" << std::hex << subnet << "::" << host << "]";
        return text.str();
    };
    for (int i = 1; i <= 50; ++i) half.push_back(six(0, i));
    for (int i = 0; i < 64; ++i) whole.push_back(six(i * 0x40, 1));
    for (int i = 1; i <= 200; ++i) many.push_back("198.51.100." + std::to_string(i));
    return {one, half, whole, many};
}

struct attack {
    identity next()
    {
        const std::string& address = from[turn_++ % from.size()];
        return *identity::from_text(address + ":" + std::to_string(1 + turn_ % 60'000));
    }
    // Calls `once` from all addresses in turn until each has been refused. How often it was not.
    std::size_t until_refused(const std::function<bool(const identity&)>& once)
    {
        std::size_t taken = 0;
        for (std::size_t refused = 0; refused < from.size();)
            if (once(next())) {
                ++taken;
                refused = 0;
            } else {
                ++refused;
            }
        return taken;
    }
    // The lasting rate in a time, in units of `n`, once the burst is over.
    std::size_t rate(pace what, duration time, double n = 1)
    {
        const auto once = [&](const identity& who) { return !limit->pass(what, who, now, n); };
        until_refused(once);
        constexpr int steps = 1000;
        std::size_t taken = 0;
        for (int i = 0; i < steps; ++i) {
            now += time / steps;
            taken += until_refused(once);
        }
        return taken;
    }
    std::size_t
    take(const std::function<std::optional<reject_reason>(permit&, permit&, const identity&)>& one)
    {
        return until_refused([&](const identity& who) {
            permit a, b;
            if (one(a, b, who)) return false;
            held.push_back(std::move(a));
            held.push_back(std::move(b));
            return true;
        });
    }

    addresses from;
    std::shared_ptr<limiter> limit = std::make_shared<limiter>(relay_limits{}, 1);
    std::deque<permit> held;
    time_point now = time_point{} + 1h;

private:
    std::size_t turn_ = 0;
};

// From the second minute on, because the first one has the burst.
std::size_t attempts_in_a_minute(attack& by)
{
    attempt_limit target{1};
    const double rate = by.limit->limits().attempts_per_minute;
    const auto alive = [](std::uint64_t) { return true; };
    std::size_t passed = 0;
    std::uint64_t peer = 0;
    for (int second = 0; second < 120; ++second, by.now += 1s) {
        if (second == 60) passed = 0;
        for (std::size_t i = 0; i < std::max<std::size_t>(by.from.size(), 3); ++i) {
            while (target.release(rate, by.now, alive)) ++passed;
            const message guess{uid{1}, packet::x_and_client_identity{}};
            if (target.take(rate, widest_network(address_key(by.next())), {++peer, guess}, by.now) ==
                attempt_limit::verdict::passes)
                ++passed;
        }
    }
    return passed;
}

const std::map<std::string, std::function<std::size_t(attack&)>> rows{
    {"connections",
     [](attack& by) {
         return by.take([&](permit& a, permit&, const identity& who) {
             return by.limit->admit(a, who, by.now += 1ms); // as slowly as no rate minds
         });
     }},
    {"waiting peers",
     [](attack& by) {
         return by.take([&](permit& a, permit&, const identity& who) {
             auto why = by.limit->admit(a, who, by.now += 20ms);
             return why ? why : by.limit->also(share::waiting, a);
         });
     }},
    {"agreements without a room",
     [](attack& by) {
         return by.take([&](permit& a, permit& b, const identity& who) {
             return by.limit->take_for_both(share::agreements, a, who, b, who);
         });
     }},
    {"rooms",
     [](attack& by) {
         return by.take([&](permit& a, permit& b, const identity& who) {
             return by.limit->take_for_both(share::rooms, a, who, b, who);
         });
     }},
    {"lobbies",
     [](attack& by) {
         return by.take(
             [&](permit& a, permit&, const identity& who) { return by.limit->take(share::lobbies, a, who); });
     }},
    {"downloads of the page at once",
     [](attack& by) {
         return by.take(
             [&](permit& a, permit&, const identity& who) { return by.limit->take(share::http, a, who); });
     }},
    {"new connections per second", [](attack& by) { return by.rate(pace::connections, 1s); }},
    {"hellos per second", [](attack& by) { return by.rate(pace::hellos, 1s); }},
    {"announcements per second", [](attack& by) { return 1000 * by.rate(pace::announcements, 1s, 1000); }},
    {"denied room lines per minute", [](attack& by) { return by.rate(pace::denied_lines, 1min); }},
    {"attempts per minute at one waiting peer", attempts_in_a_minute},
};

TEST(network_shares, are_those_of_the_document)
{
    const auto table = documented();
    ASSERT_EQ(table.size(), rows.size());
    for (const auto& [name, numbers] : table) {
        const auto row = rows.find(name);
        ASSERT_NE(row, rows.end()) << name;
        const auto columns = attackers();
        for (std::size_t i = 0; i < columns.size(); ++i) {
            attack by;
            by.from = columns[i];
            EXPECT_EQ(row->second(by), numbers[i]) << name << ", column " << i;
        }
    }
}

} // namespace
} // namespace parley::detail
