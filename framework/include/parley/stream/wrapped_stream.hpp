// How a user's own stream type becomes an any_stream. Included by any_stream.hpp.
#pragma once

#include <parley/stream/any_stream.hpp>

#include <boost/asio/any_completion_executor.hpp>
#include <boost/asio/append.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <cstring>

namespace parley::detail {

inline constexpr std::size_t wrapped_read_ahead_bytes = 4096;

// Bytes that a wait for readability has read, and the error that came instead.
struct read_ahead {
    std::array<byte, wrapped_read_ahead_bytes> bytes;
    std::size_t begin = 0, end = 0;
    error_code error;

    bool ready() const noexcept { return begin != end || error.failed(); }
    // Hands out what is there; 0 and the error once the bytes are gone.
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
        if (!ahead_ || !ahead_->ready()) return stream_.async_read_some(buffer, std::move(handler));
        error_code error;
        const std::size_t size = ahead_->take({static_cast<byte*>(buffer.data()), buffer.size()}, error);
        post_result(std::move(handler), error, size);
    }

    void start_write(const gather_buffers& buffers, io_handler handler) override
    {
        stream_.async_write_some(buffers, std::move(handler));
    }

    void start_shutdown_send(wait_handler handler) override
    {
        if constexpr (requires { stream_.shutdown_send(); })
            stream_.shutdown_send();
        else
            close();
        post_result(std::move(handler), error_code{});
    }

    void start_wait_readable(wait_handler handler) override
    {
        if (!ahead_) ahead_ = std::make_shared<read_ahead>();
        if (ahead_->ready()) return post_result(std::move(handler), error_code{});
        auto runs_on = asio::get_associated_executor(handler, asio::any_completion_executor{get_executor()});
        stream_.async_read_some(asio::buffer(ahead_->bytes),
                                keep_ahead{ahead_, std::move(handler), std::move(runs_on)});
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
            stream_.close();
        } catch (...) { // a stream that fails to close is gone all the same
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
    // The handler of the read behind a wait: keeps the bytes, and passes on the wait's own associations.
    struct keep_ahead {
        std::shared_ptr<read_ahead> ahead;
        wait_handler handler;

        asio::any_completion_executor runs_on;

        using executor_type = asio::any_completion_executor;
        executor_type get_executor() const noexcept { return runs_on; }
        using cancellation_slot_type = asio::cancellation_slot;
        cancellation_slot_type get_cancellation_slot() const noexcept
        {
            return handler.get_cancellation_slot();
        }

        void operator()(error_code error, std::size_t size)
        {
            ahead->begin = 0;
            ahead->end = size;
            const bool cancelled = error == asio::error::operation_aborted;
            if (!cancelled) ahead->error = size != 0 ? error_code{} : error;
            std::move(handler)(cancelled ? error : error_code{});
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
