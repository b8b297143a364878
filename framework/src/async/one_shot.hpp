// An operation that one of several events completes: the first one wins.
#pragma once

#include <parley/async/awaitable.hpp>

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/append.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>

#include <utility>

namespace parley::detail {

// Holds the handler of an operation with one result. Counts as work of the executor until it completes.
template <class Result>
class one_shot {
public:
    using handler = asio::any_completion_handler<void(Result)>;

    one_shot(const executor& ex, handler h)
        : executor_(asio::prefer(ex, asio::execution::outstanding_work.tracked)), handler_(std::move(h))
    {
    }

    bool done() const noexcept { return !handler_; }

    // Calls the handler through its executor, never before complete() returns. A second call does nothing.
    void complete(Result value)
    {
        if (done()) return;
        handler h{std::move(handler_)};
        asio::post(executor_, asio::append(std::move(h), std::move(value)));
    }

    // Calls `cancel` when the owner of the operation cancels it.
    template <class Function>
    void on_cancel(Function cancel)
    {
        const auto slot = handler_.get_cancellation_slot();
        if (!slot.is_connected()) return;
        auto assigned = slot;
        assigned.assign([cancel = std::move(cancel)](asio::cancellation_type type) mutable {
            if (type != asio::cancellation_type::none) cancel();
        });
    }

private:
    executor executor_;
    handler handler_;
};

} // namespace parley::detail
