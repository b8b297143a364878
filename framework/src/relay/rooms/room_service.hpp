// The relay's room connections around one room_broker, from the room line to the join, and the pipes after
// it. Private to the framework.
#pragma once

#include "async/deadline_timer.hpp"
#include "relay/limits/limiter.hpp"
#include "relay/rooms/room_connection_state.hpp"
#include "relay/rooms/room_pipe.hpp"
#include "relay/rooms/room_workers.hpp"

#include <parley/base/slot_map.hpp>
#include <parley/relay/observer.hpp>
#include <parley/relay/options.hpp>

#include <boost/asio/cancellation_signal.hpp>

#include <deque>
#include <list>

namespace parley::detail {

class room_service {
public:
    // Calls `on_idle` when the last connection has ended. `options`, `observer` and `loops` must outlive the
    // service.
    room_service(executor ex, const relay_server_options& options, relay_observer& observer,
                 std::shared_ptr<limiter> limits, room_workers& loops, std::function<void()> on_idle);
    room_service(const room_service&) = delete;
    room_service& operator=(const room_service&) = delete;
    ~room_service();

    void agree(const room_peer& client, const room_peer& server);
    // Takes a stream that begins with a whole room line. The connection keeps `held` until it ends.
    void serve(any_stream stream, const identity& who, permit held);
    // Resets rooms and closes all other connections.
    void stop();

    std::size_t pending() const noexcept { return connections_.size(); }
    std::size_t rooms() const noexcept { return rooms_.size(); }
    room_broker::counts places() const noexcept { return broker_.count(); }
    // Bytes moved by all rooms so far, including rooms that have ended.
    std::uint64_t bytes() const noexcept;

private:
    struct room_connection;
    using room_connection_ptr = std::shared_ptr<room_connection>;
    struct room;
    friend room_connection;
    friend room;

    // Steps `e` through the table of room_connection_state.hpp and performs the action.
    void advance(const room_connection_ptr& e, room_connection_input input, error_code why = {});
    void listen(const room_connection_ptr& e);
    void read_line(const room_connection_ptr& e);
    void read(const room_connection_ptr& e);
    void drain();
    void perform(const room_action_variant& action);
    void answer(const room_connection_ptr& e, room_answer code);
    void give_way(connection_id which, reject_reason why);
    void join(const room_connection_ptr& client, const room_connection_ptr& server);
    void start_room(room_connection_ptr client, room_connection_ptr server);
    void end_room(std::list<room>::iterator which, const room_pipe_report& report);
    awaitable<void> reject(room_connection_ptr e);
    void forget(const room_connection_ptr& e);
    void end(const room_connection_ptr& e, error_code why);
    void settle();
    void watch_idle_rooms();
    void end_idle_rooms();

    executor executor_;
    const relay_server_options& options_;
    relay_observer& observer_;
    std::function<void()> on_idle_;
    std::shared_ptr<limiter> limits_;

    room_broker broker_;
    room_workers& loops_;
    slot_map<connection_id, room_connection_ptr> connections_;
    std::list<room> rooms_;
    std::uint64_t ended_bytes_ = 0; // of rooms that have ended
    deadline_timer timer_;
    deadline_timer idle_timer_;                                  // runs while there are rooms
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true); // a room's end may come after the service's
};

} // namespace parley::detail
