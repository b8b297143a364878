// Ends a stream whose input is no longer needed. Private to the framework.
#pragma once

#include <parley/stream/any_stream.hpp>

namespace parley::detail {

// Ends the sending direction, discards up to `max_bytes` of received bytes, and closes `stream`. Closing over
// unread bytes could make the peer lose the last bytes that were sent to it. Errors: eof when the peer has
// ended, too; those of the stream.
awaitable<error_code> end_and_drain(any_stream& stream, std::size_t max_bytes);

} // namespace parley::detail
