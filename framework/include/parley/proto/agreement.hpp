#pragma once

#include <parley/crypto/spoke.hpp>

namespace parley {

// The result of a handshake, on either side (PROTOCOL.md section 4).
struct agreement {
    identity self;     // this peer's identity, as the relay reported it
    identity peer;     // the other peer's identity, which the room line names
    session_keys keys; // of the version that both agreed on
};

} // namespace parley
