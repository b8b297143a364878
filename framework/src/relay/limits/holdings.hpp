// Things by the network that holds them, and the network that holds the most. Private to the framework.
#pragma once

#include "relay/limits/keyed_table.hpp"

#include <algorithm>
#include <list>
#include <unordered_map>
#include <utility>
#include <vector>

namespace parley::detail {

// T is a pointer. Every member takes constant time. Memory: about 40 bytes a thing, 150 a network, and 24 for
// each thing of the largest network. Not thread-safe.
template <class T>
class holdings {
    struct network {
        std::uint64_t key = 0;
        std::list<T> held; // oldest first
        typename std::list<network*>::iterator place{};
    };

public:
    // The place of a thing. Valid until remove().
    class place {
    public:
        place() noexcept = default;
        explicit operator bool() const noexcept { return in_ != nullptr; }
        T& operator*() const noexcept { return *which_; }

    private:
        friend holdings;
        network* in_ = nullptr;
        typename std::list<T>::iterator which_{};
    };

    explicit holdings(std::uint64_t seed) : by_size_(1), networks_(16, seeded_hash{seed}) {}

    place add(std::uint64_t key, T what)
    {
        const auto [found, made] = networks_.try_emplace(key);
        network& in = found->second;
        if (made) {
            in.key = key;
            in.place = by_size_[0].insert(by_size_[0].end(), &in);
        }
        const std::size_t size = in.held.size() + 1;
        if (by_size_.size() <= size) by_size_.resize(size + 1);
        place out;
        out.which_ = in.held.insert(in.held.end(), what);
        out.in_ = &in;
        moved(in, size - 1);
        most_ = std::max(most_, size);
        ++size_;
        return out;
    }

    void remove(place& at) noexcept
    {
        network* const in = std::exchange(at.in_, nullptr);
        if (in == nullptr) return;
        const std::size_t size = in->held.size();
        in->held.erase(at.which_);
        --size_;
        moved(*in, size);
        if (size == most_ && by_size_[size].empty()) --most_;
        if (size > 1) return;
        by_size_[0].erase(in->place);
        networks_.erase(in->key);
    }

    std::size_t held_by(std::uint64_t key) const noexcept
    {
        const auto found = networks_.find(key);
        return found == networks_.end() ? 0 : found->second.held.size();
    }

    // The newest thing of the largest network, to be evicted for one of a network that holds `held` things.
    // Null when that network would then hold more than the largest one.
    T newest_to_go(std::size_t held) const noexcept
    {
        return most_ < held + 2 ? nullptr : by_size_[most_].back()->held.back();
    }
    // The oldest thing of the largest network. Null when there is none.
    T oldest_of_largest() const noexcept
    {
        return most_ == 0 ? nullptr : by_size_[most_].front()->held.front();
    }

    std::size_t size() const noexcept { return size_; }
    std::size_t networks() const noexcept { return networks_.size(); }

private:
    // The number of things in `in` has changed by one. Networks of one size are in the order in which they came
    // to it.
    void moved(network& in, std::size_t old_size) noexcept
    {
        auto& to = by_size_[in.held.size()];
        to.splice(to.end(), by_size_[old_size], in.place);
    }

    std::vector<std::list<network*>> by_size_;
    std::size_t most_ = 0; // the size of the largest
    std::size_t size_ = 0; // of all
    std::unordered_map<std::uint64_t, network, seeded_hash> networks_;
};

} // namespace parley::detail
