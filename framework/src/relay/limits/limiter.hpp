// The state of one relay's limits, which all its parts share: what each network holds, and its rates. Private to
// the framework.
//
//     counted          | of an address           | in total      | when all are taken
//     -----------------+-------------------------+---------------+-------------------------------------------
//     connections      | connections_per_address | connections   | the largest network's newest gives way
//     waiting peers    | waiting_per_address     | -             |
//     agreements       | agreements_per_address  | -             |
//     rooms            | rooms_per_address       | rooms         | the largest network's newest gives way
//     lobbies          | lobbies_per_address     | lobbies       | the largest network's newest gives way
//     file deliveries  | http_per_address        | http          | the largest network's newest gives way
//
// Rates: connections, hellos, announcements and denied room lines of an address. One rule says how much more the
// networks around an address may have (shares_of_network).
#pragma once

#include "async/gcra.hpp"
#include "relay/limits/address_key.hpp"
#include "relay/limits/holdings.hpp"
#include "relay/limits/keyed_table.hpp"
#include "relay/limits/memory_budget.hpp"

#include <parley/relay/limits.hpp>
#include <parley/relay/reject_reason.hpp>

#include <memory>

namespace parley::detail {

class limiter;

// What is counted, and what has a rate.
enum class share : byte { connections, waiting, agreements, rooms, lobbies, http };
enum class pace : byte { connections, hellos, announcements, denied_lines };
inline constexpr std::size_t shares = 6, paces = 4;

// The holder of a place that is limited in total.
class place_holder {
public:
    // Ends it. Its permits must be released before this returns: a network that holds less gets the place.
    virtual void give_way(reject_reason why) = 0;

protected:
    ~place_holder() = default;
};

// Learns when a permit that has entered it is released.
class permit_listener {
public:
    virtual void left(std::uint64_t address) noexcept = 0;

protected:
    ~permit_listener() = default;
};

// What one connection, room or lobby counts for. The destructor gives all of it back. Movable.
class permit {
public:
    permit() noexcept = default;
    permit(permit&& other) noexcept { swap(other); }
    permit& operator=(permit&& other) noexcept
    {
        permit taken{std::move(other)};
        swap(taken);
        return *this;
    }
    ~permit() { release(); }

    void release() noexcept;
    explicit operator bool() const noexcept { return from_ != nullptr; }

    // `holder` gives way for it from now on.
    void set_holder(place_holder& holder) noexcept
    {
        if (place_) *place_ = &holder;
    }
    // `where` learns of its release and must outlive it. Call it at most once, on a permit with an address.
    void enter(permit_listener& where) noexcept { entered_ = &where; }
    const std::optional<std::uint64_t>& address() const noexcept { return address_; }

private:
    friend limiter;
    void swap(permit& other) noexcept;

    std::shared_ptr<limiter> from_;
    std::optional<std::uint64_t> address_;
    holdings<place_holder*>::place place_; // of what is limited in total
    permit_listener* entered_ = nullptr;
    std::uint8_t held_ = 0;      // a bit for each share
    std::uint8_t levels_ = 0;    // at how many of the address's networks it is counted
    share in_all_{};             // the share of place_
    bool counts_in_all_ = false; // it counts toward the total; of the two permits of a room, one does
};

// Callers pass the time. Memory: one entry of about 200 bytes for each network that holds something (an IPv6
// address is in three networks), and for up to 16,384 networks of each size that hold nothing. The network that
// was used longest ago is forgotten first. Not thread-safe.
class limiter : public std::enable_shared_from_this<limiter> {
public:
    // `seed` must be random, so that nobody can choose addresses that collide.
    limiter(const relay_limits& limits, std::uint64_t seed);

    const relay_limits& limits() const noexcept { return limits_; }
    std::uint64_t seed() const noexcept { return seed_; }
    // Applies to new connections. Open connections stay.
    void set_limits(const relay_limits& limits)
    {
        limits_ = limits;
        memory_->set_limit(limits.memory);
    }
    // The budget of everything that the relay holds for slow peers.
    const std::shared_ptr<memory_budget>& memory() const noexcept { return memory_; }

