// Base64 (RFC 4648 section 4).
#pragma once

#include <parley/base/bytes.hpp>

#include <string>

namespace parley {

// Encodes `bytes` in base64 with padding. Allocates the text once: the text may be a secret, and a growing
// string would leave copies behind.
std::string to_base64(bytes_view bytes);

} // namespace parley
