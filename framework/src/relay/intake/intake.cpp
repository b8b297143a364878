#include "relay/intake/intake.hpp"

#include "async/scratch.hpp"
#include "relay/handshake/hello.hpp"
#include "relay/intake/pending_connection.hpp"
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

constexpr std::size_t max_in_tls = 2048; // a TLS handshake costs about ten times as much as any other start
constexpr std::size_t max_for_answers = 32;
} // namespace

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
    v.self = at;
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
    make_room(places, v.policy->only_answers ? max_for_answers : max_starting);
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
    v.delivery.release();
    release_places(v);
    if (why && !v.answered) refuse(v, *why);
    if (v.in_line && why != reject_reason::over_share) {
        // Answer as the broker does; give up a write that would block.
        const bytes_view code = encode(room_answer::denied);
        v.stream.async_write_some(asio::buffer(code.data(), code.size()), [](error_code, std::size_t) {});
    } else {
        // No peer reads any more, but for one that has its answer on the way.
        v.stream.reset_on_close(!v.idle || why != reject_reason::stopping);
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

void intake::drain()
{
    draining_ = true;
    for (pending_connection& v : pending_)
        if (v.idle) evict(v, reject_reason::stopping);
}

void intake::stop()
{
    stopped_ = true;
    timer_.cancel();
    for (pending_connection& v : pending_) evict(v, reject_reason::stopping);
}

} // namespace parley::detail
