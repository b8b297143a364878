// The relay's handshake connections around one relay_machine: reads packets into it, and writes its output.
// Private to the framework.
//
// It uses callbacks, not coroutines. Waiting peers are most of a relay's load, so a waiting peer costs one
// pending wait, and no frame, buffer or timer.
#pragma once

#include "async/deadline_timer.hpp"
#include "relay/handshake/identity_allocator.hpp"
#include "relay/handshake/packet_queue.hpp"
#include "relay/limits/limiter.hpp"

#include <parley/base/slot_map.hpp>
#include <parley/relay/observer.hpp>
#include <parley/relay/options.hpp>

#include <deque>
#include <map>

namespace parley::detail {

class handshake_service {
public:
    using agreed_handler = std::function<void(const room_peer& client, const room_peer& server)>;

    // Calls `on_agreed` before the two connections close, and `on_idle` when the last connection has ended.
    // `options` and `observer` must outlive the service.
    handshake_service(executor ex, const relay_server_options& options, relay_observer& observer,
                      std::shared_ptr<limiter> limits, agreed_handler on_agreed,
                      std::function<void()> on_idle);
    handshake_service(const handshake_service&) = delete;
    handshake_service& operator=(const handshake_service&) = delete;
    ~handshake_service();

    // Takes a stream that begins with a whole hello. `who` may become another identity (identity_allocator).
    // The connection keeps `held` until it ends.
    void serve(any_stream stream, const identity& who, permit held);
    // Notifies every peer that the relay closes, then closes the connections in order, within the linger
    // timeout.
    void stop();
    // Closes every connection at once.
    void abort();

    std::size_t connections() const noexcept { return connections_.size(); }
    relay_machine::counts peers() const noexcept { return machine_.count(); }

private:
    struct connection;
    struct attempts;
    using connection_ptr = std::shared_ptr<connection>;
    friend connection;

    room_peer room_peer_of(connection_id id, const identity& who) const;
    void wait_readable(const connection_ptr& c);
    void on_readable(const connection_ptr& c, error_code error);
    void take_turn(const connection_ptr& c);
    bytes_view feed(const connection_ptr& c, bytes_view input, std::size_t max_packets);
    void pause(const connection_ptr& c);
    bucket_rate packet_rate() const noexcept;
    bool may_pass(const connection_ptr& c, const message& packet, time_point now);
    std::size_t announcements_of(peer_kind kind) const noexcept;
    bool may_forward(const connection_ptr& c, const message& packet, time_point now);
    bool may_try(const connection_ptr& c, const connection_ptr& target, const message& packet,
                 time_point now);
    void release_attempts(const connection_ptr& target, time_point now);
    void schedule_attempts(const connection_ptr& target, time_point now);
    void drain();
    void perform(relay_action_variant& action);
    void push(const connection_ptr& c, bytes_view packet);
    void charge(const connection_ptr& c);
    void charge_attempts(const connection_ptr& target);
    void begin_close(const connection_ptr& c, error_code why);
    void give_way(connection_id which, reject_reason why);
    void flush();
    void write(const connection_ptr& c);
    void on_written(const connection_ptr& c, error_code error, std::size_t size);
    void shut_down(const connection_ptr& c);
    void drop_reader(const connection_ptr& c, reject_reason why);
    void end(const connection_ptr& c, error_code why);
    void settle();
    void arm_timer();
    void on_timer();

    executor executor_;
    const relay_server_options& options_;
    relay_observer& observer_;
    agreed_handler on_agreed_;
    std::function<void()> on_idle_;
    std::shared_ptr<limiter> limits_;

    relay_machine machine_;
    identity_allocator names_;
    slot_map<connection_id, connection_ptr> connections_;
    std::deque<connection_ptr> unflushed_;  // their queues have grown since the last flush
    std::vector<connection_ptr> overflown_; // their queues are too large
    struct closing {
        time_point deadline;
        std::weak_ptr<connection> which;
    };
    std::deque<closing> closing_;                                 // in the order of their deadlines
    std::multimap<time_point, std::weak_ptr<connection>> paused_; // not read until then: they sent too fast
    std::multimap<time_point, std::weak_ptr<connection>>
        tried_; // targets whose queued attempts may pass then
    std::uint64_t last_ticket_ = 0;
    deadline_timer timer_;
};

} // namespace parley::detail
