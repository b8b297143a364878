// The common part of senders and receivers: their phases, errors, progress and observer.
//
//     handshake connection ──▶ agreement ──▶ room connection (same address, room port) ──▶ records
#pragma once

#include <parley/base/result.hpp>
#include <parley/proto/document_outline.hpp>
#include <parley/proto/guess_report.hpp>
#include <parley/session/session_options.hpp>
#include <parley/wire/identity.hpp>

#include <optional>
#include <string>

namespace parley {

// The phase in which an operation failed.
enum class session_phase : byte {
    preparing,    // nothing has been sent
    connecting,   // to the relay's handshake channel
    handshake,    // connected to the relay, no agreement yet
    entering,     // agreed; on their way into the room
    transferring, // both peers are in the room
    finishing,    // all bytes have passed; the receiver checks and stores the document
};

// An error code with its context. Compare the code with errc and condition.
struct operation_error {
    error_code code;
    session_phase phase = session_phase::preparing;
    std::string where;  // what failed, e.g. "cannot reach relay 127.0.0.1:9000"; safe to print
    std::string detail; // its subject (a path, an entry), may be empty; safe to print

    std::string message() const; // "where: what the code means (detail)"
};
[[noreturn]] void throw_exception_from_error(const operation_error& error,
                                             const boost::source_location& location);

// A value, or an operation_error.
template <class T>
using operation_result = boost::system::result<T, operation_error>;

// The progress of a transfer.
struct transfer_progress {
    std::uint64_t stream_bytes = 0;  // of the document's stream, records' overhead not counted
    std::uint64_t content_bytes = 0; // of the files' contents
    // Set when it is known: always for a sender; for a receiver with one file.
    std::optional<std::uint64_t> total_content_bytes;
};

// A document that a peer sends, before it is in its place.
struct offered_document {
    offered_document() = default;

    std::string name; // as the sender calls it: one safe path component, but escape it before you show it
    std::string other_name; // its name at the destination if the sender's is taken; else empty
    bool is_directory = false;
    std::uint64_t files = 0;         // how many appear at the destination
    std::uint64_t directories = 0;   // the same, including the document itself
    std::uint64_t content_bytes = 0; // unknown_size of a stream
    // Of version 2 alone.
    document_kind kind = document_kind::file;
    std::uint64_t free_bytes = unknown_size; // at the destination; unknown_size when that is not known
    std::shared_ptr<const document_outline> outline; // every path; null in version 1
};

// Receives the events of an operation, on its executor, and never after its end. Each function does nothing
// unless it is overridden. An override must not throw or block for long. Identities are safe to print.
class peer_observer {
public:
    virtual ~peer_observer() = default;

    virtual void connecting(const relay_address& relay) { (void)relay; }
    // `address` is the address that was reached, as text.
    virtual void connected(std::string_view address) { (void)address; }
    virtual void identified(const identity& self) { (void)self; }
    virtual void waiting() {} // waits for a peer with the same password
    // The relay is lost while this peer waits. It connects again after `pause`; `why` is what has failed. Then
    // connecting() and the others are called again, up to waiting().
    virtual void reconnecting(const operation_error& why, duration pause) { (void)why, (void)pause; }
    // A peer had another password, or sent invalid values. The wait continues. At most 20 times a minute.
    virtual void rejected(const identity& peer, error_code why) { (void)peer, (void)why; }
    // More than 20 peers of the last minute had another password: somebody may be guessing. Once a minute.
    virtual void guesses(const guess_report& last_minute) { (void)last_minute; }
    // Receiver: a sender has not answered, and is asked again. At most once a minute.
    virtual void trying_again() {}
    // Sender: the other user refused. The wait continues.
    virtual void refused(const identity& peer) { (void)peer; }
    // Receiver: `peer` knows the password. Decides whether to take its document; true by default. The
    // awaitable may take as long as the user does. It is cancelled (terminal) when the peer leaves before the
    // answer, and its answer is then ignored.
    virtual awaitable<bool> decide(identity peer);
    // Receiver: `peer` sends `document`. Decides whether to place it; true by default. For a file the call comes
    // with its header, for a directory after all of it, because only then its size is known. Bytes are received
    // meanwhile; only the end waits for the answer. A no ends the operation with refused_by_user. The awaitable
    // may take as long as the user does, but the sender does not wait forever. It is cancelled (terminal) when
    // the operation ends before the answer, and its answer is then ignored.
    virtual awaitable<bool> decide_document(identity peer, offered_document document);
    // Receiver: the peer of decide() has left. The wait continues.
    virtual void withdrawn(const identity& peer) { (void)peer; }
    // The connection broke in a session of version 2. Both sides come back by themselves; this one tries it after
    // `pause`. Called again for each attempt that fails.
    virtual void interrupted(const operation_error& why, duration pause) { (void)why, (void)pause; }
    // Both sides are back, and go on.
    virtual void resumed() {}
    // Sender: the document was listed, and is offered.
    virtual void listed(const document_offer& offer) { (void)offer; }
    // Sender: the other user takes the document, and content is sent.
    virtual void accepted() {}
    // Receiver: the sender may begin; `kept` bytes are here from before.
    virtual void receiving(std::uint64_t kept) { (void)kept; }
    // Sender: this receiver has not taken the document; `text`, which is safe to print, says why. The wait continues.
    virtual void failed_there(const identity& peer, error_code why, std::string_view text)
    {
        (void)peer, (void)why, (void)text;
    }
    // Sender of several: the `number`-th receiver has stored the document.
    virtual void delivered(const identity& peer, std::uint64_t number) { (void)peer, (void)number; }
    // The handshake is over.
    virtual void agreed(const identity& self, const identity& peer) { (void)self, (void)peer; }
    virtual void entered_room() {}
    // More bytes of the document have passed. Called at most once for each write or read of the connection.
    virtual void progress(const transfer_progress& now) { (void)now; }
    // All bytes have passed. A sender now waits until the receiver has stored them; a receiver stores them.
    virtual void finishing() {}
};

} // namespace parley
