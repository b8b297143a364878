#include "stream/layer/layered_stream.hpp"

#include "stream/all_at_once.hpp"
#include "stream/layer/core_stream.hpp"
#include "stream/layer/pending_call.hpp"

#include <boost/asio/append.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>

#include <algorithm>

namespace parley::detail {
namespace {

constexpr std::size_t max_write_bytes = 64 * 1024;    // accepted from the user at a time
constexpr std::size_t min_through_bytes = 2048;       // copying fewer bytes is cheaper
constexpr std::size_t max_kept_bytes = 512;           // of an empty output buffer
constexpr std::size_t max_lingering_bytes = 1u << 20; // discarded after close()

} // namespace

stream_layer::~stream_layer() = default;

class layered_core : public waiting_handlers<layered_core> {
public:
    using io_handler = stream_base::io_handler;
    using wait_handler = stream_base::wait_handler;

    layered_core(any_stream below, std::unique_ptr<stream_layer> layer, layered_stream_traits traits)
        : below_(std::move(below)),
          layer_(std::move(layer)),
          traits_(traits),
          executor_(below_.get_executor())
    {
    }

    void read(asio::mutable_buffer buffer, io_handler handler)
    {
        if (closed_) return post(std::move(handler), bad_descriptor(), std::size_t{0});
        if (buffer.size() == 0) return post(std::move(handler), error_code{}, std::size_t{0});
        error_code error;
        const std::size_t size = try_read(space_of(buffer), error);
        if (error != asio::error::would_block) return post(std::move(handler), error, size);
        reader_.swap(handler);
        reader_buffer_ = buffer;
        on_cancel(reader_, &layered_core::cancel_reader);
        wait_for_input();
    }

    void wait_readable(wait_handler handler)
    {
        if (closed_) return post(std::move(handler), bad_descriptor());
        if (layer_->holds_input()) return post(std::move(handler), error_code{});
        waiter_.swap(handler);
        on_cancel(waiter_, &layered_core::cancel_waiter);
        wait_below();
    }

    std::size_t try_read(mutable_bytes out, error_code& error) noexcept
    {
        error.clear();
        if (out.empty()) return 0;
        if (closed_) {
            error = bad_descriptor();
            return 0;
        }
        const std::size_t size = layer_->read(below_, out, error);
        flush();
        const bool is_lost = error == asio::error::connection_reset;
        if (held_ && (is_lost || layer_->sendable() != 0)) release_writer(is_lost);
        return size;
    }

    void write(const gather_buffers& buffers, io_handler handler)
    {
        if (closed_) return post(std::move(handler), bad_descriptor(), std::size_t{0});
        if (write_error_) return post(std::move(handler), write_error_, std::size_t{0});
        if (ended_) return post(std::move(handler), error_code{asio::error::broken_pipe}, std::size_t{0});
        const std::size_t most = std::min(max_write_bytes, layer_->sendable());
        if (most == 0 && buffers.count() != 0) return hold_writer(buffers, std::move(handler));
        std::size_t taken = 0;
        if (buffers.count() == 1) {
            taken =
                write_through({static_cast<const byte*>(buffers.begin()->data()), buffers.begin()->size()});
            if (write_error_) return post(std::move(handler), write_error_, std::size_t{0});
            if (taken != 0 && layer_->output().empty()) return post(std::move(handler), error_code{}, taken);
        }
        for (const asio::const_buffer& buffer : buffers) {
            if (taken != 0) break;
            const bytes_view all{static_cast<const byte*>(buffer.data()), buffer.size()};
            const bytes_view part = all.first(std::min(all.size(), most - taken));
            if (part.empty()) break;
            const error_code error = layer_->write(part);
            if (error) return post(std::move(handler), error, taken);
            taken += part.size();
        }
        if (taken == 0) return post(std::move(handler), error_code{}, taken);
        writer_.swap(handler);
        writer_bytes_ = taken;
        on_cancel(writer_, &layered_core::cancel_writer);
        flush();
    }

