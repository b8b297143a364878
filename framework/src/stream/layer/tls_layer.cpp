#include "stream/layer/tls_layer.hpp"

#include <openssl/err.h>

#include <algorithm>
#include <new>

namespace parley::detail {
namespace {

constexpr std::size_t max_input_bytes = SSL3_RT_MAX_PACKET_SIZE; // a whole record
constexpr std::size_t max_turn_bytes = 64 * 1024;
constexpr unsigned max_turn_records = 64;
constexpr std::size_t max_answer_bytes = 64 * 1024;
// A server sends a few tickets at first. KeyUpdates come once in an hour or in many gigabytes.
constexpr bucket_rate empty_record_rate{.per_second = 1, .burst = 64};

} // namespace

result<ssl_context_ptr> make_ssl_context(const SSL_METHOD* method)
{
    ssl_context_ptr out{SSL_CTX_new(method)};
    if (!out) return make_error_code(errc::crypto_unavailable);
    SSL_CTX_set_min_proto_version(out.get(), TLS1_2_VERSION);
    SSL_CTX_set_options(out.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_mode(out.get(), SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    // In this mode one call would continue while records without data come.
    SSL_CTX_clear_mode(out.get(), SSL_MODE_AUTO_RETRY);
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
    SSL_set_msg_callback(ssl_.get(), &tls_layer::on_message);
    SSL_set_msg_callback_arg(ssl_.get(), this);
}

// Without read-ahead, OpenSSL asks for the five bytes of a record's header, then for the rest of the record.
int tls_layer::read_below(BIO* bio, char* out, int size)
{
    auto& self = *static_cast<tls_layer*>(BIO_get_data(bio));
    BIO_clear_retry_flags(bio);
    self.yielded_ = self.turn_bytes_ >= max_turn_bytes || self.turn_records_ > max_turn_records;
    if (self.begin_ == self.end_ && !self.yielded_) self.fill();
    if (self.begin_ == self.end_ && self.below_error_) return 0;
    if (self.begin_ == self.end_ || self.yielded_ || size <= 0) {
        BIO_set_retry_read(bio);
        return -1;
    }
    const std::size_t taken = std::min(static_cast<std::size_t>(size), self.end_ - self.begin_);
    std::copy_n(self.input_.get() + self.begin_, taken, reinterpret_cast<byte*>(out));
    self.begin_ += taken;
    self.turn_bytes_ += taken;
    return static_cast<int>(taken);
}

// Fills input_ with what the stream below has.
void tls_layer::fill() noexcept
{
    if (below_ == nullptr || below_error_) return;
    if (!input_) input_.reset(new (std::nothrow) byte[max_input_bytes]);
    if (!input_) {
        below_error_ = make_error_code(boost::system::errc::not_enough_memory);
        return;
    }
    error_code error;
    const std::size_t got = below_->try_read_some({input_.get(), max_input_bytes}, error);
    drained_ = error == asio::error::would_block;
    if (!established_ && got > handshake_bytes_left_) error = make_error_code(errc::tls_failed);
    if (error && !drained_) below_error_ = error;
    if (error) return;
    if (!established_) handshake_bytes_left_ -= got;
    begin_ = 0;
    end_ = got;
}

int tls_layer::write_below(BIO* bio, const char* in, int size)
{
    auto& self = *static_cast<tls_layer*>(BIO_get_data(bio));
    BIO_clear_retry_flags(bio);
    if (size <= 0) return 0;
    if (self.established_ && !self.writing_) {
        if (self.output_.empty()) self.answer_bytes_ = 0;
        self.answer_bytes_ += static_cast<std::size_t>(size);
        if (self.answer_bytes_ > max_answer_bytes) return -1; // the peer does not read
    }
    try {
        self.output_.insert(self.output_.end(), in, in + size);
    } catch (...) { // no exception may pass through OpenSSL
        return -1;
    }
    return size;
}

// OpenSSL calls this for each record's header and for each message of the handshake protocol.
void tls_layer::on_message(int written, int, int type, const void* data, std::size_t size, SSL*, void* layer)
{
    auto& self = *static_cast<tls_layer*>(layer);
    if (written != 0) return;
    if (type == SSL3_RT_HEADER) {
        ++self.records_;
        ++self.turn_records_;
    } else if (type == SSL3_RT_HANDSHAKE && self.established_ && size != 0) {
        const byte message = *static_cast<const byte*>(data);
        ++self.messages_;
        self.renegotiates_ =
            self.renegotiates_ || message == SSL3_MT_CLIENT_HELLO || message == SSL3_MT_HELLO_REQUEST;
    }
}

void tls_layer::begin_turn(any_stream& below) noexcept
{
    below_ = &below;
    turn_bytes_ = 0;
    turn_records_ = 0;
    yielded_ = drained_ = false;
}

void tls_layer::end_turn() noexcept
{
    below_ = nullptr;
    if (begin_ == end_) input_.reset();
}

// Counts what came since the last call. False when too much came without data. The last record may still turn
// out to have data.
bool tls_layer::count_records(bool data_came) noexcept
{
    const unsigned records = records_ == 0 ? 0 : records_ - 1;
    const unsigned count = std::max(records, messages_);
    records_ -= data_came ? records_ : records;
    messages_ = 0;
    return !renegotiates_ && (count == 0 || without_data_.take(empty_record_rate, clock::now(), count));
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
    begin_turn(below);
    const int returned = SSL_do_handshake(ssl_.get());
    end_turn();
    if (returned != 1) return explain(returned);
    established_ = true;
    records_ = messages_ = 0;
    drained_ = false; // data may have come with the last message
    return {};
}

// Reads records until `out` is full, so that short records do not cost the reader a turn each.
std::size_t tls_layer::read(any_stream& below, mutable_bytes out, error_code& error) noexcept
{
    error = failure_;
    if (error) return 0;
    begin_turn(below);
    std::size_t got = 0;
    while (got < out.size() && !failure_ && !drained_ && !yielded_) {
        ERR_clear_error();
        std::size_t size = 0;
        const int returned = SSL_read_ex(ssl_.get(), out.data() + got, out.size() - got, &size);
        const bool data_came = returned == 1;
        if (data_came)
            got += size;
        else
            explain(returned);
        if (!failure_ && !count_records(data_came)) failure_ = make_error_code(errc::bad_framing);
    }
    end_turn();
    ERR_clear_error();
    drained_ = drained_ && !failure_; // the next read gives the error
    if (got == 0) error = failure_ ? failure_ : error_code{asio::error::would_block};
    return got;
}

error_code tls_layer::write(bytes_view in)
{
    if (failure_ && failure_ != asio::error::eof) return asio::error::broken_pipe;
    while (!in.empty()) {
        ERR_clear_error();
        std::size_t size = 0;
        writing_ = true;
        const int returned = SSL_write_ex(ssl_.get(), in.data(), in.size(), &size);
        writing_ = false;
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
