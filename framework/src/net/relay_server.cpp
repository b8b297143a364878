#include <parley/net/listener.hpp>
#include <parley/net/relay_server.hpp>

#include "net/handshake_service.hpp"
#include "net/room_service.hpp"

#include <boost/asio/this_coro.hpp>

namespace parley {

std::string_view relay_door_name(relay_door door) noexcept
{
    return door == relay_door::handshake ? "handshake" : "room";
}

struct relay_server::state {
    state(executor ex, relay_server_options o, relay_observer& obs)
        : executor_(ex),
          options(std::move(o)),
          observer(obs),
          handshakes(
              ex, options, obs,
              [this](const identity& client, const identity& server) { rooms.agree(client, server); },
              [this] { on_idle(); }),
          rooms(ex, options, obs, [this] { on_idle(); }),
          changed(ex, time_point::max())
    {
    }

    listen_options listening(relay_door door)
    {
        listen_options out;
        out.tcp = options.tcp;
        out.websocket = options.websocket;
        out.tls = options.tls;
        out.on_error = [this, door](error_code why) { observer.accept_failed(door, why); };
        return out;
    }

    error_code listen(std::string* where);
    static std::vector<std::string> bound_texts(const std::optional<listener>& door,
                                                const std::optional<listener>& other)
    {
        if (!door) return {};
        std::vector<std::string> out = door->bound_texts();
        const std::vector<std::string> shared = other->bound_texts(true);
        out.insert(out.end(), shared.begin(), shared.end());
        return out;
    }
    void accept(any_stream stream, relay_door door);
    void serve(any_stream stream, const identity& who, relay_door door);
    void start();
    void stop();
    bool idle() const noexcept
    {
        return handshakes.connections() == 0 && rooms.entrances() == 0 && rooms.rooms() == 0;
    }
    void on_idle()
    {
        if (stopping) changed.cancel();
    }

    executor executor_;
    relay_server_options options;
    relay_observer& observer;
    detail::handshake_service handshakes;
    detail::room_service rooms;
    std::optional<listener> handshake_door, room_door;
    asio::steady_timer changed; // run() waits for its cancellation
    bool listening_ = false, stopping = false;
};

error_code relay_server::state::listen(std::string* where)
{
    handshake_door.emplace(executor_, listening(relay_door::handshake));
    room_door.emplace(executor_, listening(relay_door::room));
    const auto add = [&](listener& door, const std::vector<listen_address>& addresses) -> error_code {
        for (const listen_address& address : addresses)
            if (const auto added = door.add(address); !added) {
                if (where) *where = address.text();
                return added.error();
            }
        return {};
    };
    error_code failed = add(*handshake_door, options.handshake_addresses);
    if (!failed) failed = add(*room_door, options.room_addresses);
    if (failed) {
        handshake_door.reset();
        room_door.reset();
    }
    listening_ = !failed;
    return failed;
}

void relay_server::state::start()
{
    for (const tcp_endpoint& at : handshake_door->bound()) observer.listening(at, relay_door::handshake);
    for (const tcp_endpoint& at : room_door->bound()) observer.listening(at, relay_door::room);
    handshake_door->start([this](any_stream stream) { accept(std::move(stream), relay_door::handshake); });
    room_door->start([this](any_stream stream) { accept(std::move(stream), relay_door::room); });
}

void relay_server::state::accept(any_stream stream, relay_door door)
{
    const identity who = stream.remote_identity();
    if (who.empty()) return; // it has gone already
    if (const auto kind = stream.kind())
        door = *kind == stream_kind::handshake ? relay_door::handshake : relay_door::room;
    serve(std::move(stream), who, door);
}

void relay_server::state::serve(any_stream stream, const identity& who, relay_door door)
{
    if (stopping || (options.admit && !options.admit(who, door))) {
        stream.close();
        return;
    }
    if (door == relay_door::handshake)
        handshakes.serve(std::move(stream), who);
    else
        rooms.serve(std::move(stream), who);
}

void relay_server::state::stop()
{
    if (handshake_door) handshake_door->stop();
    if (room_door) room_door->stop();
    if (!std::exchange(stopping, true)) {
        handshakes.stop();
        rooms.stop();
    } else {
        handshakes.abort();
    }
    changed.cancel();
}

relay_server::relay_server(executor ex, relay_server_options options, relay_observer& observer)
    : state_(std::make_shared<state>(std::move(ex), std::move(options), observer))
{
}

relay_server::~relay_server() = default;

error_code relay_server::listen(std::string* where)
{
    return state_->listen(where);
}

std::vector<tcp_endpoint> relay_server::bound_handshake_endpoints() const
{
    return state_->handshake_door ? state_->handshake_door->bound() : std::vector<tcp_endpoint>{};
}

std::vector<tcp_endpoint> relay_server::bound_room_endpoints() const
{
    return state_->room_door ? state_->room_door->bound() : std::vector<tcp_endpoint>{};
}

std::vector<std::string> relay_server::bound_handshake_texts() const
{
    return state_->bound_texts(state_->handshake_door, state_->room_door);
}

std::vector<std::string> relay_server::bound_room_texts() const
{
    return state_->bound_texts(state_->room_door, state_->handshake_door);
}

std::vector<std::string> relay_server::bound_http_texts() const
{
    return {};
}

awaitable<error_code> relay_server::run()
{
    const auto s = state_;
    if (!s->listening_) {
        const error_code failed = s->listen(nullptr);
        if (failed) co_return failed;
    }
    const bool throws = co_await asio::this_coro::throw_if_cancelled();
    co_await asio::this_coro::throw_if_cancelled(false);
    if (!s->stopping) s->start();
    while (!s->stopping || !s->idle()) {
        const auto asked = co_await asio::this_coro::cancellation_state;
        if (asked.cancelled() != asio::cancellation_type::none && !s->stopping)
            s->stop();
        else
            co_await s->changed.async_wait(use_tuple);
    }
    co_await asio::this_coro::throw_if_cancelled(throws);
    co_return error_code{};
}

void relay_server::stop()
{
    state_->stop();
}

void relay_server::serve_handshake(any_stream stream, const identity& who)
{
    state_->serve(std::move(stream), who, relay_door::handshake);
}

void relay_server::serve_room(any_stream stream, const identity& who)
{
    state_->serve(std::move(stream), who, relay_door::room);
}

relay_server::counts relay_server::count() const noexcept
{
    counts out;
    out.handshakes = state_->handshakes.connections();
    out.room_peers = state_->rooms.entrances();
    out.rooms = state_->rooms.rooms();
    out.peers = state_->handshakes.peers();
    out.seats = state_->rooms.seats();
    return out;
}

} // namespace parley
