// The end of a stream that nobody reads any more. Private to the framework.
#pragma once

#include <parley/stream/any_stream.hpp>

namespace parley::detail {

// Ends the sending direction, throws away up to `max_bytes` of what still comes, and closes `stream`: closing over
// what the peer sends could take the last bytes away from it. Errors: eof when the peer has ended, too; those of
// the stream.
awaitable<error_code> end_and_drain(any_stream& stream, std::size_t max_bytes);

} // namespace parley::detail
