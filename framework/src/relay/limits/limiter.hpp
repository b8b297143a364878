// The state of one relay's limits, which all its parts share: connections and rates of each address. Private
// to the framework.
#pragma once

#include "relay/limits/address_key.hpp"
#include "relay/limits/gcra.hpp"
#include "relay/limits/keyed_table.hpp"
#include "relay/limits/memory_budget.hpp"

#include <parley/relay/limits.hpp>
#include <parley/relay/reject_reason.hpp>

#include <memory>

namespace parley::detail {

class limiter;

// One connection's place under the limits. The destructor frees it. Movable.
class connection_permit {
public:
    connection_permit() noexcept = default;
    connection_permit(connection_permit&& other) noexcept { swap(other); }
    connection_permit& operator=(connection_permit&& other) noexcept
    {
        connection_permit taken{std::move(other)};
        swap(taken);
        return *this;
    }
    ~connection_permit() { release(); }

    void release() noexcept;
    explicit operator bool() const noexcept { return from_ != nullptr; }

private:
    friend limiter;
    void swap(connection_permit& other) noexcept
    {
        from_.swap(other.from_);
        address_.swap(other.address_);
    }
    std::shared_ptr<limiter> from_;
    std::optional<std::uint64_t> address_; // the connection counts for it
};

// Callers pass the time. Memory: one entry of about 120 bytes for each address with a connection, and for up
// to 16,384 addresses without one. The address that was used longest ago is forgotten first. Not thread-safe.
class limiter : public std::enable_shared_from_this<limiter> {
public:
    // `seed` must be random, so that nobody can choose addresses that collide.
    limiter(const relay_limits& limits, std::uint64_t seed)
        : seed_(seed),
          limits_(limits),
          memory_(std::make_shared<memory_budget>(limits.memory)),
          addresses_(0x4000, seed)
    {
    }

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
    // counts only toward the total until name() names its client. Returns nullopt, or the reason to reject
    // it.
    std::optional<reject_reason> admit(connection_permit& out, const identity& who, time_point now,
                                       bool is_proxy = false);
    // Names `who` as the client of `permit`, whose connection came from a trusted proxy. Returns as admit().
    std::optional<reject_reason> name(connection_permit& permit, const identity& who, time_point now);

    // Counts a hello from `who` that causes `announcements`. Returns as admit().
    std::optional<reject_reason> hello(const identity& who, time_point now, std::size_t announcements = 0);

    // Counts a new room; false when there are too many. Each true needs one close_room().
    bool open_room() noexcept
    {
        if (limits_.rooms != 0 && rooms_ >= limits_.rooms) return false;
        ++rooms_;
        return true;
    }
    void close_room() noexcept { --rooms_; }

    std::size_t connections() const noexcept { return connections_; }
    std::size_t addresses() const noexcept { return addresses_.size(); }

private:
    friend connection_permit;
    struct pending_connection {
        gcra arrivals, hellos, announcements;
        std::size_t connections = 0;
        bool in_use() const noexcept { return connections != 0; }
    };
    std::optional<reject_reason> count(std::uint64_t address, time_point now);
    void leave(const std::optional<std::uint64_t>& address) noexcept;
    static bucket_rate rate_of(double per_second) noexcept
    {
        constexpr double burst_seconds = 10;
        return {per_second, per_second * burst_seconds};
    }

    std::uint64_t seed_;
    relay_limits limits_;
    std::shared_ptr<memory_budget> memory_;
    keyed_table<pending_connection> addresses_;
    std::size_t connections_ = 0, rooms_ = 0;
};

} // namespace parley::detail
