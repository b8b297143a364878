// A session of version 2 on one connection: the machine, and the bytes to and from it (SESSION2.md sections 3 to 5).
#pragma once

#include "peer/web/module/actions.hpp"

#include <parley/proto/session2_machine.hpp>

namespace parley::web {

// Holds at most one record that came and is not taken, and has at most 1 MiB on its way to the page's socket.
class session_link {
public:
    // `all` must outlive it. The hello is sent at once.
    session_link(context& all, connection room, session2_machine machine);
    // Resets the connection if it is open.
    ~session_link();
    session_link(const session_link&) = delete;
    session_link& operator=(const session_link&) = delete;

    bool owns(connection which) const noexcept { return !is_closed_ && which == room_; }
    // Takes bytes from the front of `input`, until readable() has some or `input` is empty.
    void receive(bytes_view& input);
    void closed(bool in_order);
    // `n` bytes have left the page's memory.
    void sent(std::size_t n) noexcept { under_way_ -= std::min(n, under_way_); }
    void expire() { machine_.expire(all_.now); }
    time_point next_deadline() const noexcept;

    // The stream.
    bytes_view readable() const noexcept { return machine_.received(); }
    void consume(std::size_t n);
    // Takes bytes from the front of `data`, as many as may be on their way.
    void write(bytes_view& data);
    void end() { machine_.end(); }
    void abort(session_reason reason, error_code why) { machine_.abort(reason, {}, why); }
    void end_and_discard(error_code why) { machine_.end_and_discard(why); }
    void stop(error_code why) { machine_.stop(why); }

    // Takes the machine's events and output. Call it after every input. Closes when all is done.
    void settle();

    bool is_open() const noexcept { return is_open_; } // the other side's hello has come
    bool has_peer_ended() const noexcept { return has_peer_ended_; }
    bool is_closed() const noexcept { return is_closed_; }
    error_code failure() const noexcept { return failure_; }
    const std::string& problem() const noexcept { return problem_; } // safe to print
    const std::optional<session2_abort>& peer_abort() const noexcept { return peer_abort_; }

private:
    bool may_send() const noexcept;
    void flush();

    context& all_;
    connection room_;
    session2_machine machine_;
    std::size_t under_way_ = 0;
    bool end_due_ = false; // the connection has ended, which the machine learns after the last byte
    bool is_open_ = false, has_peer_ended_ = false, is_closed_ = false;
    error_code failure_;
    std::string problem_;
    std::optional<session2_abort> peer_abort_;
};

} // namespace parley::web
