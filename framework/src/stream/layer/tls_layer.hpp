// TLS as a layer of a stream, which never waits. Only this file and tls_context include OpenSSL's TLS.
// Private to the framework.
#pragma once

#include "async/gcra.hpp"
#include "stream/layer/layered_stream.hpp"

#include <parley/base/result.hpp>

#include <openssl/ssl.h>

#include <limits>
#include <memory>
#include <string>

namespace parley::detail {

template <auto Free>
struct openssl_deleter {
    template <class T>
    void operator()(T* p) const noexcept
    {
        Free(p);
    }
};
using ssl_ptr = std::unique_ptr<SSL, openssl_deleter<&SSL_free>>;
using ssl_context_ptr = std::unique_ptr<SSL_CTX, openssl_deleter<&SSL_CTX_free>>;

// Makes a context with the settings of both sides: TLS 1.2 and later, no renegotiation, no compression, and
// calls that return after each record without data.
result<ssl_context_ptr> make_ssl_context(const SSL_METHOD* method);
// Returns the oldest error in OpenSSL's queue as a phrase, and empties the queue.
std::string take_openssl_error();

// One call takes at most 64 records, or about 64 KiB, from below. A peer that sends too many records without data,
// or renegotiates, makes the session fail with bad_framing.
class tls_layer final : public stream_layer {
public:
    // Takes ownership of the session, whose connect or accept state is set.
    explicit tls_layer(ssl_ptr ssl);

    // Bounds the bytes read during the handshake; more make it fail.
    void bound_handshake(std::size_t bytes) noexcept { handshake_bytes_left_ = bytes; }

    // Performs one step of the handshake. Unset when it is complete; would_block when it needs more bytes
    // from below or, if holds_input(), another turn. Send the output in any case.
    error_code handshake(any_stream& below) noexcept;

    std::size_t read(any_stream& below, mutable_bytes out, error_code& error) noexcept override;
    bool holds_input() const noexcept override { return !drained_; }
    error_code write(bytes_view in) override;
    void end() override;
    bool other_side_ended() const noexcept override;

private:
    static const BIO_METHOD* method();
    static int read_below(BIO* bio, char* out, int size);
    static int write_below(BIO* bio, const char* in, int size);
    static long control(BIO* bio, int command, long number, void* pointer);
    static void on_message(int written, int version, int type, const void* data, std::size_t size, SSL* ssl,
                           void* layer);
    void begin_turn(any_stream& below) noexcept;
    void end_turn() noexcept;
    void fill() noexcept;
    bool count_records(bool data_came) noexcept;
    error_code explain(int returned) noexcept;

    ssl_ptr ssl_;
    std::unique_ptr<byte[]> input_;   // bytes read from below; null when there are none
    std::size_t begin_ = 0, end_ = 0; // the bytes in input_ that OpenSSL has not taken
    std::size_t handshake_bytes_left_ = std::numeric_limits<std::size_t>::max();
    std::size_t turn_bytes_ = 0;   // taken from below in this call
    unsigned turn_records_ = 0;    // begun in this call
    unsigned records_ = 0;         // begun since count_records()
    unsigned messages_ = 0;        // of the handshake protocol, since count_records()
    std::size_t answer_bytes_ = 0; // in the output: alerts and key updates
    gcra without_data_;            // the rate of records without data
    any_stream* below_ = nullptr;  // set during a call only
    error_code below_error_;       // the error of the stream below
    error_code failure_;           // permanent: a session does not recover
    bool established_ = false;     // the handshake is complete
    bool renegotiates_ = false;    // the peer has tried to
    bool writing_ = false;         // set during write() only
    bool yielded_ = false;         // this call reached its bound
    bool drained_ = false;         // the last read found nothing; only bytes from below change that
};

} // namespace parley::detail
