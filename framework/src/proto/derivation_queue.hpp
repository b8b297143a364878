// The servers that wait for a derivation, in the order of their turns.
#pragma once

#include <parley/wire/identity.hpp>

#include <algorithm>
#include <array>
#include <compare>
#include <set>
#include <string>
#include <unordered_map>

namespace parley {

// The part of an address that one network has for itself: all of IPv4, and the first 64 bits of IPv6. Of any
// other text it is all.
inline std::string network_of(std::string_view address)
{
    if (address.find(':') == address.npos || address.find('.') != address.npos) return std::string{address};
    std::array<std::string_view, 8> groups{};
    std::size_t count = 0, gap = groups.size(); // "::" is before that group
    for (std::size_t at = 0; at <= address.size() && count < groups.size();) {
        const std::size_t end = std::min(address.find(':', at), address.size());
        if (end == at)
            gap = std::min(gap, count);
        else
            groups[count++] = address.substr(at, end - at);
        at = end + 1;
    }
    const std::size_t zeros = groups.size() - count;
    std::string out;
    for (std::size_t i = 0; i < 4; ++i) {
        if (i < gap)
            out += groups[i];
        else
            out += i < gap + zeros ? "0" : groups[i - zeros];
        out += ':';
    }
    return out;
}

// The cheapest goes first. Among equally cheap ones the networks take turns, so that one with many servers
// does not hold up the server of another: a server comes one round after the one that its network has added
// before it. Within a round the one that waits longest goes first.
class derivation_queue {
public:
    struct turn {
        std::uint64_t cost = 0;
        std::uint64_t round = 0;
        std::uint64_t age = 0; // a number of its own, which grows
        std::uint16_t server = 0;
        friend auto operator<=>(const turn&, const turn&) = default;
    };

    turn add(std::uint16_t server, const identity& who, std::uint64_t cost)
    {
        network& from = networks_[key_of(who)];
        from.last_round = std::max(from.last_round, round_) + 1;
        ++from.waiting;
        const turn out{cost, from.last_round, ++last_age_, server};
        turns_.insert(out);
        return out;
    }
    void remove(const turn& which, const identity& who)
    {
        if (turns_.erase(which) == 0) return;
        const auto from = networks_.find(key_of(who));
        if (--from->second.waiting == 0) networks_.erase(from);
    }
    void clear()
    {
        turns_.clear();
        networks_.clear();
    }

    bool empty() const noexcept { return turns_.empty(); }
    const turn& front() const noexcept { return *turns_.begin(); }
    // It is the turn of front(): those that come from now on are behind its round.
    void begin_front() noexcept { round_ = std::max(round_, front().round); }

private:
    struct network {
        std::uint64_t last_round = 0;
        std::uint32_t waiting = 0;
    };
    static std::size_t key_of(const identity& who)
    {
        return std::hash<std::string>{}(network_of(who.address()));
    }

    std::set<turn> turns_;
    std::unordered_map<std::size_t, network> networks_; // those with servers here
    std::uint64_t round_ = 0, last_age_ = 0;
};

} // namespace parley
