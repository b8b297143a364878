#include <parley/stream/beast_websocket.hpp>

#include "async/page_buffer.hpp"
#include "stream/drain.hpp"
#include "stream/layer/beast_handshake.hpp"
#include "stream/layer/empty_frame_rate.hpp"

#include <parley/crypto/random.hpp>

#include <boost/asio/append.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/beast/websocket/stream.hpp>

#include <algorithm>

namespace parley {
namespace detail {

namespace websocket = boost::beast::websocket;
using boost::beast::role_type;

namespace {

constexpr std::size_t handshake_buffer_bytes = 512, room_buffer_bytes = 64 * 1024;
constexpr std::size_t max_sent_payload_bytes = 64 * 1024;
// Above this many bytes of waiting output, the layer sends no ping and keeps only the latest pong.
constexpr std::size_t max_waiting_control_bytes = 512;
// Reads of the stream below for one read above, before the reader waits again.
constexpr int max_reads = 16;
// Beast does not report empty fragments, so a read below without any result counts like one. When bytes come one by
// one, a frame's header takes up to fourteen reads.
constexpr unsigned reads_for_data = 16;

// The first byte of a frame.
constexpr byte close_frame = 0x88, pong_frame = 0x8a;

// Beast's WebSocket as a layer, which never waits. Beast's operations run in the layer's own event loop,
// which runs only within calls of the layer's functions. Beast's writes are appended to the output. Beast's
// reads get the bytes that the stream below has at that moment; when there are none, Beast's read stays
// pending until the next call. So no operation above can cancel Beast's read, which would end Beast's stream.
class beast_layer final : public pinging_layer {
public:
    // Moves Beast's next layer to `below`.
    beast_layer(beast_websocket websocket, any_stream& below, role_type role, stream_kind kind,
                const websocket_options& options)
        : websocket_(std::move(websocket)),
          is_room_(kind == stream_kind::room),
          max_message_bytes_(kind == stream_kind::handshake ? options.max_handshake_message_bytes
                                                            : options.max_room_message_bytes),
          masks_(role == role_type::client)
    {
        auto own = std::make_unique<next_layer>(*this);
        next_ = own.get();
        below = std::move(websocket_.next_layer());
        websocket_.next_layer() = any_stream{std::move(own)};
        websocket_.binary(true);
        websocket_.auto_fragment(false);
        websocket_.read_message_max(0);
        websocket_.control_callback(
            [this](websocket::frame_type type, boost::beast::string_view) { on_control(type); });
        websocket_.set_option(websocket::stream_base::timeout{websocket::stream_base::none(),
                                                              websocket::stream_base::none(), false});
    }

    void start_handshake(const std::string& host, const std::string& target, const std::string& protocols)
    {
        websocket_.set_option(
            websocket::stream_base::decorator([protocols](websocket::request_type& request) {
                request.set(boost::beast::http::field::user_agent, "parley");
                request.set(boost::beast::http::field::sec_websocket_protocol, protocols);
            }));
        websocket_.async_handshake(host, target, [this](error_code error) { result_ = error; });
        run();
    }
    bool finish_handshake(std::string_view answer)
    {
        result_ = asio::error::would_block;
        run([&](mutable_bytes out, error_code& error) {
            if (answer.empty()) return nothing(error);
            const std::size_t size = std::min(out.size(), answer.size());
            std::copy_n(answer.begin(), size, out.begin());
            answer.remove_prefix(size);
            return size;
        });
        return !result_;
    }

    std::size_t read(any_stream& below, mutable_bytes out, error_code& error) noexcept override
    {
        error.clear();
        if (begin_ == end_ && !error_) {
            start_read();
            run([&](mutable_bytes space, error_code& failed) {
                if (fruitless_) count_without_data();
                if (error_) return nothing(failed);
                const std::size_t size = below.try_read_some(space, failed);
                fruitless_ = size != 0;
                heard_ = heard_ || size != 0;
                return size;
            });
        }
        const std::size_t size = std::min(out.size(), end_ - begin_);
        std::copy_n(in_.begin() + static_cast<std::ptrdiff_t>(begin_), size, out.begin());
        begin_ += size;
        drained_ = size == 0 && !error_;
        if (size == 0) error = drained_ ? error_code{asio::error::would_block} : error_;
        return size;
    }
    bool holds_input() const noexcept override { return !drained_; }
    error_code write(bytes_view in) override
    {
        const std::size_t most = std::clamp<std::size_t>(max_message_bytes_, 1, max_sent_payload_bytes);
        result_.clear();
        in_message_ = true;
        while (!in.empty() && !close_sent_ && !result_) {
            const bytes_view part = in.first(std::min(in.size(), most));
            websocket_.async_write(asio::buffer(part.data(), part.size()),
                                   [this](error_code error, std::size_t) { result_ = error; });
            run();
            in = in.subspan(part.size());
        }
        in_message_ = false;
        return close_sent_ || result_ ? error_code{asio::error::broken_pipe} : error_code{};
    }
    void end() override { send_close(websocket::close_code::normal); }
    bool other_side_ended() const noexcept override { return other_side_ended_; }
    void answer() override
    {
        if (!close_sent_) output_.insert(output_.end(), pong_.begin(), pong_.end());
        pong_ = {};
    }

private:
    // Beast's next layer in here.
    class next_layer final : public stream_base {
    public:
        explicit next_layer(beast_layer& layer) noexcept : layer_(layer) {}

