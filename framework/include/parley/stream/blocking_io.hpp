// An asynchronous stream as the blocking functions that stream_source reads and memory_sink writes: a document
// goes from one stream to another without a file, at the rate of the slower one.
//
//     auto source = stream_source::create("name", blocking_reader(from), folder, random);
//     memory_sink sink{blocking_writer(to)};
//
// The functions wait on the thread that calls them while the operation runs on the stream's executor. Another thread
// must run that executor: with the operations of transfer/, this is so unless the option `blocking` names it. The
// stream must outlive the functions and be used by nobody else meanwhile. To end a wait, close the stream on its
// executor; a context that is destroyed ends it, too (operation_aborted).
#pragma once

#include <parley/base/bytes.hpp>
#include <parley/base/result.hpp>

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>

#include <functional>
#include <future>
#include <memory>
#include <utility>

namespace parley {
namespace detail {

// Starts `operation` with a handler on `ex`, and waits for its end.
template <class Executor, class Operation>
std::pair<error_code, std::size_t> wait_for(const Executor& ex, Operation operation)
{
    std::promise<std::pair<error_code, std::size_t>> promise;
    auto ended = promise.get_future();
    asio::post(ex, [operation = std::move(operation), promise = std::move(promise)]() mutable {
        operation([promise = std::move(promise)](error_code error, std::size_t size) mutable {
            promise.set_value({error, size});
        });
    });
    try {
        return ended.get();
    } catch (const std::future_error&) { // the handler was destroyed
        return {asio::error::operation_aborted, 0};
    }
}

} // namespace detail

// Reads `stream`, an AsyncReadStream. The function writes what has come to its argument and returns its size; 0 at
// the stream's end. Errors: the stream's own.
template <class AsyncReadStream>
std::function<result<std::size_t>(mutable_bytes)> blocking_reader(AsyncReadStream& stream)
{
    return [&stream](mutable_bytes out) -> result<std::size_t> {
        const auto [error, size] = detail::wait_for(stream.get_executor(), [&stream, out](auto handler) {
            stream.async_read_some(asio::buffer(out.data(), out.size()), std::move(handler));
        });
        if (error && error != asio::error::eof) return error;
        return size;
    };
}

// Writes all of its argument to `stream`, an AsyncWriteStream. Errors: the stream's own.
template <class AsyncWriteStream>
std::function<error_code(bytes_view)> blocking_writer(AsyncWriteStream& stream)
{
    return [&stream](bytes_view bytes) -> error_code {
        if (bytes.empty()) return {};
        const auto ended = detail::wait_for(stream.get_executor(), [&stream, bytes](auto handler) {
            asio::async_write(stream, asio::buffer(bytes.data(), bytes.size()), std::move(handler));
        });
        return ended.first;
    };
}

} // namespace parley
