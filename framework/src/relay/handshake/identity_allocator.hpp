// The identities of one lobby's live peers, so that no two are equal. Private to the framework.
#pragma once

#include <parley/wire/identity.hpp>

#include <cstdint>
#include <unordered_set>

namespace parley::detail {

// An identity that no proxy has a hand in is unique because the connection is. One that a proxy names may
// have no port, or be in use: then it gets a port of the book's own counting, which says nothing of the
// client. About 40 bytes a live peer. Not thread-safe.
class identity_allocator {
public:
    // `wanted`; with another port when its port is 0, or when a live peer has it already. Empty when no port
    // that was tried was free. Lasts until release().
    identity claim(const identity& wanted);
    void release(const identity& who) noexcept;

    std::size_t size() const noexcept { return live_.size(); }

private:
    // Hashes: where two fall together, one peer gets another port, which harms nobody.
    std::unordered_set<std::uint64_t> live_;
    std::uint16_t last_port_ = 0;
};

// `who` with that port in place of its own.
identity with_port(const identity& who, std::uint16_t port) noexcept;

} // namespace parley::detail
