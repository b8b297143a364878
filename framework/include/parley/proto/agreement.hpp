#pragma once

#include <parley/crypto/spoke.hpp>

namespace parley {

// What a handshake ends in, on either side (PROTOCOL.md section 4).
struct agreement {
    identity self; // this peer's identity, as the relay told it
    identity peer; // the other's: what is asked for in the room
    session_keys keys;
};

} // namespace parley
