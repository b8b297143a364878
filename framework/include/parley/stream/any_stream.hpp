// A byte stream over any transport, behind one type.
//
// any_stream models Asio's AsyncReadStream and AsyncWriteStream. So asio::async_read, asio::async_write and
// similar functions work on it, with any completion token (asio::deferred by default). It honours the handler's associated executor,
// allocator and cancellation slot. At most one read (or wait for readability), one write and one shutdown may
// be pending at a time; a read and a write may overlap. An any_stream can be the next layer of
// asio::ssl::stream and of Beast's streams (a WebSocket also needs parley/stream/beast_websocket.hpp).
//
// Cancellation of one operation (terminal, partial or total):
//   read   TCP, memory: lossless, no byte is taken from the stream, which stays usable. A wrapped stream: as
//          that stream documents it.
//   wait   lossless on every transport.
//   write  some bytes may have gone; the count given to the handler tells how many. The stream stays usable.
//
// Not thread-safe. Call every function on the stream's executor.
#pragma once

#include <parley/async/awaitable.hpp>
#include <parley/base/bytes.hpp>
#include <parley/stream/delivery.hpp>
#include <parley/wire/identity.hpp>
#include <parley/wire/seat_token.hpp>

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/deferred.hpp>

#include <array>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace parley {

// The two kinds of stream between a peer and a relay (PROTOCOL.md section 9).
enum class stream_kind : std::uint8_t { handshake, room };

// A ConstBufferSequence of fixed size: up to max_buffers buffers for one write. It skips empty buffers, and
// leaves the rest for the next write. It does not own the bytes.
class gather_buffers {
public:
    static constexpr std::size_t max_buffers = 16;
    using value_type = asio::const_buffer;
    using const_iterator = const asio::const_buffer*;

    gather_buffers() noexcept = default;
    template <class ConstBufferSequence>
    static gather_buffers from(const ConstBufferSequence& buffers)
    {
        gather_buffers out;
        const auto end = asio::buffer_sequence_end(buffers);
        for (auto i = asio::buffer_sequence_begin(buffers); i != end && out.count_ < max_buffers; ++i) {
            const asio::const_buffer buffer{*i};
            if (buffer.size() != 0) out.buffers_[out.count_++] = buffer;
        }
        return out;
    }

    const_iterator begin() const noexcept { return buffers_.data(); }
    const_iterator end() const noexcept { return buffers_.data() + count_; }
    std::size_t count() const noexcept { return count_; }

private:
    std::array<asio::const_buffer, max_buffers> buffers_{};
    std::size_t count_ = 0;
};

// The interface that a transport implements. Its start_ functions never call the handler before they return;
// they call it through its associated executor. A destroyed stream closes itself; pending handlers then get
// operation_aborted.
class stream_base {
public:
    using io_handler = asio::any_completion_handler<void(error_code, std::size_t)>;
    using wait_handler = asio::any_completion_handler<void(error_code)>;

    stream_base() = default;
    stream_base(const stream_base&) = delete;
    stream_base& operator=(const stream_base&) = delete;
    virtual ~stream_base();

    virtual executor get_executor() const noexcept = 0;

    // Reads at least one byte into `buffer`; the caller keeps its bytes alive. asio::error::eof at the end.
    // An empty buffer completes at once with 0.
    virtual void start_read(asio::mutable_buffer buffer, io_handler handler) = 0;
    // Writes at least one byte of `buffers`; the caller keeps their bytes alive.
    virtual void start_write(const gather_buffers& buffers, io_handler handler) = 0;
    // Ends the sending direction in order.
    virtual void start_shutdown_send(wait_handler handler) = 0;
    // Completes when try_read_some would give bytes, the end or an error.
    virtual void start_wait_readable(wait_handler handler) = 0;
    // Completes when a write would make progress.
    virtual void start_wait_writable(wait_handler handler) = 0;
    // Reads the available bytes without waiting. 0 with asio::error::would_block when there are none.
    virtual std::size_t try_read_some(mutable_bytes out, error_code& error) noexcept = 0;
    // Writes as many bytes as possible without waiting. 0 with would_block when it can write none.
    // operation_not_supported, the default, when the transport cannot do so.
    virtual std::size_t try_write_some(const gather_buffers& buffers, error_code& error) noexcept;

