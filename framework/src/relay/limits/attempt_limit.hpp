// Limits the attempts against waiting servers: each attempt is a guess at a password. Private to the
// framework.
#pragma once

#include "relay/limits/gcra.hpp"
#include "relay/limits/keyed_table.hpp"

#include <parley/wire/packet.hpp>

#include <optional>

namespace parley::detail {

// The limits of one space of uids. A server accepts `per_minute` attempts a minute, and half as many from one
// address, so one address cannot use up the whole rate. A burst may be a minute's worth. Memory: at most
// 65,536 servers and 16,384 pairs of an address and a server; the pair that was used longest ago is forgotten
// first. Not thread-safe.
class attempt_limit {
public:
    explicit attempt_limit(std::uint64_t seed) : servers_(0x1'0000, seed), pairs_(0x4000, seed) {}

    // Whether an attempt from the address `from` (nullopt: no address) against `server` may pass. Counts it
    // if so.
    bool take(double per_minute, std::optional<std::uint64_t> from, uid server, time_point now)
    {
        const bucket_rate all{per_minute / 60, per_minute};
        const bucket_rate each{per_minute / 120, per_minute / 2};
        if (from) {
            const std::uint64_t pair = seeded_hash{server.value}(*from);
            if (!pairs_.at(pair).bucket.take(each, now)) return false;
        }
        return servers_.at(server.value).bucket.take(all, now);
    }

private:
    struct entry {
        gcra bucket;
        static bool in_use() noexcept { return false; }
    };
    keyed_table<entry> servers_, pairs_;
};

} // namespace parley::detail
