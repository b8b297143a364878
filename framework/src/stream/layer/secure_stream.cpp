#include <parley/stream/secure_stream.hpp>

#include "async/deadline_timer.hpp"
#include "async/page_buffer.hpp"
#include "stream/all_at_once.hpp"
#include "stream/layer/core_stream.hpp"
#include "stream/layer/pending_call.hpp"

#include <boost/asio/write.hpp>

#include <algorithm>
#include <cstring>

namespace parley {
namespace detail {
namespace {

constexpr std::size_t input_bytes = 256 * 1024;
constexpr duration max_last_write = std::chrono::seconds{5};

} // namespace

// Owns one machine and the stream below it.
//
//     below ─▶ input_ ─▶ machine ─▶ received() ─▶ reader
//     below ◀─ in_flight_ ◀─ output() ◀─ machine ◀─ writer
class secure_core : public waiting_handlers<secure_core> {
public:
    using io_handler = stream_base::io_handler;
    using wait_handler = stream_base::wait_handler;

    secure_core(any_stream below, session2_machine machine, time_source& time)
        : below_(std::move(below)),
          machine_(std::move(machine)),
          executor_(below_.get_executor()),
          timer_(executor_, time, [this] { on_time(); })
    {
    }

    void start() { advance(); }

    // --- the operations of the stream

    void read(asio::mutable_buffer buffer, io_handler handler)
    {
        if (closed_) return post(std::move(handler), bad_descriptor(), std::size_t{0});
        if (buffer.size() == 0) return post(std::move(handler), error_code{}, std::size_t{0});
        error_code error;
        const std::size_t size = try_read({static_cast<byte*>(buffer.data()), buffer.size()}, error);
        if (error != asio::error::would_block) return post(std::move(handler), error, size);
        reader_.swap(handler);
        reader_buffer_ = buffer;
        on_cancel(reader_, &secure_core::cancel_reader);
    }

    std::size_t try_read(mutable_bytes out, error_code& error)
    {
        error.clear();
        if (closed_) {
            error = bad_descriptor();
            return 0;
        }
        std::size_t size = 0;
        while (size < out.size()) {
            const bytes_view ready = machine_.received();
            const std::size_t part = std::min(ready.size(), out.size() - size);
            if (part == 0) break;
            std::memcpy(out.data() + size, ready.data(), part);
            size += part;
            tell_time();
            machine_.consume_received(part);
            take_input();
        }
        if (size != 0 || out.empty()) {
            settle();
        } else if (peer_ended_) {
            error = asio::error::eof;
        } else {
            error = failure_ ? failure_ : error_code{asio::error::would_block};
        }
        return size;
    }

    void wait_readable(wait_handler handler)
    {
        if (closed_) return post(std::move(handler), bad_descriptor());
        if (is_readable()) return post(std::move(handler), error_code{});
        waiter_.swap(handler);
        on_cancel(waiter_, &secure_core::cancel_waiter);
    }

    void write(const gather_buffers& buffers, io_handler handler)
    {
        error_code error;
        const std::size_t size = try_write(buffers, error);
        if (error != asio::error::would_block) return post(std::move(handler), error, size);
        writer_.swap(handler);
        writer_buffers_ = buffers;
        on_cancel(writer_, &secure_core::cancel_writer);
    }

    std::size_t try_write(const gather_buffers& buffers, error_code& error)
    {
        error = write_error();
        if (error || buffers.count() == 0) return 0;
        const std::size_t size = seal(buffers);
        if (size == 0) error = asio::error::would_block;
        settle();
        return size;
    }

    void wait_writable(wait_handler handler)
    {
        if (write_error() || machine_.is_writable()) return post(std::move(handler), error_code{});
        write_waiter_.swap(handler);
        on_cancel(write_waiter_, &secure_core::cancel_write_waiter);
    }

