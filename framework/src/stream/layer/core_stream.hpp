// What the streams on top of another stream share. Each is a handle to a core, which pending operations below keep
// alive. Private to the framework.
#pragma once

#include <parley/stream/any_stream.hpp>

#include <boost/asio/append.hpp>
#include <boost/asio/post.hpp>

#include <memory>
#include <utility>

namespace parley::detail {

// The base of a core: how the handlers of waiting operations are kept, cancelled and completed.
template <class Core>
class waiting_handlers : public std::enable_shared_from_this<Core> {
protected:
    template <class Handler, class... Results>
    void post(Handler handler, Results... results)
    {
        asio::post(static_cast<Core*>(this)->get_executor(), asio::append(std::move(handler), results...));
    }
    template <class Handler>
    void on_cancel(Handler& handler, void (Core::*cancel)() noexcept)
    {
        auto slot = handler.get_cancellation_slot();
        if (!slot.is_connected()) return;
        slot.assign([weak = this->weak_from_this(), cancel](asio::cancellation_type type) {
            const auto self = weak.lock();
            if (self && type != asio::cancellation_type::none) (self.get()->*cancel)();
        });
    }
    template <class Handler>
    static Handler take(Handler& handler)
    {
        auto slot = handler.get_cancellation_slot();
        if (slot.is_connected()) slot.clear();
        // Assignment would wrap the handler in itself without end in Boost 1.81.
        Handler out;
        out.swap(handler);
        return out;
    }
};

// The handle. Destruction without close() resets the stream below.
template <class Core>
class core_stream : public stream_base {
public:
    explicit core_stream(std::shared_ptr<Core> core) : core_(std::move(core)) {}
    ~core_stream() override { core_->close(false); }

    executor get_executor() const noexcept override { return core_->get_executor(); }
    void start_read(asio::mutable_buffer buffer, io_handler handler) override
    {
        core_->read(buffer, std::move(handler));
    }
    void start_write(const gather_buffers& buffers, io_handler handler) override
    {
        core_->write(buffers, std::move(handler));
    }
    void start_shutdown_send(wait_handler handler) override { core_->shutdown_send(std::move(handler)); }
    void start_wait_readable(wait_handler handler) override { core_->wait_readable(std::move(handler)); }
    void start_wait_writable(wait_handler handler) override { core_->wait_writable(std::move(handler)); }
    std::size_t try_read_some(mutable_bytes out, error_code& error) noexcept override
    {
        return core_->try_read(out, error);
    }
    void close() noexcept override { core_->close(true); }
    bool is_open() const noexcept override { return core_->is_open(); }
    void reset_on_close(bool abort) noexcept override { core_->set_abort(abort); }
    void set_acknowledgement_timeout(std::chrono::milliseconds timeout) noexcept override
    {
        core_->set_acknowledgement_timeout(timeout);
    }
    std::string remote_address() const override { return core_->below().remote_address(); }
    identity remote_identity() const noexcept override { return core_->below().remote_identity(); }
    std::optional<tcp_endpoint> remote_endpoint() const noexcept override
    {
        return core_->below().remote_endpoint();
    }
    std::optional<delivery_counts> delivery() const noexcept override { return core_->below().delivery(); }
    std::optional<std::uint64_t> peer_window() const noexcept override
    {
        return core_->below().peer_window();
    }
    std::uint64_t system_memory() const noexcept override { return core_->below().system_memory(); }

protected:
    const std::shared_ptr<Core> core_;
};

} // namespace parley::detail
