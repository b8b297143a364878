// What all parts of one relay share to keep its limits: who is connected from where, and how fast they come.
// Private to the framework.
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

// The place of one connection. Destroying it frees the place. Movable.
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
    std::optional<std::uint64_t> address_; // where it is counted
};

// Time is an argument. Memory: one entry of about 120 bytes for each address with a connection, and up to
// 16,384 of addresses without one, which are forgotten in the order of their last visit. Not thread-safe.
class limiter : public std::enable_shared_from_this<limiter> {
public:
    // `seed` is random, so that nobody can choose addresses that collide.
    limiter(const relay_limits& limits, std::uint64_t seed)
        : seed_(seed),
          limits_(limits),
          memory_(std::make_shared<memory_budget>(limits.memory)),
          addresses_(0x4000, seed)
    {
    }

    const relay_limits& limits() const noexcept { return limits_; }
    std::uint64_t seed() const noexcept { return seed_; }
    // From now on; who is there already stays.
    void set_limits(const relay_limits& limits)
    {
        limits_ = limits;
        memory_->set_limit(limits.memory);
    }
    // Of everything that waits for peers or for their bytes.
    const std::shared_ptr<memory_budget>& memory() const noexcept { return memory_; }

    // A new connection from `who`, whose place goes to `out`. With a proxy that is trusted it counts in all
    // only, until name() says whose it is. Nothing, or why not.
    std::optional<reject_reason> admit(connection_permit& out, const identity& who, time_point now,
                                       bool is_proxy = false);
    // The connection of `permit`, which came by a trusted proxy, is really from `who`.
    std::optional<reject_reason> name(connection_permit& permit, const identity& who, time_point now);

    // A hello from `who`, which makes the relay write to `receivers` others.
    std::optional<reject_reason> hello(const identity& who, time_point now, std::size_t receivers = 0);

    // A room begins; false: there are too many. Each true is followed by one close_room().
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