    void shutdown_send(wait_handler handler)
    {
        if (closed_) return post(std::move(handler), bad_descriptor());
        if (failure_) return post(std::move(handler), failure_);
        ended_ = true;
        tell_time();
        machine_.end();
        ender_.swap(handler);
        on_cancel(ender_, &secure_core::cancel_ender);
        settle();
    }

    void wait_open(wait_handler handler)
    {
        if (failure_) return post(std::move(handler), failure_);
        if (closed_) return post(std::move(handler), bad_descriptor());
        if (peer_) return post(std::move(handler), error_code{});
        opener_.swap(handler);
        on_cancel(opener_, &secure_core::cancel_opener);
    }

    void wait_finished(wait_handler handler)
    {
        if (below_closed_) return post(std::move(handler), failure_);
        finisher_.swap(handler);
        on_cancel(finisher_, &secure_core::cancel_finisher);
    }

    void abort(session_reason reason, std::string_view text, error_code why)
    {
        tell_time();
        machine_.abort(reason, text, why);
        settle();
    }

    void end_and_discard(error_code why)
    {
        tell_time();
        machine_.end_and_discard(why);
        settle();
    }

    void close(bool gently)
    {
        if (std::exchange(closed_, true)) return;
        cancel_all();
        tell_time();
        if (!gently || abort_) {
            machine_.stop(asio::error::operation_aborted);
            drain_events();
            return close_below();
        }
        if (peer_ended_ && machine_.received().empty())
            machine_.end();
        else
            machine_.stop(errc::cancelled);
        settle();
    }

    void set_abort(bool abort) noexcept
    {
        abort_ = abort;
        if (!below_closed_) below_.reset_on_close(abort);
    }

    void set_acknowledgement_timeout(std::chrono::milliseconds timeout) noexcept
    {
        below_.set_acknowledgement_timeout(timeout);
    }
    bool is_open() const noexcept { return !closed_; }
    any_stream& below() noexcept { return below_; }
    const any_stream& below() const noexcept { return below_; }
    const executor& get_executor() const noexcept { return executor_; }

    const session2_hello& peer() const noexcept
    {
        static const session2_hello nobody;
        return peer_ ? *peer_ : nobody;
    }
    const std::optional<session2_abort>& peer_abort() const noexcept { return peer_abort_; }
    const std::string& problem() const noexcept { return problem_; }
    error_code failure() const noexcept { return failure_; }

private:
    using call = pending_call<secure_core>;
    friend call;
    unsigned epoch() const noexcept { return 0; }

    static error_code bad_descriptor() noexcept { return asio::error::bad_descriptor; }
    bool is_readable() const noexcept { return !machine_.received().empty() || peer_ended_ || failure_; }
    error_code write_error() const noexcept
    {
        if (closed_) return bad_descriptor();
        if (failure_) return failure_;
        return ended_ ? error_code{asio::error::broken_pipe} : error_code{};
    }

    // --- the machine

    void tell_time() { machine_.expire(timer_.now()); }

    std::size_t seal(const gather_buffers& buffers)
    {
        tell_time();
        std::size_t size = 0;
        for (const asio::const_buffer& buffer : buffers) {
            const std::size_t taken =
                machine_.write({static_cast<const byte*>(buffer.data()), buffer.size()});
            size += taken;
            if (taken < buffer.size()) break;
        }
        return size;
    }

    // Gives the machine what has come, as far as it takes it.
    void take_input()
    {
        while (!input_left_.empty() && !machine_.finished() && machine_.received().empty())
            machine_.receive(input_left_);
        if (machine_.finished()) input_left_ = {};
        if (input_ended_ && input_left_.empty() && machine_.received().empty() && !end_told_) {
            end_told_ = true;
            machine_.receive_end();
        }
    }

