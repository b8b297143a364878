// Receives a document from a peer that knows the password (PROTOCOL.md sections 4, 6, 7 and 8, client).
//
// Nothing appears at the destination before the whole document is checked and the user has accepted it by its
// name. Then the receiver ends its direction of the room in order, which tells the sender of the success. Any
// other end resets the room.
//
// Two limits bound the user's time for the answer: the sender waits for the receiver's end (our send_document
// for finish_timeout, 30 minutes by default), and the relay closes a room in which no byte moves (ours after 5
// minutes by default). After that a yes still places the document, but the sender has reported a failure.
#pragma once

#include <parley/base/secret.hpp>
#include <parley/crypto/spoke.hpp>
#include <parley/payload/content_sink.hpp>
#include <parley/payload/document_receiver.hpp>
#include <parley/session/peer_session.hpp>

#include <boost/asio/co_spawn.hpp>

namespace parley {

// The options of a receiver. Every setter returns the object, so that calls chain.
class receive_options : public session_option_setters<receive_options> {
public:
    receive_options() = default;

    // The most iterations of the key derivation that a sender may ask for; default_max_iterations by default.
    receive_options& max_iterations(std::uint64_t value)
    {
        max_iterations_ = value;
        return *this;
    }
    // Whether a refusal by this user (observer.decide) ends the operation with refused_by_user. With false,
    // the default, it waits for another sender.
    receive_options& refusal_ends(bool value)
    {
        refusal_ends_ = value;
        return *this;
    }
    // The time that the sender may take to end its connection after the success; 5 seconds by default.
    receive_options& close_timeout(duration value)
    {
        close_timeout_ = value;
        return *this;
    }

    // Of receive_document() with a content_sink, for senders that speak only version 1: makes what takes their document,
    // when one has agreed. Empty, the default: such senders are ignored.
    using pack_factory = std::function<result<document_receiver>(diagnostics&)>;
    receive_options& version_1(pack_factory value)
    {
        version_1_ = std::move(value);
        return *this;
    }
    // What is offered above these limits is refused.
    receive_options& max_entries(std::uint64_t value)
    {
        max_entries_ = value;
        return *this;
    }
    receive_options& max_bytes(std::uint64_t value)
    {
        max_bytes_ = value;
        return *this;
    }

    const pack_factory& version_1() const noexcept { return version_1_; }
    std::uint64_t max_entries() const noexcept { return max_entries_; }
    std::uint64_t max_bytes() const noexcept { return max_bytes_; }
    std::uint64_t max_iterations() const noexcept { return max_iterations_; }
    bool refusal_ends() const noexcept { return refusal_ends_; }
    duration close_timeout() const noexcept { return close_timeout_; }

private:
    std::uint64_t max_iterations_ = default_max_iterations;
    bool refusal_ends_ = false;
    duration close_timeout_ = std::chrono::seconds{5};
    pack_factory version_1_;
    std::uint64_t max_entries_ = 1'000'000;
    std::uint64_t max_bytes_ = std::uint64_t{1} << 63;
};

struct receive_report {
    identity self;
    identity peer;
    received_document document; // of version 1
    stored_document stored;     // of version 2
    int version = 1;            // of the session
    std::uint64_t stream_bytes = 0;
    // From entering the room to the stored document, without the wait for the user after the last byte.
    duration transfer_time{};
    // The connection was lost before the document was stored, so the sender does not know of it.
    bool sender_lost = false;
};

// Receives one document into `receiver`, from the first peer that knows the password and that
// observer.decide() accepts, and commits it when observer.decide_document() accepts it.
//
// `receiver` and `observer` must outlive the operation. All calls to `observer` come on the executor of the
// calling coroutine, which must be a strand or have one thread: the rest is not thread-safe. The keys are
// derived at options.blocking. In the room, receiver.write() and commit() run there, up to eight pieces of 512
// KiB behind the received bytes. By default the operation has its own thread for that until it ends. Destroying
// a running operation (with its context) waits for the current write. On any failure it calls
// receiver.abandon(), and nothing is left behind; but a document that has arrived and cannot get its place is
// kept (receiver.keep()), and the error's detail says where. Errors, by phase: connecting - name_not_resolved,
// connect_failed, timed_out, the system's; handshake - timed_out, timed_out_by_relay, closed_by_relay,
// too_many_guesses, unexpected_end and those of the wire; entering - room_*, timed_out; transferring -
// peer_disconnected (the sender or the relay left), timed_out, refused_by_user, record_*, the document's
// errors; finishing - those of commit(). Cancellation (terminal): both connections are reset and the result is
// `cancelled`.
awaitable<operation_result<receive_report>> receive_document(secret_bytes password,
                                                             document_receiver& receiver,
                                                             receive_options options,
                                                             peer_observer& observer);

// Receives one document into `sink` over sessions of version 2 (SESSION2.md sections 6 to 9), or as
// options.version_1() says. observer.decide_document() is asked before content comes. A broken connection is continued.
//
// `sink` and `observer` must outlive the operation. `sink` is used at options.blocking(). When the operation fails,
// what has come is kept where the sink keeps it, unless it cannot be of use. Errors: those above; of version 2: what
// the sender said (file_failed_at_peer, document_changed_at_peer, cancelled_by_peer and others), the sink's own,
// document_rule_broken, entry_not_taken, entry_not_placed, too_many_entries, document_too_large, document_differs,
// condition::transport when a broken connection could not be continued within ten minutes. Cancellation (terminal):
// the session is aborted, and the result is `cancelled`.
awaitable<operation_result<receive_report>>
receive_document(secret_bytes password, content_sink& sink, receive_options options, peer_observer& observer);

// The same on `executor` with a completion token of signature
// void(std::exception_ptr, operation_result<receive_report>); the exception is never set for expected
// failures. Per-operation cancellation: terminal.
template <class Executor, class CompletionToken>
auto async_receive_document(const Executor& ex, secret_bytes password, document_receiver& receiver,
                            receive_options options, peer_observer& observer, CompletionToken&& token)
{
    return asio::co_spawn(ex, receive_document(std::move(password), receiver, std::move(options), observer),
                          std::forward<CompletionToken>(token));
}
template <class Executor, class CompletionToken>
auto async_receive_document(const Executor& ex, secret_bytes password, content_sink& sink,
                            receive_options options, peer_observer& observer, CompletionToken&& token)
{
    return asio::co_spawn(ex, receive_document(std::move(password), sink, std::move(options), observer),
                          std::forward<CompletionToken>(token));
}

} // namespace parley
