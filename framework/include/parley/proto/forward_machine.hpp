// One side of port forwarding on a secure stream (SESSION2.md section 10): many connections over one stream, each
// with windows of its own. Its owner has the sockets and the received bytes.
//
//     stream ─▶ receive ─▶ events            open, accept, refuse, write, close, reset, consume ─▶ output ─▶ stream
//
// Transitions, one row per message. Any other message, and the stream's end inside one, breaks a rule.
//
//   message  | of the connection              | does
//   open     | expose: a larger number         | event opening, answered by accept() or refuse()
//   opened   | forward: not answered           | event opened
//   refused  | forward: not answered           | event refused                              -> over
//   data     | not closed by the other side    | event data, whose bytes consume() gives back
//   close    | not closed by the other side    | event closed                               -> over after close()
//   window   | not over                        | event writable, if the owner waits for it
//   reset    | not over                        | event reset                                -> over
//   any      | over                            | ignored
//
//   what happens                | does
//   a rule is broken            | sends error 08                                             -> finished
//   error comes                 | sends nothing more                                         -> finished
//   the stream's end comes      | sends nothing more                                         -> finished
//
// When it finishes, every connection is broken off, without events.
//
// Memory. The machine keeps no byte of a connection that has come. Its owner keeps what it has not consumed: at most
// max_forward_connections windows of 256 KiB and growth_budget_bytes. While output() holds 64 KiB, write() takes
// nothing; data alone never fills more than twice that. While it holds 256 KiB, open() takes nothing, and while it
// holds 512 KiB, receive() takes nothing: only a side that does not read its answers can bring it there. So output()
// holds 512 KiB and a few short messages of the owner for each connection.
#pragma once

#include <parley/proto/forward_target.hpp>
#include <parley/proto/machine.hpp>

#include <memory>
#include <string>
#include <variant>

namespace parley {

// The hello's protocol name.
inline constexpr std::string_view forward_protocol = "parley.forward";

// The server of the handshake exposes its targets. The client forwards connections to them.
enum class forward_role : byte { expose, forward };

// The number of a connection: at least 1, and never used again in a session.
using forward_number = std::uint32_t;

inline constexpr std::size_t max_forward_connections = 256;
inline constexpr std::size_t max_forward_data_bytes = 65536; // of one message
inline constexpr std::uint32_t initial_forward_window = 262144;

struct forward_machine_options {
    forward_machine_options() = default;

    // A connection whose owner consumes all bytes at once gets a larger window, up to max_window_bytes (at most
    // 2^30), as long as all windows together exceed their initial sizes by at most growth_budget_bytes.
    std::uint32_t max_window_bytes = 4 * 1024 * 1024;
    std::uint64_t growth_budget_bytes = 32 * 1024 * 1024;
};

namespace forward_event {
// The other side opens a connection to a valid target. Its bytes may come before the answer.
struct opening {
    forward_number connection;
    forward_target target;
};
// The other side has reached the target.
struct opened {
    forward_number connection;
};
// The other side has not reached the target. The connection is over.
struct refused {
    forward_number connection;
    forward_cause cause; // any number
    std::string text;    // to be escaped where it is shown; may be empty
};
// The next bytes, at least one. They are valid as long as the input.
struct data {
    forward_number connection;
    bytes_view bytes;
};
// The other side's direction is complete.
struct closed {
    forward_number connection;
};
// The connection is broken off, and over. What was received and not consumed is of no use any more.
struct reset {
    forward_number connection;
};
// write_space() was 0, and is not any more.
struct writable {
    forward_number connection;
};
} // namespace forward_event

using forward_event_variant =
    std::variant<forward_event::opening, forward_event::opened, forward_event::refused, forward_event::data,
                 forward_event::closed, forward_event::reset, forward_event::writable>;

// A Machine. The owner calls receive() whenever that may take bytes, also while its own write waits, and keeps the
// bytes of each connection apart. When it is finished, the owner writes the rest of output(), ends its direction of
// the stream, and throws away what still comes (section 5). All calls for a connection that is over, or not open, do
// nothing.
//
// error(): bad_record (the other side broke a rule), what to_errc() says of the other side's reason, or the argument
// of stop(). Not set after an end in order. Not thread-safe.
class forward_machine {
public:
    using event = forward_event_variant;

    explicit forward_machine(forward_role role, forward_machine_options options = {});
    forward_machine(forward_machine&&) noexcept;
    forward_machine& operator=(forward_machine&&) noexcept;
    ~forward_machine();

    // Takes at most one message, or a piece of one, from the front of `input`; nothing while output() is full.
    void receive(bytes_view& input);
    // The other side has ended its direction in order.
    void receive_end();
    // The stream has failed, or the owner gives up: sends nothing more.
    void stop(error_code why);
    // This side ends the stream in order.
    void end();

    // Forward: opens a connection. write() may follow at once. nullopt when 256 are open, while output() is full,
    // and when the target is not valid.
    std::optional<forward_number> open(const forward_target& target);
    // Expose: the target is reached.
    void accept(forward_number connection);
    // Expose: it is not, and the connection is over. `text` is for the other side's user; it is cut to 255 bytes.
    void refuse(forward_number connection, forward_cause cause, std::string_view text = {});

    // How many bytes write() would take. After a 0, `writable` comes when that has changed; after close() it is 0 for
    // good. Connections that wait get their turns in order.
    std::size_t write_space(forward_number connection);
    // Takes bytes from the front of `bytes`, and returns their number. 0 before accept() in the exposing role.
    std::size_t write(forward_number connection, bytes_view bytes);
    // This side's direction is complete.
    void close(forward_number connection);
    // This side breaks the connection off, and forgets what was received. Before accept() use refuse().
    void reset(forward_number connection);
    // The owner has got rid of `n` received bytes; the other side may send as many more. Also after both sides have
    // closed: the windows' budget counts the bytes until then.
    void consume(forward_number connection, std::size_t n);

    // How many connections are open.
    std::size_t connections() const noexcept;

    bytes_view output() const;
    void consume_output(std::size_t n);
    std::optional<event> next_event();
    bool finished() const noexcept;
    error_code error() const noexcept;
    // What was wrong, or what the other side says is wrong. To be escaped where it is shown; may be empty.
    const std::string& problem() const noexcept;

private:
    struct state;
    std::unique_ptr<state> state_;
};

} // namespace parley
