// The progress of a transfer, in words and as a bar. Nothing here reads a clock or a terminal.
#pragma once

#include <parley/base/bytes.hpp>
#include <parley/base/time.hpp>

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

namespace parley::cli {

// "1 file", "2 files"
std::string format_count(std::uint64_t count, std::string_view one, std::string_view many);
// "12.3 MiB/s"
std::string format_rate(double bytes_per_second);
// "0:07", "12:34", "3:00:00"; rounded up to whole seconds. Above 99 hours: "long".
std::string format_time(duration time);

struct progress_state {
    std::uint64_t done_bytes = 0;
    std::optional<std::uint64_t> total_bytes;
    std::optional<double> bytes_per_second; // unknown at first
    std::optional<duration> time_left;      // if both of the above are known
    // How long no byte has passed, if that is five seconds or more and more bytes are due.
    std::optional<duration> stalled_for = std::nullopt;

    // 0..100, rounded down; 100 for an empty document.
    std::optional<unsigned> percent() const noexcept;
};

// Computes a rate from counts of bytes at given times, over the last five seconds. Call update() about once a
// second, also when no byte has passed. Not thread-safe.
class progress_meter {
public:
    explicit progress_meter(time_point start);
    progress_state update(time_point now, std::uint64_t done_bytes, std::optional<std::uint64_t> total_bytes);

private:
    struct sample {
        time_point when;
        std::uint64_t bytes;
    };
    std::deque<sample> samples_; // at most 26: the newest, and one each 200 ms before it
    std::uint64_t done_bytes_ = 0;
    time_point changed_; // when done_bytes_ became what it is
};

// Decides when to show the progress next.
class progress_pace {
public:
    // At most once per `interval`.
    static progress_pace each(duration interval) noexcept { return progress_pace{interval, false}; }
    // At every tenth of the total, but at most twice a second and at least every five seconds.
    static progress_pace sparse() noexcept { return progress_pace{std::chrono::seconds{5}, true}; }

    // Whether to show `state` now. If so, it counts as shown. The first state is always due, except for
    // sparse().
    bool due(time_point now, const progress_state& state) noexcept;

private:
    progress_pace(duration interval, bool by_tenths) noexcept : interval_(interval), by_tenths_(by_tenths) {}
    duration interval_;
    bool by_tenths_;
    std::optional<time_point> last_;
    unsigned last_tenth_ = 0;
};

// "40 %  1.2 GiB of 3.0 GiB  210.0 MiB/s  0:09 left", without the parts that are not known. In a stall, "stalled
// for 0:07" is the end.
std::string progress_line(const progress_state& state);
// The same after a bar, in ASCII: "[=====>      ]  40 %  …". At most `columns` - 1 wide: if there is no room
// for a bar it is left out and the line is cut.
std::string progress_bar(const progress_state& state, std::size_t columns);

} // namespace parley::cli
