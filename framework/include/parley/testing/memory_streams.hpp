// The in-memory transport, for tests: see net/memory_stream.hpp.
#pragma once

#include <parley/net/memory_stream.hpp>

namespace parley::testing {

using parley::make_memory_stream_pair;
using parley::memory_stream_options;
using parley::memory_stream_pair;

} // namespace parley::testing
