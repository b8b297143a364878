#include "stream/layer/tls_layer.hpp"

#include <openssl/err.h>

#include <algorithm>

namespace parley::detail {

result<ssl_context_ptr> make_ssl_context(const SSL_METHOD* method)
{
    ssl_context_ptr out{SSL_CTX_new(method)};
    if (!out) return make_error_code(errc::crypto_unavailable);
    SSL_CTX_set_min_proto_version(out.get(), TLS1_2_VERSION);
    SSL_CTX_set_options(out.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_mode(out.get(), SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_read_ahead(out.get(), 1);
    return out;
}

std::string take_openssl_error()
{
    const unsigned long code = ERR_get_error();
    ERR_clear_error();
    const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
    return reason == nullptr ? std::string{} : std::string{reason};
}

const BIO_METHOD* tls_layer::method()
{
    static BIO_METHOD* const made = [] {
        BIO_METHOD* m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "parley stream");
        BIO_meth_set_read(m, &tls_layer::read_below);
        BIO_meth_set_write(m, &tls_layer::write_below);
        BIO_meth_set_ctrl(m, &tls_layer::control);
        return m;
    }();
    return made;
}

tls_layer::tls_layer(ssl_ptr ssl) : ssl_(std::move(ssl))
{
    BIO* bio = BIO_new(method());
    BIO_set_data(bio, this);
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl_.get(), bio, bio);
}

int tls_layer::read_below(BIO* bio, char* out, int size)
{
    auto& self = *static_cast<tls_layer*>(BIO_get_data(bio));
    BIO_clear_retry_flags(bio);
    if (self.below_ == nullptr || size <= 0) {
        BIO_set_retry_read(bio);
        return -1;
    }
    if (self.below_error_) return 0;
    error_code error;
    const bool shaking_hands = SSL_in_init(self.ssl_.get()) != 0;
    const mutable_bytes space{reinterpret_cast<byte*>(out), static_cast<std::size_t>(size)};
    const std::size_t got = self.below_->try_read_some(space, error);
    if (shaking_hands && got > self.handshake_bytes_left_) error = make_error_code(errc::tls_failed);
    if (!error) {
        if (shaking_hands) self.handshake_bytes_left_ -= got;
        return static_cast<int>(got);
    }
    if (error == asio::error::would_block) {
        BIO_set_retry_read(bio);
        return -1;
    }
    self.below_error_ = error;
    return 0;
}

int tls_layer::write_below(BIO* bio, const char* in, int size)
{
    auto& self = *static_cast<tls_layer*>(BIO_get_data(bio));
    BIO_clear_retry_flags(bio);
    if (size <= 0) return 0;
    try {
        self.output_.insert(self.output_.end(), in, in + size);
    } catch (...) { // no exception may pass through OpenSSL
        return -1;
    }
    return size;
}

long tls_layer::control(BIO*, int command, long, void*)
{
    return command == BIO_CTRL_FLUSH ? 1 : 0;
}

// Translates and stores the failure of a call: a session does not recover.
error_code tls_layer::explain(int returned) noexcept
{
    const int why = SSL_get_error(ssl_.get(), returned);
    if (why == SSL_ERROR_WANT_READ) return asio::error::would_block;
    if (why == SSL_ERROR_ZERO_RETURN)
        failure_ = asio::error::eof;
    else if (below_error_ && below_error_ != errc::tls_failed) // the connection ended without close_notify
        failure_ = asio::error::connection_reset;
    else
        failure_ = make_error_code(errc::tls_failed);
    return failure_;
}

error_code tls_layer::handshake(any_stream& below) noexcept
{
    if (failure_) return failure_;
    ERR_clear_error();
    below_ = &below;
    const int returned = SSL_do_handshake(ssl_.get());
    below_ = nullptr;
    return returned == 1 ? error_code{} : explain(returned);
}

std::size_t tls_layer::read(any_stream& below, mutable_bytes out, error_code& error) noexcept
{
    error = failure_;
    if (error) return 0;
    ERR_clear_error();
    below_ = &below;
    std::size_t size = 0;
    const int returned = SSL_read_ex(ssl_.get(), out.data(), out.size(), &size);
    below_ = nullptr;
    drained_ = returned != 1;
    if (returned == 1) return size;
    error = explain(returned);
    if (failure_) drained_ = false; // every further read gives the error
    ERR_clear_error();
    return 0;
}

error_code tls_layer::write(bytes_view in)
{
    if (failure_ && failure_ != asio::error::eof) return asio::error::broken_pipe;
    while (!in.empty()) {
        ERR_clear_error();
        std::size_t size = 0;
        const int returned = SSL_write_ex(ssl_.get(), in.data(), in.size(), &size);
        // The output accepts everything, so only a broken session fails here.
        if (returned != 1) return asio::error::broken_pipe;
        in = in.subspan(size);
    }
    return {};
}

void tls_layer::end()
{
    if (failure_ && failure_ != asio::error::eof) return;
    ERR_clear_error();
    SSL_shutdown(ssl_.get());
    ERR_clear_error();
}

bool tls_layer::other_side_ended() const noexcept
{
    return (SSL_get_shutdown(ssl_.get()) & SSL_RECEIVED_SHUTDOWN) != 0;
}

} // namespace parley::detail
