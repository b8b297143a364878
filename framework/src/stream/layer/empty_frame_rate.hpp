// How many frames without data a WebSocket accepts: control frames and empty frames. Private to the framework.
#pragma once

#include "async/gcra.hpp"

namespace parley::detail {

// Keepalives come every few seconds, and a message may end with an empty fragment. The burst also bounds one
// turn.
inline constexpr bucket_rate empty_frame_rate{.per_second = 20, .burst = 64};

} // namespace parley::detail
