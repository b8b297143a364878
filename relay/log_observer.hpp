// Writes the relay's events to its log.
#pragma once

#include "relay/log.hpp"
#include "relay/redact_address.hpp"

#include <parley/base/time.hpp>
#include <parley/relay/relay_server.hpp>

#include <functional>

namespace parley::relayd {

// Passes at most `most` events per second and counts the others.
class event_limit {
public:
    explicit event_limit(unsigned most) noexcept : most_(most) {}
    // Whether an event at `now` may pass.
    bool pass(time_point now) noexcept;
    // The number of events held back since the last call. Report it with the next event that passes.
    std::uint64_t take_suppressed() noexcept { return std::exchange(suppressed_, 0); }

private:
    unsigned most_;
    unsigned passed_ = 0;
    time_point second_{};
    std::uint64_t suppressed_ = 0;
};

// Agreements, rooms and faults have level `info` and above; connections and hellos `debug`. Of the former, all
// that peers cause together is limited to 20 lines per second; the next line says how many were left out.
// Borrows `log`. Not thread-safe.
class log_observer final : public relay_observer {
public:
    explicit log_observer(event_log& log, std::function<time_point()> now = clock::now);

    // Sets how addresses of peers are shown from now on. At first they are shown in full.
    void show_addresses(log_addresses form) noexcept { addresses_ = form; }

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

private:
    bool pass(log_level level);
    std::string shown(const identity& who) const { return redact_address(who, addresses_); }

    event_log& log_;
    std::function<time_point()> now_;
    log_addresses addresses_ = log_addresses::full;
    event_limit limit_{20};
};

} // namespace parley::relayd
