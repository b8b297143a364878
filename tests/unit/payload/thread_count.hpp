// Counts the threads of the test's process.
#pragma once

#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <iterator>
#include <string>
#include <thread>

namespace parley_test {

// Makes a thread and waits until the system has forgotten it, a moment after the join. A sanitizer makes its
// own thread next to the first.
inline void make_a_thread()
{
    std::filesystem::path task = "/proc/self/task";
    std::thread([&] { task /= std::to_string(::gettid()); }).join();
    while (std::filesystem::exists(task)) std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

inline std::ptrdiff_t thread_count()
{
    static const bool once = (make_a_thread(), true);
    return once ? std::distance(std::filesystem::directory_iterator("/proc/self/task"), {}) : 0;
}

// Whether the number becomes `wanted` within a few seconds.
inline bool threads_become(std::ptrdiff_t wanted)
{
    for (int i = 0; i < 500 && thread_count() != wanted; ++i)
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    return thread_count() == wanted;
}

} // namespace parley_test