        executor get_executor() const noexcept override { return layer_.loop_.get_executor(); }
        void start_read(asio::mutable_buffer buffer, io_handler handler) override
        {
            if (torn_down_) return post(std::move(handler), error_code{asio::error::eof}, std::size_t{0});
            buffer_ = buffer;
            reader_.swap(handler);
        }
        void start_write(const gather_buffers& buffers, io_handler handler) override
        {
            post(std::move(handler), error_code{}, layer_.take_output(buffers));
        }
        void start_shutdown_send(wait_handler handler) override
        {
            torn_down_ = true;
            post(std::move(handler), error_code{});
        }
        void start_wait_readable(wait_handler handler) override { post(std::move(handler), error_code{}); }
        void start_wait_writable(wait_handler handler) override { post(std::move(handler), error_code{}); }
        std::size_t try_read_some(mutable_bytes, error_code& error) noexcept override
        {
            return nothing(error);
        }
        void close() noexcept override {} // the owner of the layer closes the stream below
        bool is_open() const noexcept override { return true; }
        void reset_on_close(bool) noexcept override {}
        std::string remote_address() const override { return {}; }
        identity remote_identity() const noexcept override { return {}; }
        std::string_view transport_name() const noexcept override { return "ws"; }

        bool is_reading() const noexcept { return static_cast<bool>(reader_); }
        mutable_bytes space() const noexcept { return {static_cast<byte*>(buffer_.data()), buffer_.size()}; }
        void complete_read(error_code error, std::size_t size)
        {
            io_handler handler; // assignment would wrap the handler in itself without end in Boost 1.81
            handler.swap(reader_);
            post(std::move(handler), error, size);
        }

    private:
        template <class Handler, class... Results>
        void post(Handler handler, Results... results)
        {
            asio::post(layer_.loop_, asio::append(std::move(handler), results...));
        }

        beast_layer& layer_;
        asio::mutable_buffer buffer_;
        io_handler reader_;
        bool torn_down_ = false;
    };

    static std::size_t nothing(error_code& error) noexcept
    {
        error = asio::error::would_block;
        return 0;
    }

    // Runs Beast's operations until they need bytes that `source` does not have.
    template <class Source>
    void run(Source source)
    {
        for (int reads = 0;; ++reads) {
            loop_.restart();
            loop_.poll();
            if (reads == max_reads || !next_->is_reading()) return;
            error_code error;
            const std::size_t size = source(next_->space(), error);
            if (error == asio::error::would_block) return;
            next_->complete_read(error, size);
        }
    }

    void run()
    {
        run([](mutable_bytes, error_code& error) { return nothing(error); });
    }

    void start_read()
    {
        if (std::exchange(reading_, true)) return;
        if (is_room_ && !room_buffer_) room_buffer_ = make_page_buffer(room_buffer_bytes);
        in_ = is_room_ ? mutable_bytes{room_buffer_.get(), room_buffer_bytes} : small_buffer_;
        websocket_.async_read_some(asio::buffer(in_.data(), in_.size()),
                                   [this](error_code error, std::size_t size) { on_read(error, size); });
    }

    void on_read(error_code error, std::size_t size)
    {
        static const auto& broken_rules = error_code{websocket::error::closed}.category();
        reading_ = false;
        if (error) other_side_ended_ = error == websocket::error::closed;
        if (error_) return; // the peer has sent too much without data: what follows does not count
        if (error) {
            // Browsers close with 1001 when a tab is closed, reloaded or has crashed.
            error_ = asio::error::connection_reset;
            if (other_side_ended_ && websocket_.reason().code == websocket::close_code::normal)
                error_ = asio::error::eof;
            else if (!other_side_ended_ && error.category() == broken_rules)
                error_ = errc::bad_framing;
        } else if (websocket_.got_text()) {
            error_ = errc::bad_framing;
            send_close(websocket::close_code::unknown_data);
        } else if (size == 0) {
            count_without_data(); // the message was empty
            if (!error_) start_read();
        } else {
            fruitless_ = false;
            without_data_.give_back(empty_frame_rate, reads_for_data);
            begin_ = 0;
            end_ = size;
        }
    }

