#include "relay/intake/reception.hpp"

#include "async/scratch.hpp"
#include "relay/handshake/hello.hpp"
#include "relay/intake/forwarded.hpp"
#include "relay/intake/proxy_header.hpp"

#include <parley/async/spawn.hpp>
#include <parley/proto/room_line.hpp>
#include <parley/transport/tcp.hpp>
#include <parley/transport/tls.hpp>
#include <parley/transport/unix.hpp>

#include <boost/asio/ip/address.hpp>

#include <algorithm>

namespace parley::detail {
namespace {

constexpr std::size_t max_visitors = 8192;
constexpr std::size_t max_in_tls = 2048; // a TLS handshake costs about ten times what any other start does
constexpr std::string_view lobby_prefix = "/lobby/";
constexpr std::size_t max_lobby_name_bytes = 64;

http_answer plain_answer(unsigned status, std::string body)
{
    http_answer out;
    out.status = status;
    out.body = std::move(body);
    return out;
}

// To one whose request is fine, but who may not come in.
http_answer answer_of(refusal why)
{
    switch (why) {
    case refusal::address_full:
    case refusal::connection_rate:
        return plain_answer(429, "Too many connections from this address.\n");
    case refusal::bad_forwarded:
        return plain_answer(400, "The address of the client cannot be read from the request's headers.\n");
    case refusal::no_such_path:
        return plain_answer(404, "There is nothing here.\n");
    case refusal::not_admitted:
        return plain_answer(403, "Not admitted.\n");
    default:
        return plain_answer(503, "Not now.\n");
    }
}

refusal refusal_of(const websocket_accepted& accepted) noexcept
{
    constexpr unsigned not_found = 404, head_too_long = 431;
    if (accepted.status == head_too_long) return refusal::long_start;
    if (accepted.status == not_found) return refusal::no_such_path;
    return accepted.request.method.empty() ? refusal::bad_http : refusal::bad_upgrade;
}

} // namespace

// One connection that has not said enough yet.
struct reception::visitor {
    visitor(any_stream s, door_policy_ptr p)
        : stream(std::move(s)), policy(std::move(p)), door(policy->door), who(stream.remote_identity())
    {
    }

