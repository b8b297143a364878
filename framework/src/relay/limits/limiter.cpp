#include "relay/limits/limiter.hpp"

namespace parley::detail {
namespace {

constexpr std::size_t max_idle_networks = 0x4000; // of each size
constexpr std::size_t max_polled_lines = 0x4000;
constexpr duration refusal_of_lines = std::chrono::minutes{1};

struct share_rule {
    std::size_t relay_limits::* of_address;
    reject_reason address_reason;
    std::size_t relay_limits::* in_all; // null: unlimited
    reject_reason full_reason;
};
constexpr std::array<share_rule, shares> share_rules{{
    {&relay_limits::connections_per_address, reject_reason::address_full, &relay_limits::connections,
     reject_reason::connections_full},
    {&relay_limits::waiting_per_address, reject_reason::address_waiting, nullptr, {}},
    {&relay_limits::agreements_per_address, reject_reason::address_agreements, nullptr, {}},
    {&relay_limits::rooms_per_address, reject_reason::address_rooms, &relay_limits::rooms,
     reject_reason::rooms_full},
    {&relay_limits::lobbies_per_address, reject_reason::address_lobbies, &relay_limits::lobbies,
     reject_reason::lobbies_full},
    {&relay_limits::http_per_address, reject_reason::address_http, &relay_limits::http,
     reject_reason::http_full},
}};

struct pace_rule {
    double relay_limits::* rate;
    double seconds; // the unit of time of `rate`
    double burst_seconds;
    reject_reason why;
};
constexpr std::array<pace_rule, paces> pace_rules{{
    {&relay_limits::connections_per_second, 1, 10, reject_reason::connection_rate},
    {&relay_limits::hellos_per_second, 1, 10, reject_reason::hello_rate},
    {&relay_limits::announcements_per_second, 1, 10, reject_reason::announcement_rate},
    {&relay_limits::denied_lines_per_minute, 60, 60, reject_reason::denied_rate},
}};

constexpr std::size_t index(share what) noexcept
{
    return static_cast<std::size_t>(what);
}

constexpr std::uint8_t bit(share what) noexcept
{
    return static_cast<std::uint8_t>(1U << index(what));
}

} // namespace

void permit::swap(permit& other) noexcept
{
    std::swap(from_, other.from_);
    std::swap(address_, other.address_);
    std::swap(place_, other.place_);
    std::swap(entered_, other.entered_);
    std::swap(held_, other.held_);
    std::swap(levels_, other.levels_);
    std::swap(in_all_, other.in_all_);
    std::swap(counts_in_all_, other.counts_in_all_);
}

void permit::release() noexcept
{
    if (const auto from = std::exchange(from_, nullptr)) from->give_back(*this);
    const auto address = std::exchange(address_, std::nullopt);
    permit_listener* const entered = std::exchange(entered_, nullptr);
    if (entered != nullptr && address) entered->left(*address);
}

limiter::limiter(const relay_limits& limits, std::uint64_t seed)
    : seed_(seed),
      limits_(limits),
      memory_(std::make_shared<memory_budget>(limits.memory)),
      networks_{keyed_table<network>{max_idle_networks, seed}, keyed_table<network>{max_idle_networks, seed},
                keyed_table<network>{max_idle_networks, seed}},
      places_{holdings<place_holder*>{seed}, holdings<place_holder*>{seed}, holdings<place_holder*>{seed},
              holdings<place_holder*>{seed}, holdings<place_holder*>{seed}, holdings<place_holder*>{seed}},
      polled_lines_(max_polled_lines, seed)
{
}

// --- connections ---------------------------------------------------------------------------------------

std::optional<reject_reason> limiter::admit(permit& out, const identity& who, time_point now, bool is_proxy,
                                            place_holder* holder)
{
    const auto address = is_proxy ? std::nullopt : address_key(who);
    if (address) {
        if (is_full(share::connections, *address, levels_of(*address))) return reject_reason::address_full;
        if (const auto why = pass(pace::connections, who, now)) return why;
    }
    if (const auto why = make_room(share::connections, places_of(share::connections, address))) return why;
    out = take_unasked(share::connections, address, address ? levels_of(*address) : 0, holder);
    return std::nullopt;
}

std::optional<reject_reason> limiter::name(permit& permit, const identity& who, time_point now)
{
    const auto address = address_key(who);
    if (!permit || permit.address_ || !address) return std::nullopt;
    if (is_full(share::connections, *address, levels_of(*address))) return reject_reason::address_full;
    if (const auto why = pass(pace::connections, who, now)) return why;
    count(share::connections, permit, *address, levels_of(*address));
    auto& places = places_[index(share::connections)];
    place_holder* const holder = *permit.place_;
    places.remove(permit.place_);
    permit.place_ = places.add(widest_network(address), holder);
    return std::nullopt;
}

// --- shares --------------------------------------------------------------------------------------------

std::optional<reject_reason> limiter::also(share what, permit& permit)
{
    if (!permit.address_ || (permit.held_ & bit(what)) != 0) return std::nullopt;
    if (is_full(what, *permit.address_, permit.levels_)) return share_rules[index(what)].address_reason;
    count(what, permit, *permit.address_, permit.levels_);
    return std::nullopt;
}

std::optional<reject_reason> limiter::would_refuse(share what, const identity& who) const
{
    const auto address = address_key(who);
    const share_rule& rule = share_rules[index(what)];
    if (address && is_full(what, *address, levels_of(*address))) return rule.address_reason;
    const std::size_t most = most_in_all(what);
    if (most == 0 || in_all(what) < most) return std::nullopt;
    if (places_[index(what)].newest_to_go(places_of(what, address)) != nullptr) return std::nullopt;
    return rule.full_reason;
}

std::optional<reject_reason> limiter::take(share what, permit& out, const identity& who, place_holder* holder)
{
    const auto address = address_key(who);
    if (address && is_full(what, *address, levels_of(*address)))
        return share_rules[index(what)].address_reason;
    if (const auto why = make_room(what, places_of(what, address))) return why;
    out = take_unasked(what, address, address ? levels_of(*address) : 0, holder);
    return std::nullopt;
}

std::optional<reject_reason> limiter::take_for_both(share what, permit& a, const identity& who_a, permit& b,
                                                    const identity& who_b, place_holder* holder)
{
    const auto first = address_key(who_a), second = address_key(who_b);
    unsigned own_levels = second ? levels_of(*second) : 0; // the networks of the second peer only
    if (first && second && is_ipv4_key(*first) == is_ipv4_key(*second))
        while (own_levels > 0 && network_of(*first, own_levels - 1) == network_of(*second, own_levels - 1))
            --own_levels;
    if ((first && is_full(what, *first, levels_of(*first))) || (second && is_full(what, *second, own_levels)))
        return share_rules[index(what)].address_reason;
    if (const auto why = make_room(what, std::max(places_of(what, first), places_of(what, second))))
        return why;
    a = take_unasked(what, first, first ? levels_of(*first) : 0, holder);
    permit other;
    other.from_ = shared_from_this();
    if (second) count(what, other, *second, own_levels);
    if (widest_network(first) != widest_network(second)) hold(what, other, holder, false);
    b = std::move(other);
    return std::nullopt;
}

permit limiter::take_unasked(share what, const std::optional<std::uint64_t>& address, unsigned levels,
                             place_holder* holder)
{
    permit made;
    made.from_ = shared_from_this();
    if (address) count(what, made, *address, levels);
    hold(what, made, holder, true);
    return made;
}

void limiter::recharge(share what, permit& out, std::uint64_t address)
{
    out = take_unasked(what, address, levels_of(address), out.place_ ? *out.place_ : nullptr);
}

std::size_t limiter::most_in_all(share what) const noexcept
{
    const auto in_all = share_rules[index(what)].in_all;
    return in_all == nullptr ? 0 : limits_.*in_all;
}

// Whether one of the first `levels` networks of the address has used up its share.
bool limiter::is_full(share what, std::uint64_t address, unsigned levels) const
{
    const std::size_t one = limits_.*share_rules[index(what)].of_address;
    if (one == 0) return false;
    for (unsigned level = 0; level < levels; ++level) {
        const network* const n = networks_[level].find(network_of(address, level));
        if (n != nullptr && n->held[index(what)] >= one * shares_of_network[level]) return true;
    }
    return false;
}

std::size_t limiter::places_of(share what, const std::optional<std::uint64_t>& address) const noexcept
{
    return places_[index(what)].held_by(widest_network(address));
}

// When all places are taken, evicts one of the largest network for one of a smaller network.
std::optional<reject_reason> limiter::make_room(share what, std::size_t held)
{
    const std::size_t most = most_in_all(what);
    if (most == 0 || in_all(what) < most) return std::nullopt;
    place_holder* const going = places_[index(what)].newest_to_go(held);
    if (going == nullptr) return share_rules[index(what)].full_reason;
    going->give_way(reject_reason::over_share);
    return std::nullopt;
}

void limiter::count(share what, permit& out, std::uint64_t address, unsigned levels)
{
    std::array<network*, network_levels> counted{};
    for (unsigned level = 0; level < levels; ++level)
        counted[level] = &networks_[level].at(network_of(address, level));
    for (unsigned level = 0; level < levels; ++level) {
        ++counted[level]->held[index(what)];
        networks_[level].settle(network_of(address, level));
    }
    out.address_ = address;
    out.levels_ = static_cast<std::uint8_t>(levels);
    out.held_ |= bit(what);
}

void limiter::hold(share what, permit& out, place_holder* holder, bool counts)
{
    if (share_rules[index(what)].in_all == nullptr) return;
    out.place_ = places_[index(what)].add(widest_network(out.address_), holder);
    out.in_all_ = what;
    out.counts_in_all_ = counts;
    if (counts) ++in_all_[index(what)];
}

void limiter::give_back(permit& of) noexcept
{
    for (unsigned level = 0; level < of.levels_; ++level) {
        const std::uint64_t key = network_of(*of.address_, level);
        network* const n = networks_[level].find(key);
        if (n == nullptr) continue;
        for (std::size_t what = 0; what < shares; ++what)
            if ((of.held_ & bit(static_cast<share>(what))) != 0) --n->held[what];
        try {
            networks_[level].settle(key);
        } catch (...) { // no memory for the idle list: the entry stays
        }
    }
    of.levels_ = of.held_ = 0;
    places_[index(of.in_all_)].remove(of.place_);
    if (std::exchange(of.counts_in_all_, false)) --in_all_[index(of.in_all_)];
}

// --- rates ---------------------------------------------------------------------------------------------

std::optional<reject_reason> limiter::pass(pace what, const identity& who, time_point now, double n)
{
    const std::size_t at = static_cast<std::size_t>(what);
    const pace_rule& rule = pace_rules[at];
    const double per_second = limits_.*rule.rate / rule.seconds;
    const auto address = per_second > 0 ? address_key(who) : std::nullopt;
    if (!address) return std::nullopt;
    std::array<gcra*, network_levels> buckets{};
    std::array<bucket_rate, network_levels> rates{};
    for (unsigned level = 0; level < levels_of(*address); ++level) {
        buckets[level] = &networks_[level].at(network_of(*address, level)).paces_[at];
        const double rate = per_second * shares_of_network[level];
        rates[level] = {rate, rate * rule.burst_seconds};
        if (!buckets[level]->allows(rates[level], now, n)) return rule.why;
    }
    for (unsigned level = 0; level < levels_of(*address); ++level) buckets[level]->take(rates[level], now, n);
    return std::nullopt;
}

std::optional<reject_reason> limiter::hello(const identity& who, time_point now, std::size_t announcements)
{
    if (const auto why = pass(pace::hellos, who, now)) return why;
    return pass(pace::announcements, who, now, std::max(1.0, static_cast<double>(announcements)));
}

std::uint64_t limiter::key_of_line(const identity& who, const identity& named) const noexcept
{
    const std::size_t from = std::hash<std::string_view>{}(who.address());
    return seeded_hash{seed_ ^ from}(std::hash<identity>{}(named));
}

void limiter::line_denied(const identity& who, const identity& named, time_point now)
{
    if (pass(pace::denied_lines, who, now))
        polled_lines_.at(key_of_line(who, named)).refused_until = now + refusal_of_lines;
}

std::optional<reject_reason> limiter::refuse_line(const identity& who, const identity& named, time_point now)
{
    const std::uint64_t key = key_of_line(who, named);
    const polled_line* const known = polled_lines_.find(key);
    if (limits_.denied_lines_per_minute <= 0 || known == nullptr || known->refused_until <= now)
        return std::nullopt;
    polled_lines_.at(key).refused_until = now + refusal_of_lines;
    return reject_reason::denied_rate;
}

// --- counts --------------------------------------------------------------------------------------------

std::size_t limiter::networks() const noexcept
{
    std::size_t most = 0;
    for (const auto& level : networks_) most = std::max(most, level.size());
    return most;
}

std::size_t limiter::held(share what, const identity& who, unsigned level) const
{
    const auto address = address_key(who);
    const network* const n =
        address && level < levels_of(*address) ? networks_[level].find(network_of(*address, level)) : nullptr;
    return n == nullptr ? 0 : n->held[index(what)];
}

} // namespace parley::detail
