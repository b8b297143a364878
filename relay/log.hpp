// Structured logs on standard error: one event per line, as key=value text or as JSON.
#pragma once

#include "relay/configuration.hpp"

#include <atomic>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

namespace spdlog {
class logger;
}

namespace parley::relayd {

// One key of an event and its value. A text value may hold anything: it is escaped when it is written.
struct log_field {
    std::string_view key;
    std::variant<std::string, std::int64_t, double> value;

    log_field(std::string_view k, std::string_view text) : key(k), value(std::string{text}) {}
    log_field(std::string_view k, const char* text) : key(k), value(std::string{text}) {}
    log_field(std::string_view k, const identity& who) : key(k), value(std::string{who.text()}) {}
    log_field(std::string_view k, std::integral auto number)
        : key(k), value(static_cast<std::int64_t>(number))
    {
    }
    log_field(std::string_view k, double number) : key(k), value(number) {}
};

// The line of one event, without its newline and without the time:
//     text:  info event=agreed client=127.0.0.1:4001 server="a \"b\""
//     JSON:  {"time":"…","level":"info","event":"agreed","client":"127.0.0.1:4001"}
// In both forms `time` comes first, unchanged.
std::string format_event(log_format format, std::string_view time, log_level level, std::string_view event,
                         std::initializer_list<log_field> fields);

// Writes events. A separate thread does the writing, so a slow reader of standard error never delays the
// relay. If its queue is full, the oldest events are lost. Thread-safe.
class event_log {
public:
    event_log(log_format format, log_level least);
    ~event_log(); // waits until everything is written
    event_log(const event_log&) = delete;
    event_log& operator=(const event_log&) = delete;

    void write(log_level level, std::string_view event, std::initializer_list<log_field> fields = {});
    bool writes(log_level level) const noexcept { return level >= least_; }
    // From now on, writes only events of level `least` and above.
    void set_level(log_level least) noexcept { least_ = least; }

private:
    log_format format_;
    std::atomic<log_level> least_;
    std::shared_ptr<spdlog::logger> logger_;
};

} // namespace parley::relayd
