#include "relay/intake/intake.hpp"

#include "async/scratch.hpp"
#include "relay/handshake/hello.hpp"
#include "relay/intake/forwarded.hpp"
#include "relay/intake/proxy_header.hpp"
#include "transport/http/http_head.hpp"

#include <parley/async/spawn.hpp>
#include <parley/proto/room_line.hpp>
#include <parley/transport/tcp.hpp>
#include <parley/transport/tls.hpp>
#include <parley/transport/unix.hpp>

#include <boost/asio/ip/address.hpp>

#include <algorithm>

namespace parley::detail {
namespace {

constexpr std::size_t max_pending = 8192;
constexpr std::size_t max_in_tls = 2048; // a TLS handshake costs about ten times as much as any other start
constexpr std::size_t max_for_answers = 32;
constexpr std::string_view lobby_prefix = "/lobby/";
constexpr std::size_t max_lobby_name_bytes = 64;

// The answer to a proper request that the relay rejects.
http_answer answer_of(reject_reason why)
{
    switch (why) {
    case reject_reason::address_full:
    case reject_reason::connection_rate:
        return {429, "Too many connections from this address.\n"};
    case reject_reason::address_lobbies:
        return {429, "Too many lobbies from this address.\n"};
    case reject_reason::connections_full:
    case reject_reason::over_share:
    case reject_reason::lobbies_full:
        return {503, "The relay is full.\n"};
    case reject_reason::stopping:
        return {503, "The relay is stopping.\n"};
    case reject_reason::bad_forwarded:
        return {400, "The address of the client cannot be read from the request's headers.\n"};
    case reject_reason::no_such_path:
        return {404, "There is nothing here.\n"};
    case reject_reason::not_admitted:
        return {403, "Not admitted.\n"};
    case reject_reason::origin:
        return {403, "Pages of this origin may not use this relay.\n"};
    default:
        return {503, "Not now.\n"};
    }
}

reject_reason reject_reason_of(const websocket_accepted& accepted) noexcept
{
    constexpr unsigned not_found = 404, head_too_long = 431;
    if (accepted.status == head_too_long) return reject_reason::preamble_too_long;
    if (accepted.status == not_found) return reject_reason::no_such_path;
    return accepted.request.method.empty() ? reject_reason::bad_http : reject_reason::bad_upgrade;
}

relay_channel channel_of(stream_kind kind) noexcept
{
    return kind == stream_kind::room ? relay_channel::room : relay_channel::handshake;
}

} // namespace

// A connection in its preamble.
struct intake::pending_connection final : place_holder {
    pending_connection(intake& owner, any_stream s, const identity& w, listener_policy_ptr p)
        : in(owner), stream(std::move(s)), policy(std::move(p)), channel(policy->channel), who(w)
    {
        if (const auto kind = stream.kind()) channel = channel_of(*kind);
    }
    void give_way(reject_reason reason) override { in.evict(*this, reason); }
    // Its own once it is known, not that of the proxy which brings it.
    std::uint64_t network() const noexcept
    {
        return widest_network(trusted ? std::nullopt : address_key(who));
    }

