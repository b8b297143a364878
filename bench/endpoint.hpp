// The addresses between which the load generator connects.
#pragma once

#include <parley/base/descriptor.hpp>

#include <array>
#include <string>
#include <sys/socket.h>

namespace parley::bench {

enum class wire_kind : unsigned char { tcp, websocket, tls, secure_websocket, local };
inline constexpr std::array all_wires{wire_kind::tcp, wire_kind::websocket, wire_kind::tls,
                                      wire_kind::secure_websocket, wire_kind::local};
std::string_view wire_name(wire_kind kind) noexcept; // "tcp", "ws", "tls", "wss", "unix"
bool has_frames(wire_kind kind) noexcept;            // whether it has the frames of WebSockets
bool has_tls(wire_kind kind) noexcept;

// One address of a program under test: tcp://HOST:PORT, ws://HOST:PORT/PATH (tls and wss likewise) or
// unix:/PATH.
struct endpoint {
    wire_kind kind = wire_kind::tcp;
    std::string host; // numeric; the path of a Unix socket
    std::uint16_t port = 0;
    std::string path; // of the WebSocket's URL

    std::string text() const;
};

// The addresses on which a relay listens for handshakes and for rooms.
struct relay_endpoints {
    endpoint handshake, room;
};

// Reads a value of parley's --relay: [tcp://]HOST:PORT[,ROOM_PORT], ws://HOST:PORT[/PATH] (tls and wss
// likewise) or unix:/PATH. Throws failure for any other text.
relay_endpoints parse_relay(const std::string& text);
// The same for one address.
endpoint parse_endpoint(const std::string& text);

// Sets the congestion control of every TCP socket that the generator makes from now on; "" is the system's
// default.
void set_congestion_control(std::string name);

// A peer's number determines its source address: 16 peers use each address of 127.64.0.0/10, so that neither
// ports nor a relay's limits per address affect the measurement. Peers that must share an address share a
// number.
using source_number = std::uint32_t;
inline constexpr source_number any_source = UINT32_MAX; // chosen by the system, as for any other program

// Starts to connect a non-blocking socket to `to`. It is connected once it is writable. It uses the source's
// own address if `to` is on loopback. Throws failure.
descriptor start_connect(const endpoint& to, source_number source);
// The error of a connection that became writable; 0 if it is connected.
int connect_error(int fd) noexcept;
// The same, blocking and without TLS. It returns a connected socket whose reads and writes time out after ten
// seconds.
descriptor connect_blocking(const endpoint& to, source_number source);

// Listens on a free port of 127.0.0.1. Throws failure.
struct listening {
    descriptor socket;
    std::uint16_t port = 0;
};
listening listen_on_loopback();
// Accepts a connection within ten seconds. Throws failure.
descriptor accept_one(const descriptor& listener);
// A port on which nobody listened a moment ago.
std::uint16_t free_port();

void set_blocking(int fd, bool blocking) noexcept;
// Writes everything, or returns false.
bool write_all(int fd, std::string_view bytes) noexcept;

} // namespace parley::bench
