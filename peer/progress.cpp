#include "peer/progress.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

namespace parley::cli {
namespace {

using namespace std::chrono_literals;

constexpr duration sample_interval = 200ms;
constexpr duration rate_window = 5s;
constexpr duration shortest_measure = 300ms;
constexpr duration shortest_stall = 5s;
constexpr std::size_t widest_bar = 40;
constexpr std::size_t narrowest_bar = 8;

double seconds(duration time) noexcept
{
    return std::chrono::duration<double>(time).count();
}

// "1.2 GiB of 3.0 GiB  210.0 MiB/s  0:09 left"
std::string figures(const progress_state& state)
{
    std::string text = format_bytes(state.done_bytes);
    if (state.total_bytes) text += " of " + format_bytes(*state.total_bytes);
    if (state.stalled_for) {
        // Whole seconds that are over.
        const auto whole = std::chrono::floor<std::chrono::seconds>(*state.stalled_for);
        return text + "  stalled for " + format_time(whole);
    }
    if (state.bytes_per_second) text += "  " + format_rate(*state.bytes_per_second);
    if (state.time_left) text += "  " + format_time(*state.time_left) + " left";
    return text;
}

} // namespace

std::string format_count(std::uint64_t count, std::string_view one, std::string_view many)
{
    return fmt::format("{} {}", count, count == 1 ? one : many);
}

std::string format_rate(double bytes_per_second)
{
    return format_bytes(static_cast<std::uint64_t>(std::clamp(bytes_per_second, 0.0, 1e18))) + "/s";
}

std::string format_time(duration time)
{
    if (time < duration::zero()) time = duration::zero();
    if (time > 99h) return "long";
    const auto total = std::chrono::ceil<std::chrono::seconds>(time).count();
    if (total < 3600) return fmt::format("{}:{:02}", total / 60, total % 60);
    return fmt::format("{}:{:02}:{:02}", total / 3600, total / 60 % 60, total % 60);
}

std::optional<unsigned> progress_state::percent() const noexcept
{
    if (!total_bytes) return std::nullopt;
    if (done_bytes >= *total_bytes) return 100;
    return static_cast<unsigned>(static_cast<long double>(done_bytes) * 100 /
                                 static_cast<long double>(*total_bytes));
}

progress_meter::progress_meter(time_point start) : changed_(start)
{
    samples_.push_back({start, 0});
}

progress_state progress_meter::update(time_point now, std::uint64_t done_bytes,
                                      std::optional<std::uint64_t> total_bytes)
{
    // All samples except the newest are at least an interval apart.
    if (samples_.size() >= 2 && samples_.back().when - samples_[samples_.size() - 2].when < sample_interval)
        samples_.back() = {now, done_bytes};
    else
        samples_.push_back({now, done_bytes});
    while (samples_.size() > 2 && (now - samples_[1].when >= rate_window || samples_.size() > 26))
        samples_.pop_front();

    progress_state state{done_bytes, total_bytes, std::nullopt, std::nullopt};
    if (std::exchange(done_bytes_, done_bytes) != done_bytes) changed_ = now;
    if (now - changed_ >= shortest_stall && (!total_bytes || done_bytes < *total_bytes))
        state.stalled_for = now - changed_;
    const duration measured = now - samples_.front().when;
    if (measured < shortest_measure || done_bytes < samples_.front().bytes) return state;
    state.bytes_per_second = static_cast<double>(done_bytes - samples_.front().bytes) / seconds(measured);
    if (total_bytes && *state.bytes_per_second > 0 && done_bytes <= *total_bytes) {
        const double left = static_cast<double>(*total_bytes - done_bytes) / *state.bytes_per_second;
        state.time_left = left > 1e9
                              ? duration::max()
                              : std::chrono::duration_cast<duration>(std::chrono::duration<double>(left));
    }
    return state;
}

bool progress_pace::due(time_point now, const progress_state& state) noexcept
{
    const unsigned tenth = state.percent().value_or(0) / 10;
    if (by_tenths_ && !last_) {
        // A document that is sent at once needs no line.
        last_ = now;
        last_tenth_ = tenth;
        return false;
    }
    const bool by_time = !last_ || now - *last_ >= interval_;
    const bool by_tenth = by_tenths_ && tenth > last_tenth_ && now - *last_ >= 500ms;
    if (!by_time && !by_tenth) return false;
    last_ = now;
    last_tenth_ = tenth;
    return true;
}

std::string progress_line(const progress_state& state)
{
    const std::optional<unsigned> percent = state.percent();
    return percent ? fmt::format("{} %  {}", *percent, figures(state)) : figures(state);
}

std::string progress_bar(const progress_state& state, std::size_t columns)
{
    // Leave the last column free: writing to it may move a terminal to the next line.
    const std::size_t room = columns > 1 ? columns - 1 : 0;
    std::string line;
    if (const std::optional<unsigned> percent = state.percent(); percent) {
        line = fmt::format("{:>3} %  {}", *percent, figures(state));
        const std::size_t around = line.size() + 4; // two brackets, two spaces
        if (room >= around + narrowest_bar) {
            const std::size_t width = std::min(widest_bar, room - around);
            const std::size_t filled = width * *percent / 100;
            std::string bar(filled, '=');
            if (filled < width) bar += '>';
            bar.resize(width, ' ');
            line = fmt::format("[{}]  {}", bar, line);
        }
    } else {
        line = figures(state);
    }
    if (line.size() > room) line.resize(room);
    return line;
}

} // namespace parley::cli
