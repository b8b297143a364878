// The peer that has a document to send, up to the agreement (PROTOCOL.md section 4, server).
//
// Its transitions, one row a packet received (any other packet: unexpected_packet, and the machine fails):
//
//   packet                  | state of that client | does
//   server_identity         | -                    | event identified
//   x_and_client_identity   | any                  | answer y_and_server_validator            -> greeted
//                           |                      | or spoke_failure                         -> forgotten,
//                           event rejected
//   client_validator        | greeted              | right: send agreement                    -> proven
//                           |                      | wrong: send spoke_failure 02             -> forgotten,
//                           event rejected | unknown              | relay_failure C to the relay
//   accepted                | proven               | event agreed, finished
//   refused                 | any                  | event refused                            -> forgotten
//   spoke_failure, closed c | any                  |                                          -> forgotten
//   closed 0000, timeout    | -                    | failed
#pragma once

#include <parley/proto/agreement.hpp>
#include <parley/proto/machine.hpp>
#include <parley/wire/parser.hpp>
#include <parley/wire/writer.hpp>

#include <memory>
#include <variant>

namespace parley {

struct server_options {
    std::size_t max_clients = 4096; // in hand at once; the oldest unproven one is forgotten for one more
};

namespace server_event {
struct identified {
    identity self;
};
struct rejected {
    identity peer;
    error_code why;
}; // a client tried another password, or a bad public value
struct refused {
    identity peer;
}; // the other user said no
struct agreed {
    agreement result;
}; // the last event
using any = std::variant<identified, rejected, refused, agreed>;
} // namespace server_event

// A Machine. Memory: about 400 bytes a client in hand, at most options.max_clients of them. Not thread-safe.
class server_machine {
public:
    using event = server_event::any;

    // `server` holds what was derived from the password; `random` must outlive the machine. The hello is in
    // output() at once.
    server_machine(spoke_server server, random_source& random, server_options options = {});
    server_machine(server_machine&&) noexcept;
    server_machine& operator=(server_machine&&) noexcept;
    ~server_machine();

    void receive(bytes_view& input);
    void receive_end();
    void stop(error_code why);

    bytes_view output() const;
    void consume_output(std::size_t n);
    std::optional<event> next_event();
    bool finished() const noexcept;
    error_code error() const noexcept;

private:
    struct state;
    std::unique_ptr<state> state_;
};

} // namespace parley
