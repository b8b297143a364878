#include "relay/rooms/room_service.hpp"

#include "async/scratch.hpp"

#include <parley/async/spawn.hpp>
#include <parley/async/watchdog.hpp>
#include <parley/proto/room_line.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/write.hpp>

namespace parley::detail {
namespace {

// Bytes that a peer may send before the join. Above this the relay reads nothing until the join.
constexpr std::size_t max_early_bytes = 64 * 1024;

} // namespace

// A connection on its way into a room.
struct room_service::room_connection final : place_holder {
    room_connection(room_service& in, any_stream s, const identity& w, permit p)
        : service(in), held(std::move(p)), stream(std::move(s)), who(w)
    {
        held.set_holder(*this);
    }
    void give_way(reject_reason why) override { service.give_way(id, why); }

    room_service& service;
    permit held;
    any_stream stream;
    identity who;
    connection_id id{};
    room_connection_state state = room_connection_state::idle;
    identity named;    // in its line
    byte_vector early; // bytes behind the line: the room's first bytes
    room_answer code = room_answer::denied;
    room_connection_ptr other; // set by a join; the room starts when both are ready
    bool is_client = false;
    asio::cancellation_signal cancel_wait;
};

// A joined pair.
struct room_service::room final : place_holder {
    room(const identity& c, const identity& s, time_point now) : client(c), server(s), opened(now), moved(now)
    {
    }
    void give_way(reject_reason why) override
    {
        for (permit* each : {&client_connection, &server_connection, &client_share, &server_share})
            each->release();
        if (pipe) pipe->abort(errc::cancelled, why);
    }

