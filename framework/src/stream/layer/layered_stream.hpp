// A stream on top of another one: TLS over TCP, a WebSocket over either. A stream_layer transforms the bytes
// and never waits; layered_stream carries bytes for it. Private to the framework.
#pragma once

#include <parley/base/time.hpp>
#include <parley/stream/any_stream.hpp>

#include <cstdint>
#include <memory>
#include <span>

namespace parley::detail {

// Turns the bytes of the stream below into those of the stream above, and back. output() holds all bytes that
// are due below, including the layer's own answers.
class stream_layer {
public:
    stream_layer() = default;
    stream_layer(const stream_layer&) = delete;
    stream_layer& operator=(const stream_layer&) = delete;
    virtual ~stream_layer();

    // Gives up to out.size() bytes, which is at least 1, of what `below` has now. 0 with would_block when
    // there are none, or when this call has taken so much without result that other connections need their
    // turn; in the latter case holds_input() is true. eof after the other side's end in order;
    // connection_reset when `below` ends without one. Any other error is permanent.
    virtual std::size_t read(any_stream& below, mutable_bytes out, error_code& error) noexcept = 0;
    // Whether read() may give bytes without further bytes from below.
    virtual bool holds_input() const noexcept = 0;
    // Appends the answers that are due. Called when no write is pending below, so that a layer can keep the
    // latest answer and drop the others.
    virtual void answer() {}
    // How many bytes write() and head() may get now. 0: none until a read() has found out that the other side can
    // take more.
    virtual std::size_t sendable() const noexcept { return SIZE_MAX; }
    // Appends `in`, which is not empty and at most sendable(), to the output.
    virtual error_code write(bytes_view in) = 0;
    // Writes the header to `out` when the bytes go below unchanged behind a header, and returns the header's
    // size. Reduces `size` when the header is for fewer bytes. Returns 0 when they cannot go unchanged; the
    // caller then calls write().
    static constexpr std::size_t max_head_bytes = 14;
    using head_space = std::span<byte, max_head_bytes>;
    virtual std::size_t head(std::size_t& size, head_space out) noexcept
    {
        (void)size, (void)out;
        return 0;
    }
    // Appends this side's end in order to the output. Called once; no write() follows.
    virtual void end() = 0;
    // Whether the other side has ended in order.
    virtual bool other_side_ended() const noexcept = 0;
    // Called from time to time while the stream is open; false when the other side seems to be gone. The
    // scheduler calls it, not the stream.
    virtual bool check_alive(bool somebody_reads)
    {
        (void)somebody_reads;
        return true;
    }

    // The stream has moved to another executor.
    virtual void moved() {}

    // The stream is closed: no more check_alive().
    virtual void stopped() noexcept {}

    byte_vector& output() noexcept { return output_; }

protected:
    byte_vector output_;
};

struct layered_stream_traits {
    std::string_view name;                             // transport_name(); static storage
    std::optional<stream_kind> kind;                   // the kind that it was opened for
    std::optional<seat_token> seat = std::nullopt;     // presented by its peer
    duration linger_timeout = std::chrono::seconds{2}; // from close() until the connection below is closed
};

// Shared by the stream and the pending operations below it.
class layered_core;

// Makes the stream. `below` must be open and have no pending operation.
//
// Memory: reads go straight to the reader's buffer. Written bytes are held until they have gone below, unless
// the layer leaves them unchanged and the socket below accepts them at once. A waiting stream holds no
// buffer.
//
// Cancellation: a read or wait is lossless. A cancelled write reports the bytes that it has taken; they are
// still sent, and the stream stays usable.
//
// close(): sends the end in order in the background, within the linger timeout, unless the stream was told to
// reset. Destruction without close() closes below at once, and the other side reads a reset.
any_stream make_layered_stream(any_stream below, std::unique_ptr<stream_layer> layer,
                               layered_stream_traits traits, std::shared_ptr<layered_core>* core = nullptr);

// Asks the layer whether the other side is alive and sends the layer's output. Closes a dead stream with a
// reset. False when the stream is closed.
bool check_alive(layered_core& core);
executor executor_of(const layered_core& core);

} // namespace parley::detail