    // Whether move_to() would succeed now, when the caller has no pending operation.
    virtual bool can_move() const noexcept { return false; }
    virtual error_code move_to(const executor& target);

    virtual void close() noexcept = 0;
    virtual bool is_open() const noexcept = 0;
    virtual void reset_on_close(bool abort) noexcept = 0;
    virtual void set_acknowledgement_timeout(std::chrono::milliseconds timeout) noexcept { (void)timeout; }

    virtual std::string remote_address() const = 0;
    virtual identity remote_identity() const noexcept = 0;
    virtual std::optional<tcp_endpoint> remote_endpoint() const noexcept { return std::nullopt; }
    virtual std::string_view transport_name() const noexcept = 0;
    virtual int native_handle() const noexcept { return -1; }
    virtual bool was_reset() const noexcept { return false; }
    virtual std::optional<delivery_counts> delivery() const noexcept { return std::nullopt; }
    virtual std::optional<std::uint64_t> peer_window() const noexcept { return std::nullopt; }
    virtual std::uint64_t system_memory() const noexcept { return 0; }
    virtual std::optional<stream_kind> kind() const noexcept { return std::nullopt; }
    virtual std::optional<seat_token> seat() const noexcept { return std::nullopt; }
};

// The requirements on a user's own stream type: Asio's AsyncReadStream and AsyncWriteStream, and a close()
// that cancels pending operations. A type with only a next_layer(), such as asio::ssl::stream, is closed
// through that.
template <class S>
concept ByteStream =
    std::move_constructible<S> &&
    requires(S s, asio::mutable_buffer in, asio::const_buffer out, void (*h)(error_code, std::size_t)) {
        { s.get_executor() } -> std::convertible_to<executor>;
        s.async_read_some(in, h);
        s.async_write_some(out, h);
    } && (requires(S s) { s.close(); } || requires(S s) { s.next_layer(); });

// A move-only handle to a stream. An empty one (default-constructed or moved from) may only be assigned,
// destroyed, closed and asked is_open().
class any_stream {
public:
    using executor_type = executor;
    using lowest_layer_type = any_stream;

    any_stream() noexcept = default;
    explicit any_stream(std::unique_ptr<stream_base> base) noexcept : base_(std::move(base)) {}
    // Wraps a user's own stream. `name` (static storage) becomes its transport_name(), and `remote` its
    // remote_identity(). To end its sending direction, any_stream calls shutdown_send() if the type has it,
    // otherwise close(). A wrapped stream waits for readability by reading into an internal buffer (4 KiB,
    // allocated on the first wait).
    template <class Stream>
        requires(!std::same_as<Stream, any_stream> && ByteStream<Stream>)
    explicit any_stream(Stream stream, std::string_view name = "custom", const identity& remote = {});

    explicit operator bool() const noexcept { return base_ != nullptr; }

    executor get_executor() const noexcept { return base_->get_executor(); }
    lowest_layer_type& lowest_layer() noexcept { return *this; }
    const lowest_layer_type& lowest_layer() const noexcept { return *this; }

    // Reads at least one byte into the first non-empty buffer of `buffers`. Signature void(error_code,
    // std::size_t). Errors: asio::error::eof when the peer has ended its direction in order, connection_reset
    // when it aborted, operation_aborted after cancellation or close().
    template <class MutableBufferSequence, class Token = asio::deferred_t>
    auto async_read_some(const MutableBufferSequence& buffers, Token&& token = Token{})
    {
        return asio::async_initiate<Token, void(error_code, std::size_t)>(
            [](auto handler, any_stream* self, asio::mutable_buffer buffer) {
                self->start_read(buffer, stream_base::io_handler{std::move(handler)});
            },
            token, this, first_buffer(buffers));
    }

