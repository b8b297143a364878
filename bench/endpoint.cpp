#include "bench/endpoint.hpp"

#include "bench/failure.hpp"

#include <parley/base/bytes.hpp>
#include <parley/transport/address.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <arpa/inet.h>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/un.h>

#ifndef IP_BIND_ADDRESS_NO_PORT
#define IP_BIND_ADDRESS_NO_PORT 24
#endif

namespace parley::bench {
namespace {

constexpr int patience_ms = 10'000;
constexpr std::uint32_t first_source = 0x7f400000; // 127.64.0.0
constexpr std::uint32_t sources = 1u << 22;
constexpr std::uint32_t peers_a_source = 16;

std::string& congestion_control()
{
    static std::string name;
    return name;
}

template <class Value>
void set(int fd, int level, int name, const Value& value)
{
    ::setsockopt(fd, level, name, &value, sizeof value);
}

void tune(int fd)
{
    set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    const std::string& name = congestion_control();
    if (name.empty()) return;
    if (::setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name.data(), static_cast<socklen_t>(name.size())) != 0)
        throw system_failure("congestion control " + name, errno);
}

sockaddr_in address_of(std::uint32_t host, std::uint16_t port) noexcept
{
    sockaddr_in out{};
    out.sin_family = AF_INET;
    out.sin_addr.s_addr = htonl(host);
    out.sin_port = htons(port);
    return out;
}

sockaddr* any(sockaddr_in& address) noexcept
{
    return reinterpret_cast<sockaddr*>(&address);
}

// An IPv4 address: the program under test is on this machine, or on one given by its number.
std::uint32_t host_number(const endpoint& to)
{
    in_addr out{};
    const std::string host = to.host == "localhost" ? "127.0.0.1" : to.host;
    if (::inet_pton(AF_INET, host.c_str(), &out) != 1)
        throw failure{to.text() + ": the load generator needs an IPv4 address"};
    return ntohl(out.s_addr);
}

int begin(int fd, const sockaddr* address, socklen_t size, const endpoint& to)
{
    if (::connect(fd, address, size) == 0 || errno == EINPROGRESS) return fd;
    throw system_failure("connect to " + to.text(), errno);
}

descriptor start_local(const endpoint& to)
{
    descriptor out{::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
    if (!out) throw system_failure("socket", errno);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (to.host.size() >= sizeof address.sun_path) throw failure{to.text() + ": the path is too long"};
    std::memcpy(address.sun_path, to.host.c_str(), to.host.size());
    // A Unix socket connects at once or not at all. Blocking mode waits while the listener's queue is full.
    set_blocking(out.get(), true);
    begin(out.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address, to);
    set_blocking(out.get(), false);
    return out;
}

bool wait_for(int fd, short events) noexcept
{
    pollfd ready{fd, events, 0};
    return ::poll(&ready, 1, patience_ms) == 1;
}

} // namespace

std::string_view wire_name(wire_kind kind) noexcept
{
    switch (kind) {
    case wire_kind::tcp:
        return "tcp";
    case wire_kind::websocket:
        return "ws";
    case wire_kind::tls:
        return "tls";
    case wire_kind::secure_websocket:
        return "wss";
    case wire_kind::local:
        return "unix";
    }
    return "";
}

bool has_frames(wire_kind kind) noexcept
{
    return kind == wire_kind::websocket || kind == wire_kind::secure_websocket;
}

bool has_tls(wire_kind kind) noexcept
{
    return kind == wire_kind::tls || kind == wire_kind::secure_websocket;
}

std::string endpoint::text() const
{
    if (kind == wire_kind::local) return "unix:" + host;
    return fmt::format("{}://{}:{}{}", wire_name(kind), host, port, path);
}

relay_endpoints parse_relay(const std::string& text)
{
    diagnostics diag;
    const result<relay_address> address = relay_address::parse(text, &diag);
    if (!address) throw failure{escaped(text) + ": " + diag.message()};
    const auto kind = std::find_if(all_wires.begin(), all_wires.end(),
                                   [&](wire_kind one) { return wire_name(one) == address->scheme; });
    if (kind == all_wires.end()) throw failure{escaped(text) + ": the load generator does not speak this"};
    relay_endpoints out;
    if (*kind == wire_kind::local) {
        out.handshake = {*kind, address->path, 0, {}};
        out.room = {*kind, address->path + ".room", 0, {}};
    } else if (has_frames(*kind)) {
        const std::string path = address->path.empty() ? "/" : address->path;
        out.handshake = out.room = {*kind, address->host, address->port, path};
    } else {
        out.handshake = {*kind, address->host, address->port, {}};
        out.room = {*kind, address->host, address->room_port, {}};
    }
    return out;
}

endpoint parse_endpoint(const std::string& text)
{
    return parse_relay(text).handshake;
}

void set_congestion_control(std::string name)
{
    congestion_control() = std::move(name);
}

descriptor start_connect(const endpoint& to, source_number source)
{
    if (to.kind == wire_kind::local) return start_local(to);
    const std::uint32_t host = host_number(to);
    descriptor out{::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
    if (!out) throw system_failure("socket", errno);
    tune(out.get());
    if (host >> 24 == 127 && source != any_source) {
        // Let the system choose the port when it connects: then only the pair of addresses has to be unique.
        set(out.get(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
        sockaddr_in from = address_of(first_source + (source / peers_a_source) % sources, 0);
        if (::bind(out.get(), any(from), sizeof from) != 0) throw system_failure("bind", errno);
    }
    sockaddr_in address = address_of(host, to.port);
    begin(out.get(), any(address), sizeof address, to);
    return out;
}

int connect_error(int fd) noexcept
{
    int error = 0;
    socklen_t size = sizeof error;
    return ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error : errno;
}

descriptor connect_blocking(const endpoint& to, source_number source)
{
    descriptor out = start_connect(to, source);
    if (!wait_for(out.get(), POLLOUT)) throw failure{to.text() + " does not answer"};
    if (const int error = connect_error(out.get()); error != 0)
        throw system_failure("connect to " + to.text(), error);
    set_blocking(out.get(), true);
    constexpr timeval limit{patience_ms / 1000, 0};
    set(out.get(), SOL_SOCKET, SO_RCVTIMEO, limit);
    set(out.get(), SOL_SOCKET, SO_SNDTIMEO, limit);
    return out;
}

listening listen_on_loopback()
{
    listening out{descriptor{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)}, 0};
    if (!out.socket) throw system_failure("socket", errno);
    set(out.socket.get(), SOL_SOCKET, SO_REUSEADDR, 1);
    tune(out.socket.get()); // accepted sockets inherit it
    sockaddr_in address = address_of(INADDR_LOOPBACK, 0);
    socklen_t size = sizeof address;
    constexpr int backlog = 4096;
    if (::bind(out.socket.get(), any(address), size) != 0 || ::listen(out.socket.get(), backlog) != 0 ||
        ::getsockname(out.socket.get(), any(address), &size) != 0)
        throw system_failure("listen", errno);
    out.port = ntohs(address.sin_port);
    return out;
}

descriptor accept_one(const descriptor& listener)
{
    if (!wait_for(listener.get(), POLLIN)) throw failure{"nobody connected to the generator's own port"};
    descriptor out{::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC)};
    if (!out) throw system_failure("accept", errno);
    constexpr timeval limit{patience_ms / 1000, 0};
    set(out.get(), SOL_SOCKET, SO_RCVTIMEO, limit);
    set(out.get(), SOL_SOCKET, SO_SNDTIMEO, limit);
    return out;
}

std::uint16_t free_port()
{
    return listen_on_loopback().port;
}

void set_blocking(int fd, bool blocking) noexcept
{
    const int flags = ::fcntl(fd, F_GETFL);
    ::fcntl(fd, F_SETFL, blocking ? flags & ~O_NONBLOCK : flags | O_NONBLOCK);
}

bool write_all(int fd, std::string_view bytes) noexcept
{
    while (!bytes.empty()) {
        const ssize_t size = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (size < 0 && errno == EINTR) continue;
        if (size <= 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(size));
    }
    return true;
}

} // namespace parley::bench
