// Sends a document to whoever knows the password (PROTOCOL.md sections 4, 6, 7 and 8, server).
//
// How a sender knows that the document has arrived: version 1 has no message for that, only the receiver's
// end of the room.
//
//   the receiver's end                                                | result
//   in order, and the transport has acknowledged the trailer          | success
//   in order, and it has not; a transport that cannot tell, if the    | unconfirmed
//   trailer is not written yet                                        |
//   a reset                                                           | peer_gone
//
// Our receivers end in order only after the document stands in its place; whatever else happens to them (a
// full disk, a user's Ctrl-C, kill -9) resets the connection. Receivers made by others may end in order when
// they are stopped: then a success says that they had the document's bytes, not that they kept them.
// The sender itself always ends in order: the missing trailer tells the receiver.
#pragma once

#include <parley/base/secret.hpp>
#include <parley/crypto/record_cipher.hpp>
#include <parley/payload/document_source.hpp>
#include <parley/session/peer_session.hpp>

#include <boost/asio/co_spawn.hpp>

namespace parley {

struct send_options : session_options {
    record_layout layout = record_layout::current; // `original` for a receiver of before March 2025
    std::uint64_t iterations = default_iterations; // of the key derivation, by both sides
    cipher cipher0 = cipher::aes_256_gcm;          // the document's; `current` takes no other
    cipher cipher1 = cipher::chacha20_poly1305;
    // After the trailer: how long the receiver may work on it (it checks, resolves deltas and writes) without
    // a byte.
    duration finish_timeout = std::chrono::minutes{30};
};

struct send_report {
    identity self;
    identity peer;
    std::uint64_t stream_bytes = 0;
    std::uint64_t content_bytes = 0;
    duration transfer_time{}; // from the room to the receiver's end
};

// Sends `source` once, to the first peer that knows the password and says yes.
//
// `source` and `observer` are borrowed until the end. All calls to `observer` come on the executor of the
// calling coroutine, which is a strand or has one thread, for the rest is not thread-safe. In the room
// `source` is read at options.blocking, up to seven pieces of 512 KiB ahead of what is being sent: by default
// on a thread that this operation has for itself until it ends. Destroying an operation that has not ended
// (with its context) waits for the read under way.
// Errors, by phase: connecting - name_not_resolved, connect_failed, timed_out, the system's own; handshake -
// timed_out, timed_out_by_relay, closed_by_relay, unexpected_end and the wire's; entering - room_*,
// timed_out; transferring and finishing - peer_gone, unconfirmed, timed_out; the document's own at any time after the
// agreement; invalid_public_packet and record_layout_impossible for impossible options. Cancellation
// (terminal): both connections end in order and the result is `cancelled`; the source stays usable only for
// being destroyed.
awaitable<operation_result<send_report>> send_document(secret_bytes password, document_source& source,
                                                       send_options options, peer_observer& observer);

// The same on `executor` with a completion token of signature
// void(std::exception_ptr, operation_result<send_report>); the exception is never set for expected failures.
// Per-operation cancellation: terminal.
template <class Executor, class CompletionToken>
auto async_send_document(const Executor& ex, secret_bytes password, document_source& source,
                         send_options options, peer_observer& observer, CompletionToken&& token)
{
    return asio::co_spawn(ex, send_document(std::move(password), source, std::move(options), observer),
                          std::forward<CompletionToken>(token));
}

} // namespace parley