    intake& in;
    any_stream stream;
    listener_policy_ptr policy;
    relay_channel channel;
    identity who;
    byte_vector early;
    permit held;
    holdings<pending_connection*>::place place, in_tls;
    std::string lobby;
    time_point deadline = no_deadline;
    std::optional<reject_reason> why;
    bool trusted = false;  // it comes from a proxy that may name its client
    bool admitted = false; // admit() has run
    bool answered = false; // its HTTP request was answered
    bool secure = false;   // TLS was removed
    bool in_line = false;  // it waits for the rest of a room line
    bool evicted = false;  // closed; its coroutine is about to end
};

std::optional<std::string_view> lobby_name_of(std::string_view path) noexcept
{
    if (!path.starts_with(lobby_prefix)) return std::nullopt;
    const std::string_view name = path.substr(lobby_prefix.size());
    const bool fine = !name.empty() && name.size() <= max_lobby_name_bytes &&
                      std::all_of(name.begin(), name.end(), [](char c) {
                          return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                                 c == '.' || c == '_' || c == '-';
                      });
    return fine ? std::optional{name} : std::nullopt;
}

intake::intake(executor ex, const relay_server_options& options, relay_observer& observer,
               std::shared_ptr<limiter> limits, owner hooks)
    : executor_(ex),
      options_(options),
      observer_(observer),
      limits_(std::move(limits)),
      owner_(std::move(hooks)),
      for_answers_(limits_->seed()),
      starting_(limits_->seed()),
      in_tls_(limits_->seed()),
      timer_(ex, *options.time, [this] { evict_late(); })
{
}

intake::~intake() = default;

bool intake::comes_from_proxy(const any_stream& stream) const
{
    if (const auto from = stream.remote_endpoint())
        return options_.trusted_networks.contains(from->address());
    const transport* const by = find_transport(stream.transport_name());
    return by != nullptr && by->local && options_.trusted_networks.contains_unix();
}

void intake::receive(any_stream stream, const identity& who, listener_policy_ptr policy)
{
    if (who.empty()) return; // the peer has already disconnected
    if (stopped_) return observer_.rejected(who, policy->channel, reject_reason::stopping);
    const auto at = pending_.emplace(pending_.end(), *this, std::move(stream), who, std::move(policy));
    pending_connection& v = *at;
    v.trusted = !v.policy->ready && comes_from_proxy(v.stream);
    // A proxy names its client later. Until then the connection counts only toward the total.
    bool admitted = true;
    if (!v.trusted)
        admitted = admit(v);
    else if (!v.policy->only_answers)
        if (const auto why = limits_->admit(v.held, v.who, timer_.now(), true, &v))
            admitted = refuse(v, *why);
    if (!admitted) {
        evict(v, std::nullopt);
        return leave(at);
    }
    // A rejected connection evicts none.
    auto& places = v.policy->only_answers ? for_answers_ : starting_;
    v.place = places.add(v.network(), &v);
    make_room(places, v.policy->only_answers ? max_for_answers : max_pending);
    if (v.evicted) return leave(at);
    if (limits_->limits().preamble_timeout != duration::max())
        v.deadline = timer_.now() + limits_->limits().preamble_timeout;
    arm_timer();
    spawn(executor_, [this, at] { return visit(at); }, "intake");
}

awaitable<void> intake::visit(pending_connections::iterator at)
{
    pending_connection& v = *at;
    const bool negotiated = co_await negotiate(v);
    if (!negotiated || v.evicted || stopped_) {
        leave(at);
        co_return;
    }
    accepted_connection out;
    put_back(v);
    out.stream = std::move(v.stream);
    out.channel = v.channel;
    out.who = v.who;
    out.lobby = std::move(v.lobby);
    out.held = std::move(v.held);
    starting_.remove(v.place);
    pending_.erase(at);
    owner_.deliver(std::move(out));
    if (pending_.empty()) owner_.on_idle();
}

// Whether to deliver the connection.
awaitable<bool> intake::negotiate(pending_connection& v)
{
    bool done = v.policy->ready;
    if (!done) done = co_await negotiate_protocols(v);
    if (!done) co_return false;
    bool whole = false;
    if (v.channel == relay_channel::handshake)
        whole = co_await await_hello(v);
    else
        whole = co_await await_room_line(v);
    co_return whole;
}

awaitable<bool> intake::negotiate_protocols(pending_connection& v)
{
    auto what = co_await detect_start(v);
    if (what == detected_protocol::proxy_v1 || what == detected_protocol::proxy_v2) {
        if (!v.trusted) co_return refuse(v, reject_reason::untrusted_proxy);
        const bool taken = co_await take_proxy_header(v);
        if (!taken) co_return false;
        what = co_await detect_start(v);
    }
    const bool can_tls = options_.tls && options_.tls->current();
    if (what == detected_protocol::tls && v.policy->serves.tls && can_tls) {
        const bool started = co_await start_tls(v);
        if (!started) co_return false;
        what = co_await detect_start(v);
    }
    if (what == detected_protocol::more_needed) co_return false; // the stream has ended
    const bool negotiated = co_await negotiate_inside(v, what);
    co_return negotiated;
}

// Continues after the PROXY header and TLS were removed.
awaitable<bool> intake::negotiate_inside(pending_connection& v, detected_protocol what)
{
    if (!v.secure && !v.policy->serves.plain) co_return refuse(v, reject_reason::unrecognised);
    if (what == detected_protocol::http) {
        if (!v.policy->serves.http) co_return refuse(v, reject_reason::unrecognised);
        const bool opened = co_await start_http(v);
        if (!opened) co_return false;
    } else {
        const bool packets = what == detected_protocol::handshake;
        if (!v.policy->serves.streams || what == detected_protocol::proxy_v1 ||
            what == detected_protocol::proxy_v2)
            co_return refuse(v, reject_reason::unrecognised);
        // TLS that the relay cannot remove breaks the channel's own rules. The channel's service answers it.
        if (what != detected_protocol::tls)
            v.channel = packets ? relay_channel::handshake : relay_channel::room;
        if (!admit(v)) co_return false;
    }
    co_return true;
}

// Appends the next bytes to v.early. False at the end of the stream, after an error, and above the bound.
awaitable<bool> intake::read_more(pending_connection& v)
{
    const std::size_t most =
        limits_->limits().preamble_bytes == 0 ? scratch().size() : limits_->limits().preamble_bytes;
    if (v.early.size() >= most) co_return refuse(v, reject_reason::preamble_too_long);
    const auto waited = co_await v.stream.async_wait_readable(use_tuple);
    error_code error = std::get<0>(waited);
    if (error || v.evicted) co_return false;
    const mutable_bytes space = scratch().first(std::min(scratch().size(), most - v.early.size()));
    const std::size_t size = v.stream.try_read_some(space, error);
    v.early.insert(v.early.end(), space.begin(), space.begin() + static_cast<std::ptrdiff_t>(size));
    co_return !error || error == asio::error::would_block;
}

// Returns v.early to the stream, so that the next layer reads it.
void intake::put_back(pending_connection& v)
{
    v.stream.put_back(v.early);
    v.early = {};
}

awaitable<detected_protocol> intake::detect_start(pending_connection& v)
{
    detected_protocol what = detect_protocol(v.early, v.channel);
    while (what == detected_protocol::more_needed) {
        const bool more = co_await read_more(v);
        if (!more) break;
        what = detect_protocol(v.early, v.channel);
    }
    co_return what;
}

awaitable<bool> intake::take_proxy_header(pending_connection& v)
{
    for (;;) {
        const auto parsed = parse_proxy_header(v.early);
        if (!parsed) co_return refuse(v, reject_reason::bad_proxy_header);
        if (*parsed) {
            const proxy_header& header = **parsed;
            v.early.erase(v.early.begin(), v.early.begin() + static_cast<std::ptrdiff_t>(header.size));
            if (!header.client) co_return true; // the connection is the proxy's own
            set_client(v, *header.client);
            co_return v.trusted || admit(v);
        }
        const bool more = co_await read_more(v);
        if (!more) co_return false;
    }
}

awaitable<bool> intake::start_tls(pending_connection& v)
{
    v.in_tls = in_tls_.add(v.network(), &v);
    make_room(in_tls_, max_in_tls);
    if (v.evicted) co_return false;
    put_back(v);
    const error_code error = co_await accept_tls(v.stream, options_.tls, limits_->limits().preamble_bytes);
    in_tls_.remove(v.in_tls);
    if (error == errc::tls_failed) co_return refuse(v, reject_reason::tls_failed);
    v.secure = !error;
    co_return v.secure;
}

awaitable<bool> intake::start_http(pending_connection& v)
{
    websocket_accept_options accepting;
    accepting.websocket = options_.websocket;
    put_back(v);
    accepting.on_request = [this, &v](const http_request& request) { return on_request(v, request); };
    accepting.on_upgrade = [this, &v](const http_request& request) { return on_upgrade(v, request); };
    const auto accepted = co_await accept_websocket(v.stream, std::move(accepting));
    if (accepted.error == errc::upgrade_refused && !v.answered) refuse(v, reject_reason_of(accepted));
    if (accepted.error) co_return false;
    if (const auto kind = v.stream.kind()) v.channel = channel_of(*kind);
    co_return true;
}

// Reads until a hello or a malformed packet has come. handshake_service answers both in the protocol.
awaitable<bool> intake::await_hello(pending_connection& v)
{
    packet_parser parser;
    std::size_t parsed_bytes = 0;
    for (;;) {
        bytes_view input = bytes_view{v.early}.subspan(parsed_bytes);
        while (!input.empty()) {
            const auto parsed = parser.parse(input);
            if (!parsed || (*parsed && hello_kind(**parsed))) co_return true;
        }
        parsed_bytes = v.early.size();
        const bool more = co_await read_more(v);
        if (!more) co_return false;
    }
}

awaitable<bool> intake::await_room_line(pending_connection& v)
{
    room_line_parser parser;
    std::size_t parsed_bytes = 0;
    v.in_line = true;
    for (;;) {
        bytes_view input = bytes_view{v.early}.subspan(parsed_bytes);
        const auto parsed = parser.parse(input);
        if (!parsed || *parsed) co_return true;
        parsed_bytes = v.early.size();
        const bool more = co_await read_more(v);
        if (!more) co_return false;
    }
}

void intake::set_client(pending_connection& v, const tcp_endpoint& client)
{
    v.who = identity_of(client);
    v.trusted = options_.trusted_networks.contains(client.address());
    if (v.evicted) return;
    auto& places = v.policy->only_answers ? for_answers_ : starting_;
    places.remove(v.place);
    v.place = places.add(v.network(), &v);
}

// Checks the limits and the hook, once, when the client is known.
bool intake::admit(pending_connection& v)
{
    if (std::exchange(v.admitted, true)) return true;
    const time_point now = timer_.now();
    std::optional<reject_reason> why;
    if (!v.policy->only_answers)
        why = v.held ? limits_->name(v.held, v.who, now) : limits_->admit(v.held, v.who, now, false, &v);
    if (!why && options_.admit && !options_.admit(v.who, v.channel)) why = reject_reason::not_admitted;
    return !why || refuse(v, *why);
}

bool intake::name_client(pending_connection& v, const http_request& request)
{
    if (v.trusted) {
        const forwarded_client client = forwarded_for(request, options_.trusted_networks);
        if (client.what == forwarded_client::kind::broken) return refuse(v, reject_reason::bad_forwarded);
        if (client.what == forwarded_client::kind::known) set_client(v, client.client);
    }
    return admit(v);
}

bool intake::find_lobby(pending_connection& v, std::string_view path)
{
    const std::string& only = v.policy->path;
    const bool any = only.empty() || only == "/";
    if (options_.lobbies && path.starts_with(lobby_prefix)) {
        const auto name = lobby_name_of(path);
        if (!name) return refuse(v, reject_reason::no_such_path);
        v.lobby = *name;
    } else if (!any && path != only) {
        return refuse(v, reject_reason::no_such_path);
    }
    return true;
}

bool intake::check_origin(pending_connection& v, const http_request& request)
{
    const auto& allowed = options_.allowed_origins;
    if (allowed.empty()) return true;
    for (const auto& [name, value] : request.headers) {
        if (!is_same_name(name, "Origin")) continue;
        const bool listed = std::any_of(allowed.begin(), allowed.end(), [&](const std::string& each) {
            return is_same_name(each, value); // scheme and host are the same in any case
        });
        if (!listed) return refuse(v, reject_reason::origin);
    }
    return true;
}

std::optional<http_answer> intake::on_request(pending_connection& v, const http_request& request)
{
    const bool named = name_client(v, request);
    if (!named) return answer_of(*v.why);
    const bool own = v.policy->only_answers;
    auto answer = options_.http ? options_.http(relay_http_call{request, v.who, own}) : std::nullopt;
    if (answer) {
        v.answered = true;
        return answer;
    }
    if (own) refuse(v, reject_reason::no_such_path);
    if (own || !find_lobby(v, request.path())) return answer_of(*v.why);
    return std::nullopt;
}

std::optional<http_answer> intake::on_upgrade(pending_connection& v, const http_request& request)
{
    bool fine = name_client(v, request);
    if (fine && v.policy->only_answers) fine = refuse(v, reject_reason::no_such_path);
    if (fine) fine = check_origin(v, request);
    if (fine) fine = find_lobby(v, request.path());
    if (fine)
        if (const auto why = owner_.check_lobby(v.lobby, v.who)) fine = refuse(v, *why);
    if (fine) return std::nullopt;
    return answer_of(*v.why);
}

// Tells the observer the first reason, at once, since an HTTP answer may take its time. Always returns false,
// so callers can return its result.
bool intake::refuse(pending_connection& v, reject_reason why)
{
    if (v.why) return false;
    v.why = why;
    observer_.rejected(v.who, v.channel, why);
    return false;
}

// Closes the connection now; its coroutine then ends.
void intake::evict(pending_connection& v, std::optional<reject_reason> why)
{
    if (std::exchange(v.evicted, true)) return;
    v.held.release();
    release_places(v);
    if (why && !v.answered) refuse(v, *why);
    if (v.in_line && why != reject_reason::over_share) {
        // Answer as the broker does; give up a write that would block.
        const bytes_view code = encode(room_answer::denied);
        v.stream.async_write_some(asio::buffer(code.data(), code.size()), [](error_code, std::size_t) {});
    } else {
        v.stream.reset_on_close(true); // no peer reads any more
    }
    v.stream.close();
}

void intake::make_room(holdings<pending_connection*>& in, std::size_t most)
{
    if (in.size() > most) evict(*in.oldest_of_largest(), reject_reason::over_share);
}

void intake::release_places(pending_connection& v) noexcept
{
    (v.policy->only_answers ? for_answers_ : starting_).remove(v.place);
    in_tls_.remove(v.in_tls);
}

void intake::leave(pending_connections::iterator at)
{
    at->stream.close();
    release_places(*at);
    pending_.erase(at);
    if (pending_.empty()) owner_.on_idle();
}

void intake::arm_timer()
{
    const auto next = std::find_if(pending_.begin(), pending_.end(), [](const pending_connection& v) {
        return !v.evicted && v.deadline != no_deadline;
    });
    if (next != pending_.end()) timer_.arm(next->deadline);
}

void intake::evict_late()
{
    const time_point now = timer_.now();
    for (pending_connection& v : pending_)
        if (v.deadline <= now) evict(v, reject_reason::preamble_timeout);
    arm_timer();
}

void intake::stop()
{
    stopped_ = true;
    timer_.cancel();
    for (pending_connection& v : pending_) evict(v, reject_reason::stopping);
}

} // namespace parley::detail
