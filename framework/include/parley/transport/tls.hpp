// The TLS transport: tls://host[:port[,room_port]]. wss:// uses it, too. TLS 1.2 and later (OpenSSL 3).
//
// A client always checks the server's certificate, against the system's authorities or those of
// tls_client_options, for the name or IP address of the relay. This cannot be disabled.
//
// close_notify ends a stream in order: async_shutdown_send sends it, and reading continues (in TLS 1.3 as in
// 1.2; other implementations may answer with their own at once). When the connection below ends without one,
// a read gives connection_reset and never the end. An abort closes below without close_notify.
//
// Cancellation as for any_stream: reads and waits are lossless; after a cancelled write, the accepted bytes
// are still sent. Memory: about 10 KiB for each waiting connection, and up to two records while bytes move.
#pragma once

#include <parley/base/diagnostics.hpp>
#include <parley/stream/any_stream.hpp>
#include <parley/transport/transport.hpp>

#include <memory>
#include <string>

namespace parley {

// A TLS server's certificate with its chain, and its key. All acceptors share it. load() may be called again
// at any time (on their thread): later connections use the new certificate.
class tls_identity {
public:
    tls_identity();
    ~tls_identity();
    tls_identity(const tls_identity&) = delete;
    tls_identity& operator=(const tls_identity&) = delete;

    // Reads both PEM files; the leaf certificate comes first. After an error the loaded certificate stays.
    // `diag` says what is wrong. Errors: the system's for a file that cannot be read, tls_failed for its
    // content.
    error_code load(const std::string& certificate_file, const std::string& key_file,
                    diagnostics* diag = nullptr);

    struct state;
    const std::shared_ptr<const state>& current() const noexcept { return state_; }

private:
    std::shared_ptr<const state> state_;
};

// Performs the client's side of the TLS handshake for `host` (a name, or an address without brackets) over
// `stream`. On success `stream` becomes the TLS stream; otherwise it is closed. Not bounded in time. Errors:
// tls_failed, with the reason in `diag` (expired, unknown issuer, other name, no TLS); those of the stream.
awaitable<error_code> open_tls(any_stream& stream, std::string host, tls_client_options options,
                               diagnostics* diag = nullptr);

// The server's side, with the certificate of `shown`. The handshake reads at most `max_handshake_bytes` (0:
// OpenSSL's own bound, about 128 KiB).
awaitable<error_code> accept_tls(any_stream& stream, std::shared_ptr<const tls_identity> shown,
                                 std::size_t max_handshake_bytes = 0, diagnostics* diag = nullptr);

// The transport "tls": default ports 9443 (handshake) and 9444 (room).
const transport& tls_transport() noexcept;

} // namespace parley
