#include "bench/load_socket.hpp"

#include "bench/failure.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <sys/socket.h>

namespace parley::bench {
namespace {

// One per process. It does not check certificates: that cost is the peer's own, and the program under test
// may have any certificate.
SSL_CTX* client_context()
{
    static SSL_CTX* const context = [] {
        SSL_CTX* out = ::SSL_CTX_new(::TLS_client_method());
        if (out == nullptr) return out;
        // The bytes may be at another address when they are sent again. An idle connection keeps no buffer.
        ::SSL_CTX_set_mode(out, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                    SSL_MODE_RELEASE_BUFFERS);
        ::SSL_CTX_set_options(out, SSL_OP_IGNORE_UNEXPECTED_EOF);
        ::SSL_CTX_set_session_cache_mode(out, SSL_SESS_CACHE_OFF);
        ::SSL_CTX_set_verify(out, SSL_VERIFY_NONE, nullptr);
        return out;
    }();
    if (context == nullptr) throw failure{"OpenSSL makes no TLS client"};
    return context;
}

} // namespace

void load_socket::free_tls::operator()(ssl_st* tls) const noexcept
{
    ::SSL_free(tls);
}

void load_socket::start_tls()
{
    tls_.reset(::SSL_new(client_context()));
    if (!tls_ || ::SSL_set_fd(tls_.get(), fd_.get()) != 1) throw failure{"OpenSSL makes no TLS connection"};
    ::SSL_set_connect_state(tls_.get());
}

tls_progress load_socket::secure() noexcept
{
    if (!tls_) return tls_progress::done;
    ::ERR_clear_error();
    const int result = ::SSL_do_handshake(tls_.get());
    if (result == 1) return tls_progress::done;
    switch (::SSL_get_error(tls_.get(), result)) {
    case SSL_ERROR_WANT_READ:
        return tls_progress::needs_input;
    case SSL_ERROR_WANT_WRITE:
        return tls_progress::needs_output;
    default:
        return tls_progress::failed;
    }
}

// Translates OpenSSL's result to that of a system call.
ssize_t load_socket::outcome(int result) noexcept
{
    switch (::SSL_get_error(tls_.get(), result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        errno = EAGAIN;
        return -1;
    case SSL_ERROR_ZERO_RETURN:
        return 0;
    case SSL_ERROR_SYSCALL:
        if (errno == 0) errno = ECONNRESET;
        return -1;
    default:
        errno = EPROTO;
        return -1;
    }
}

ssize_t load_socket::send(const void* bytes, std::size_t size) noexcept
{
    if (!tls_) return ::send(fd_.get(), bytes, size, MSG_NOSIGNAL);
    std::size_t sent = 0; // one record per turn
    while (sent < size) {
        ::ERR_clear_error();
        const auto left = static_cast<int>(std::min<std::size_t>(size - sent, INT_MAX));
        const int result = ::SSL_write(tls_.get(), static_cast<const char*>(bytes) + sent, left);
        if (result <= 0) return sent > 0 ? static_cast<ssize_t>(sent) : outcome(result);
        sent += static_cast<std::size_t>(result);
    }
    return static_cast<ssize_t>(sent);
}

ssize_t load_socket::recv(void* bytes, std::size_t size) noexcept
{
    if (!tls_) return ::recv(fd_.get(), bytes, size, 0);
    ::ERR_clear_error();
    const int result = ::SSL_read(tls_.get(), bytes, static_cast<int>(std::min<std::size_t>(size, INT_MAX)));
    return result > 0 ? result : outcome(result);
}

bool load_socket::has_pending() const noexcept
{
    return tls_ && ::SSL_has_pending(tls_.get()) == 1;
}

load_socket connect_socket(const endpoint& to, source_number source)
{
    load_socket out{connect_blocking(to, source)};
    if (!has_tls(to.kind)) return out;
    out.start_tls();
    if (out.secure() != tls_progress::done) throw failure{to.text() + ": no TLS handshake"};
    return out;
}

bool write_all(load_socket& to, std::string_view bytes) noexcept
{
    while (!bytes.empty()) {
        const ssize_t size = to.send(bytes.data(), bytes.size());
        if (size < 0 && errno == EINTR) continue;
        if (size <= 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(size));
    }
    return true;
}

} // namespace parley::bench
