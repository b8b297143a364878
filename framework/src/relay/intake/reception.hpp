// Where every connection to a relay comes in: finds out what it speaks and whose it is, takes PROXY header,
// TLS and HTTP off, and passes it on once a whole hello or room line has come. Private to the framework.
//
//     connection ─▶ [PROXY] ─▶ [TLS] ─▶ [HTTP, WebSocket] ─▶ hello | room line ─▶ deliver
//
// Whoever takes longer than limits.start_time or more than limits.start_bytes for that is closed, so that
// nobody holds more than this until a peer has said who it is. When too many are here, the one that has been
// here longest makes room: an honest one is gone in a few round trips.
#pragma once

#include "relay/intake/first_bytes.hpp"
#include "relay/limits/limiter.hpp"

#include <parley/relay/observer.hpp>
#include <parley/relay/options.hpp>

#include <boost/asio/steady_timer.hpp>

#include <list>

namespace parley::detail {

// What a listener serves.
struct door_policy {
    relay_door door = relay_door::handshake; // for what could be either
    bool plain = true;                       // without TLS
    bool tls = true;                         // with it, where there is a certificate
    bool streams = true;                     // handshakes and rooms as such
    bool http = true;                        // HTTP and WebSockets
    bool only_answers = false;               // of HTTP what relay_server_options::http answers, nothing else
    std::string path;                        // of the default lobby's WebSockets; empty or "/": any
};
using door_policy_ptr = std::shared_ptr<const door_policy>;

struct arrival {
    any_stream stream;
    relay_door door = relay_door::handshake;
    identity who;
    byte_vector early; // of the stream, that was read already: a whole hello or room line at least
    std::string lobby; // empty: the default one
    connection_permit permit;
};

class reception {
public:
    struct owner {
        std::function<void(arrival)> deliver;
        // Why nobody may enter that lobby now; nothing: one may.
        std::function<std::optional<refusal>(const std::string& lobby)> check_lobby;
        std::function<void()> on_idle; // whenever the last one has gone
    };
    // `options` and `observer` outlive it.
    reception(executor ex, const relay_server_options& options, relay_observer& observer,
              std::shared_ptr<limiter> limits, owner hooks);
    reception(const reception&) = delete;
    reception& operator=(const reception&) = delete;
    ~reception();

    void receive(any_stream stream, door_policy_ptr policy);
    // Closes all who are here, and all who come.
    void stop();
    std::size_t size() const noexcept { return visitors_.size(); }

private:
    struct visitor;
    using visitors = std::list<visitor>;

    awaitable<void> visit(visitors::iterator at);
    awaitable<bool> welcome(visitor& v);
    awaitable<bool> welcome_inside(visitor& v, first_bytes what);
    awaitable<bool> read_more(visitor& v);
    awaitable<first_bytes> recognise_start(visitor& v);
    awaitable<bool> take_proxy_header(visitor& v);
    awaitable<bool> start_tls(visitor& v);
    awaitable<bool> start_http(visitor& v);
    awaitable<bool> await_hello(visitor& v);
    awaitable<bool> await_room_line(visitor& v);

    void set_client(visitor& v, const tcp_endpoint& client);
    bool admit(visitor& v);
    bool name_client(visitor& v, const http_request& request);
    bool find_lobby(visitor& v, std::string_view path);
    std::optional<http_answer> on_request(visitor& v, const http_request& request);
    std::optional<http_answer> on_upgrade(visitor& v, const http_request& request);
    bool refuse(visitor& v, refusal why);
    void turn_out(visitor& v, std::optional<refusal> why);
    void make_room();
    void leave(visitors::iterator at);
    void arm_timer();

    executor executor_;
    const relay_server_options& options_;
    relay_observer& observer_;
    std::shared_ptr<limiter> limits_;
    owner owner_;
    visitors visitors_;          // in the order of their coming
    std::list<visitor*> in_tls_; // whose TLS handshake is under way, in the order of their coming
    asio::steady_timer timer_;
    time_point armed_for_ = no_deadline;
    std::shared_ptr<bool> alive_ =
        std::make_shared<bool>(true); // for the timer's handler, which may come late
    bool stopped_ = false;
};

// What follows "/lobby/" in `path`: a lobby's name; nothing when that is none or not well-formed.
std::optional<std::string_view> lobby_of(std::string_view path) noexcept;

} // namespace parley::detail