    // Writes at least one byte of `buffers`, gathering up to gather_buffers::max_buffers of them. Signature
    // void(error_code, std::size_t). Errors: broken_pipe or connection_reset when the peer no longer reads,
    // operation_aborted after cancellation or close().
    template <class ConstBufferSequence, class Token = asio::deferred_t>
    auto async_write_some(const ConstBufferSequence& buffers, Token&& token = Token{})
    {
        return asio::async_initiate<Token, void(error_code, std::size_t)>(
            [](auto handler, stream_base* base, const gather_buffers& gathered) {
                base->start_write(gathered, stream_base::io_handler{std::move(handler)});
            },
            token, base_.get(), gather_buffers::from(buffers));
    }

    // Ends the sending direction in order (TCP: FIN): the peer reads eof after the last written byte. Reading
    // continues. No write may be pending. Signature void(error_code).
    template <class Token = asio::deferred_t>
    auto async_shutdown_send(Token&& token = Token{})
    {
        return asio::async_initiate<Token, void(error_code)>(
            [](auto handler, stream_base* base) {
                base->start_shutdown_send(stream_base::wait_handler{std::move(handler)});
            },
            token, base_.get());
    }

    // Completes when try_read_some would give bytes, the end or an error. It needs no buffer, so a waiting
    // connection costs little memory. Spurious completions are allowed. Signature void(error_code).
    template <class Token = asio::deferred_t>
    auto async_wait_readable(Token&& token = Token{})
    {
        return asio::async_initiate<Token, void(error_code)>(
            [](auto handler, any_stream* self) {
                self->start_wait_readable(stream_base::wait_handler{std::move(handler)});
            },
            token, this);
    }

    // Completes when a write would make progress, or at once when the transport cannot tell. Signature
    // void(error_code).
    template <class Token = asio::deferred_t>
    auto async_wait_writable(Token&& token = Token{})
    {
        return asio::async_initiate<Token, void(error_code)>(
            [](auto handler, stream_base* base) {
                base->start_wait_writable(stream_base::wait_handler{std::move(handler)});
            },
            token, base_.get());
    }

    // Reads up to out.size() available bytes. Returns 0 with would_block when there are none, and 0 with eof
    // at the end. No read may be pending.
    std::size_t try_read_some(mutable_bytes out, error_code& error) noexcept
    {
        return front_.empty() ? base_->try_read_some(out, error) : take_front(out, error);
    }

    // Writes as many bytes of `buffers` as the transport accepts at once, and returns their number. Returns 0
    // with would_block when it accepts none, and 0 with operation_not_supported when the transport only
    // writes asynchronously. No write may be pending.
    std::size_t try_write_some(const gather_buffers& buffers, error_code& error) noexcept
    {
        return base_->try_write_some(buffers, error);
    }

    // Puts back bytes that were read: the next reads give them first. No read may be pending.
    // close() drops them.
    bool has_put_back() const noexcept { return !front_.empty(); }
    std::size_t put_back_bytes() const noexcept { return front_.size(); }
    void put_back(bytes_view bytes) { front_.insert(front_.begin(), bytes.begin(), bytes.end()); }

    // Whether move_to() would succeed now. System sockets can move. Layers on them can, too, except while
    // they send an answer of their own (a WebSocket's pong). Memory and wrapped streams cannot.
    bool can_move() const noexcept { return base_->can_move(); }
    // Moves the stream to the executor of another execution context; from then on call every function there.
    // Call it on the old executor, with no pending operation, and at most once. Errors:
    // asio::error::operation_not_supported (the stream stays where it is); the system's (the stream is
    // closed).
    error_code move_to(const executor& target) { return base_->move_to(target); }

    // Closes both directions and cancels all pending operations (operation_aborted). Bytes written before are
    // still delivered, unless reset_on_close(true) was called. A second call does nothing.
    void close() noexcept
    {
        front_ = {};
        if (base_) base_->close();
    }
    bool is_open() const noexcept { return base_ && base_->is_open(); }

