// The session of version 2 in a room that both peers have entered. Private to the framework.
#pragma once

#include "session/rendezvous.hpp"

#include <parley/stream/secure_stream.hpp>

namespace parley::detail {

// Says hello and waits for the other side's. The agreement of `room` is one on version 2; its keys stay there. Errors
// (phase entering): those of the session; invalid_argument of boost::system::errc (hello.protocol is no protocol
// name). Cancellation (terminal): `cancelled`, and the session is aborted.
awaitable<operation_result<secure_stream>> open_secure_room(entered_room& room, session_role role,
                                                            const session2_hello& hello,
                                                            time_source& time = real_time());

// What a session's failure means, with its words. `where` says what was being done.
operation_error session_failure(const secure_stream& stream, error_code error, session_phase phase,
                                std::string where);

} // namespace parley::detail
