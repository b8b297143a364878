// Wraps a user's own stream type in an any_stream. Included by any_stream.hpp.
#pragma once

#include <parley/stream/any_stream.hpp>

#include <boost/asio/append.hpp>
#include <boost/asio/associated_allocator.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/system/system_error.hpp>

#include <algorithm>
#include <cstring>

namespace parley::detail {

inline constexpr std::size_t wrapped_read_ahead_bytes = 4096;

// The bytes that a wait for readability has read, or the error that it has got.
struct read_ahead {
    std::array<byte, wrapped_read_ahead_bytes> bytes;
    std::size_t begin = 0, end = 0;
    error_code error;

    bool ready() const noexcept { return begin != end || error.failed(); }
    // Gives the bytes; 0 and the error after the last one.
    std::size_t take(mutable_bytes out, error_code& failure) noexcept
    {
        const std::size_t size = std::min(out.size(), end - begin);
        std::memcpy(out.data(), bytes.data() + begin, size);
        begin += size;
        failure = size != 0 || out.empty() ? error_code{} : std::exchange(error, error_code{});
        return size;
    }
};

template <class Stream>
void close_stream(Stream& stream)
{
    if constexpr (requires { stream.close(); })
        stream.close();
    else
        close_stream(stream.next_layer());
}

template <class Stream>
class wrapped_stream final : public stream_base {
public:
    wrapped_stream(Stream stream, std::string_view name, const identity& remote)
        : stream_(std::move(stream)), name_(name), remote_(remote)
    {
    }
    ~wrapped_stream() override { close(); }

    executor get_executor() const noexcept override { return const_cast<Stream&>(stream_).get_executor(); }

    void start_read(asio::mutable_buffer buffer, io_handler handler) override
    {
        if (!ahead_ || !ahead_->ready())
            return stream_.async_read_some(buffer, run_here<io_handler>{get_executor(), std::move(handler)});
        error_code error;
        const std::size_t size = ahead_->take({static_cast<byte*>(buffer.data()), buffer.size()}, error);
        post_result(std::move(handler), error, size);
    }

    void start_write(const gather_buffers& buffers, io_handler handler) override
    {
        stream_.async_write_some(buffers, run_here<io_handler>{get_executor(), std::move(handler)});
    }

    void start_shutdown_send(wait_handler handler) override
    {
        error_code error;
        try {
            if constexpr (requires { stream_.shutdown_send(); })
                stream_.shutdown_send();
            else
                close();
        } catch (const boost::system::system_error& failed) {
            error = failed.code();
        }
        post_result(std::move(handler), error);
    }

    void start_wait_readable(wait_handler handler) override
    {
        if (!ahead_) ahead_ = std::make_shared<read_ahead>();
        if (ahead_->ready()) return post_result(std::move(handler), error_code{});
        stream_.async_read_some(asio::buffer(ahead_->bytes),
                                keep_ahead{{get_executor(), std::move(handler)}, ahead_});
    }

    void start_wait_writable(wait_handler handler) override { post_result(std::move(handler), error_code{}); }

    std::size_t try_read_some(mutable_bytes out, error_code& error) noexcept override
    {
        if (ahead_ && ahead_->ready()) return ahead_->take(out, error);
        error = asio::error::would_block;
        return 0;
    }

    void close() noexcept override
    {
        if (!std::exchange(open_, false)) return;
        try {
            close_stream(stream_);
        } catch (...) { // a stream that fails to close counts as closed
        }
    }
    bool is_open() const noexcept override { return open_; }
    void reset_on_close(bool abort) noexcept override
    {
        if constexpr (requires { stream_.reset_on_close(abort); }) stream_.reset_on_close(abort);
    }

    std::string remote_address() const override { return std::string{remote_.text()}; }
    identity remote_identity() const noexcept override { return remote_; }
    std::string_view transport_name() const noexcept override { return name_; }

private:
    // A handler that the user's stream calls on its own executor, and that then calls the inner handler on
    // that handler's executor. Beast's streams post to the executor of their handler, and Boost 1.81 cannot
    // post to that of an any_completion_handler.
    template <class Handler>
    struct run_here {
        executor ex;
        Handler handler;

        using executor_type = executor;
        executor_type get_executor() const noexcept { return ex; }
        using allocator_type = asio::associated_allocator_t<Handler>;
        allocator_type get_allocator() const noexcept { return asio::get_associated_allocator(handler); }
        using cancellation_slot_type = asio::cancellation_slot;
        cancellation_slot_type get_cancellation_slot() const noexcept
        {
            return handler.get_cancellation_slot();
        }

        template <class... Results>
        void operator()(Results... results)
        {
            asio::dispatch(ex, asio::append(std::move(handler), results...));
        }
    };

    // The handler of the read that implements a wait. It keeps the bytes.
    struct keep_ahead : run_here<wait_handler> {
        std::shared_ptr<read_ahead> ahead;

        void operator()(error_code error, std::size_t size)
        {
            ahead->begin = 0;
            ahead->end = size;
            const bool cancelled = error == asio::error::operation_aborted;
            if (!cancelled) ahead->error = size != 0 ? error_code{} : error;
            run_here<wait_handler>::operator()(cancelled ? error : error_code{});
        }
    };

    template <class Handler, class... Results>
    void post_result(Handler handler, Results... results)
    {
        asio::post(get_executor(), asio::append(std::move(handler), results...));
    }

    Stream stream_;
    std::string_view name_;
    identity remote_;
    std::shared_ptr<read_ahead> ahead_;
    bool open_ = true;
};

} // namespace parley::detail

namespace parley {

template <class Stream>
    requires(!std::same_as<Stream, any_stream> && ByteStream<Stream>)
any_stream::any_stream(Stream stream, std::string_view name, const identity& remote)
    : base_(std::make_unique<detail::wrapped_stream<Stream>>(std::move(stream), name, remote))
{
}

} // namespace parley