    // With true, close(), destruction and the death of this process reset the connection (TCP: SO_LINGER {1,
    // 0}): the peer reads connection_reset instead of the end. So it can tell a crash from an end in order.
    // With false, the default, the connection ends in order.
    void reset_on_close(bool abort) noexcept { base_->reset_on_close(abort); }

    // Fails the connection with the system's timed_out when the other end neither acknowledges nor takes written
    // bytes for `timeout` (TCP_USER_TIMEOUT). 0, the default, is the system's: about 15 minutes without
    // acknowledgement. Not for a stream whose other end may rest for so long. Does nothing where the transport
    // knows no such time.
    void set_acknowledgement_timeout(std::chrono::milliseconds timeout) noexcept
    {
        base_->set_acknowledgement_timeout(timeout);
    }

    // The peer's address as text for people and logs: "a.b.c.d:port", "[addr]:port" (with its %zone, if any),
    // or a transport's own form.
    std::string remote_address() const { return base_->remote_address(); }
    // The peer's address as an identity of the protocol: a v4-mapped address as IPv4, no zone. Empty when it
    // has none.
    identity remote_identity() const noexcept { return base_->remote_identity(); }
    // The address that was reached, when the transport runs over TCP. A peer opens its room there
    // (PROTOCOL.md section 6).
    std::optional<tcp_endpoint> remote_endpoint() const noexcept { return base_->remote_endpoint(); }
    // "tcp", "memory", …; static storage.
    std::string_view transport_name() const noexcept { return base_->transport_name(); }
    // The socket that carries exactly the stream's bytes, for splice(2) and similar calls. -1 when there is
    // none, and while put-back bytes wait for a read. The stream keeps ownership.
    int native_handle() const noexcept { return front_.empty() ? base_->native_handle() : -1; }
    // Whether the end that a read has given was really a reset. Ask only while the stream's own sending
    // direction is open: the system reports a reset only once, and after a failed write a read gives an
    // ordinary end. The answer outlives close().
    bool was_reset() const noexcept { return base_->was_reset(); }
    // How many written bytes have been delivered. nullopt when the transport cannot tell.
    std::optional<delivery_counts> delivery() const noexcept { return base_->delivery(); }
    // The last receive window, in bytes, that the other end of the connection has advertised. nullopt when
    // the transport cannot tell (TCP can on Linux, since 5.4).
    std::optional<std::uint64_t> peer_window() const noexcept { return base_->peer_window(); }
    // The memory, in bytes, that the system uses for the queues of the connection, both directions together. 0
    // when the transport cannot tell (TCP and Unix sockets can on Linux).
    std::uint64_t system_memory() const noexcept { return base_->system_memory(); }
    // The kind that the stream was opened for, when its transport says so (by a WebSocket's subprotocol).
    // Otherwise the port or path that was reached tells.
    std::optional<stream_kind> kind() const noexcept { return base_->kind(); }
    // The seat that the peer of an accepted WebSocket presented (PROTOCOL.md section 9).
    std::optional<seat_token> seat() const noexcept { return base_->seat(); }

private:
    template <class MutableBufferSequence>
    static asio::mutable_buffer first_buffer(const MutableBufferSequence& buffers)
    {
        const auto end = asio::buffer_sequence_end(buffers);
        for (auto i = asio::buffer_sequence_begin(buffers); i != end; ++i) {
            const asio::mutable_buffer buffer{*i};
            if (buffer.size() != 0) return buffer;
        }
        return {};
    }

    void start_read(asio::mutable_buffer buffer, stream_base::io_handler handler);
    void start_wait_readable(stream_base::wait_handler handler);
    std::size_t take_front(mutable_bytes out, error_code& error) noexcept;

    std::unique_ptr<stream_base> base_;
    byte_vector front_; // put back
};

} // namespace parley

#include <parley/stream/wrapped_stream.hpp>
