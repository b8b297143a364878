#pragma once

#include <parley/base/random.hpp>
#include <parley/base/result.hpp>

namespace parley {

// Starts the cryptographic library. Thread-safe, cheap when repeated; errors: crypto_unavailable. Every entry
// point of crypto calls it, so programs need not.
error_code initialise_crypto() noexcept;

// The operating system's random generator. Thread-safe; lives as long as the program.
random_source& system_random() noexcept;

} // namespace parley
