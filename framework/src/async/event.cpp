#include <parley/async/event.hpp>

namespace parley {

awaitable<void> event::wait()
{
    while (!signaled_) co_await timer_.async_wait(use_tuple);
    if (reset_ == event_reset::automatic) signaled_ = false;
}

awaitable<void> event::wait_or_cancelled()
{
    if (!signaled_) co_await timer_.async_wait(use_tuple);
    if (reset_ == event_reset::automatic) signaled_ = false;
}

} // namespace parley
