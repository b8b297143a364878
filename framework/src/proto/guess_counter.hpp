// Counts the failed guesses of a machine's peers, and decides which of them are told.
#pragma once

#include <parley/base/time.hpp>
#include <parley/proto/guess_report.hpp>
#include <parley/wire/identity.hpp>

#include <optional>
#include <unordered_set>

namespace parley {

// Failures are told one by one, up to 20 a minute. The guess after 20 of a minute makes a report. From then
// on there is a report at the end of each minute with more than 20, and nothing else.
class guess_counter {
public:
    static constexpr std::uint64_t told_each_minute = 20;

    // `max` is how many guesses are allowed in all; 0: any number. `earlier` ones count against it.
    guess_counter(std::uint64_t max, std::uint64_t earlier) : max_{max}, total_{earlier} {}

    void add(const identity& who, time_point now)
    {
        roll(now);
        ++total_;
        ++count_;
        if (addresses_.size() < max_addresses)
            addresses_.insert(std::hash<std::string_view>{}(who.address()));
    }
    // Counts guesses that nobody is told of.
    void add_unseen(std::uint64_t count) noexcept { total_ += count; }
    std::uint64_t total() const noexcept { return total_; }
    bool is_exhausted() const noexcept { return max_ != 0 && total_ > max_; }

    // Whether one more failure may be told by itself.
    bool may_tell(time_point now)
    {
        roll(now);
        return !reported_ && told_++ < told_each_minute;
    }

    // The report that is due, if there is one.
    std::optional<guess_report> take_report(time_point now)
    {
        if (now < next_deadline()) return std::nullopt;
        const guess_report out{count_, addresses_.size()};
        begin_minute(now);
        reported_ = true;
        return out;
    }
    time_point next_deadline() const noexcept
    {
        if (count_ <= told_each_minute) return no_deadline;
        return reported_ ? begin_ + std::chrono::minutes{1} : begin_;
    }

private:
    static constexpr std::size_t max_addresses = 4096;

    // A minute with a report at its end goes on until the report is taken.
    void roll(time_point now)
    {
        if (begin_ == no_deadline || (now >= begin_ + std::chrono::minutes{1} && count_ <= told_each_minute))
            begin_minute(now);
    }
    void begin_minute(time_point now)
    {
        begin_ = now;
        count_ = told_ = 0;
        addresses_.clear();
        reported_ = false;
    }

    std::uint64_t max_, total_;
    time_point begin_ = no_deadline; // of this minute; no_deadline: nothing has been counted yet
    std::uint64_t count_ = 0, told_ = 0;
    std::unordered_set<std::size_t> addresses_; // their hashes
    bool reported_ = false;                     // there was a report at the beginning of this minute
};

} // namespace parley
