// A stream on top of another one: TLS over TCP, a WebSocket over either. What a layer does to the bytes is a
// stream_layer, which never waits; layered_stream carries bytes for it. Private to the framework.
#pragma once

#include <parley/base/time.hpp>
#include <parley/stream/any_stream.hpp>

#include <memory>
#include <span>

namespace parley::detail {

// Turns the bytes of the stream below into those of the stream above and back. Whatever is due to go below,
// be it the layer's own answer to what it has read, stands in output().
class stream_layer {
public:
    stream_layer() = default;
    stream_layer(const stream_layer&) = delete;
    stream_layer& operator=(const stream_layer&) = delete;
    virtual ~stream_layer();

    // Gives up to out.size() bytes (at least 1 is asked for) of what `below` has now. 0 with would_block when
    // that is nothing; eof after the other side's end in order; connection_reset when `below` ends without
    // one; any other error for ever after.
    virtual std::size_t read(any_stream& below, mutable_bytes out, error_code& error) noexcept = 0;
    // Whether read() may give something although nothing more comes from below.
    virtual bool holds_input() const noexcept = 0;
    // Appends `in`, which is not empty, to the output.
    virtual error_code write(bytes_view in) = 0;
    // Where the bytes above go below as they are, with something before them: writes that to `out` and gives
    // its size, and makes `size` smaller when that is for fewer. 0 when they cannot; write() then takes them.
    static constexpr std::size_t max_head_bytes = 14;
    using head_space = std::span<byte, max_head_bytes>;
    virtual std::size_t head(std::size_t& size, head_space out) noexcept
    {
        (void)size, (void)out;
        return 0;
    }
    // Appends the end of this side in order to the output. Called once; no write() follows.
    virtual void end() = 0;
    // Whether the other side has ended in order, so that nothing more comes.
    virtual bool other_side_ended() const noexcept = 0;
    // Asked from time to time while the stream is open: false when the other side seems to be gone. Called by
    // whoever watches, not by the stream.
    virtual bool check_alive(bool somebody_reads)
    {
        (void)somebody_reads;
        return true;
    }

    // The stream has gone over to another executor.
    virtual void moved() {}

    // The stream is closed: no more check_alive().
    virtual void stopped() noexcept {}

    byte_vector& output() noexcept { return output_; }

protected:
    byte_vector output_;
};

struct layered_stream_traits {
    std::string_view name;                             // of the transport; static storage
    std::optional<stream_kind> kind;                   // what it was opened for
    std::optional<seat_token> seat = std::nullopt;     // that its peer has presented
    duration linger_timeout = std::chrono::seconds{2}; // from close() until the connection below is closed
};

// Shared by the stream and what is under way below it.
class layered_core;

// Makes the stream. `below` is open and nothing is under way on it.
//
// Memory: what is read goes straight to the reader's buffer; what is written is held until it has gone below,
// unless the layer leaves it as it is and the socket below takes it at once.
// A stream that waits holds no buffer.
//
// Cancellation: a read or wait is lossless. A cancelled write reports the bytes that it has taken, which
// still go, and the stream stays usable.
//
// close(): the end in order goes out in the background, within the linger bound, unless the stream was told
// to abort. Destruction without close() closes below at once, which the other side reads as a reset.
any_stream make_layered_stream(any_stream below, std::unique_ptr<stream_layer> layer,
                               layered_stream_traits traits, std::shared_ptr<layered_core>* core = nullptr);

// The stream's core from outside of it: asks the layer whether the other side lives and sends what it has to
// say; a dead one is closed with a reset. False when the stream is closed.
bool check_alive(layered_core& core);
executor executor_of(const layered_core& core);

} // namespace parley::detail
