#include "bench/load_socket.hpp"

#include "bench/failure.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <sys/socket.h>

namespace parley::bench {
namespace {

// One for each process. Certificates are not checked: that is the peer's cost, and the one of the program
// under test may have been made by anybody.
SSL_CTX* client_context()
{
    static SSL_CTX* const context = [] {
        SSL_CTX* out = ::SSL_CTX_new(::TLS_client_method());
        if (out == nullptr) return out;
        // What is sent may lie elsewhere when it is sent again; an idle connection holds no buffer.
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

template <auto Free>
struct freed {
    template <class T>
    void operator()(T* value) const noexcept
    {
        Free(value);
    }
};
using key_handle = std::unique_ptr<EVP_PKEY, freed<::EVP_PKEY_free>>;
using certificate_handle = std::unique_ptr<X509, freed<::X509_free>>;
using file_handle = std::unique_ptr<std::FILE, freed<std::fclose>>;

bool fill(X509* certificate, EVP_PKEY* key)
{
    constexpr long day_seconds = 24 * 60 * 60, x509_v3 = 2;
    X509_NAME* name = ::X509_get_subject_name(certificate);
    const auto* common_name = reinterpret_cast<const unsigned char*>("127.0.0.1");
    X509_EXTENSION* address = ::X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, "IP:127.0.0.1");
    const bool good = ::X509_set_version(certificate, x509_v3) == 1 &&
                      ::ASN1_INTEGER_set(::X509_get_serialNumber(certificate), 1) == 1 &&
                      ::X509_gmtime_adj(::X509_getm_notBefore(certificate), -day_seconds) != nullptr &&
                      ::X509_gmtime_adj(::X509_getm_notAfter(certificate), day_seconds) != nullptr &&
                      ::X509_set_pubkey(certificate, key) == 1 &&
                      ::X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, common_name, -1, -1, 0) == 1 &&
                      ::X509_set_issuer_name(certificate, name) == 1 && address != nullptr &&
                      ::X509_add_ext(certificate, address, -1) == 1;
    ::X509_EXTENSION_free(address);
    return good && ::X509_sign(certificate, key, ::EVP_sha256()) != 0;
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

// What OpenSSL says as the system would.
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
    std::size_t sent = 0; // a record a turn
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

certificate_files make_certificate(const std::filesystem::path& folder)
{
    const certificate_files out{folder / "certificate.pem", folder / "key.pem"};
    const key_handle key{::EVP_EC_gen("P-256")};
    const certificate_handle certificate{::X509_new()};
    if (!key || !certificate || !fill(certificate.get(), key.get()))
        throw failure{"OpenSSL makes no certificate"};
    const file_handle certificate_file{std::fopen(out.certificate.c_str(), "we")};
    const file_handle key_file{std::fopen(out.key.c_str(), "we")};
    if (!certificate_file || !key_file) throw system_failure(folder.string(), errno);
    if (::PEM_write_X509(certificate_file.get(), certificate.get()) != 1 ||
        ::PEM_write_PrivateKey(key_file.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1)
        throw failure{"OpenSSL writes no certificate"};
    return out;
}

} // namespace parley::bench
