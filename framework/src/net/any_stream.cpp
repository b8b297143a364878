#include <parley/net/any_stream.hpp>

namespace parley {

stream_base::~stream_base() = default;

} // namespace parley
