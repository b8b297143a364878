#include <parley/testing/fault_stream.hpp>

#include <parley/testing/seeded_random.hpp>

#include <boost/asio/append.hpp>
#include <boost/asio/post.hpp>

namespace parley::testing {
namespace {

class fault_stream final : public stream_base {
public:
    fault_stream(any_stream inner, const fault_options& options, std::size_t* operations)
        : inner_(std::move(inner)), options_(options), operations_(operations), random_(options.seed)
    {
    }

    executor get_executor() const noexcept override { return inner_.get_executor(); }

    void start_read(asio::mutable_buffer buffer, io_handler handler) override
    {
        if (fails()) return fail(std::move(handler), std::size_t{0});
        inner_.async_read_some(asio::buffer(buffer, part(buffer.size(), options_.max_read_bytes)),
                               std::move(handler));
    }

    void start_write(const gather_buffers& buffers, io_handler handler) override
    {
        if (fails()) return fail(std::move(handler), std::size_t{0});
        std::size_t left = part(asio::buffer_size(buffers), options_.max_write_bytes);
        std::vector<asio::const_buffer> parts;
        for (const asio::const_buffer& whole : buffers) {
            const asio::const_buffer some = asio::buffer(whole, left);
            left -= some.size();
            parts.push_back(some);
        }
        inner_.async_write_some(parts, std::move(handler));
    }

    void start_shutdown_send(wait_handler handler) override
    {
        if (fails()) return fail(std::move(handler));
        inner_.async_shutdown_send(std::move(handler));
    }

    void start_wait_readable(wait_handler handler) override
    {
        if (fails()) return fail(std::move(handler));
        inner_.async_wait_readable(std::move(handler));
    }

    void start_wait_writable(wait_handler handler) override
    {
        if (fails()) return fail(std::move(handler));
        inner_.async_wait_writable(std::move(handler));
    }

    std::size_t try_read_some(mutable_bytes out, error_code& error) noexcept override
    {
        error = options_.error;
        if (failed_) return 0;
        return inner_.try_read_some(out.first(part(out.size(), options_.max_read_bytes)), error);
    }

    void close() noexcept override { inner_.close(); }
    bool is_open() const noexcept override { return inner_.is_open(); }
    void reset_on_close(bool abort) noexcept override { inner_.reset_on_close(abort); }
    void set_acknowledgement_timeout(std::chrono::milliseconds timeout) noexcept override
    {
        inner_.set_acknowledgement_timeout(timeout);
    }

    std::string remote_address() const override { return inner_.remote_address(); }
    identity remote_identity() const noexcept override { return inner_.remote_identity(); }
    std::optional<tcp_endpoint> remote_endpoint() const noexcept override { return inner_.remote_endpoint(); }
    std::string_view transport_name() const noexcept override { return inner_.transport_name(); }
    bool was_reset() const noexcept override { return inner_.was_reset(); }
    std::optional<delivery_counts> delivery() const noexcept override { return inner_.delivery(); }
    std::optional<std::uint64_t> peer_window() const noexcept override { return inner_.peer_window(); }
    std::uint64_t system_memory() const noexcept override { return inner_.system_memory(); }

private:
    // Counts an operation that starts.
    bool fails() noexcept
    {
        if (operations_ != nullptr) ++*operations_;
        if (started_++ == options_.failing_operation) {
            failed_ = true;
            if (options_.fail_by_closing) {
                inner_.reset_on_close(true);
                inner_.close();
            }
        }
        return failed_;
    }

    std::size_t part(std::size_t whole, std::size_t max) noexcept
    {
        if (max == 0 || whole == 0) return whole;
        return std::min<std::size_t>(whole, 1 + random_.below(max));
    }

    template <class Handler, class... Nothing>
    void fail(Handler handler, Nothing... nothing)
    {
        asio::post(get_executor(), asio::append(std::move(handler), options_.error, nothing...));
    }

    any_stream inner_;
    fault_options options_;
    std::size_t* operations_;
    seeded_random random_;
    std::size_t started_ = 0;
    bool failed_ = false;
};

} // namespace

any_stream make_fault_stream(any_stream inner, const fault_options& options, std::size_t* operations)
{
    return any_stream{std::make_unique<fault_stream>(std::move(inner), options, operations)};
}

} // namespace parley::testing
