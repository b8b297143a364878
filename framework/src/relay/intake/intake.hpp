// Where every connection to a relay comes in: finds out what it speaks and whose it is, takes PROXY header,
// TLS and HTTP off, and passes it on once a whole hello or room line has come. Private to the framework.
//
//     connection ─▶ [PROXY] ─▶ [TLS] ─▶ [HTTP, WebSocket] ─▶ hello | room line ─▶ deliver
//
// Whoever takes longer than limits.preamble_timeout or more than limits.preamble_bytes for that is closed, so that
// nobody holds more than this until a peer has said who it is. When too many are here, the one that has been
// here longest makes room: an honest one is gone in a few round trips.
#pragma once

#include "async/deadline_timer.hpp"
#include "relay/intake/protocol_detection.hpp"
#include "relay/limits/limiter.hpp"

#include <parley/relay/observer.hpp>
#include <parley/relay/options.hpp>

#include <list>

namespace parley::detail {

// How the connections of a listener are negotiated.
struct listener_policy {
    relay_channel channel = relay_channel::handshake; // for what could be either
    listener_protocols serves;
    bool ready = false;        // the stream is of that channel, with nothing before its first packet or line
    bool only_answers = false; // of HTTP what relay_server_options::http answers, nothing else
    std::string path;          // of the default lobby's WebSockets; empty or "/": any
};
using listener_policy_ptr = std::shared_ptr<const listener_policy>;

struct accepted_connection {
    any_stream stream; // a whole hello or room line stands at its front
    relay_channel channel = relay_channel::handshake;
    identity who;
    std::string lobby; // empty: the default one
    connection_permit permit;
};

class intake {
public:
    struct owner {
        std::function<void(accepted_connection)> deliver;
        // Why nobody may enter that lobby now; nothing: one may.
        std::function<std::optional<reject_reason>(const std::string& lobby)> check_lobby;
        std::function<void()> on_idle; // whenever the last one has gone
    };
    // `options` and `observer` outlive it.
    intake(executor ex, const relay_server_options& options, relay_observer& observer,
           std::shared_ptr<limiter> limits, owner hooks);
    intake(const intake&) = delete;
    intake& operator=(const intake&) = delete;
    ~intake();

    // `who` is the peer, or the proxy that brings it.
    void receive(any_stream stream, const identity& who, listener_policy_ptr policy);
    // Closes all who are here, and all who come.
    void stop();
    std::size_t size() const noexcept { return pending_.size(); }

private:
    struct pending_connection;
    using pending_connections = std::list<pending_connection>;

    awaitable<void> visit(pending_connections::iterator at);
    awaitable<bool> negotiate(pending_connection& v);
    awaitable<bool> negotiate_protocols(pending_connection& v);
    awaitable<bool> negotiate_inside(pending_connection& v, detected_protocol what);
    void put_back(pending_connection& v);
    awaitable<bool> read_more(pending_connection& v);
    awaitable<detected_protocol> detect_start(pending_connection& v);
    awaitable<bool> take_proxy_header(pending_connection& v);
    awaitable<bool> start_tls(pending_connection& v);
    awaitable<bool> start_http(pending_connection& v);
    awaitable<bool> await_hello(pending_connection& v);
    awaitable<bool> await_room_line(pending_connection& v);

    bool comes_from_proxy(const any_stream& stream) const;
    void set_client(pending_connection& v, const tcp_endpoint& client);
    bool admit(pending_connection& v);
    bool name_client(pending_connection& v, const http_request& request);
    bool find_lobby(pending_connection& v, std::string_view path);
    std::optional<http_answer> on_request(pending_connection& v, const http_request& request);
    std::optional<http_answer> on_upgrade(pending_connection& v, const http_request& request);
    bool refuse(pending_connection& v, reject_reason why);
    void evict(pending_connection& v, std::optional<reject_reason> why);
    void make_room();
    void leave(pending_connections::iterator at);
    void arm_timer();
    void evict_late();

    executor executor_;
    const relay_server_options& options_;
    relay_observer& observer_;
    std::shared_ptr<limiter> limits_;
    owner owner_;
    pending_connections pending_;           // in the order of their coming
    std::list<pending_connection*> in_tls_; // whose TLS handshake is under way, in the order of their coming
    deadline_timer timer_;
    bool stopped_ = false;
};

// What follows "/lobby/" in `path`: a lobby's name; nothing when that is none or not well-formed.
std::optional<std::string_view> lobby_name_of(std::string_view path) noexcept;

} // namespace parley::detail