    void drain_events()
    {
        while (auto event = machine_.next_event()) {
            if (auto* opened = std::get_if<session2_event::opened>(&*event)) {
                peer_ = std::move(opened->peer);
                complete(opener_, error_code{});
            } else if (std::holds_alternative<session2_event::ended>(*event)) {
                peer_ended_ = true;
            } else if (auto* aborted = std::get_if<session2_event::aborted>(&*event)) {
                peer_abort_ = std::move(aborted->reason);
            } else if (auto* failed = std::get_if<session2_event::failed>(&*event)) {
                failure_ = failed->why;
                problem_ = std::move(failed->text);
            }
        }
    }

    // After every input of the machine: moves on whatever can move.
    void settle()
    {
        drain_events();
        flush();
        drain_events();
        serve();
        if (machine_.finished()) {
            const bool written = !flushing_ && machine_.output().empty();
            if (close_by_ == no_deadline) close_by_ = timer_.now() + max_last_write;
            if (written || failure_ == condition::transport || timer_.now() >= close_by_) close_below();
        }
        read_below();
        if (!below_closed_) timer_.arm(std::min(machine_.next_deadline(), close_by_));
    }

    void advance()
    {
        tell_time();
        take_input();
        settle();
    }

    void serve()
    {
        if (reader_ && is_readable()) {
            error_code error;
            const asio::mutable_buffer buffer = reader_buffer_;
            io_handler handler = take(reader_); // try_read() may come here again
            const std::size_t size = try_read({static_cast<byte*>(buffer.data()), buffer.size()}, error);
            post(std::move(handler), error, size);
        }
        if (waiter_ && is_readable()) complete(waiter_, error_code{});
        if (writer_ && write_error()) {
            post(take(writer_), write_error(), std::size_t{0});
        } else if (writer_ && machine_.is_writable()) {
            io_handler handler = take(writer_);
            const std::size_t size = seal(writer_buffers_);
            post(std::move(handler), error_code{}, size);
            flush();
        }
        if (write_waiter_ && (write_error() || machine_.is_writable())) complete(write_waiter_, error_code{});
        if (failure_) {
            complete(opener_, failure_);
            complete(ender_, failure_);
        } else if (ended_ && peer_ && !flushing_ && machine_.output().empty()) {
            complete(ender_, error_code{});
        }
    }

    void on_time()
    {
        // A handler that is called here may release the last handle.
        const auto self = shared_from_this();
        advance();
    }

    // --- the stream below

    void read_below()
    {
        if (reading_ || input_ended_ || below_closed_ || !input_left_.empty() || machine_.finished()) return;
        reading_ = true;
        if (!input_) input_ = make_page_buffer(input_bytes);
        below_.async_read_some(
            asio::buffer(input_.get(), input_bytes),
            [self = shared_from_this(), to = call{*this}](error_code error, std::size_t size) mutable {
                to.come();
                self->on_read(error, size);
            });
    }

    void on_read(error_code error, std::size_t size)
    {
        reading_ = false;
        tell_time();
        input_left_ = {input_.get(), size};
        if (error == asio::error::eof && !below_.was_reset()) {
            input_ended_ = true;
        } else if (error && !below_closed_) {
            input_ended_ = end_told_ = true;
            const bool says_more = error != asio::error::eof && error != asio::error::operation_aborted;
            machine_.stop(says_more ? error : error_code{asio::error::connection_reset});
        }
        advance();
    }

    void flush()
    {
        if (flushing_ || below_closed_ || machine_.output().empty()) return;
        machine_.take_output(in_flight_);
        if (write_failed_) return;
        flushing_ = true;
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
        tell_time();
        if (error && !below_closed_) {
            // What the other side wrote before it left may say why: the reading finds its end.
            if (!reading_) machine_.stop(error);
            write_failed_ = true;
        }
        settle();
    }

    void close_below() noexcept
    {
        if (std::exchange(below_closed_, true)) return;
        timer_.cancel();
        below_.close();
        complete(finisher_, failure_);
    }

    // --- handlers

