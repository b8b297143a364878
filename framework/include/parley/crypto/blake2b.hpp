// BLAKE2b-256 without key, salt and personalisation: the hash of a document's entries and of the content that is
// kept (SESSION2.md sections 6 and 8).
#pragma once

#include <parley/base/bytes.hpp>

#include <array>

namespace parley {

inline constexpr std::size_t blake2b_256_bytes = 32;
using blake2b_256_digest = std::array<byte, blake2b_256_bytes>;

// An incremental BLAKE2b-256. It is a value of 384 bytes: a copy goes on from where it was made, so it can be kept
// and continued later. Not thread-safe.
class blake2b_256 {
public:
    blake2b_256() noexcept;
    void update(bytes_view bytes) noexcept;
    // The digest of all bytes until now. More can follow.
    blake2b_256_digest digest() const noexcept;

private:
    alignas(64) std::array<byte, 384> state_;
};

// The digest of `bytes`.
blake2b_256_digest hash_blake2b_256(bytes_view bytes) noexcept;

} // namespace parley
