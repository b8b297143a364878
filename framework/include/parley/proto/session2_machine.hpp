// One side of a session of version 2 inside a room (SESSION2.md sections 3 to 5): the hellos, then a stream
// of bytes in each direction, each with an end of its own.
//
//     transport ─▶ receive ─▶ received(), events        write, end, abort ─▶ output ─▶ transport
//
// Transitions, one row per record that comes. Nothing of a record that breaks a rule is passed on.
//
//   record                  | before the hello | after it           | after the other side's end
//   hello                   | event opened     | breaks a rule      | breaks a rule
//   data                    | breaks a rule    | event readable     | breaks a rule
//   end                     | breaks a rule    | event ended        | breaks a rule
//   ping                    | breaks a rule    | ignored            | ignored
//   abort                   | event aborted    | event aborted      | event aborted
//   another, a wrong form   | breaks a rule    | breaks a rule      | breaks a rule
//
//   what happens            | does
//   both ends have passed   | finished
//   abort comes             | event failed; sends nothing more                   -> finished
//   a rule is broken        | event failed, sends abort 08                       -> lingering
//   another protocol        | event failed, sends abort 09                       -> lingering
//   abort(), stop()         | event failed, sends abort                          -> lingering
//   end_and_discard()       | event failed, sends end                            -> lingering
//   a damaged record, the transport's end before the other side's end, no hello for 30 s, not a byte for 60 s
//                           | event failed; sends nothing more                   -> finished
//   15 s without output     | sends ping, once the hello has come
//   (lingering)             | throws away what comes, until an abort, the transport's end, or for 5 s -> finished
//
// The connection's failures, which anybody on the way can cause, are condition::transport. All others need
// the other side's key.
//
// Back-pressure. While received() holds bytes, receive() takes nothing. While output() holds 256 KiB, write()
// takes nothing. So a session holds one record that comes (64 KiB) and at most 321 KiB that go.
#pragma once

#include <parley/crypto/session2_keys.hpp>
#include <parley/proto/machine.hpp>
#include <parley/proto/session2_content.hpp>

#include <memory>
#include <variant>

namespace parley {

// Whose side of the handshake this was: the server sends the document.
enum class session_role : byte { server, client };

namespace session2_event {
// The other side's hello has come. From now on write() takes bytes.
struct opened {
    session2_hello peer;
};
// received() has bytes.
struct readable {};
// The other direction is complete: no byte is missing.
struct ended {};
// The other side has given up. `failed` follows.
struct aborted {
    session2_abort reason;
};
// This side passes nothing more, and finishes after it has lingered. The last event.
struct failed {
    error_code why;
    std::string text; // what was wrong, safe to print; empty when `why` says everything
};
} // namespace session2_event

using session2_event_variant =
    std::variant<session2_event::opened, session2_event::readable, session2_event::ended,
                 session2_event::aborted, session2_event::failed>;

// A TimedMachine. The owner reads whenever receive() may take bytes, also while its own write waits, and
// calls consume_output() for bytes that were written. Keys are wiped when it finishes. error():
// record_bad_length, record_damaged, peer_disconnected (the transport has ended too early), hello_missing,
// peer_silent; bad_record, protocol_mismatch; refused_by_peer, protocol_mismatch or aborted_by_peer when the
// other side gave up; crypto_unavailable; or what abort(), end_and_discard() or stop() were given. Not
// thread-safe.
class session2_machine {
public:
    using event = session2_event_variant;

    // The room was opened `now`. output() holds the hello at once. `hello.protocol` must be the other side's,
    // too. Errors: invalid_argument of boost::system::errc (hello.protocol is no protocol name),
    // record_layout_impossible (keys of AES-256-CCM), crypto_unavailable.
    static result<session2_machine> create(session_role role, const session2_keys& keys,
                                           const session2_hello& hello, time_point now);
    // A machine whose records are opened and sealed elsewhere: what it receives and its output are unsealed records
    // (session2_framer.hpp). The owner passes on only what opened with the right tag. When a record does not open,
    // it calls stop() with record_damaged. Errors: invalid_argument.
    static result<session2_machine> create_unsealed(const session2_hello& hello, time_point now);
    session2_machine(session2_machine&&) noexcept;
    session2_machine& operator=(session2_machine&&) noexcept;
    ~session2_machine();

    void receive(bytes_view& input);
    // The transport's stream has ended. After the other side's end this is no failure: this side may still
    // write.
    void receive_end();
    // cancelled and timed_out abort with reason 02. With any other error the transport has failed: finishes
    // at once and sends nothing. Finishes at once while it lingers.
    void stop(error_code why);

    void expire(time_point now);
    time_point next_deadline() const noexcept;

    // The stream's next bytes from the other side. Valid until the next receive(); also after a failure.
    bytes_view received() const noexcept;
    void consume_received(std::size_t n) noexcept;

    // Takes bytes from the front of `data` for the stream to the other side, and returns their number. 0
    // before the hello, after end(), after a failure, and while output() is full.
    std::size_t write(bytes_view data);
    // Whether write() would take bytes.
    bool is_writable() const noexcept;
    // This direction is complete. Sent after the hello has come.
    void end();
    // Gives up for `reason`. error() becomes `why`, which is set.
    void abort(session_reason reason, std::string_view text, error_code why);
    // Gives up after the stream's last bytes, by which the owner has told the other side why. Aborts with
    // reason 02 before the hello has come.
    void end_and_discard(error_code why);

    bytes_view output() const;
    void consume_output(std::size_t n);
    // Exchanges all of output() for `with`, whose content is dropped: bytes can be written without a copy, and the
    // machine goes on meanwhile. It takes them for written.
    void take_output(byte_vector& with);
    std::optional<event> next_event();
    bool finished() const noexcept;
    error_code error() const noexcept;

private:
    struct state;
    explicit session2_machine(std::unique_ptr<state> s) noexcept;
    std::unique_ptr<state> state_;
};

} // namespace parley
