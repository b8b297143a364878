// The authenticated, encrypted stream of a session of version 2 (SESSION2.md sections 3 to 5): one more layer on
// the stream of a room.
//
// A secure_stream is an any_stream, so it works wherever one does: under asio::ssl::stream, Beast's streams and
// asio::async_read. What differs:
//
//   read                 eof is authentic: the other side has ended its direction. When the session fails, reads
//                        first give the bytes that came before, then the error.
//   write                completes when the bytes are sealed; at most 640 KiB wait for the stream below.
//   async_shutdown_send  ends this direction; completes when that is written below. Reading continues.
//   close()              when the other side's end has been read: ends this direction, too, and closes in order.
//                        Otherwise aborts the session (reason 02). The rest happens in the background, for 5
//                        seconds at most.
//   destruction          without close(): closes the stream below at once. The other side sees a failure of the
//                        connection.
//
// The stream reads below at all times, up to one record ahead of its user, and sends a ping when it has nothing else
// to send. A peer from which nothing has come for 60 seconds is gone (peer_silent).
//
// Errors of reads and writes: condition::transport when the connection has failed, which anybody on the path can
// cause; every other error needs the other side's key: protocol_mismatch, refused_by_peer, aborted_by_peer,
// bad_record. problem() and peer_abort() say more.
//
// Cancellation of one operation (terminal, partial or total): a read, a wait, and a write that has taken no bytes
// yet complete with operation_aborted and have no effect; a write that has taken bytes completes with their
// number. The stream stays usable. Not thread-safe: call every function on the stream's executor.
#pragma once

#include <parley/async/time_source.hpp>
#include <parley/proto/session2_machine.hpp>
#include <parley/stream/any_stream.hpp>

namespace parley {

namespace detail {
class secure_core;
}

class secure_stream : public any_stream {
public:
    secure_stream() noexcept = default;
    // Sends the hello of `machine`, which is new, at once. `below` is the stream of the room; it is open and has no
    // pending operation. `time` must outlive the stream.
    secure_stream(any_stream below, session2_machine machine, time_source& time = real_time());

    // Completes when the other side's hello has come. Signature void(error_code). Errors: those of the session.
    template <class Token = asio::deferred_t>
    auto async_wait_open(Token&& token = Token{})
    {
        return asio::async_initiate<Token, void(error_code)>(
            [](auto handler, std::shared_ptr<detail::secure_core> core) {
                start_wait_open(*core, stream_base::wait_handler{std::move(handler)});
            },
            token, core_);
    }
    // Completes when the session is over: both directions have ended, or it has failed, and the stream below is
    // closed. Signature void(error_code): why it failed, if it did. It does not read: the user does until the end.
    template <class Token = asio::deferred_t>
    auto async_wait_finished(Token&& token = Token{})
    {
        return asio::async_initiate<Token, void(error_code)>(
            [](auto handler, std::shared_ptr<detail::secure_core> core) {
                start_wait_finished(*core, stream_base::wait_handler{std::move(handler)});
            },
            token, core_);
    }

    // What the other side has said of itself. Empty before its hello.
    const session2_hello& peer_hello() const noexcept;
    // Why the other side has given up, if it has.
    const std::optional<session2_abort>& peer_abort() const noexcept;
    // What was wrong, in words that are safe to print. Empty when the error says everything.
    const std::string& problem() const noexcept;
    // Why the session has failed; unset while it has not.
    error_code failure() const noexcept;

    // Gives up for `reason`, and tells the other side. Pending operations complete with `why`, which is set.
    void abort(session_reason reason, std::string_view text, error_code why);
    // Gives up after what was written, by which the user has told the other side why: ends this direction, throws away
    // what still comes. Pending operations complete with `why`.
    void end_and_discard(error_code why);

private:
    static void start_wait_open(detail::secure_core& core, stream_base::wait_handler handler);
    static void start_wait_finished(detail::secure_core& core, stream_base::wait_handler handler);

    std::shared_ptr<detail::secure_core> core_;
};

} // namespace parley
