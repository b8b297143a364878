// What the calls of this folder share.
#pragma once

#include <parley/base/descriptor.hpp>

#include <cerrno>
#include <cstdint>
#include <ctime>

namespace parley {

inline error_code last_file_error()
{
    return errno == EEXIST ? make_error_code(errc::destination_exists) : as_file_error(last_system_error());
}

// Repeats a call that a signal interrupted.
template <class Call>
auto uninterrupted(Call call)
{
    auto answer = call();
    while (answer < 0 && errno == EINTR) answer = call();
    return answer;
}

// Nanoseconds since 1970 UTC, rounded down.
inline ::timespec to_timespec(std::int64_t time) noexcept
{
    constexpr std::int64_t second = 1'000'000'000;
    const std::int64_t rest = time % second;
    return rest < 0 ? ::timespec{static_cast<::time_t>(time / second - 1), static_cast<long>(rest + second)}
                    : ::timespec{static_cast<::time_t>(time / second), static_cast<long>(rest)};
}

} // namespace parley
