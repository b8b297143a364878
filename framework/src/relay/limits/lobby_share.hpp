// The address that a lobby counts for. Private to the framework.
#pragma once

#include "relay/limits/limiter.hpp"

#include <unordered_map>

namespace parley::detail {

// A lobby counts for the address that has opened it as long as a connection from there is in it, then for another
// address that is in it. So nobody can use up the share of an address that has left, and an address that keeps a
// lobby open pays for it. Must outlive the permits that have entered. Not thread-safe.
class lobby_share final : public permit_listener {
public:
    explicit lobby_share(std::shared_ptr<limiter> limits)
        : limits_(std::move(limits)), present_(16, seeded_hash{limits_->seed()})
    {
    }

    // Counts it for `who`. Returns as limiter::take(). `holder` gives way when all lobbies are taken.
    std::optional<reject_reason> open(const identity& who, place_holder& holder)
    {
        opener_ = who;
        return limits_->take(share::lobbies, charge_, who, &holder);
    }
    const identity& opener() const noexcept { return opener_; }
    // It counts for no address from now on.
    void release() noexcept { charge_.release(); }

    // The connection of `held` is in it until the permit is released.
    void enter(permit& held)
    {
        if (!held.address()) return;
        ++present_[*held.address()];
        held.enter(*this);
    }

    void left(std::uint64_t address) noexcept override
    {
        const auto found = present_.find(address);
        if (found == present_.end() || --found->second != 0) return;
        present_.erase(found);
        if (!charge_ || charge_.address() != address || present_.empty()) return;
        try {
            limits_->recharge(share::lobbies, charge_, present_.begin()->first);
        } catch (...) { // out of memory: it counts as before
        }
    }

private:
    std::shared_ptr<limiter> limits_;
    identity opener_;
    permit charge_;
    std::unordered_map<std::uint64_t, std::size_t, seeded_hash> present_; // connections by address
};

} // namespace parley::detail
