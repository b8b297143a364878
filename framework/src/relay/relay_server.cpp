#include <parley/relay/relay_server.hpp>

#include "async/deadline_timer.hpp"
#include "relay/handshake/handshake_service.hpp"
#include "relay/intake/relay_listeners.hpp"
#include "relay/limits/limiter.hpp"
#include "relay/limits/lobby_share.hpp"
#include "relay/rooms/room_service.hpp"

#include <parley/async/event.hpp>
#include <parley/crypto/random.hpp>

#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <bit>
#include <list>
#include <map>

namespace parley {

std::string_view relay_channel_name(relay_channel channel) noexcept
{
    return channel == relay_channel::handshake ? "handshake" : "room";
}

using detail::relay_listeners;

namespace {

std::uint64_t random_seed()
{
    std::array<byte, 8> bytes;
    system_random().fill(bytes);
    return std::bit_cast<std::uint64_t>(bytes);
}

// One space of peers, uids and rooms.
struct lobby final : detail::place_holder {
    lobby(const executor& ex, const relay_server_options& options, relay_observer& observer,
          const std::shared_ptr<detail::limiter>& limits, detail::room_workers& loops,
          const std::function<void()>& on_idle)
        : share(limits),
          handshakes(
              ex, options, observer, limits,
              [this](const room_peer& client, const room_peer& server) { rooms.agree(client, server); },
              on_idle),
          rooms(ex, options, observer, limits, loops, on_idle)
    {
    }

    bool idle() const noexcept
    {
        return handshakes.connections() == 0 && rooms.pending() == 0 && rooms.rooms() == 0;
    }
    // Whether a peer that has agreed may still come to its room.
    bool awaited() const noexcept { return rooms.places().agreements != 0; }
    void give_way(reject_reason why) override { on_give_way(why); }

    std::function<void(reject_reason)> on_give_way;
    detail::lobby_share share; // outlives what has entered
    detail::handshake_service handshakes;
    detail::room_service rooms;
};

} // namespace

struct relay_server::state : std::enable_shared_from_this<relay_server::state> {
    state(executor ex, relay_server_options o, relay_observer& obs)
        : executor_(ex),
          options(std::move(o)),
          observer(obs),
          limits(std::make_shared<detail::limiter>(options.limits, random_seed())),
          loops(ex, options.threads, options.room_buffer_bytes, *options.time, limits->memory()),
          listeners(ex),
          intake(ex, options, obs, limits,
                 {[this](detail::accepted_connection who) { enter(std::move(who)); },
                  [this](const std::string& name, const identity& who) { return check_lobby(name, who); },
                  [this] { on_idle(); }}),
          main(ex, options, obs, limits, loops, [this] { on_idle(); }),
          changed(ex),
          drain_timer(ex, *options.time, [this] { close_listeners_when_due(); })
    {
        loops.set_limits(options.limits);
    }

    error_code listen(diagnostics* diag);
    void start();
    void drain();
    void close_listeners_when_due();
    void stop();
    void enter(detail::accepted_connection who);
    void adopt(any_stream stream, const identity& who, relay_channel channel);
    std::optional<reject_reason> check_lobby(const std::string& name, const identity& who) const;
    std::optional<reject_reason> open_lobby(const std::string& name, const identity& who);
    void on_lobby_idle(const std::string& name);
    void forget_idle_lobbies(const std::string& name);
    void retire(const std::string& name, reject_reason why);
    bool idle() const noexcept
    {
        bool out = intake.size() == 0;
        for_each_lobby([&](const lobby& each) { out &= each.idle() && (stopping || !each.awaited()); });
        return out;
    }
    bool awaited() const noexcept
    {
        bool out = false;
        for_each_lobby([&](const lobby& each) { out |= each.awaited(); });
        return out;
    }
    void on_idle()
    {
        if (stopping || draining) changed.signal();
    }
    template <class F>
    void for_each_lobby(F f)
    {
        f(main);
        for (const auto& each : lobbies) f(*each.second);
        for (const auto& each : retired) f(*each);
    }
    template <class F>
    void for_each_lobby(F f) const
    {
        f(main);
        for (const auto& each : lobbies) f(std::as_const(*each.second));
        for (const auto& each : retired) f(std::as_const(*each));
    }

