#include "stream/layer/websocket_layer.hpp"

#include "stream/layer/keepalive_scheduler.hpp"
#include "stream/layer/websocket_codec.hpp"

namespace parley::detail {
namespace {

// The reads that may give no data before the reader waits again.
constexpr int max_empty_reads = 16;

class websocket_layer final : public pinging_layer {
public:
    websocket_layer(std::size_t max_message_bytes, bool has_window) : codec_(max_message_bytes, has_window) {}

    std::size_t read(any_stream& below, mutable_bytes out, error_code& error) noexcept override
    {
        error.clear();
        for (int i = 0; i < max_empty_reads; ++i) {
            if (error_) {
                error = error_;
                return 0;
            }
            const std::size_t size = below.try_read_some(out, error);
            if (error == asio::error::would_block) return 0;
            if (error) {
                error_ = asio::error::connection_reset; // no close frame came
                continue;
            }
            heard_ = true;
            const std::size_t kept = codec_.receive(out.first(size), clock::now(), output_);
            if (codec_.failed())
                error_ = make_error_code(errc::bad_framing);
            else if (codec_.closed())
                error_ = end_for(codec_.close_code());
            if (kept != 0) return kept;
        }
        error = asio::error::would_block;
        return 0;
    }
    bool holds_input() const noexcept override { return error_.failed(); }
    void answer() override { codec_.answer(output_); }
    std::size_t sendable() const noexcept override { return error_ ? SIZE_MAX : codec_.sendable(); }
    error_code write(bytes_view in) override
    {
        if (codec_.ended()) return asio::error::broken_pipe; // the peer broke a rule
        codec_.send(in, output_);
        return {};
    }
    std::size_t head(std::size_t& size, head_space out) noexcept override { return codec_.head(size, out); }
    void end() override { codec_.end(output_); }
    bool other_side_ended() const noexcept override { return codec_.closed(); }

private:
    void ping() override { codec_.ping(output_); }

    static error_code end_for(std::uint16_t code) noexcept
    {
        // Browsers close with 1001 when a tab is closed, reloaded or has crashed.
        if (code == websocket_close::normal) return asio::error::eof;
        return asio::error::connection_reset;
    }

    websocket_codec codec_;
    error_code error_; // the result of every further read
};

} // namespace

any_stream make_server_websocket_stream(any_stream below, stream_kind kind, const websocket_options& options,
                                        const std::optional<seat_token>& seat, bool has_window)
{
    const std::size_t max_message_bytes =
        kind == stream_kind::handshake ? options.max_handshake_message_bytes : options.max_room_message_bytes;
    auto layer = std::make_unique<websocket_layer>(max_message_bytes, has_window);
    return make_websocket_stream(std::move(below), std::move(layer), kind, options, seat);
}

} // namespace parley::detail