    void complete(wait_handler& handler, error_code error)
    {
        if (handler) post(take(handler), error);
    }
    static error_code aborted() noexcept { return asio::error::operation_aborted; }

    void cancel_reader() noexcept
    {
        if (reader_) post(take(reader_), aborted(), std::size_t{0});
    }
    void cancel_writer() noexcept
    {
        if (writer_) post(take(writer_), aborted(), std::size_t{0});
    }
    void cancel_waiter() noexcept { complete(waiter_, aborted()); }
    void cancel_write_waiter() noexcept { complete(write_waiter_, aborted()); }
    void cancel_ender() noexcept { complete(ender_, aborted()); }
    void cancel_opener() noexcept { complete(opener_, aborted()); }
    void cancel_finisher() noexcept { complete(finisher_, aborted()); }
    void cancel_all() noexcept
    {
        cancel_reader();
        cancel_writer();
        cancel_waiter();
        cancel_write_waiter();
        cancel_ender();
        cancel_opener();
    }

    // Does not touch their cancellation slots, which may be destroyed already.
    void abandon() noexcept
    {
        io_handler reader, writer;
        wait_handler waiter, write_waiter, ender, opener, finisher;
        reader.swap(reader_);
        writer.swap(writer_);
        waiter.swap(waiter_);
        write_waiter.swap(write_waiter_);
        ender.swap(ender_);
        opener.swap(opener_);
        finisher.swap(finisher_);
    }

    any_stream below_;
    session2_machine machine_;
    executor executor_;
    deadline_timer timer_;
    page_buffer input_;
    bytes_view input_left_; // what the machine has not taken
    byte_vector in_flight_; // being written below
    io_handler reader_, writer_;
    wait_handler waiter_, write_waiter_, ender_, opener_, finisher_;
    asio::mutable_buffer reader_buffer_;
    gather_buffers writer_buffers_;
    std::optional<session2_hello> peer_;
    std::optional<session2_abort> peer_abort_;
    std::string problem_;
    error_code failure_;
    time_point close_by_ = no_deadline; // of the stream below, once the machine has finished
    bool peer_ended_ = false, ended_ = false, closed_ = false, abort_ = false;
    bool reading_ = false, flushing_ = false, write_failed_ = false;
    bool input_ended_ = false, end_told_ = false, below_closed_ = false;
};

namespace {

class secure_stream_base final : public core_stream<secure_core> {
public:
    using core_stream::core_stream;

    std::size_t try_write_some(const gather_buffers& buffers, error_code& error) noexcept override
    {
        return core_->try_write(buffers, error);
    }
    std::string_view transport_name() const noexcept override { return "parley-2"; }
};

} // namespace
} // namespace detail

secure_stream::secure_stream(any_stream below, session2_machine machine, time_source& time)
{
    core_ = std::make_shared<detail::secure_core>(std::move(below), std::move(machine), time);
    static_cast<any_stream&>(*this) = any_stream{std::make_unique<detail::secure_stream_base>(core_)};
    core_->start();
}

const session2_hello& secure_stream::peer_hello() const noexcept
{
    return core_->peer();
}

const std::optional<session2_abort>& secure_stream::peer_abort() const noexcept
{
    return core_->peer_abort();
}

const std::string& secure_stream::problem() const noexcept
{
    return core_->problem();
}

error_code secure_stream::failure() const noexcept
{
    return core_->failure();
}

void secure_stream::abort(session_reason reason, std::string_view text, error_code why)
{
    core_->abort(reason, text, why);
}

void secure_stream::end_and_discard(error_code why)
{
    core_->end_and_discard(why);
}

void secure_stream::start_wait_open(detail::secure_core& core, stream_base::wait_handler handler)
{
    core.wait_open(std::move(handler));
}

void secure_stream::start_wait_finished(detail::secure_core& core, stream_base::wait_handler handler)
{
    core.wait_finished(std::move(handler));
}

} // namespace parley
