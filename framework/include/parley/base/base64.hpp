// Base64 (RFC 4648 section 4).
#pragma once

#include <parley/base/bytes.hpp>

#include <string>

namespace parley {

// `bytes` in base64, padded. The text is allocated once: it may be a secret, and growth would leave copies
// behind.
std::string to_base64(bytes_view bytes);

} // namespace parley