    any_stream stream;
    door_policy_ptr policy;
    relay_door door;
    identity who;
    byte_vector early;
    connection_permit permit;
    std::string lobby;
    time_point deadline = no_deadline;
    std::optional<refusal> why;
    bool trusted = false;    // as a proxy that says whom it brings
    bool admitted = false;   // asked for and granted
    bool answered = false;   // its request has had a proper answer
    bool secure = false;     // TLS was taken off
    bool in_line = false;    // nothing but the rest of a room line is awaited
    bool turned_out = false; // closed already; its coroutine is about to end
};

std::optional<std::string_view> lobby_of(std::string_view path) noexcept
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

reception::reception(executor ex, const relay_server_options& options, relay_observer& observer,
                     std::shared_ptr<limiter> limits, owner hooks)
    : executor_(ex),
      options_(options),
      observer_(observer),
      limits_(std::move(limits)),
      owner_(std::move(hooks)),
      timer_(ex)
{
}

reception::~reception() = default;

void reception::receive(any_stream stream, door_policy_ptr policy)
{
    if (stream.remote_identity().empty()) return; // it has gone already
    if (stopped_) return observer_.refused(stream.remote_identity(), policy->door, refusal::stopping);
    const auto at = visitors_.emplace(visitors_.end(), std::move(stream), std::move(policy));
    visitor& v = *at;
    const auto from = v.stream.remote_endpoint();
    v.trusted = from ? options_.trusted_networks.contains(from->address())
                     : v.stream.transport_name() == unix_transport().scheme &&
                           options_.trusted_networks.contains_unix();
    // Whose a proxy's connection is comes later: until then it counts in all only.
    bool admitted = true;
    if (!v.trusted)
        admitted = admit(v);
    else if (const auto why = limits_->admit(v.permit, v.who, clock::now(), true))
        admitted = refuse(v, *why);
    if (!admitted) {
        turn_out(v, std::nullopt);
        return leave(at);
    }
    make_room(); // not for one that is turned away: nobody should have to leave for it
    if (limits_->limits().start_time != duration::max())
        v.deadline = clock::now() + limits_->limits().start_time;
    arm_timer();
    spawn(executor_, [this, at] { return visit(at); }, "reception");
}

awaitable<void> reception::visit(visitors::iterator at)
{
    visitor& v = *at;
    const bool welcomed = co_await welcome(v);
    if (!welcomed || v.turned_out || stopped_) {
        leave(at);
        co_return;
    }
    arrival out;
    out.stream = std::move(v.stream);
    out.door = v.door;
    out.who = v.who;
    out.early = std::move(v.early);
    out.lobby = std::move(v.lobby);
    out.permit = std::move(v.permit);
    visitors_.erase(at);
    owner_.deliver(std::move(out));
    if (visitors_.empty()) owner_.on_idle();
}

// Whether it is to be delivered.
awaitable<bool> reception::welcome(visitor& v)
{
    auto what = co_await recognise_start(v);
    if (what == first_bytes::proxy_v1 || what == first_bytes::proxy_v2) {
        if (!v.trusted) co_return refuse(v, refusal::untrusted_proxy);
        const bool taken = co_await take_proxy_header(v);
        if (!taken) co_return false;
        what = co_await recognise_start(v);
    }
    const bool can_tls = options_.tls && options_.tls->current();
    if (what == first_bytes::tls && v.policy->tls && can_tls) {
        const bool started = co_await start_tls(v);
        if (!started) co_return false;
        what = co_await recognise_start(v);
    }
    if (what == first_bytes::more_needed) co_return false; // it has ended
    const bool welcomed = co_await welcome_inside(v, what);
    co_return welcomed;
}

// With PROXY and TLS taken off.
awaitable<bool> reception::welcome_inside(visitor& v, first_bytes what)
{
    if (!v.secure && !v.policy->plain) co_return refuse(v, refusal::unrecognised);
    if (what == first_bytes::http) {
        if (!v.policy->http) co_return refuse(v, refusal::unrecognised);
        const bool opened = co_await start_http(v);
        if (!opened) co_return false;
    } else {
        const bool packets = what == first_bytes::handshake;
        if (!v.policy->streams || what == first_bytes::proxy_v1 || what == first_bytes::proxy_v2)
            co_return refuse(v, refusal::unrecognised);
        // TLS that cannot be taken off breaks the door's own rules, and is told so in its own words.
        if (what != first_bytes::tls) v.door = packets ? relay_door::handshake : relay_door::room;
        if (!admit(v)) co_return false;
    }
    bool whole = false;
    if (v.door == relay_door::handshake)
        whole = co_await await_hello(v);
    else
        whole = co_await await_room_line(v);
    co_return whole;
}

// Appends what comes next. False at the end, after an error, and when it is too much.
awaitable<bool> reception::read_more(visitor& v)
{
    const std::size_t most =
        limits_->limits().start_bytes == 0 ? scratch().size() : limits_->limits().start_bytes;
    if (v.early.size() >= most) co_return refuse(v, refusal::long_start);
    const auto waited = co_await v.stream.async_wait_readable(use_tuple);
    error_code error = std::get<0>(waited);
    if (error || v.turned_out) co_return false;
    const mutable_bytes space = scratch().first(std::min(scratch().size(), most - v.early.size()));
    const std::size_t size = v.stream.try_read_some(space, error);
    v.early.insert(v.early.end(), space.begin(), space.begin() + static_cast<std::ptrdiff_t>(size));
    co_return !error || error == asio::error::would_block;
}

awaitable<first_bytes> reception::recognise_start(visitor& v)
{
    first_bytes what = recognise(v.early, v.door);
    while (what == first_bytes::more_needed) {
        const bool more = co_await read_more(v);
        if (!more) break;
        what = recognise(v.early, v.door);
    }
    co_return what;
}

awaitable<bool> reception::take_proxy_header(visitor& v)
{
    for (;;) {
        const auto parsed = parse_proxy_header(v.early);
        if (!parsed) co_return refuse(v, refusal::bad_proxy_header);
        if (*parsed) {
            const proxy_header& header = **parsed;
            v.early.erase(v.early.begin(), v.early.begin() + static_cast<std::ptrdiff_t>(header.size));
            if (!header.client) co_return true; // the proxy speaks for itself
            set_client(v, *header.client);
            co_return v.trusted || admit(v);
        }
        const bool more = co_await read_more(v);
        if (!more) co_return false;
    }
}

awaitable<bool> reception::start_tls(visitor& v)
{
    if (in_tls_.size() >= max_in_tls) turn_out(*in_tls_.front(), refusal::connections_full);
    const auto at = in_tls_.insert(in_tls_.end(), &v);
    byte_vector early;
    early.swap(v.early);
    const error_code error =
        co_await accept_tls(v.stream, options_.tls, std::move(early), limits_->limits().start_bytes);
    in_tls_.erase(at);
    if (error == errc::tls_failed) co_return refuse(v, refusal::tls_failed);
    v.secure = !error;
    co_return v.secure;
}

awaitable<bool> reception::start_http(visitor& v)
{
    websocket_accept_options accepting;
    accepting.websocket = options_.websocket;
    accepting.early.swap(v.early);
    accepting.on_request = [this, &v](const http_request& request) { return on_request(v, request); };
    accepting.on_upgrade = [this, &v](const http_request& request) { return on_upgrade(v, request); };
    const auto accepted = co_await accept_websocket(v.stream, std::move(accepting));
    if (accepted.error == errc::upgrade_refused && !v.answered) refuse(v, refusal_of(accepted));
    if (accepted.error) co_return false;
    const auto kind = v.stream.kind();
    v.door = kind == stream_kind::room ? relay_door::room : relay_door::handshake;
    co_return true;
}

// Until a hello is there, or something that the handshake's service answers: it speaks the protocol.
awaitable<bool> reception::await_hello(visitor& v)
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

awaitable<bool> reception::await_room_line(visitor& v)
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

void reception::set_client(visitor& v, const tcp_endpoint& client)
{
    v.who = identity_of(client);
    v.trusted = options_.trusted_networks.contains(client.address());
}

// Asked once, when it is known whose connection it is.
bool reception::admit(visitor& v)
{
    if (std::exchange(v.admitted, true)) return true;
    const time_point now = clock::now();
    auto why = v.permit ? limits_->name(v.permit, v.who, now) : limits_->admit(v.permit, v.who, now);
    if (!why && options_.admit && !options_.admit(v.who, v.door)) why = refusal::not_admitted;
    return !why || refuse(v, *why);
}

bool reception::name_client(visitor& v, const http_request& request)
{
    if (v.trusted) {
        const forwarded_client client = forwarded_for(request, options_.trusted_networks);
        if (client.what == forwarded_client::kind::broken) return refuse(v, refusal::bad_forwarded);
        if (client.what == forwarded_client::kind::known) set_client(v, client.client);
    }
    return admit(v);
}

bool reception::find_lobby(visitor& v, std::string_view path)
{
    const std::string& only = v.policy->path;
    const bool any = only.empty() || only == "/";
    if (options_.lobbies && path.starts_with(lobby_prefix)) {
        const auto name = lobby_of(path);
        if (!name) return refuse(v, refusal::no_such_path);
        v.lobby = *name;
    } else if (!any && path != only) {
        return refuse(v, refusal::no_such_path);
    }
    return true;
}

std::optional<http_answer> reception::on_request(visitor& v, const http_request& request)
{
    const bool named = name_client(v, request);
    if (!named) return answer_of(*v.why);
    const bool own = v.policy->only_answers;
    auto answer = options_.http ? options_.http(relay_http_call{request, v.who, own}) : std::nullopt;
    if (answer) {
        v.answered = true;
        return answer;
    }
    if (own) refuse(v, refusal::no_such_path);
    if (own || !find_lobby(v, request.path())) return answer_of(*v.why);
    return std::nullopt;
}

std::optional<http_answer> reception::on_upgrade(visitor& v, const http_request& request)
{
    bool fine = name_client(v, request);
    if (fine && v.policy->only_answers) fine = refuse(v, refusal::no_such_path);
    if (fine) fine = find_lobby(v, request.path());
    if (fine)
        if (const auto why = owner_.check_lobby(v.lobby)) fine = refuse(v, *why);
    if (fine) return std::nullopt;
    return answer_of(*v.why);
}

// The first reason counts, and is told at once: an answer may take its time. Gives false, for whoever passes
// that on.
bool reception::refuse(visitor& v, refusal why)
{
    if (v.why) return false;
    v.why = why;
    observer_.refused(v.who, v.door, why);
    return false;
}

// Closes it now; its coroutine then ends.
void reception::turn_out(visitor& v, std::optional<refusal> why)
{
    if (std::exchange(v.turned_out, true)) return;
    if (why && !v.answered) refuse(v, *why);
    if (v.in_line) { // as the broker would answer it; a write that does not go at once is given up
        const bytes_view code = encode(room_answer::denied);
        v.stream.async_write_some(asio::buffer(code.data(), code.size()), [](error_code, std::size_t) {});
    } else {
        v.stream.set_abort_on_close(true); // there is nobody to hear more
    }
    v.stream.close();
}

void reception::make_room()
{
    if (visitors_.size() <= max_visitors) return;
    const auto oldest =
        std::find_if(visitors_.begin(), visitors_.end(), [](const visitor& v) { return !v.turned_out; });
    if (oldest != visitors_.end()) turn_out(*oldest, refusal::connections_full);
}

void reception::leave(visitors::iterator at)
{
    at->stream.close();
    visitors_.erase(at);
    if (visitors_.empty()) owner_.on_idle();
}

void reception::arm_timer()
{
    const auto next = std::find_if(visitors_.begin(), visitors_.end(), [](const visitor& v) {
        return !v.turned_out && v.deadline != no_deadline;
    });
    if (next == visitors_.end() || next->deadline >= armed_for_) return;
    armed_for_ = next->deadline;
    timer_.expires_at(armed_for_);
    timer_.async_wait([this, alive = std::weak_ptr<bool>{alive_}](error_code error) {
        if (error || alive.expired()) return;
        armed_for_ = no_deadline;
        const time_point now = clock::now();
        for (visitor& v : visitors_)
            if (v.deadline <= now) turn_out(v, refusal::slow_start);
        arm_timer();
    });
}

void reception::stop()
{
    stopped_ = true;
    timer_.cancel();
    for (visitor& v : visitors_) turn_out(v, refusal::stopping);
}

} // namespace parley::detail
