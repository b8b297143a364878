// Sends a document to a peer that knows the password (PROTOCOL.md sections 4, 6, 7 and 8, server).
//
// Version 1 of the protocol has no message that confirms the document. The sender only sees how the receiver
// ends the room:
//
//   the receiver's end                                                | result
//   in order, and the transport has acknowledged the trailer          | success
//   in order, and it has not; a transport that cannot tell, if the    | unconfirmed
//   trailer is not written yet                                        |
//   a reset                                                           | peer_disconnected
//
// receive_document ends in order only after the document is in its place. Any other end (a full disk, Ctrl-C,
// kill -9) resets the connection. Other programs' receivers may end in order when they are stopped. Success
// then means that they had the document's bytes, not that they kept them. The sender itself always ends in
// order: a receiver detects a failure by the missing trailer.
#pragma once

#include <parley/base/secret.hpp>
#include <parley/crypto/record_cipher.hpp>
#include <parley/payload/content_source.hpp>
#include <parley/payload/document_source.hpp>
#include <parley/session/peer_session.hpp>

#include <boost/asio/co_spawn.hpp>

namespace parley {

// The options of a sender. Every setter returns the object, so that calls chain.
class send_options : public session_option_setters<send_options> {
public:
    send_options() = default;

    // The layout of the records; record_layout::current by default. Receivers from before March 2025 need
    // `original`.
    send_options& layout(record_layout value)
    {
        layout_ = value;
        return *this;
    }
    // The iterations of the key derivation, for both sides; default_iterations by default.
    send_options& iterations(std::uint64_t value)
    {
        iterations_ = value;
        return *this;
    }
    // The document's cipher; AES-256-GCM by default. The layout `current` takes no other.
    send_options& cipher0(cipher value)
    {
        cipher0_ = value;
        return *this;
    }
    // The cipher of the other direction; ChaCha20-Poly1305 by default.
    send_options& cipher1(cipher value)
    {
        cipher1_ = value;
        return *this;
    }
    // The time that the receiver may work without a byte after the trailer, while it checks the document,
    // resolves deltas and writes; 30 minutes by default.
    send_options& finish_timeout(duration value)
    {
        finish_timeout_ = value;
        return *this;
    }

    // Of send_document() with a content_source, for receivers that speak only version 1: makes what they get, when one
    // has agreed. Runs at blocking(). Empty, the default: such receivers are refused.
    using pack_factory = std::function<result<document_source>(diagnostics&)>;
    send_options& version_1(pack_factory value)
    {
        version_1_ = std::move(value);
        return *this;
    }
    // Whether content is compressed where that pays; true by default.
    send_options& compress(bool value)
    {
        compress_ = value;
        return *this;
    }
    // How many receivers may store the document; 1 by default, 0: no limit.
    send_options& receivers(std::uint64_t value)
    {
        receivers_ = value;
        return *this;
    }

    const pack_factory& version_1() const noexcept { return version_1_; }
    bool compress() const noexcept { return compress_; }
    std::uint64_t receivers() const noexcept { return receivers_; }
    record_layout layout() const noexcept { return layout_; }
    std::uint64_t iterations() const noexcept { return iterations_; }
    cipher cipher0() const noexcept { return cipher0_; }
    cipher cipher1() const noexcept { return cipher1_; }
    duration finish_timeout() const noexcept { return finish_timeout_; }

private:
    record_layout layout_ = record_layout::current;
    std::uint64_t iterations_ = default_iterations;
    cipher cipher0_ = cipher::aes_256_gcm;
    cipher cipher1_ = cipher::chacha20_poly1305;
    duration finish_timeout_ = std::chrono::minutes{30};
    pack_factory version_1_;
    bool compress_ = true;
    std::uint64_t receivers_ = 1;
};

struct send_report {
    identity self;
    identity peer;
    std::uint64_t stream_bytes = 0;
    std::uint64_t content_bytes = 0;
    duration transfer_time{};    // from entering the room to the receiver's end
    std::uint64_t receivers = 1; // that have stored the document
};

// Sends `source` once, to the first peer that knows the password and accepts.
//
// `source` and `observer` must outlive the operation. All calls to `observer` come on the executor of the
// calling coroutine, which must be a strand or have one thread: the rest is not thread-safe. In the room,
// `source` is read at options.blocking, up to seven pieces of 512 KiB ahead of the sent bytes. By default the
// operation has its own thread for that until it ends. Destroying a running operation (with its context)
// waits for the current read. Errors, by phase: connecting - name_not_resolved, connect_failed, timed_out,
// the system's; handshake - timed_out, timed_out_by_relay, closed_by_relay, too_many_guesses, unexpected_end
// and those of the wire; entering - room_*, timed_out; transferring and finishing - peer_disconnected,
// unconfirmed, timed_out. Any time after the agreement: the document's errors. Impossible options:
// invalid_public_packet, record_layout_impossible. Cancellation (terminal): both connections end in order and
// the result is `cancelled`; afterwards `source` may only be destroyed.
awaitable<operation_result<send_report>> send_document(secret_bytes password, document_source& source,
                                                       send_options options, peer_observer& observer);

// Sends `source` over sessions of version 2 (SESSION2.md sections 6 to 9), and to receivers of version 1 as
// options.version_1() says. The document is listed when the first receiver has agreed. A broken connection is
// continued; a receiver that refuses, or that cannot store the document, does not end the wait. Returns when
// options.receivers() have stored it.
//
// `source` and `observer` must outlive the operation. `source` is used at options.blocking(). Errors: those above; of
// version 2: what the receiver said (refused_by_peer, no_room_at_peer, destination_exists_at_peer,
// file_failed_at_peer, entry_not_taken_by_peer, cancelled_by_peer and others), the source's own, condition::transport
// when a broken connection could not be continued within ten minutes. Cancellation (terminal): the session is
// aborted, and the result is `cancelled`.
awaitable<operation_result<send_report>> send_document(secret_bytes password, content_source& source,
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
template <class Executor, class CompletionToken>
auto async_send_document(const Executor& ex, secret_bytes password, content_source& source,
                         send_options options, peer_observer& observer, CompletionToken&& token)
{
    return asio::co_spawn(ex, send_document(std::move(password), source, std::move(options), observer),
                          std::forward<CompletionToken>(token));
}

} // namespace parley
