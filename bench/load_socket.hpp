// A socket of the load generator, with TLS over it or without.
#pragma once

#include "bench/endpoint.hpp"

#include <memory>
#include <string_view>

#include <sys/types.h>

struct ssl_st; // OpenSSL's SSL

namespace parley::bench {

enum class tls_progress : unsigned char { done, needs_input, needs_output, failed };

// send() and recv() are the system's, also over TLS: what a peer does not take yet ends with EAGAIN. After
// that the same bytes must come first in the next send(). Usable in a forked process, by one of both.
class load_socket {
public:
    load_socket() noexcept = default;
    // Plain until start_tls().
    explicit load_socket(descriptor fd) noexcept : fd_(std::move(fd)) {}

    // Makes it a TLS client; secure() does the handshake. Throws failure.
    void start_tls();
    // Goes on with the handshake, as far as it goes without waiting (a blocking socket waits).
    tls_progress secure() noexcept;

    ssize_t send(const void* bytes, std::size_t size) noexcept;
    ssize_t recv(void* bytes, std::size_t size) noexcept;
    // Bytes that the socket does not hold any more and recv() has not given yet.
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

// Blocking, with TLS done where the endpoint asks for it. Throws failure.
load_socket connect_socket(const endpoint& to, source_number source);
// Blocking: all of it, or false.
bool write_all(load_socket& to, std::string_view bytes) noexcept;

} // namespace parley::bench
