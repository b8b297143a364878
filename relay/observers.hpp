// Combines several observers into one.
#pragma once

#include <parley/relay/relay_server.hpp>

#include <vector>

namespace parley::relayd {

// Forwards every event to all of them, in order. Borrows them.
class observers final : public relay_observer {
public:
    explicit observers(std::vector<relay_observer*> all) : all_(std::move(all)) {}

    void listening(const tcp_endpoint& at, relay_channel channel) override
    {
        for (auto* o : all_) o->listening(at, channel);
    }
    void accept_failed(relay_channel channel, error_code why) override
    {
        for (auto* o : all_) o->accept_failed(channel, why);
    }
    void connected(const identity& who, relay_channel channel) override
    {
        for (auto* o : all_) o->connected(who, channel);
    }
    void disconnected(const identity& who, relay_channel channel, error_code why) override
    {
        for (auto* o : all_) o->disconnected(who, channel, why);
    }
    void hello(const identity& who, peer_kind kind) override
    {
        for (auto* o : all_) o->hello(who, kind);
    }
    void agreed(const identity& client, const identity& server) override
    {
        for (auto* o : all_) o->agreed(client, server);
    }
    void dropped(const identity& from, drop_reason reason, std::uint8_t type) override
    {
        for (auto* o : all_) o->dropped(from, reason, type);
    }
    void rejected(const identity& who, relay_channel channel, reject_reason why) override
    {
        for (auto* o : all_) o->rejected(who, channel, why);
    }
    void overflow(const identity& who, std::size_t queued_bytes) override
    {
        for (auto* o : all_) o->overflow(who, queued_bytes);
    }
    void room_opened(const identity& client, const identity& server) override
    {
        for (auto* o : all_) o->room_opened(client, server);
    }
    void room_closed(const room_report& report) override
    {
        for (auto* o : all_) o->room_closed(report);
    }

private:
    std::vector<relay_observer*> all_;
};

} // namespace parley::relayd
