// Checks from time to time whether the peers of waiting streams are alive, with one timer for each context
// instead of one for each stream. Private to the framework.
#pragma once

#include "stream/layer/layered_stream.hpp"

#include <parley/stream/websocket_options.hpp>

#include <boost/asio/execution_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <mutex>
#include <optional>
#include <set>
#include <vector>

namespace parley::detail {

// Calls check_alive() of each added core, on that core's own executor. Thread-safe.
class keepalive_scheduler final : public asio::execution_context::service {
public:
    struct entry {
        std::weak_ptr<layered_core> who;
        duration interval;
        time_point due;
    };

    explicit keepalive_scheduler(asio::execution_context& context) : service(context) {}
    static keepalive_scheduler& of(const executor& ex);

    // Checks the core once every `interval`, until remove(). The caller owns the entry.
    void add(entry& e);
    // An empty scheduler does not keep its context running.
    void remove(entry& e) noexcept;

    inline static asio::execution_context::id id;

private:
    struct sooner {
        bool operator()(const entry* a, const entry* b) const noexcept
        {
            return a->due != b->due ? a->due < b->due : std::less<const entry*>{}(a, b);
        }
    };

    void shutdown() override;
    void arm(const executor& ex);
    void tick();

    std::mutex mutex_;
    std::set<entry*, sooner> entries_;
    std::optional<asio::steady_timer> timer_;
    time_point armed_for_ = no_deadline;
};

// A layer that pings, and considers the peer gone when nothing comes back. Both kinds of WebSocket derive
// from it.
class pinging_layer : public stream_layer {
public:
    ~pinging_layer() override { pinging_layer::stopped(); }

    bool check_alive(bool somebody_reads) override;
    void moved() override;
    void stopped() noexcept override;

    // Starts to ping, unless `options` disable it.
    void watch(const std::shared_ptr<layered_core>& core, const websocket_options& options);

protected:
    // Appends a ping to the output.
    virtual void ping() = 0;

    bool heard_ = true; // received something since the last ping

private:
    keepalive_scheduler* clock_ = nullptr;
    keepalive_scheduler::entry pings_;
    int unanswered_ = 0, max_unanswered_ = 0;
};

// A WebSocket of either kind over `below`.
any_stream make_websocket_stream(any_stream below, std::unique_ptr<pinging_layer> layer, stream_kind kind,
                                 const websocket_options& options,
                                 const std::optional<seat_token>& seat = {});

} // namespace parley::detail
