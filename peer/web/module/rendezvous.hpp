// Meets the other peer at the relay, up to the room (PROTOCOL.md sections 4, 6 and 9).
//
//     stage       | what happens                           | does
//     connecting  | the connection is open                 | sends the hello                       -> handshake
//     handshake   | agreed                                 | closes it, opens the room             -> opening
//     opening     | the connection is open                 | sends the room line                   -> entering
//     entering    | answer 00                              |                                       -> over
//     any         | it fails before an agreement, after    |
//                 | a wait at the relay, and another try   |
//                 | may help                               | waits                                 -> pausing
//     pausing     | the pause is over                      | opens another connection              -> connecting
//     any         | it fails otherwise                     |                                       -> over
#pragma once

#include "peer/web/module/actions.hpp"

#include <parley/proto/client_machine.hpp>
#include <parley/proto/reconnection.hpp>
#include <parley/proto/room_line.hpp>
#include <parley/proto/server_machine.hpp>
#include <parley/proto/session2_machine.hpp>
#include <parley/wire/seat_token.hpp>

namespace parley::web {

struct rendezvous_terms {
    session_role role = session_role::client;
    session_versions versions = session_versions::only_2;
    bool reconnects = true;    // when the relay is lost during the wait
    bool shows_waiting = true; // to the user
    bool shows_peers = true;   // those with another password, and the one that agrees
};

// A room that both peers are in.
struct entered_room {
    connection room{};
    agreement agreed;
};

// Time limits are those of the native peer: 15 s for a connection and for the relay's answer, an hour for the wait,
// 60 s for the room.
class rendezvous {
public:
    // `all` must outlive it. The wait ends at `wait_end`; by default an hour after the first connection.
    rendezvous(context& all, secret_bytes password, rendezvous_terms terms,
               std::optional<time_point> wait_end = std::nullopt);
    ~rendezvous();
    rendezvous(const rendezvous&) = delete;
    rendezvous& operator=(const rendezvous&) = delete;

    // Begins, and begins again once it is over.
    void begin();
    // Gives up, and closes what is open.
    void stop();

    bool owns(connection which) const noexcept { return is_connected_ && which == connection_; }
    void opened();
    // Takes bytes from the front of `input`. Leaves those after the room's answer.
    void receive(bytes_view& input);
    void closed(bool in_order);
    void expire();
    time_point next_deadline() const noexcept;

    bool is_running() const noexcept { return stage_ != stage::idle; }
    // Once it is over: the room, or nothing and why.
    std::optional<entered_room> take_room() noexcept { return std::exchange(room_, std::nullopt); }
    const failure& why() const noexcept { return failure_; }
    // After a failure of phase entering: what was agreed on. A session of version 2 is continued by the owner.
    std::optional<agreement>& agreed() noexcept { return agreed_; }

private:
    enum class stage : byte { idle, pausing, connecting, handshake, opening, entering };

    void connect();
    void begin_handshake();
    void drain_handshake();
    void end_handshake();
    void on_identified();
    void take(server_event_variant& event);
    void take(client_event_variant& event);
    void drain_entry();
    void close(bool in_order);
    void fail(error_code code, phase when);
    void send(bytes_view bytes);
    bool has_time() const noexcept { return !wait_end_ || all_.now < *wait_end_; }
    time_point bounded(duration wait) const noexcept;
    template <class Do>
    void with_machine(Do what);

    context& all_;
    secret_bytes password_;
    rendezvous_terms terms_;
    std::optional<time_point> wait_end_;
    reconnect_pauses pauses_;
    seat_token seat_;

    stage stage_ = stage::idle;
    time_point deadline_ = no_deadline;
    connection connection_{};
    bool is_connected_ = false;              // or about to be
    std::optional<time_point> waiting_from_; // on this connection
    bool has_waited_ = false;                // on any
    std::uint64_t guesses_ = 0;
    std::variant<std::monostate, server_machine, client_machine> machine_;
    std::optional<room_entry_machine> entry_;

    std::optional<agreement> agreed_;
    std::optional<entered_room> room_;
    failure failure_;
};

} // namespace parley::web
