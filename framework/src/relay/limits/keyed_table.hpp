// A hash table by number that bounds the number of its idle entries. Private to the framework.
#pragma once

#include <cstdint>
#include <list>
#include <unordered_map>

namespace parley::detail {

// Mixes a number with a secret, so that nobody can choose numbers that collide.
struct seeded_hash {
    std::uint64_t seed = 0;
    std::size_t operator()(std::uint64_t n) const noexcept
    {
        n += seed;
        n = (n ^ (n >> 30)) * 0xbf58'476d'1ce4'e5b9;
        n = (n ^ (n >> 27)) * 0x94d0'49bb'1331'11eb;
        return n ^ (n >> 31) ^ seed;
    }
};

// Value has `bool in_use() const`. The table keeps all entries in use, and the `max_idle` idle entries that
// were looked up last. Memory: about 120 bytes for each entry. Not thread-safe.
template <class Value>
class keyed_table {
public:
    keyed_table(std::size_t max_idle, std::uint64_t seed)
        : max_idle_(max_idle), entries_(16, seeded_hash{seed})
    {
    }

    // The entry of `key`; makes it when there is none. Call settle() after a change of in_use().
    Value& at(std::uint64_t key)
    {
        const auto [found, made] = entries_.try_emplace(key);
        entry& e = found->second;
        if (made) {
            e.place = idle_.insert(idle_.end(), key);
            e.idle = true;
            shrink();
        } else if (e.idle) {
            idle_.splice(idle_.end(), idle_, e.place);
        }
        return e.value;
    }

    Value* find(std::uint64_t key) noexcept
    {
        const auto found = entries_.find(key);
        return found == entries_.end() ? nullptr : &found->second.value;
    }
    const Value* find(std::uint64_t key) const noexcept
    {
        const auto found = entries_.find(key);
        return found == entries_.end() ? nullptr : &found->second.value;
    }

    void settle(std::uint64_t key)
    {
        const auto found = entries_.find(key);
        if (found == entries_.end()) return;
        entry& e = found->second;
        if (e.idle == !e.value.in_use()) return;
        if (e.idle) {
            idle_.erase(e.place);
            e.idle = false;
        } else {
            e.place = idle_.insert(idle_.end(), key);
            e.idle = true;
            shrink();
        }
    }

    std::size_t size() const noexcept { return entries_.size(); }
    std::size_t idle() const noexcept { return idle_.size(); }

private:
    struct entry {
        Value value{};
        std::list<std::uint64_t>::iterator place{}; // while idle
        bool idle = false;
    };

    void shrink()
    {
        while (idle_.size() > max_idle_ && idle_.size() > 1) {
            entries_.erase(idle_.front());
            idle_.pop_front();
        }
    }

    std::size_t max_idle_;
    std::unordered_map<std::uint64_t, entry, seeded_hash> entries_;
    std::list<std::uint64_t> idle_; // looked up longest ago first
};

} // namespace parley::detail
