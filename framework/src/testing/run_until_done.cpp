#include <parley/testing/run_until_done.hpp>

namespace parley::testing {

bool drain(asio::io_context& context, duration limit)
{
    context.restart();
    const time_point end = clock::now() + limit;
    while (!context.stopped()) {
        const time_point now = clock::now();
        if (now >= end) return false;
        context.run_one_for(end - now);
    }
    return true;
}

} // namespace parley::testing
