#include <parley/crypto/blake2b.hpp>

#include <parley/crypto/random.hpp>

#include <sodium.h>

#include <new>

namespace parley {
namespace {

using library_state = crypto_generichash_blake2b_state;

library_state& state_in(std::array<byte, 384>& bytes) noexcept
{
    return *std::launder(reinterpret_cast<library_state*>(bytes.data()));
}

} // namespace

blake2b_256::blake2b_256() noexcept
{
    static_assert(sizeof(library_state) == sizeof state_ && alignof(library_state) <= alignof(blake2b_256));
    static_cast<void>(initialise_crypto()); // chooses the fastest code; without it the hash is the same
    new (state_.data()) library_state;
    crypto_generichash_blake2b_init(&state_in(state_), nullptr, 0, blake2b_256_bytes);
}

void blake2b_256::update(bytes_view bytes) noexcept
{
    if (!bytes.empty()) crypto_generichash_blake2b_update(&state_in(state_), bytes.data(), bytes.size());
}

blake2b_256_digest blake2b_256::digest() const noexcept
{
    blake2b_256 last = *this; // the library's last step changes the state
    blake2b_256_digest out{};
    crypto_generichash_blake2b_final(&state_in(last.state_), out.data(), out.size());
    return out;
}

blake2b_256_digest hash_blake2b_256(bytes_view bytes) noexcept
{
    blake2b_256 hash;
    hash.update(bytes);
    return hash.digest();
}

} // namespace parley
