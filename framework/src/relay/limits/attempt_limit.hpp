// Limits the attempts against one waiting peer: each attempt is a guess at a password. Private to the
// framework.
#pragma once

#include "async/gcra.hpp"
#include "relay/limits/keyed_table.hpp"

#include <parley/wire/packet.hpp>

#include <algorithm>
#include <list>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

namespace parley::detail {

// The limit of one waiting peer, its target. The target accepts `per_minute` attempts a minute, and half as many
// from one network, so one network cannot use up the whole rate. A burst may be a minute's worth. An attempt
// above the rate waits in a queue. Networks take turns there, so one of many gets through. The caller passes
// the widest network of an address. Otherwise each of the 65,536 /64 of one /48 would get a turn.
//
// Memory: at most max_waiting attempts, and one entry for each network whose attempts wait or whose bucket is
// not full. The number of buckets that are not full is about that of the attempts in two minutes. Not
// thread-safe.
class attempt_limit {
public:
    static constexpr std::size_t max_waiting = 1024;
    // Peers of one network may have several attempts in the queue. These have places of their own, so they
    // cannot take the places of other networks.
    static constexpr std::size_t max_second = max_waiting / 4, max_of_one_network = 32;

    struct attempt {
        std::uint64_t from = 0; // the owner's number for the peer that tries
        message packet;
    };
    enum class verdict : std::uint8_t { passes, waits, rejected };

    explicit attempt_limit(std::uint64_t seed) : sources_(0, seeded_hash{seed}) {}

    // Decides about an attempt from `network`. Call release() first, until it returns nullopt. A peer's new
    // attempt replaces the one that it has in the queue.
    verdict take(double per_minute, std::uint64_t network, const attempt& tried, time_point now)
    {
        sweep(now);
        source& s = sources_.try_emplace(network).first->second;
        for (attempt& each : s.waiting)
            if (each.from == tried.from) {
                each = tried;
                return verdict::waits;
            }
        if (s.waiting.empty() && allows(per_minute, s, now)) {
            spend(per_minute, s, now);
            return verdict::passes;
        }
        const bool first = s.waiting.empty();
        const std::size_t second = waiting_ - turns_.size();
        if (first ? turns_.size() >= max_waiting - max_second
                  : second >= max_second || s.waiting.size() >= max_of_one_network) {
            if (first && s.bucket.full(now)) sources_.erase(network);
            return verdict::rejected;
        }
        if (first) turns_.push_back(&s);
        s.waiting.push_back(tried);
        ++waiting_;
        return verdict::waits;
    }

    // Removes the next attempt that may pass now from the queue. Forgets attempts of peers that are not
    // `alive`.
    template <class Alive>
    std::optional<attempt> release(double per_minute, time_point now, Alive alive)
    {
        for (auto at = turns_.begin(); at != turns_.end() && all_.ready(all(per_minute), now) <= now;) {
            source& s = **at;
            while (!s.waiting.empty() && !alive(s.waiting.front().from)) pop(s);
            if (s.waiting.empty()) {
                at = turns_.erase(at);
            } else if (!allows(per_minute, s, now)) {
                ++at;
            } else {
                spend(per_minute, s, now);
                const attempt out = s.waiting.front();
                pop(s);
                if (s.waiting.empty())
                    turns_.erase(at);
                else
                    turns_.splice(turns_.end(), turns_, at);
                return out;
            }
        }
        return std::nullopt;
    }

    // The time when release() will return an attempt. With an empty queue: the time when idle() becomes true.
    time_point next(double per_minute, time_point now) const noexcept
    {
        if (turns_.empty()) return full_at_;
        time_point first = no_deadline;
        for (const source* s : turns_) first = std::min(first, s->bucket.ready(each(per_minute), now));
        return std::max(first, all_.ready(all(per_minute), now));
    }

    // Whether the state equals that of a new object.
    bool idle(time_point now) const noexcept { return turns_.empty() && full_at_ <= now; }

    std::size_t waiting() const noexcept { return waiting_; }
    std::size_t sources() const noexcept { return sources_.size(); }
    void forget_waiting() noexcept
    {
        for (source* s : turns_) s->waiting = {};
        turns_.clear();
        waiting_ = 0;
    }

    // The memory in bytes.
    std::size_t cost() const noexcept
    {
        constexpr std::size_t allocation = 16, pointers = 2 * sizeof(void*);
        return waiting_ * (sizeof(attempt) + allocation) +
               turns_.size() * (sizeof(void*) + pointers + allocation) +
               sources_.size() * (sizeof(std::uint64_t) + sizeof(source) + pointers + allocation);
    }

private:
    struct source {
        gcra bucket;
        std::vector<attempt> waiting; // of different peers, oldest first
    };
    static constexpr std::size_t least_to_sweep = 64;

    static bucket_rate all(double per_minute) noexcept { return {per_minute / 60, per_minute}; }
    static bucket_rate each(double per_minute) noexcept { return all(per_minute / 2); }

    bool allows(double per_minute, const source& s, time_point now) const noexcept
    {
        return all_.ready(all(per_minute), now) <= now && s.bucket.ready(each(per_minute), now) <= now;
    }

    void spend(double per_minute, source& s, time_point now) noexcept
    {
        all_.spend(all(per_minute), now, 1);
        s.bucket.spend(each(per_minute), now, 1);
        full_at_ = std::max({full_at_, all_.full_at(), s.bucket.full_at()});
    }

    void pop(source& s) noexcept
    {
        s.waiting.erase(s.waiting.begin());
        if (s.waiting.empty()) s.waiting = {};
        --waiting_;
    }

    // Forgets networks whose buckets are full. Takes constant time for each attempt on average.
    void sweep(time_point now)
    {
        if (sources_.size() < sweep_at_) return;
        std::erase_if(sources_, [&](const auto& entry) {
            return entry.second.waiting.empty() && entry.second.bucket.full(now);
        });
        sweep_at_ = std::max(least_to_sweep, 2 * sources_.size());
    }

    gcra all_;
    std::unordered_map<std::uint64_t, source, seeded_hash> sources_; // by network
    std::list<source*> turns_; // with waiting attempts; the next one first
    std::size_t waiting_ = 0, sweep_at_ = least_to_sweep;
    time_point full_at_{}; // the time when all buckets will be full
};

} // namespace parley::detail