    executor executor_;
    relay_server_options options;
    relay_observer& observer;
    std::shared_ptr<detail::limiter> limits;
    detail::room_workers loops; // of all rooms
    relay_listeners listeners;
    detail::intake intake;
    lobby main; // the default lobby
    std::map<std::string, std::unique_ptr<lobby>> lobbies;
    std::list<std::unique_ptr<lobby>> retired; // that nobody enters any more
    event changed;                             // run() waits for it
    detail::deadline_timer drain_timer;
    std::uint64_t forgotten_bytes = 0; // of rooms in lobbies that were removed
    bool listening_ = false, stopping = false, draining = false;
};

error_code relay_server::state::listen(diagnostics* diag)
{
    listen_options listening;
    listening.tcp = options.tcp;
    listening.passed_sockets = options.passed_sockets;
    const auto add = [&](const std::vector<listen_address>& addresses, relay_listeners::use use,
                         relay_channel channel) -> error_code {
        listening.on_error = [this, channel](error_code why) { observer.accept_failed(channel, why); };
        for (const listen_address& address : addresses)
            if (const error_code failed = listeners.add(address, use, listening, options.tls.get())) {
                if (diag != nullptr) diag->set_message("cannot listen on " + escaped(address.text()));
                return failed;
            }
        return {};
    };
    using enum relay_listeners::use;
    error_code failed = add(options.handshake_addresses, handshake, relay_channel::handshake);
    if (!failed) failed = add(options.room_addresses, room, relay_channel::room);
    if (!failed) failed = add(options.http_addresses, answers, relay_channel::handshake);
    if (failed) listeners = relay_listeners{executor_};
    listening_ = !failed;
    return failed;
}

void relay_server::state::start()
{
    for (const tcp_endpoint& at : listeners.bound(relay_listeners::use::handshake))
        observer.listening(at, relay_channel::handshake);
    for (const tcp_endpoint& at : listeners.bound(relay_listeners::use::room))
        observer.listening(at, relay_channel::room);
    listeners.start([this](any_stream stream, detail::listener_policy_ptr policy) {
        const identity who = stream.remote_identity();
        intake.receive(std::move(stream), who, std::move(policy));
    });
}

std::optional<reject_reason> relay_server::state::check_lobby(const std::string& name,
                                                              const identity& who) const
{
    if (stopping || (draining && !name.empty() && !lobbies.contains(name))) return reject_reason::stopping;
    if (name.empty() || lobbies.contains(name)) return std::nullopt;
    return limits->would_refuse(detail::share::lobbies, who);
}

std::optional<reject_reason> relay_server::state::open_lobby(const std::string& name, const identity& who)
{
    auto made = std::make_unique<lobby>(executor_, options, observer, limits, loops,
                                        [this, name] { on_lobby_idle(name); });
    made->on_give_way = [this, name](reject_reason why) { retire(name, why); };
    if (const auto why = made->share.open(who, *made)) return why;
    lobbies[name] = std::move(made);
    return std::nullopt;
}

// Removes the lobby in a later turn: the caller is a part of it.
void relay_server::state::on_lobby_idle(const std::string& name)
{
    on_idle();
    if (stopping) return;
    asio::post(executor_, [weak = weak_from_this(), name] {
        if (const auto self = weak.lock()) self->forget_idle_lobbies(name);
    });
}

// That one, and those retired.
void relay_server::state::forget_idle_lobbies(const std::string& name)
{
    if (stopping) return;
    const auto forget = [this](const lobby& each) {
        const bool over = each.idle() && !each.awaited();
        if (over) forgotten_bytes += each.rooms.bytes();
        return over;
    };
    if (const auto found = lobbies.find(name); found != lobbies.end() && forget(*found->second))
        lobbies.erase(found);
    retired.remove_if([&](const auto& each) { return forget(*each); });
}

// All lobbies are taken, and a network that has fewer opens one. Waiting peers are told and closed; rooms run to
// their end.
void relay_server::state::retire(const std::string& name, reject_reason why)
{
    auto found = lobbies.extract(name);
    if (found.empty()) return;
    retired.push_back(std::move(found.mapped()));
    lobby& given_up = *retired.back();
    observer.rejected(given_up.share.opener(), relay_channel::handshake, why);
    given_up.share.release();
    given_up.handshakes.stop();
    on_lobby_idle(name);
}

void relay_server::state::enter(detail::accepted_connection who)
{
    auto why = check_lobby(who.lobby, who.who);
    if (!why && draining && who.channel == relay_channel::handshake) why = reject_reason::stopping;
    if (!why && !who.lobby.empty() && !lobbies.contains(who.lobby)) why = open_lobby(who.lobby, who.who);
    if (why) {
        observer.rejected(who.who, who.channel, *why);
        return who.stream.close();
    }
    lobby& in = who.lobby.empty() ? main : *lobbies.at(who.lobby);
    if (!who.lobby.empty()) in.share.enter(who.held);
    if (who.channel == relay_channel::handshake)
        in.handshakes.serve(std::move(who.stream), who.who, std::move(who.held));
    else
        in.rooms.serve(std::move(who.stream), who.who, std::move(who.held));
    if (!who.lobby.empty() && in.idle()) on_lobby_idle(who.lobby); // the service rejected it at once
}

void relay_server::state::adopt(any_stream stream, const identity& who, relay_channel channel)
{
    if (draining && channel == relay_channel::handshake) { // reject it now, not after its hello
        observer.rejected(who, channel, reject_reason::stopping);
        return stream.close();
    }
    auto policy = std::make_shared<detail::listener_policy>();
    policy->channel = channel;
    policy->ready = true;
    intake.receive(std::move(stream), who, std::move(policy));
}

void relay_server::state::drain()
{
    if (stopping || std::exchange(draining, true)) return;
    for_each_lobby([](lobby& each) { each.handshakes.stop(); });
    intake.drain();
    close_listeners_when_due();
    changed.signal();
}

// Keeps the listeners open while a peer may still come to its room, and those for answers until the end.
void relay_server::state::close_listeners_when_due()
{
    if (stopping) return;
    if (!awaited()) {
        listeners.stop_but_answers();
        return on_idle();
    }
    constexpr std::chrono::milliseconds interval{200};
    drain_timer.arm(drain_timer.now() + interval);
}

void relay_server::state::stop()
{
    drain_timer.cancel();
    listeners.stop();
    if (!std::exchange(stopping, true)) {
        intake.stop();
        for_each_lobby([](lobby& each) {
            each.handshakes.stop();
            each.rooms.stop();
        });
    } else {
        for_each_lobby([](lobby& each) { each.handshakes.abort(); });
    }
    changed.signal();
}

relay_server::relay_server(executor ex, relay_server_options options, relay_observer& observer)
    : state_(std::make_shared<state>(std::move(ex), std::move(options), observer))
{
}

relay_server::~relay_server() = default;

error_code relay_server::listen(diagnostics* diag)
{
    return state_->listen(diag);
}

std::vector<tcp_endpoint> relay_server::bound_handshake_endpoints() const
{
    return state_->listeners.bound(relay_listeners::use::handshake);
}

std::vector<tcp_endpoint> relay_server::bound_room_endpoints() const
{
    return state_->listeners.bound(relay_listeners::use::room);
}

std::vector<std::string> relay_server::bound_handshake_texts() const
{
    return state_->listeners.texts(relay_listeners::use::handshake);
}

std::vector<std::string> relay_server::bound_room_texts() const
{
    return state_->listeners.texts(relay_listeners::use::room);
}

std::vector<std::string> relay_server::bound_http_texts() const
{
    return state_->listeners.texts(relay_listeners::use::answers);
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
    while (!(s->stopping || s->draining) || !s->idle()) {
        const auto asked = co_await asio::this_coro::cancellation_state;
        if (asked.cancelled() != asio::cancellation_type::none && !s->stopping)
            s->stop();
        else
            co_await s->changed.wait_or_cancelled();
    }
    if (!s->stopping) s->stop();
    co_await asio::this_coro::throw_if_cancelled(throws);
    co_return error_code{};
}

void relay_server::stop()
{
    state_->stop();
}

void relay_server::drain()
{
    state_->drain();
}

bool relay_server::draining() const noexcept
{
    return state_->draining || state_->stopping;
}

void relay_server::set_limits(const relay_limits& limits)
{
    state_->limits->set_limits(limits);
    state_->loops.set_limits(limits);
}

void relay_server::set_trusted_networks(network_set networks)
{
    state_->options.trusted_networks = std::move(networks);
}

void relay_server::set_allowed_origins(std::vector<std::string> origins)
{
    state_->options.allowed_origins = std::move(origins);
}

void relay_server::serve_handshake(any_stream stream, const identity& who)
{
    state_->adopt(std::move(stream), who, relay_channel::handshake);
}

void relay_server::serve_room(any_stream stream, const identity& who)
{
    state_->adopt(std::move(stream), who, relay_channel::room);
}

relay_server::counts relay_server::count() const noexcept
{
    counts out;
    out.starting = state_->intake.size();
    out.lobbies = state_->lobbies.size();
    out.room_bytes = state_->forgotten_bytes;
    out.connections = state_->limits->connections();
    out.memory = state_->limits->memory()->used();
    state_->for_each_lobby([&](const lobby& each) {
        out.handshakes += each.handshakes.connections();
        out.room_peers += each.rooms.pending();
        out.rooms += each.rooms.rooms();
        out.room_bytes += each.rooms.bytes();
        const auto peers = each.handshakes.peers();
        out.peers.connections += peers.connections;
        out.peers.servers += peers.servers;
        out.peers.clients += peers.clients;
        const auto places = each.rooms.places();
        out.places.agreements += places.agreements;
        out.places.waiting += places.waiting;
    });
    return out;
}

} // namespace parley
