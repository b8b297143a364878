// Gives each live peer of one lobby its own identity. Private to the framework.
#pragma once

#include <parley/wire/identity.hpp>

#include <cstdint>
#include <unordered_set>

namespace parley::detail {

// The identity of a direct connection is unique, because the connection is. An identity that a proxy names
// may have no port, or be in use. Then it gets a port of the allocator's own counter, which reveals nothing
// about the client. Memory: about 40 bytes for each live peer. Not thread-safe.
class identity_allocator {
public:
    // Allocates `wanted`, with another port when its port is 0 or a live peer has the same identity. Empty
    // when every port that was tried is in use. Call release() with the result.
    identity allocate(const identity& wanted);
    void release(const identity& who) noexcept;

    std::size_t size() const noexcept { return live_.size(); }

private:
    // Hashes. On a collision one peer gets another port, which does no harm.
    std::unordered_set<std::uint64_t> live_;
    std::uint16_t last_port_ = 0;
};

// `who` with `port` in place of its own.
identity with_port(const identity& who, std::uint16_t port) noexcept;

} // namespace parley::detail
