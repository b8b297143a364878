#pragma once

#include "bench/system_under_test.hpp"

namespace parley::bench {

// The framework's relay, whose WebSockets are Beast's instead of its own codec's, as a process of its own: what the
// codec brings is measured against it. It serves WebSockets only.
system_kind beast_relay_kind();

} // namespace parley::bench
