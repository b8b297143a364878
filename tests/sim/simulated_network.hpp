// A network in virtual time: byte streams whose bytes arrive late and in pieces of any size, each stream in
// its own order and all streams in any. The same seed gives the same run.
#pragma once

#include <parley/testing/virtual_clock.hpp>

#include <boost/asio/io_context.hpp>
#include <unit/proto/support.hpp>

#include <array>
#include <map>
#include <queue>

namespace parley::test {

class simulated_network {
public:
    using action = std::function<void()>;
    // What one side of a connection hears. `bytes` must take all it is given.
    struct side {
        std::function<void(bytes_view)> bytes;
        std::function<void()> end;
    };
    // An end of a connection: side 0 opened it.
    struct port {
        std::uint32_t connection = 0;
        unsigned side = 0;
    };

    explicit simulated_network(std::uint64_t seed) : random_{seed} {}

    // Of all that lives in the simulation, and so is the clock.
    executor get_executor() { return context_.get_executor(); }
    testing::virtual_clock& clock() { return clock_; }
    time_point now() const { return clock_.now(); }
    seeded_random& random() { return random_; }
    std::size_t open_connections() const { return connections_.size(); }

    void at(time_point when, action act)
    {
        due_.push({std::max(when, now()), next_event_++, std::move(act)});
    }
    void after(duration wait, action act) { at(now() + wait, std::move(act)); }

    // Runs what is due until `limit`, which is then the time.
    void run_until(time_point limit)
    {
        for (settle();; settle()) {
            const time_point next = due_.empty() ? no_deadline : due_.top().when;
            const time_point step = std::min(next, clock_.next_deadline());
            if (step > limit) break;
            clock_.advance_to(step);
            if (step != next) continue;
            const event e = due_.top();
            due_.pop();
            e.act();
        }
        clock_.advance_to(limit);
    }

    // The opener's end; the other end is `accepted`.
    port open(side opener, std::function<side(port accepted)> acceptor)
    {
        const std::uint32_t number = next_connection_++;
        connection& c = connections_[number];
        c.ways[0].to = acceptor({number, 1});
        c.ways[1].to = std::move(opener);
        return {number, 0};
    }

    void send(port from, bytes_view bytes)
    {
        way* const w = way_from(from);
        if (w == nullptr || w->closed || bytes.empty()) return;
        w->under_way.insert(w->under_way.end(), bytes.begin(), bytes.end());
        schedule(from, *w);
    }

    // What was sent arrives, then the end.
    void finish(port from)
    {
        way* const w = way_from(from);
        if (w == nullptr || std::exchange(w->closed, true)) return;
        schedule(from, *w);
    }
    // As finish(), and this side hears nothing more.
    void close(port from)
    {
        if (way_from(from) != nullptr) connections_.at(from.connection).ways[1 - from.side].to = {};
        finish(from);
    }

    // This side is gone without a word: what it sent and did not arrive is lost, and nobody is told.
    void vanish(port from)
    {
        way* const w = way_from(from);
        if (w == nullptr) return;
        w->under_way.clear();
        w->closed = w->silent = true;
        way& back = connections_.at(from.connection).ways[1 - from.side];
        back.to = {};
        if (back.closed) connections_.erase(from.connection);
    }

private:
    void settle()
    {
        context_.restart();
        context_.poll();
    }

    struct way {
        side to;
        byte_vector under_way;
        bool closed = false, ended = false, scheduled = false, silent = false;
    };
    struct connection {
        std::array<way, 2> ways; // by the side that sends
    };
    struct event {
        time_point when;
        std::uint64_t number;
        action act;
        bool operator<(const event& other) const
        {
            return when != other.when ? when > other.when : number > other.number;
        }
    };

    way* way_from(port from)
    {
        const auto found = connections_.find(from.connection);
        return found == connections_.end() ? nullptr : &found->second.ways[from.side];
    }

    void schedule(port from, way& w)
    {
        if (std::exchange(w.scheduled, true)) return;
        after(std::chrono::microseconds{random_.below(30'000)}, [this, from] { deliver(from); });
    }

    void deliver(port from)
    {
        way* w = way_from(from);
        if (w == nullptr || w->silent) return;
        w->scheduled = false;
        if (!w->under_way.empty()) {
            const byte_vector piece = take_piece(w->under_way);
            if (const auto hear = w->to.bytes) hear(piece);
            w = way_from(from);
            if (w == nullptr || w->silent) return;
        }
        if (!w->under_way.empty()) return schedule(from, *w);
        if (!w->closed || std::exchange(w->ended, true)) return;
        if (const auto hear = w->to.end) hear();
        const auto found = connections_.find(from.connection);
        if (found == connections_.end()) return;
        const way& back = found->second.ways[1 - from.side];
        if (back.ended || back.silent) connections_.erase(found);
    }

    // A piece of any size, at times a very small one.
    byte_vector take_piece(byte_vector& from)
    {
        std::size_t n = 1 + random_.below(from.size());
        if (random_.below(4) == 0) n = std::min<std::size_t>(n, 1 + random_.below(3));
        const auto end = from.begin() + static_cast<std::ptrdiff_t>(n);
        byte_vector piece(from.begin(), end);
        from.erase(from.begin(), end);
        return piece;
    }

    testing::virtual_clock clock_;
    asio::io_context context_{1};
    seeded_random random_;
    std::priority_queue<event> due_;
    std::uint64_t next_event_ = 0;
    std::uint32_t next_connection_ = 0;
    std::map<std::uint32_t, connection> connections_;
};

} // namespace parley::test
