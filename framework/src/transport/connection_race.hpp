// Decides which address to try when (RFC 8305, "happy eyeballs"): a plain value without sockets or clock.
//
//   input            | does
//   (start)          | the first address is to be started
//   delay over       | the next address is to be started as well
//   failed(i)        | the next address is to be started at once, if none is left under way
//   succeeded(i)     | finished; all others are to be closed
#pragma once

#include <parley/async/awaitable.hpp>
#include <parley/base/time.hpp>

#include <optional>
#include <vector>

namespace parley {

// `endpoints` with alternating address families, beginning with the family of the first. Keeps the order
// within a family.
std::vector<tcp_endpoint> interleave_families(std::vector<tcp_endpoint> endpoints);

// Not thread-safe.
class connection_race {
public:
    // A race over `count` addresses, numbered from 0 in the order in which to try them.
    connection_race(std::size_t count, duration attempt_delay) noexcept : count_(count), delay_(attempt_delay)
    {
    }

    // The number of the next address to start now, or nullopt. Call it again until it returns nullopt.
    std::optional<std::size_t> next(time_point now) noexcept;
    // The time at which next() may give another address without a further input; no_deadline when never.
    time_point next_start() const noexcept;
    void failed() noexcept;    // a started attempt has failed
    void succeeded() noexcept; // an attempt has connected: start no more
    // Whether all attempts have failed, or one has succeeded.
    bool finished() const noexcept { return won_ || (started_ == count_ && under_way_ == 0); }

private:
    std::size_t count_;
    duration delay_;
    std::size_t started_ = 0, under_way_ = 0;
    time_point next_start_ = time_point::min();
    bool won_ = false;
};

} // namespace parley
