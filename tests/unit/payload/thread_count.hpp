// How many threads the test's process has.
#pragma once

#include <chrono>
#include <filesystem>
#include <iterator>
#include <thread>

namespace parley_test {

inline std::ptrdiff_t thread_count()
{
    return std::distance(std::filesystem::directory_iterator("/proc/self/task"), {});
}

// Whether there are `wanted` within some seconds: one that was joined stays on the system's list for a
// moment.
inline bool threads_become(std::ptrdiff_t wanted)
{
    for (int i = 0; i < 500 && thread_count() != wanted; ++i)
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    return thread_count() == wanted;
}

} // namespace parley_test
