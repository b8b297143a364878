// The time as objects with timers see it: the system's clock, or one that a test moves.
#pragma once

#include <parley/async/awaitable.hpp>
#include <parley/base/time.hpp>

#include <boost/asio/steady_timer.hpp>

#include <memory>

namespace parley {

// Tells the time and ends waits for a time. A test uses testing::virtual_clock, so that no real time passes.
class time_source {
public:
    virtual ~time_source() = default;
    virtual time_point now() const noexcept = 0;
    // Ends a wait that is under way on `timer`. The next wait ends once now() has reached `when`; for
    // no_deadline never. Every wait may end too early, and with operation_aborted: its handler looks at now().
    virtual void expire_at(const std::shared_ptr<asio::steady_timer>& timer, time_point when) = 0;
};

// The system's steady clock. Thread-safe; lives as long as the process.
time_source& real_time() noexcept;

} // namespace parley
