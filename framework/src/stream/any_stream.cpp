#include <parley/stream/any_stream.hpp>

#include "stream/drain.hpp"

#include <boost/asio/append.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>

namespace parley {

stream_base::~stream_base() = default;

std::size_t stream_base::try_write_some(const gather_buffers&, error_code& error) noexcept
{
    error = asio::error::operation_not_supported;
    return 0;
}

error_code stream_base::move_to(const executor&)
{
    return asio::error::operation_not_supported;
}

void any_stream::start_read(asio::mutable_buffer buffer, stream_base::io_handler handler)
{
    if (front_.empty()) return base_->start_read(buffer, std::move(handler));
    error_code error;
    const std::size_t size = take_front({static_cast<byte*>(buffer.data()), buffer.size()}, error);
    asio::post(get_executor(), asio::append(std::move(handler), error, size));
}

void any_stream::start_wait_readable(stream_base::wait_handler handler)
{
    if (front_.empty()) return base_->start_wait_readable(std::move(handler));
    asio::post(get_executor(), asio::append(std::move(handler), error_code{}));
}

std::size_t any_stream::take_front(mutable_bytes out, error_code& error) noexcept
{
    error.clear();
    const std::size_t size = std::min(out.size(), front_.size());
    const auto end = front_.begin() + static_cast<std::ptrdiff_t>(size);
    std::copy(front_.begin(), end, out.begin());
    front_.erase(front_.begin(), end);
    if (front_.empty()) front_ = {};
    return size;
}

namespace detail {

awaitable<error_code> end_and_drain(any_stream& stream, std::size_t max_bytes)
{
    const auto shut = co_await stream.async_shutdown_send(use_tuple);
    error_code error = std::get<0>(shut);
    while (!error && max_bytes > 0) {
        std::array<byte, 512> junk;
        const auto read = co_await stream.async_read_some(asio::buffer(junk), use_tuple);
        error = std::get<0>(read);
        max_bytes -= std::min(max_bytes, std::get<1>(read));
    }
    if (error != asio::error::operation_aborted) stream.close(); // else it is closed or destroyed
    co_return error;
}

} // namespace detail
} // namespace parley
