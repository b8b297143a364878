// Accepts on one listening socket until it is stopped. Private to the framework.
//
// An error of a single connection is skipped. After any other error, such as a lack of descriptors, the loop
// waits before it tries again: each time twice as long, up to twenty times options.retry_delay.
#pragma once

#include <parley/transport/transport.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <cerrno>

namespace parley::detail {

inline bool concerns_one_connection(const error_code& error) noexcept
{
    if (error.category() != boost::system::system_category()) return false;
    switch (error.value()) {
    case ECONNABORTED:
    case ECONNRESET:
    case EPROTO:
    case ENOPROTOOPT:
    case ENETDOWN:
    case ENETUNREACH:
    case EHOSTDOWN:
    case EHOSTUNREACH:
    case ENONET:
    case EPERM: // refused by a firewall
        return true;
    default:
        return false;
    }
}

// Its handlers share ownership: they may run after stop(). `Adopt` makes a stream of an accepted socket.
template <class Acceptor, class Adopt>
class accept_loop : public std::enable_shared_from_this<accept_loop<Acceptor, Adopt>> {
public:
    accept_loop(Acceptor acceptor, const listen_options& options)
        : acceptor_(std::move(acceptor)),
          retry_(acceptor_.get_executor()),
          options_(options),
          delay_(options.retry_delay)
    {
    }

    void start(std::function<void(any_stream)> on_stream)
    {
        on_stream_ = std::move(on_stream);
        accept();
    }

    void stop() noexcept
    {
        stopped_ = true;
        error_code ignored;
        acceptor_.close(ignored);
        retry_.cancel();
    }

private:
    void accept()
    {
        if (stopped_) return;
        const executor ex = acceptor_.get_executor();
        // A socket with the context's own executor type needs less memory for each wait.
        if (const auto* plain = ex.target<asio::io_context::executor_type>())
            accept_on(*plain);
        else
            accept_on(ex);
    }

    template <class Executor>
    void accept_on(const Executor& ex)
    {
        acceptor_.async_accept(ex, [self = this->shared_from_this()](error_code error, auto socket) {
            self->on_accept(error, std::move(socket));
        });
    }

    template <class Socket>
    void on_accept(error_code error, Socket socket)
    {
        if (stopped_) return;
        if (!error) {
            delay_ = options_.retry_delay;
            on_stream_(Adopt{}(std::move(socket)));
            return accept();
        }
        if (options_.on_error) options_.on_error(error);
        if (stopped_) return;
        if (concerns_one_connection(error)) return accept();
        retry_.expires_after(delay_);
        delay_ = std::min(delay_ * 2, options_.retry_delay * max_retry_delay_factor);
        retry_.async_wait([self = this->shared_from_this()](error_code cancelled) {
            if (!cancelled) self->accept();
        });
    }

    static constexpr int max_retry_delay_factor = 20;

    Acceptor acceptor_;
    asio::steady_timer retry_;
    listen_options options_;
    std::function<void(any_stream)> on_stream_;
    duration delay_;
    bool stopped_ = false;
};

} // namespace parley::detail
