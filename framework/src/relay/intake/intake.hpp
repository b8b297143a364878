// Negotiates each new connection to a relay: detects its protocol, removes the PROXY header, TLS and HTTP,
// and delivers it after a whole hello or room line has come. Private to the framework.
//
//     connection ─▶ [PROXY] ─▶ [TLS] ─▶ [HTTP, WebSocket] ─▶ hello | room line ─▶ deliver
//
// limits.preamble_timeout and limits.preamble_bytes bound the negotiation. The relay closes a connection that
// exceeds either. So a peer that never sends its hello or room line holds at most that much. When too many
// connections are pending, the relay evicts the oldest of the network that has most of them: an honest peer needs
// only a few round trips.
//
// A connection that gets files of a site has places and a deadline of its own, and may stay open for another request.
//
// Connections to addresses that only answer HTTP have places of their own, so an operator can ask a full relay.
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
    relay_channel channel = relay_channel::handshake; // when the first bytes fit both channels
    listener_protocols serves;
    bool ready = false;        // the stream is of that channel, and begins with its first packet or line
    bool only_answers = false; // serves HTTP only, answered by relay_server_options::http
    std::string path;          // of WebSockets to the default lobby; empty or "/": any
};
using listener_policy_ptr = std::shared_ptr<const listener_policy>;

struct accepted_connection {
    any_stream stream; // begins with a whole hello or room line
    relay_channel channel = relay_channel::handshake;
    identity who;
    std::string lobby; // empty: the default one
    permit held;
};

class intake {
public:
    struct owner {
        std::function<void(accepted_connection)> deliver;
        // The reason to reject a connection of `who` to that lobby now; nullopt when it may enter.
        std::function<std::optional<reject_reason>(const std::string& lobby, const identity& who)>
            check_lobby;
        std::function<void()> on_idle; // called when the last pending connection has ended
    };
    // `options` and `observer` must outlive the intake.
    intake(executor ex, const relay_server_options& options, relay_observer& observer,
           std::shared_ptr<limiter> limits, owner hooks);
    intake(const intake&) = delete;
    intake& operator=(const intake&) = delete;
    ~intake();

    // `who` is the remote address: the peer, or the proxy in front of it.
    void receive(any_stream stream, const identity& who, listener_policy_ptr policy);
    // Ends the connections that wait for another HTTP request, and keeps no further one open.
    void drain();
    // Closes all pending connections, and each later one at once.
    void stop();
    std::size_t size() const noexcept { return pending_.size(); }

private:
    struct pending_connection;
    using pending_connections = std::list<pending_connection>;
    friend pending_connection;

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
    bool check_origin(pending_connection& v, const http_request& request);
    bool find_lobby(pending_connection& v, std::string_view path);
    std::optional<http_answer> on_request(pending_connection& v, const http_request& request);
    std::optional<http_answer> file_for(pending_connection& v, const http_request& request);
    bool begin_delivery(pending_connection& v);
    void on_progress(pending_connection& v, std::size_t taken, std::size_t size);
    bool resume_preamble(pending_connection& v);
    std::optional<http_answer> on_upgrade(pending_connection& v, const http_request& request);
    bool refuse(pending_connection& v, reject_reason why);
    void evict(pending_connection& v, std::optional<reject_reason> why);
    void make_room(holdings<pending_connection*>& in, std::size_t most);
    void release_places(pending_connection& v) noexcept;
    void leave(pending_connections::iterator at);
    void arm_timer();
    void evict_late();

    static constexpr std::size_t max_starting = 8192;

    executor executor_;
    const relay_server_options& options_;
    relay_observer& observer_;
    std::shared_ptr<limiter> limits_;
    owner owner_;
    pending_connections pending_; // oldest first
    // By networks: connections to addresses that only answer HTTP, all others, and those in a TLS handshake.
    holdings<pending_connection*> for_answers_, starting_, in_tls_;
    deadline_timer timer_;
    bool stopped_ = false, draining_ = false;
};

// NAME of "/lobby/NAME"; nullopt when `path` has another form or NAME is malformed.
std::optional<std::string_view> lobby_name_of(std::string_view path) noexcept;

} // namespace parley::detail
