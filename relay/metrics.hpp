// Counts the relay's events for Prometheus. No address, code or name is ever a label.
#pragma once

#include <parley/relay/relay_server.hpp>

#include <memory>
#include <string>

namespace parley::relayd {

// Counters follow the events; gauges are read at each scrape. Passes every event on to `next`, which it
// borrows. Not thread-safe: use it on the relay's executor.
class relay_metrics final : public relay_observer {
public:
    explicit relay_metrics(relay_observer& next);
    ~relay_metrics() override;

    void listening(const tcp_endpoint& at, relay_channel channel) override;
    void accept_failed(relay_channel channel, error_code why) override;
    void connected(const identity& who, relay_channel channel) override;
    void disconnected(const identity& who, relay_channel channel, error_code why) override;
    void hello(const identity& who, peer_kind kind) override;
    void agreed(const identity& client, const identity& server) override;
    void dropped(const identity& from, drop_reason reason, std::uint8_t type) override;
    void rejected(const identity& who, relay_channel channel, reject_reason why) override;
    void overflow(const identity& who, std::size_t queued_bytes) override;
    void room_opened(const identity& client, const identity& server) override;
    void room_closed(const room_report& report) override;

    // The configuration was read again.
    void reloaded(bool well);

    // All metrics in the text format 0.0.4, with the current gauges of `relay`.
    std::string text(const relay_server& relay);

private:
    struct state;
    relay_observer& next_;
    std::unique_ptr<state> state_;
};

} // namespace parley::relayd