    identity client, server;
    time_point opened;
    permit client_connection, server_connection, client_share, server_share;
    const room_worker* loop = nullptr; // the loop that runs it
    std::shared_ptr<room_pipe> pipe;
    std::uint64_t bytes = 0; // at the last look
    time_point moved;        // when `bytes` last changed
};

room_service::room_service(executor ex, const relay_server_options& options, relay_observer& observer,
                           std::shared_ptr<limiter> limits, room_workers& loops,
                           std::function<void()> on_idle)
    : executor_(ex),
      options_(options),
      observer_(observer),
      on_idle_(std::move(on_idle)),
      limits_(std::move(limits)),
      broker_(options.rooms),
      loops_(loops),
      timer_(ex, *options.time,
             [this] {
                 broker_.expire(timer_.now());
                 settle();
             }),
      idle_timer_(ex, *options.time, [this] { end_idle_rooms(); })
{
}

room_service::~room_service() = default;

void room_service::agree(const room_peer& client, const room_peer& server)
{
    struct pair_of_permits {
        permit client, server;
    };
    const auto held = std::make_shared<pair_of_permits>();
    if (const auto why =
            limits_->take_for_both(share::agreements, held->client, client.who, held->server, server.who)) {
        observer_.rejected(client.who, relay_channel::room, *why);
        return;
    }
    broker_.agree(client, server, timer_.now(), held);
    settle();
}

void room_service::serve(any_stream stream, const identity& who, permit held)
{
    const auto e = std::make_shared<room_connection>(*this, std::move(stream), who, std::move(held));
    e->id = connections_.insert(e);
    observer_.connected(who, relay_channel::room);
    read_line(e);
    settle();
    listen(e);
}

// The intake has checked that the stream begins with a whole line.
void room_service::read_line(const room_connection_ptr& e)
{
    error_code error;
    bytes_view input = scratch().first(e->stream.try_read_some(scratch(), error));
    bytes_view line = input;
    room_line_parser parser;
    if (const auto named = parser.parse(line); named && *named) e->named = **named;
    // Somebody may be waiting for another's agreement there, whose place only a seat tells from his.
    const auto refused = limits_->refuse_line(e->who, e->named, timer_.now());
    broker_.connect(e->id, {e->who, e->stream.seat()}, refused.has_value());
    broker_.receive(e->id, input, timer_.now());
    e->early.assign(input.begin(), input.end());
    drain();
}

void room_service::advance(const room_connection_ptr& e, room_connection_input input, error_code why)
{
    const room_connection_step next = step(e->state, input);
    e->state = next.next;
    switch (next.action) {
    case room_connection_action::none:
        return;
    case room_connection_action::wait:
        return e->stream.async_wait_readable(
            asio::bind_cancellation_slot(e->cancel_wait.slot(), [this, e](error_code error) {
                advance(e, error ? room_connection_input::failed : room_connection_input::woken, error);
                settle();
                listen(e);
            }));
    case room_connection_action::read:
        return read(e);
    case room_connection_action::cancel_wait:
        e->cancel_wait.emit(asio::cancellation_type::terminal);
        return;
    case room_connection_action::start:
        if (e->other && e->other->state == room_connection_state::ready)
            start_room(e->is_client ? e : e->other, e->is_client ? e->other : e);
        return;
    case room_connection_action::reject:
        return spawn(executor_, [this, e] { return reject(e); }, "room connection");
    case room_connection_action::close:
        return end(e, why);
    }
}

void room_service::listen(const room_connection_ptr& e)
{
    if (e->early.size() < max_early_bytes) advance(e, room_connection_input::wait);
}

void room_service::read(const room_connection_ptr& e)
{
    error_code error;
    const mutable_bytes space =
        scratch().first(std::min(scratch().size(), max_early_bytes - e->early.size()));
    const std::size_t size = e->stream.try_read_some(space, error);
    if (error && error != asio::error::would_block)
        return advance(e, room_connection_input::failed, error == asio::error::eof ? error_code{} : error);
    e->early.insert(e->early.end(), space.begin(), space.begin() + static_cast<std::ptrdiff_t>(size));
}

void room_service::drain()
{
    while (const auto action = broker_.next_action()) perform(*action);
}

void room_service::perform(const room_action_variant& action)
{
    if (const auto* said = std::get_if<room_action::answer>(&action)) {
        if (const auto e = connections_.find(said->to)) answer(e, said->code);
    } else if (const auto* joined = std::get_if<room_action::join>(&action)) {
        const auto client = connections_.find(joined->client), server = connections_.find(joined->server);
        if (client && server) join(client, server);
    }
}

// The pipe of a joined room writes the answer first. Any other answer is the last thing that a connection
// gets.
void room_service::answer(const room_connection_ptr& e, room_answer code)
{
    e->code = code;
    if (code == room_answer::denied) {
        const time_point now = timer_.now();
        if (const auto refused = limits_->refuse_line(e->who, e->named, now))
            observer_.rejected(e->who, relay_channel::room, *refused);
        else
            limits_->line_denied(e->who, e->named, now);
    }
    if (code != room_answer::joined) advance(e, room_connection_input::reject);
}

void room_service::join(const room_connection_ptr& client, const room_connection_ptr& server)
{
    client->is_client = true;
    client->other = server;
    server->other = client;
    advance(client, room_connection_input::join);
    advance(server, room_connection_input::join);
}

void room_service::start_room(room_connection_ptr client, room_connection_ptr server)
{
    client->other.reset();
    server->other.reset();
    const time_point now = timer_.now();
    const auto which = rooms_.emplace(rooms_.end(), client->who, server->who, now);
    if (const auto refused = limits_->take_for_both(share::rooms, which->client_share, client->who,
                                                    which->server_share, server->who, &*which)) {
        rooms_.erase(which);
        for (const room_connection_ptr& e : {client, server}) {
            observer_.rejected(e->who, relay_channel::room, *refused);
            answer(e, room_answer::absent);
        }
        return;
    }
    for (const room_connection_ptr& e : {client, server}) {
        permit& held = e == client ? which->client_connection : which->server_connection;
        held = std::move(e->held);
        held.set_holder(*which);
        e->stream.put_back(e->early);
    }
    room_worker& loop = loops_.enter(server->stream, client->stream);
    room_pipe_options pipe_options;
    pipe_options.greeting = encode(room_answer::joined);
    pipe_options.half_timeout = options_.half_room_timeout;

    which->loop = &loop;
    observer_.room_opened(which->client, which->server);
    const std::weak_ptr<bool> alive = alive_;
    which->pipe = room_pipe::start(std::move(server->stream), std::move(client->stream), pipe_options, loop,
                                   [this, alive, which, home = executor_](const room_pipe_report& report) {
                                       asio::dispatch(home, [this, alive, which, report] {
                                           if (!alive.expired()) end_room(which, report);
                                       });
                                   });
    forget(client);
    forget(server);
    watch_idle_rooms();
}

void room_service::end_room(std::list<room>::iterator which, const room_pipe_report& report)
{
    room_report out;
    out.client = which->client;
    out.server = which->server;
    out.server_to_client_bytes = report.first_to_second_bytes;
    out.client_to_server_bytes = report.second_to_first_bytes;
    out.time = timer_.now() - which->opened;
    out.why = report.why;
    const auto pipe = std::move(which->pipe);
    const room_worker* const loop = which->loop;
    ended_bytes_ += out.server_to_client_bytes + out.client_to_server_bytes;
    rooms_.erase(which);
    loops_.leave(*loop);
    if (report.limit) observer_.rejected(out.client, relay_channel::room, *report.limit);
    observer_.room_closed(out);
    observer_.disconnected(out.client, relay_channel::room, out.why);
    observer_.disconnected(out.server, relay_channel::room, out.why);
    if (connections_.size() == 0 && rooms_.empty()) on_idle_();
}

// A network that holds less gets its place. It gets no answer: none of the answers tells the reason.
void room_service::give_way(connection_id which, reject_reason why)
{
    const auto e = connections_.find(which);
    if (!e) return;
    observer_.rejected(e->who, relay_channel::room, why);
    const auto other = e->other;
    advance(e, room_connection_input::close, errc::cancelled);
    if (other) advance(other, room_connection_input::close, errc::cancelled); // it can join nobody any more
    settle();
}

// Writes the answer, ends its direction, and waits for the peer's end within the linger timeout. Closing over
// unread bytes would reset the connection, and the peer might not receive the answer.
awaitable<void> room_service::reject(room_connection_ptr e)
{
    watchdog bound{e->stream, options_.linger_timeout, *options_.time};
    const bytes_view code = encode(e->code);
    const auto written =
        co_await asio::async_write(e->stream, asio::buffer(code.data(), code.size()), use_tuple);
    error_code error = std::get<0>(written);
    if (!error) {
        const auto shut = co_await e->stream.async_shutdown_send(use_tuple);
        error = std::get<0>(shut);
    }
    while (!error) {
        const auto waited = co_await e->stream.async_wait_readable(use_tuple);
        error = std::get<0>(waited);
        if (error) break;
        e->stream.try_read_some(scratch(), error);
        if (error == asio::error::would_block) error = {};
    }
    advance(e, room_connection_input::failed,
            e->code == room_answer::absent ? errc::room_absent : errc::room_denied);
    settle();
}

// Removes the connection. Its stream was moved to a room or is closed.
void room_service::forget(const room_connection_ptr& e)
{
    e->state = room_connection_state::over;
    connections_.erase(e->id);
}

// Ends a connection that is in no room.
void room_service::end(const room_connection_ptr& e, error_code why)
{
    broker_.disconnect(e->id);
    e->other.reset();
    e->stream.close();
    e->held.release();
    forget(e);
    observer_.disconnected(e->who, relay_channel::room, why);
}

void room_service::settle()
{
    drain();
    timer_.arm(broker_.next_deadline());
    if (connections_.size() == 0 && rooms_.empty()) on_idle_();
}

// One timer checks the byte counters of all rooms from time to time, so moving bytes touches no timer.
void room_service::watch_idle_rooms()
{
    const duration idle = limits_->limits().room_idle;
    if (rooms_.empty() || idle == duration::max()) return;
    constexpr duration least = std::chrono::milliseconds{20}, most = std::chrono::seconds{15};
    idle_timer_.arm(timer_.now() + std::clamp<duration>(idle / 8, least, most));
}

void room_service::end_idle_rooms()
{
    const time_point now = timer_.now();
    const duration idle = limits_->limits().room_idle;
    for (room& r : rooms_) {
        if (const std::uint64_t bytes = r.pipe->bytes(); bytes != r.bytes) {
            r.bytes = bytes;
            r.moved = now;
        } else if (idle != duration::max() && now - r.moved >= idle) {
            r.pipe->abort(errc::timed_out, reject_reason::room_idle);
        }
    }
    watch_idle_rooms();
}

std::uint64_t room_service::bytes() const noexcept
{
    std::uint64_t all = ended_bytes_;
    for (const room& r : rooms_) all += r.pipe->bytes();
    return all;
}

void room_service::stop()
{
    timer_.cancel();
    idle_timer_.cancel();
    connections_.for_each(
        [&](const room_connection_ptr& e) { advance(e, room_connection_input::close, errc::cancelled); });
    for (room& r : rooms_) r.pipe->abort(errc::cancelled);
    if (connections_.size() == 0 && rooms_.empty()) on_idle_();
}

} // namespace parley::detail
