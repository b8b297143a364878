// A relay and two peers that meet, for tests of the rendezvous.
#pragma once

#include "session/rendezvous.hpp"

#include "support/actors_world.hpp"

#include <boost/asio/read.hpp>
#include <boost/asio/this_coro.hpp>

namespace parley::test {

using detail::entered_room;
using detail::rendezvous;

class peer_options : public session_option_setters<peer_options> {};

struct meeting_peer : operation<entered_room> {
    peer_options options;

    session_phase phase() const { return done() && !succeeded() ? result->error().phase : session_phase{}; }
    entered_room& room() { return **result; }
};

// A relay, and one peer of each role.
struct meeting_world {
    explicit meeting_world(relay_server_options options = announcing_at_once())
        : w(over::memory, std::move(options))
    {
        // One failure ends a peer, unless a test says otherwise.
        for (meeting_peer* peer : {&server, &client}) peer->options.reconnect(false);
    }
    void offer(const std::string& password = "p", public_parameters parameters = {})
    {
        start(server, "10.0.0.1", [password, parameters](rendezvous& meeting) {
            return meeting.offer(secret_bytes{password}, parameters);
        });
    }
    void join(const std::string& password = "p", bool refusal_ends = false)
    {
        start(client, "10.0.0.2", [password, refusal_ends](rendezvous& meeting) {
            return meeting.join(secret_bytes{password}, {}, refusal_ends);
        });
    }
    template <class Role>
    void start(meeting_peer& peer, const std::string& host, Role role)
    {
        // No thread: a fixed order.
        if (!peer.options.blocking()) peer.options.blocking(w.context.get_executor());
        start_as_it_is(peer, host, std::move(role));
    }
    template <class Role>
    void start_as_it_is(meeting_peer& peer, const std::string& host, Role role)
    {
        peer.options.relay(w.address(host)).random(&w.random);
        asio::co_spawn(
            w.context,
            [this, &peer, role]() -> awaitable<operation_result<entered_room>> {
                co_await asio::this_coro::throw_if_cancelled(false);
                co_await detail::yield(w.context.get_executor());
                rendezvous meeting{peer.options, peer.log};
                auto entered = co_await role(meeting);
                co_return std::move(entered);
            },
            peer.token());
    }
    // Whoever waits for somebody that will not come is told to stop. Then nothing is left, but for the rooms.
    void cancel_what_waits()
    {
        w.settle();
        for (meeting_peer* peer : {&server, &client})
            if (!peer->done()) peer->cancel.emit(asio::cancellation_type::terminal);
        w.settle();
        EXPECT_TRUE(server.done() && client.done());
    }
    void expect_no_connection()
    {
        for (meeting_peer* peer : {&server, &client}) peer->result.reset();
        w.settle();
        EXPECT_EQ(w.log.balance, 0);
    }
    // What one end reads of `text` when the other end has written it.
    std::string pass(any_stream& from, any_stream& to, std::string_view text)
    {
        std::string got(text.size(), '\0');
        asio::async_write(from, asio::buffer(text),
                          [](error_code error, std::size_t) { EXPECT_FALSE(error); });
        asio::async_read(to, asio::buffer(got), [](error_code error, std::size_t) { EXPECT_FALSE(error); });
        w.settle();
        return got;
    }

    world w;
    meeting_peer server, client;
};

} // namespace parley::test
