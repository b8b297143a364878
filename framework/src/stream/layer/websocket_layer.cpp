#include "stream/layer/websocket_layer.hpp"

#include "stream/layer/keepalive_scheduler.hpp"
#include "stream/layer/layered_stream.hpp"

#include <parley/crypto/random.hpp>

#include <algorithm>
#include <cstring>

namespace parley::detail {
namespace {

// Reads that give control frames only, before the reader is made to wait again.
constexpr int max_empty_reads = 16;

class websocket_layer final : public stream_layer {
public:
    websocket_layer(websocket_role role, std::size_t max_message_bytes, int max_unanswered)
        : codec_(role, max_message_bytes, system_random()), max_unanswered_(max_unanswered)
    {
    }
    ~websocket_layer() override { websocket_layer::stopped(); }

    void watch(const std::shared_ptr<layered_core>& core, duration interval)
    {
        clock_ = &keepalive_scheduler::of(executor_of(*core));
        pings_.who = core;
        pings_.interval = interval;
        clock_->add(pings_);
    }

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
            const std::size_t kept = codec_.receive(out.first(size), output_);
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
    error_code write(bytes_view in) override
    {
        if (codec_.ended()) return asio::error::broken_pipe; // the peer broke a rule
        codec_.send(in, output_);
        return {};
    }
    std::size_t head(std::size_t& size, head_space out) noexcept override { return codec_.head(size, out); }
    void end() override { codec_.end(output_); }
    bool other_side_ended() const noexcept override { return codec_.closed(); }
    // Pings whatever has passed: a proxy between watches each direction by itself.
    bool check_alive(bool somebody_reads) override
    {
        if (codec_.take_heard() || !somebody_reads)
            unanswered_ = 0;
        else if (++unanswered_ > max_unanswered_)
            return false;
        codec_.ping(output_);
        return true;
    }
    void moved() override
    {
        if (clock_ == nullptr) return;
        stopped();
        if (const auto core = pings_.who.lock()) watch(core, pings_.interval);
    }
    void stopped() noexcept override
    {
        if (clock_ != nullptr) std::exchange(clock_, nullptr)->remove(pings_);
    }

private:
    static error_code end_for(std::uint16_t code) noexcept
    {
        // Browsers close with 1001 when a tab is closed, reloaded or has crashed.
        if (code == websocket_close::normal) return asio::error::eof;
        return asio::error::connection_reset;
    }

    websocket_codec codec_;
    error_code error_; // what every further read gives
    keepalive_scheduler* clock_ = nullptr;
    keepalive_scheduler::entry pings_;
    int unanswered_ = 0, max_unanswered_;
};

} // namespace

any_stream make_websocket_stream(any_stream below, websocket_role role, stream_kind kind,
                                 const websocket_options& options, std::string_view name,
                                 const std::optional<seat_token>& seat)
{
    const bool pings = options.ping_interval > duration{} && options.ping_interval != duration::max();
    const auto periods = pings ? options.pong_timeout / options.ping_interval : 0;
    auto layer = std::make_unique<websocket_layer>(
        role,
        kind == stream_kind::handshake ? options.max_handshake_message_bytes : options.max_room_message_bytes,
        static_cast<int>(std::clamp<duration::rep>(periods, 1, 1000)));
    websocket_layer& made = *layer;
    std::shared_ptr<layered_core> core;
    layered_stream_traits traits{name, kind, seat};
    any_stream out = make_layered_stream(std::move(below), std::move(layer), traits, &core);
    if (pings) made.watch(core, options.ping_interval);
    return out;
}

} // namespace parley::detail
