// A socket of the load generator, with or without TLS.
#pragma once

#include "bench/endpoint.hpp"

#include <memory>
#include <string_view>

#include <sys/types.h>

struct ssl_st; // OpenSSL's SSL

namespace parley::bench {

enum class tls_progress : unsigned char { done, needs_input, needs_output, failed };

// send() and recv() behave like the system's, also over TLS: bytes that the peer does not take yet end with
// EAGAIN. The next send() must begin with the same bytes. A forked process may use it, but not both
// processes.
class load_socket {
public:
    load_socket() noexcept = default;
    // Without TLS until start_tls().
    explicit load_socket(descriptor fd) noexcept : fd_(std::move(fd)) {}

    // Makes it a TLS client. secure() does the handshake. Throws failure.
    void start_tls();
    // Continues the handshake as far as it goes without waiting (on a blocking socket it waits).
    tls_progress secure() noexcept;

    ssize_t send(const void* bytes, std::size_t size) noexcept;
    ssize_t recv(void* bytes, std::size_t size) noexcept;
    // Whether there are bytes that left the socket but that recv() has not returned yet.
    bool has_pending() const noexcept;

    int get() const noexcept { return fd_.get(); }
    explicit operator bool() const noexcept { return static_cast<bool>(fd_); }
    void reset() noexcept
    {
        tls_.reset();
        fd_.reset();
    }

private:
    struct free_tls {
        void operator()(ssl_st* tls) const noexcept;
    };
    ssize_t outcome(int result) noexcept;

    descriptor fd_;
    std::unique_ptr<ssl_st, free_tls> tls_;
};

// Connects a blocking socket, with TLS if the endpoint asks for it. Throws failure.
load_socket connect_socket(const endpoint& to, source_number source);
// Blocking: writes everything, or returns false.
bool write_all(load_socket& to, std::string_view bytes) noexcept;

} // namespace parley::bench
