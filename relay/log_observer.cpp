#include "relay/log_observer.hpp"

#include <fmt/format.h>

namespace parley::relayd {

bool event_limit::pass(time_point now) noexcept
{
    if (now - second_ >= std::chrono::seconds{1}) {
        second_ = now;
        passed_ = 0;
    }
    if (passed_ < most_) {
        ++passed_;
        return true;
    }
    ++suppressed_;
    return false;
}

log_observer::log_observer(event_log& log, std::function<time_point()> now) : log_(log), now_(std::move(now))
{
}

bool log_observer::pass(log_level level)
{
    if (!log_.writes(level) || !limit_.pass(now_())) return false;
    if (const std::uint64_t count = limit_.take_suppressed(); count != 0)
        log_.write(log_level::warning, "suppressed", {{"events", count}});
    return true;
}

void log_observer::listening(const tcp_endpoint& at, relay_channel channel)
{
    log_.write(log_level::info, "listening",
               {{"address", to_text(at)}, {"channel", relay_channel_name(channel)}});
}

void log_observer::accept_failed(relay_channel channel, error_code why)
{
    if (pass(log_level::error))
        log_.write(log_level::error, "accept_failed",
                   {{"channel", relay_channel_name(channel)}, {"reason", why.message()}});
}

void log_observer::connected(const identity& who, relay_channel channel)
{
    log_.write(log_level::debug, "connected",
               {{"peer", shown(who)}, {"channel", relay_channel_name(channel)}});
}

void log_observer::disconnected(const identity& who, relay_channel channel, error_code why)
{
    const std::string reason = why ? why.message() : "done";
    const auto write = [&](log_level level) {
        log_.write(level, "disconnected",
                   {{"peer", shown(who)}, {"channel", relay_channel_name(channel)}, {"reason", reason}});
    };
    // Peers that broke a rule are worth a warning; the others just come and go.
    if (why == condition::peer_fault) {
        if (pass(log_level::warning)) write(log_level::warning);
    } else {
        write(log_level::debug);
    }
}

void log_observer::hello(const identity& who, peer_kind kind)
{
    log_.write(log_level::debug, "hello",
               {{"peer", shown(who)}, {"kind", kind == peer_kind::server ? "server" : "client"}});
}

void log_observer::agreed(const identity& client, const identity& server)
{
    if (pass(log_level::info))
        log_.write(log_level::info, "agreed", {{"client", shown(client)}, {"server", shown(server)}});
}

void log_observer::dropped(const identity& from, drop_reason reason, std::uint8_t type)
{
    if (pass(log_level::info))
        log_.write(log_level::info, "dropped",
                   {{"peer", shown(from)},
                    {"reason", drop_reason_name(reason)},
                    {"type", fmt::format("{:02x}", type)}});
}

void log_observer::rejected(const identity& who, relay_channel channel, reject_reason why)
{
    if (pass(log_level::info))
        log_.write(log_level::info, "rejected",
                   {{"peer", shown(who)},
                    {"channel", relay_channel_name(channel)},
                    {"reason", reject_reason_name(why)}});
}

void log_observer::overflow(const identity& who, std::size_t queued_bytes)
{
    if (pass(log_level::warning))
        log_.write(log_level::warning, "overflow", {{"peer", shown(who)}, {"queued_bytes", queued_bytes}});
}

void log_observer::room_opened(const identity& client, const identity& server)
{
    if (pass(log_level::info))
        log_.write(log_level::info, "room_opened", {{"client", shown(client)}, {"server", shown(server)}});
}

void log_observer::room_closed(const room_report& report)
{
    if (!pass(log_level::info)) return;
    log_.write(log_level::info, "room_closed",
               {{"client", shown(report.client)},
                {"server", shown(report.server)},
                {"server_to_client_bytes", report.server_to_client_bytes},
                {"client_to_server_bytes", report.client_to_server_bytes},
                {"seconds", std::chrono::duration<double>(report.time).count()},
                {"reason", report.why ? report.why.message() : std::string{"done"}}});
}

} // namespace parley::relayd