    void shutdown_send(wait_handler handler)
    {
        if (closed_) return post(std::move(handler), bad_descriptor());
        if (write_error_) return post(std::move(handler), write_error_);
        if (!std::exchange(ended_, true)) layer_->end();
        if (layer_->output().empty() && !flushing_) return post(std::move(handler), error_code{});
        ender_.swap(handler);
        on_cancel(ender_, &layered_core::cancel_ender);
        flush();
    }

    void wait_writable(wait_handler handler)
    {
        if (closed_) return post(std::move(handler), bad_descriptor());
        post(std::move(handler), error_code{});
    }

    void close(bool gently) noexcept
    {
        if (std::exchange(closed_, true)) return;
        layer_->stopped();
        cancel_reader();
        cancel_waiter();
        cancel_writer();
        cancel_ender();
        if (!gently || abort_ || write_error_ || !below_.is_open()) return below_.close();
        try {
            if (!std::exchange(ended_, true)) layer_->end();
            lingering_ = true;
            linger_timer_ = std::make_unique<asio::steady_timer>(executor_, traits_.linger_timeout);
            linger_timer_->async_wait([self = shared_from_this()](error_code error) {
                if (!error) self->finish();
            });
            flush();
            if (!flushing_) linger();
        } catch (...) {
            below_.close();
        }
    }

    // Waits for the other side's end. Closing over its bytes could make it lose ours.
    void linger()
    {
        if (layer_->other_side_ended()) return finish();
        if (!std::exchange(below_shut_, true)) {
            below_.async_shutdown_send([self = shared_from_this()](error_code) { self->linger(); });
            return;
        }
        std::array<byte, 4096> junk;
        error_code error;
        while (!error && lingered_bytes_ < max_lingering_bytes)
            lingered_bytes_ += below_.try_read_some(junk, error);
        if (error != asio::error::would_block) return finish();
        wait_below();
    }

    void finish() noexcept
    {
        lingering_ = false;
        if (linger_timer_) linger_timer_->cancel();
        below_.close();
    }

    bool check_alive()
    {
        if (closed_ || write_error_) return false;
        const bool alive = layer_->check_alive(reader_ || waiter_);
        flush();
        if (!alive) {
            below_.reset_on_close(true);
            below_.close(); // pending reads and writes report it
            if (held_) release_writer(true);
        }
        return alive;
    }

    bool can_move() const noexcept
    {
        return !closed_ && !flushing_ && !held_ && layer_->output().empty() && below_.can_move();
    }

    error_code move_to(const executor& target)
    {
        if (!can_move()) return asio::error::operation_not_supported;
        // A pending wait or turn completes on the old executor and is ignored.
        below_waiting_ = turn_waiting_ = false;
        ++moves_;
        const error_code error = below_.move_to(target);
        if (error) return error;
        executor_ = target;
        layer_->moved();
        return error;
    }

    any_stream& below() noexcept { return below_; }
    const any_stream& below() const noexcept { return below_; }
    const layered_stream_traits& traits() const noexcept { return traits_; }
    const executor& get_executor() const noexcept { return executor_; }
    bool is_open() const noexcept { return !closed_; }
    void set_abort(bool abort) noexcept
    {
        abort_ = abort;
        if (!closed_) below_.reset_on_close(abort);
    }
    void set_acknowledgement_timeout(std::chrono::milliseconds timeout) noexcept
    {
        if (!closed_) below_.set_acknowledgement_timeout(timeout);
    }

private:
    static error_code bad_descriptor() noexcept { return asio::error::bad_descriptor; }
    static mutable_bytes space_of(asio::mutable_buffer buffer) noexcept
    {
        return {static_cast<byte*>(buffer.data()), buffer.size()};
    }
    void cancel_reader() noexcept
    {
        if (reader_) post(take(reader_), error_code{asio::error::operation_aborted}, std::size_t{0});
    }
    void cancel_waiter() noexcept
    {
        if (waiter_) post(take(waiter_), error_code{asio::error::operation_aborted});
    }
    void cancel_writer() noexcept
    {
        held_.reset();
        if (writer_) post(take(writer_), error_code{asio::error::operation_aborted}, writer_bytes_);
    }
    void cancel_ender() noexcept
    {
        if (ender_) post(take(ender_), error_code{asio::error::operation_aborted});
    }

