// What a sender and a receiver have in common on their way through a relay: their options, what they tell the
// user meanwhile, and how a failure says where it happened.
//
//     handshake connection ──▶ agreement ──▶ room connection (same address, room port) ──▶ records
#pragma once

#include <parley/base/result.hpp>
#include <parley/session/session_options.hpp>
#include <parley/wire/identity.hpp>

#include <optional>
#include <string>

namespace parley {

// How far an operation had come when it failed.
enum class session_phase : byte {
    preparing,    // nothing has been sent
    connecting,   // to the relay's handshake channel
    handshake,    // connected to the relay, no agreement yet
    entering,     // agreed; on the way into the room
    transferring, // both are in the room
    finishing,    // the whole document has passed; its receiver checks and stores it
};

// A failure that says what was being done. Its code compares with errc and condition.
struct operation_error {
    error_code code;
    session_phase phase = session_phase::preparing;
    std::string where;  // what failed, e.g. "cannot reach relay 127.0.0.1:9000"; safe to print
    std::string detail; // what about (a path, an entry), may be empty; safe to print

    std::string message() const; // "where: what the code means (detail)"
};
[[noreturn]] void throw_exception_from_error(const operation_error& error,
                                             const boost::source_location& location);

// A value, or an operation_error.
template <class T>
using operation_result = boost::system::result<T, operation_error>;

// How far a transfer is.
struct transfer_progress {
    std::uint64_t stream_bytes = 0;  // of the document's stream, records' overhead not counted
    std::uint64_t content_bytes = 0; // of the files' contents
    std::optional<std::uint64_t> total_content_bytes; // where it is known: always by the sender, for one file
                                                      // by the receiver
};

// What an operation tells while it runs, called on its executor and never after its end. Every function does
// nothing unless it is overridden; none may throw or block for long. Identities are safe to print.
class peer_observer {
public:
    virtual ~peer_observer() = default;

    virtual void connecting(const relay_address& relay) { (void)relay; }
    // `address` is the very address that was reached, as text.
    virtual void connected(std::string_view address) { (void)address; }
    virtual void identified(const identity& self) { (void)self; }
    virtual void waiting() {} // for somebody with the same password, from now on
    // A peer whose password is another one, or whose values are invalid; the wait goes on.
    virtual void rejected(const identity& peer, error_code why) { (void)peer, (void)why; }
    // Sender: the other user said no; the wait goes on.
    virtual void refused(const identity& peer) { (void)peer; }
    // Receiver: `peer` knows the password. Whether to take its document; true by default. The awaitable is
    // cancelled (terminal) when the peer leaves before the answer, which is then not heard. It may take as
    // long as a user takes.
    virtual awaitable<bool> decide(identity peer);
    // Receiver: the peer that was asked about, or accepted, has left; the wait goes on.
    virtual void withdrawn(const identity& peer) { (void)peer; }
    // The handshake is over.
    virtual void agreed(const identity& self, const identity& peer) { (void)self, (void)peer; }
    virtual void entered_room() {}
    // Some more of the document has passed: at most once a write or read of the connection.
    virtual void progress(const transfer_progress& now) { (void)now; }
    // All bytes have passed. Sender: waits for the receiver to have stored them; receiver: stores them.
    virtual void finishing() {}
};

} // namespace parley
