// The clock of objects with timers: the system's, or one that a test controls.
#pragma once

#include <parley/async/awaitable.hpp>
#include <parley/base/time.hpp>

#include <boost/asio/steady_timer.hpp>

#include <memory>

namespace parley {

// Gives the time, and ends waits for a time. Tests use testing::virtual_clock, so no real time passes.
class time_source {
public:
    virtual ~time_source() = default;
    virtual time_point now() const noexcept = 0;
    // Ends a pending wait on `timer`. The next wait ends when now() has reached `when`, or never for
    // no_deadline. Every wait may end too early and with operation_aborted, so its handler must check now().
    virtual void expire_at(const std::shared_ptr<asio::steady_timer>& timer, time_point when) = 0;
};

// The system's steady clock. Thread-safe; lives as long as the process.
time_source& real_time() noexcept;

} // namespace parley