    using call = pending_call<layered_core>;
    friend call;
    unsigned epoch() const noexcept { return moves_; }

    // Does not touch their cancellation slots, which may be destroyed already.
    void abandon() noexcept
    {
        io_handler reader, writer;
        wait_handler waiter, ender;
        reader.swap(reader_);
        writer.swap(writer_);
        waiter.swap(waiter_);
        ender.swap(ender_);
    }

    // One wait below serves every read and wait above, and outlives their cancellation: it takes no bytes. It
    // does not own the stream (lingering, the timer does), because a wait that outlives a move must not
    // destroy the stream.
    void wait_below()
    {
        if (std::exchange(below_waiting_, true)) return;
        below_.async_wait_readable([to = call{*this}](error_code error) mutable {
            if (const auto self = to.come()) self->on_below_readable(error);
        });
    }

    // A layer that has reached the bound of its turn holds input, so a wait below might not end.
    void wait_for_input()
    {
        if (!layer_->holds_input()) return wait_below();
        if (std::exchange(turn_waiting_, true)) return;
        asio::post(executor_, [to = call{*this}]() mutable {
            const auto self = to.come();
            if (!self) return;
            self->turn_waiting_ = false;
            self->serve_reader({});
        });
    }

    void on_below_readable(error_code wait_error)
    {
        below_waiting_ = false;
        if (lingering_) return linger();
        if (closed_) return;
        if (!below_.is_open()) wait_error = asio::error::connection_reset; // check_alive found it dead
        if (waiter_) asio::dispatch(executor_, asio::append(take(waiter_), error_code{}));
        serve_reader(wait_error);
    }

    void serve_reader(error_code error)
    {
        if (!reader_) return;
        std::size_t size = 0;
        if (!error) size = try_read(space_of(reader_buffer_), error);
        if (error == asio::error::would_block) return wait_for_input();
        asio::dispatch(executor_, asio::append(take(reader_), error, size));
    }

    // The layer takes nothing now. The caller's buffers stay valid until its handler is called.
    void hold_writer(const gather_buffers& buffers, io_handler handler)
    {
        held_ = std::make_unique<gather_buffers>(buffers);
        writer_.swap(handler);
        writer_bytes_ = 0;
        on_cancel(writer_, &layered_core::cancel_writer);
    }

    void release_writer(bool is_lost) noexcept
    {
        const auto buffers = std::exchange(held_, nullptr);
        io_handler handler = take(writer_);
        if (!is_lost && below_.is_open()) return write(*buffers, std::move(handler));
        post(std::move(handler), error_code{asio::error::connection_reset}, std::size_t{0});
    }

    // Writes `in` to the stream below without a copy, as far as it accepts the bytes at once; the rest of a
    // started message goes to the output. Returns the number of bytes written; 0 when they must be written in
    // another way.
    std::size_t write_through(bytes_view in)
    {
        if (in.size() < min_through_bytes || !writes_through_ || flushing_ || !layer_->output().empty())
            return 0;
        std::array<std::array<byte, stream_layer::max_head_bytes>, gather_buffers::max_buffers / 2> heads;
        std::array<asio::const_buffer, gather_buffers::max_buffers> pieces;
        std::size_t taken = 0, count = 0;
        for (auto& head : heads) {
            std::size_t size = in.size() - taken;
            const std::size_t head_size = size == 0 ? 0 : layer_->head(size, head);
            if (head_size == 0) break;
            pieces[count++] = {head.data(), head_size};
            pieces[count++] = {in.data() + taken, size};
            taken += size;
        }
        if (taken == 0) return 0;
        const gather_buffers all = gather_buffers::from(std::span{pieces}.first(count));
        std::size_t gone = below_.try_write_some(all, write_error_);
        writes_through_ = write_error_ != asio::error::operation_not_supported;
        if (!writes_through_ || write_error_ == asio::error::would_block) write_error_.clear();
        for (const asio::const_buffer& piece : all) {
            const std::size_t skipped = std::min(gone, piece.size());
            const auto* const bytes = static_cast<const byte*>(piece.data());
            layer_->output().insert(layer_->output().end(), bytes + skipped, bytes + piece.size());
            gone -= skipped;
        }
        if (write_error_) layer_->output().clear();
        return taken;
    }