    void on_control(websocket::frame_type type)
    {
        fruitless_ = false;
        if (type != websocket::frame_type::close) count_without_data();
    }

    void count_without_data()
    {
        fruitless_ = false;
        if (error_ || without_data_.take(empty_frame_rate, clock::now())) return;
        error_ = errc::bad_framing;
        send_close(websocket::close_code::policy_error);
    }

    void ping() override
    {
        if (close_sent_ || output_.size() >= max_waiting_control_bytes) return;
        websocket_.async_ping({}, [](error_code) {});
        run();
    }

    // Beast's own close would discard received bytes.
    void send_close(websocket::close_code code)
    {
        if (std::exchange(close_sent_, true)) return;
        std::array<byte, 4> mask{};
        if (masks_) system_random().fill(mask);
        const auto number = static_cast<std::uint16_t>(code);
        output_.insert(output_.end(), {close_frame, static_cast<byte>(masks_ ? 0x82 : 0x02)});
        if (masks_) output_.insert(output_.end(), mask.begin(), mask.end());
        output_.push_back(static_cast<byte>(number >> 8 ^ mask[0]));
        output_.push_back(static_cast<byte>((number & 0xff) ^ mask[1]));
    }

    // A control frame is one write. Nothing follows a close frame.
    std::size_t take_output(const gather_buffers& buffers)
    {
        const byte first = in_message_ || buffers.count() == 0
                               ? byte{0}
                               : *static_cast<const byte*>(buffers.begin()->data());
        const bool dropped = close_sent_;
        close_sent_ = close_sent_ || first == close_frame;
        if (first == pong_frame) pong_.clear(); // an earlier ping needs no pong any more
        const bool waits = first == pong_frame && output_.size() >= max_waiting_control_bytes;
        byte_vector& out = waits ? pong_ : output_;
        std::size_t size = 0;
        for (const asio::const_buffer& buffer : buffers) {
            const auto* const bytes = static_cast<const byte*>(buffer.data());
            if (!dropped) out.insert(out.end(), bytes, bytes + buffer.size());
            size += buffer.size();
        }
        return size;
    }

    asio::io_context loop_{BOOST_ASIO_CONCURRENCY_HINT_UNSAFE};
    beast_websocket websocket_;
    next_layer* next_; // owned by websocket_
    bool is_room_;
    std::array<byte, handshake_buffer_bytes> small_buffer_;
    page_buffer room_buffer_;         // allocated by the first read
    mutable_bytes in_;                // one of the two buffers
    std::size_t begin_ = 0, end_ = 0; // the unread part of in_
    std::size_t max_message_bytes_;
    gcra without_data_; // empty_frame_rate
    byte_vector pong_;  // the latest of those that output_ had no room for
    error_code error_;  // the result of every further read
    error_code result_; // of the pending handshake or message
    bool masks_;
    bool fruitless_ = false; // the last read below has had no result so far
    bool reading_ = false, in_message_ = false, close_sent_ = false, other_side_ended_ = false;
    bool drained_ = false; // the last read found nothing; only bytes from below change that
};

} // namespace

std::unique_ptr<pinging_layer> start_beast_handshake(any_stream& stream, const std::string& host,
                                                     const std::string& target, const std::string& protocols,
                                                     stream_kind kind, const websocket_options& options)
{
    auto out = std::make_unique<beast_layer>(beast_websocket{std::move(stream)}, stream, role_type::client,
                                             kind, options);
    out->start_handshake(host, target, protocols);
    return out;
}

bool finish_beast_handshake(pinging_layer& layer, std::string_view head)
{
    return static_cast<beast_layer&>(layer).finish_handshake(head);
}

void start_teardown(any_stream& stream, stream_base::wait_handler handler)
{
    const executor ex = stream.get_executor();
    asio::co_spawn(ex, end_and_drain(stream, std::size_t{1} << 20),
                   [ex, handler = std::move(handler)](std::exception_ptr, error_code error) mutable {
                       if (error == asio::error::eof) error = {};
                       asio::dispatch(ex, asio::append(std::move(handler), error));
                   });
}

} // namespace detail

any_stream make_beast_websocket_stream(beast_websocket websocket, boost::beast::role_type role,
                                       stream_kind kind, const websocket_options& options)
{
    any_stream below;
    auto layer = std::make_unique<detail::beast_layer>(std::move(websocket), below, role, kind, options);
    return detail::make_websocket_stream(std::move(below), std::move(layer), kind, options);
}

} // namespace parley
