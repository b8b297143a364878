// What the intake does with HTTP: WebSockets, answers and files.
#include "relay/intake/forwarded.hpp"
#include "relay/intake/pending_connection.hpp"
#include "transport/http/http_head.hpp"

#include <algorithm>

namespace parley::detail {
namespace {

constexpr std::size_t max_http_requests = 100;    // of one connection
constexpr std::size_t least_delivery_rate = 8192; // bytes a second that a client has to take
constexpr std::string_view lobby_prefix = "/lobby/";
constexpr std::size_t max_lobby_name_bytes = 64;

// The answer to a proper request that the relay rejects.
http_answer answer_of(reject_reason why)
{
    switch (why) {
    case reject_reason::address_full:
    case reject_reason::connection_rate:
        return {429, "Too many connections from this address.\n"};
    case reject_reason::address_http:
        return {429, "Too many downloads at once from this address.\n"};
    case reject_reason::address_lobbies:
        return {429, "Too many lobbies from this address.\n"};
    case reject_reason::connections_full:
    case reject_reason::over_share:
    case reject_reason::lobbies_full:
    case reject_reason::http_full:
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

// Whether a page of `origin` ("https://relay.example") comes from the host and port that a Host header names.
bool is_same_host(std::string_view origin, std::string_view host) noexcept
{
    for (const auto& [scheme, port] : {std::pair<std::string_view, std::string_view>{"https://", ":443"},
                                       std::pair<std::string_view, std::string_view>{"http://", ":80"}}) {
        if (!is_same_name(origin.substr(0, scheme.size()), scheme)) continue;
        origin.remove_prefix(scheme.size());
        if (host.ends_with(port)) host.remove_suffix(port.size());
        if (origin.ends_with(port)) origin.remove_suffix(port.size());
        return !host.empty() && is_same_name(origin, host);
    }
    return false;
}

} // namespace

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

awaitable<bool> intake::start_http(pending_connection& v)
{
    websocket_accept_options accepting;
    accepting.websocket = options_.websocket;
    put_back(v);
    accepting.on_request = [this, &v](const http_request& request) { return on_request(v, request); };
    accepting.on_upgrade = [this, &v](const http_request& request) { return on_upgrade(v, request); };
    accepting.max_requests = max_http_requests;
    accepting.on_progress = [this, &v](std::size_t taken, std::size_t size) { on_progress(v, taken, size); };
    const auto accepted = co_await accept_websocket(v.stream, std::move(accepting));
    const bool answered = v.answered && !accepted.request.method.empty();
    if (accepted.error == errc::upgrade_refused && !answered) refuse(v, reject_reason_of(accepted));
    if (accepted.error) co_return false;
    if (const auto kind = v.stream.kind()) v.channel = channel_of(*kind);
    co_return true;
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
    const auto fits = [&](std::string_view origin) {
        if (allowed.empty()) return is_same_host(origin, request.header("Host"));
        return std::any_of(allowed.begin(), allowed.end(), [&](const std::string& each) {
            return each == any_origin || is_same_name(each, origin); // the case makes no difference
        });
    };
    for (const auto& [name, value] : request.headers) {
        const bool foreign = is_same_name(name, "Origin") && !fits(value);
        if (foreign) return refuse(v, reject_reason::origin);
    }
    return true;
}

std::optional<http_answer> intake::on_request(pending_connection& v, const http_request& request)
{
    // A proxy may bring requests of several clients on one connection, so each gets a connection of its own.
    const bool by_proxy = v.trusted;
    v.answered = v.idle = false;
    bool fine = name_client(v, request);
    const bool own = v.policy->only_answers;
    std::optional<http_answer> answer;
    if (fine && options_.http) answer = options_.http(relay_http_call{request, v.who, own});
    if (fine && !answer && !own) {
        answer = file_for(v, request);
        if (answer) fine = begin_delivery(v);
    }
    if (fine && answer) {
        v.answered = true;
        answer->keep_open = answer->keep_open && !by_proxy && !draining_ && !stopped_;
        return answer;
    }
    if (fine && (own || options_.site)) fine = refuse(v, reject_reason::no_such_path);
    if (fine) fine = find_lobby(v, request.path());
    if (!fine) return answer_of(*v.why);
    return std::nullopt;
}

// The answer of the site. Its page stands where WebSockets are opened, and its files in the same folders.
std::optional<http_answer> intake::file_for(pending_connection& v, const http_request& request)
{
    if (!options_.site) return std::nullopt;
    const std::string_view path = request.path();
    const std::string_view page = v.policy->path.empty() ? std::string_view{"/"} : v.policy->path;
    std::string_view folder = page.substr(0, page.rfind('/'));
    bool is_page = path == page;
    if (options_.lobbies && path.starts_with(lobby_prefix)) {
        folder = lobby_prefix.substr(0, lobby_prefix.size() - 1);
        is_page = lobby_name_of(path) && !options_.site->has(path.substr(folder.size()));
    }
    if (is_page) return options_.site->answer(request, static_site::index);
    if (!path.starts_with(folder)) return std::nullopt;
    return options_.site->answer(request, path.substr(folder.size()));
}

// Gives the connection a place among those that get files, and the time for one.
bool intake::begin_delivery(pending_connection& v)
{
    std::optional<reject_reason> why;
    if (v.delivery) // a further request counts as a further connection
        why = limits_->pass(pace::connections, v.who, timer_.now());
    else
        why = limits_->take(share::http, v.delivery, v.who, &v);
    if (why) return refuse(v, *why);
    starting_.remove(v.place);
    v.deadline = no_deadline;
    v.delivery_start = timer_.now();
    const duration timeout = limits_->limits().preamble_timeout;
    v.delivery_timeout.emplace(
        executor_, timeout, [this, &v] { evict(v, reject_reason::preamble_timeout); }, *options_.time);
    return true;
}

// The time for a file grows with what the client has taken of it, and includes that until the next request.
void intake::on_progress(pending_connection& v, std::size_t taken, std::size_t size)
{
    v.idle = v.answered && taken == size;
    const duration timeout = limits_->limits().preamble_timeout;
    if (!v.delivery_timeout || timeout == duration::max()) return;
    const std::chrono::milliseconds more{taken * 1000 / least_delivery_rate};
    v.delivery_timeout->set_timeout(v.delivery_start + timeout + more - timer_.now());
}

// A connection that got files asks for a WebSocket. Its preamble begins again.
bool intake::resume_preamble(pending_connection& v)
{
    if (!v.delivery) return true;
    v.delivery.release();
    v.delivery_timeout.reset();
    v.idle = v.answered = false;
    if (limits_->limits().preamble_timeout != duration::max())
        v.deadline = timer_.now() + limits_->limits().preamble_timeout;
    pending_.splice(pending_.end(), pending_, v.self); // they are in the order of their deadlines
    arm_timer();
    v.place = starting_.add(v.network(), &v);
    make_room(starting_, max_starting);
    return !v.evicted;
}

std::optional<http_answer> intake::on_upgrade(pending_connection& v, const http_request& request)
{
    bool fine = resume_preamble(v) && name_client(v, request);
    if (fine && v.policy->only_answers) fine = refuse(v, reject_reason::no_such_path);
    if (fine) fine = check_origin(v, request);
    if (fine) fine = find_lobby(v, request.path());
    if (fine)
        if (const auto why = owner_.check_lobby(v.lobby, v.who)) fine = refuse(v, *why);
    if (fine) return std::nullopt;
    return answer_of(v.why.value_or(reject_reason::stopping));
}

} // namespace parley::detail
