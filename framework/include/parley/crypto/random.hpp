#pragma once

#include <parley/base/random.hpp>
#include <parley/base/result.hpp>

namespace parley {

// Starts the cryptographic library. Every entry point of crypto calls it, so programs need not. Thread-safe,
// and cheap when repeated. Errors: crypto_unavailable.
error_code initialise_crypto() noexcept;

// The operating system's random generator. Thread-safe. It is never destroyed.
random_source& system_random() noexcept;

} // namespace parley