    void flush() noexcept
    {
        if (flushing_) return;
        layer_->answer();
        if (layer_->output().empty()) return;
        if (write_error_ || !below_.is_open()) return layer_->output().clear();
        flushing_ = true;
        in_flight_.swap(layer_->output());
        asio::async_write(
            below_, asio::buffer(in_flight_.data(), in_flight_.size()), all_at_once{},
            [self = shared_from_this(), to = call{*this}](error_code error, std::size_t) mutable {
                to.come();
                self->on_flushed(error);
            });
    }

    void on_flushed(error_code error)
    {
        flushing_ = false;
        in_flight_.clear();
        if (in_flight_.capacity() > max_kept_bytes) in_flight_ = {};
        if (error) {
            write_error_ =
                error == asio::error::operation_aborted ? error_code{asio::error::connection_reset} : error;
            layer_->output().clear();
        } else {
            flush();
            if (flushing_) return;
            if (layer_->output().capacity() > max_kept_bytes) layer_->output() = {};
        }
        if (lingering_) return write_error_ ? finish() : linger();
        if (held_ && write_error_) held_.reset();
        if (writer_ && !held_)
            asio::dispatch(executor_,
                           asio::append(take(writer_), write_error_, write_error_ ? 0 : writer_bytes_));
        if (ender_) asio::dispatch(executor_, asio::append(take(ender_), write_error_));
    }

    any_stream below_;
    std::unique_ptr<stream_layer> layer_;
    layered_stream_traits traits_;
    executor executor_;
    byte_vector in_flight_; // being written below
    io_handler reader_, writer_;
    wait_handler waiter_, ender_;
    asio::mutable_buffer reader_buffer_;
    std::unique_ptr<gather_buffers> held_; // of the writer, until the layer takes some of it
    std::size_t writer_bytes_ = 0, lingered_bytes_ = 0;
    std::unique_ptr<asio::steady_timer> linger_timer_;
    error_code write_error_;
    unsigned moves_ = 0;         // of the executor
    bool writes_through_ = true; // false after the stream below has refused it
    bool below_waiting_ = false, turn_waiting_ = false, flushing_ = false, below_shut_ = false;
    bool ended_ = false, closed_ = false, abort_ = false, lingering_ = false;
};

namespace {

class layered_stream final : public core_stream<layered_core> {
public:
    using core_stream::core_stream;

    bool can_move() const noexcept override { return core_->can_move(); }
    error_code move_to(const executor& target) override { return core_->move_to(target); }
    std::string_view transport_name() const noexcept override { return core_->traits().name; }
    std::optional<stream_kind> kind() const noexcept override { return core_->traits().kind; }
    std::optional<seat_token> seat() const noexcept override { return core_->traits().seat; }
};

} // namespace

any_stream make_layered_stream(any_stream below, std::unique_ptr<stream_layer> layer,
                               layered_stream_traits traits, std::shared_ptr<layered_core>* core)
{
    const auto made = std::make_shared<layered_core>(std::move(below), std::move(layer), traits);
    if (core != nullptr) *core = made;
    return any_stream{std::make_unique<layered_stream>(made)};
}

bool check_alive(layered_core& core)
{
    return core.check_alive();
}

executor executor_of(const layered_core& core)
{
    return core.get_executor();
}

} // namespace parley::detail