    // Counts a new connection from `who`; `out` gets its permit. A connection of a trusted proxy (`is_proxy`)
    // counts only toward the total until name() names its client. `holder` gives way for it; null never does.
    // Returns nullopt, or the reason to reject it.
    std::optional<reject_reason> admit(permit& out, const identity& who, time_point now,
                                       bool is_proxy = false, place_holder* holder = nullptr);
    // Names `who` as the client of `permit`, whose connection came from a trusted proxy. Returns as admit().
    std::optional<reject_reason> name(permit& permit, const identity& who, time_point now);

    // Counts one of `what` for the holder of `permit`, once. Returns as admit().
    std::optional<reject_reason> also(share what, permit& permit);
    // Counts one of `what` for `who`; `out` gets its permit. `holder` and result: as for admit().
    std::optional<reject_reason> take(share what, permit& out, const identity& who,
                                      place_holder* holder = nullptr);
    // The same for two peers. A network that both are in counts it once.
    std::optional<reject_reason> take_for_both(share what, permit& a, const identity& who_a, permit& b,
                                               const identity& who_b, place_holder* holder = nullptr);
    // Returns what take() would return now.
    std::optional<reject_reason> would_refuse(share what, const identity& who) const;
    // Counts `out` for `address` from now on, even above its share. The holder stays.
    void recharge(share what, permit& out, std::uint64_t address);

    // Takes `n` tokens of each network of `who`, or none at all. Returns as admit().
    std::optional<reject_reason> pass(pace what, const identity& who, time_point now, double n = 1);
    // Counts a hello from `who` that causes `announcements`. Returns as admit().
    std::optional<reject_reason> hello(const identity& who, time_point now, std::size_t announcements = 0);

    // Counts a denied room line of `who` that names `named`. Above the rate, refuse_line() rejects lines of the
    // same address that name the same peer, until a minute has passed without one.
    void line_denied(const identity& who, const identity& named, time_point now);
    std::optional<reject_reason> refuse_line(const identity& who, const identity& named, time_point now);

    std::size_t connections() const noexcept { return in_all(share::connections); }
    // The number of known networks of the most frequent size.
    std::size_t networks() const noexcept;
    // How many of `what` the network of `who` at `level` holds.
    std::size_t held(share what, const identity& who, unsigned level = 0) const;

private:
    friend permit;
    struct network {
        std::array<std::uint32_t, shares> held{};
        std::array<gcra, paces> paces_;
        bool in_use() const noexcept
        {
            return std::any_of(held.begin(), held.end(), [](std::uint32_t n) { return n != 0; });
        }
    };
    struct polled_line { // the lines of an address that name the same peer
        time_point refused_until{};
        static bool in_use() noexcept { return false; }
    };

    std::size_t in_all(share what) const noexcept { return in_all_[static_cast<std::size_t>(what)]; }
    std::size_t most_in_all(share what) const noexcept;
    bool is_full(share what, std::uint64_t address, unsigned levels) const;
    std::size_t places_of(share what, const std::optional<std::uint64_t>& address) const noexcept;
    std::optional<reject_reason> make_room(share what, std::size_t held);
    permit take_unasked(share what, const std::optional<std::uint64_t>& address, unsigned levels,
                        place_holder* holder);
    void count(share what, permit& out, std::uint64_t address, unsigned levels);
    void hold(share what, permit& out, place_holder* holder, bool counts);
    void give_back(permit& of) noexcept;
    std::uint64_t key_of_line(const identity& who, const identity& named) const noexcept;

    std::uint64_t seed_;
    relay_limits limits_;
    std::shared_ptr<memory_budget> memory_;
    std::array<keyed_table<network>, network_levels> networks_;
    std::array<holdings<place_holder*>, shares> places_; // of what is limited in total
    std::array<std::size_t, shares> in_all_{};
    keyed_table<polled_line> polled_lines_;
};

} // namespace parley::detail
