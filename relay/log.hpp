// Structured logs: one event a line, as key=value text or as JSON, on standard error.
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

// One key of an event and its value. Text values may hold anything: they are escaped when they are written.
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
// `time` is put first in both, as it is.
std::string format_event(log_format format, std::string_view time, log_level level, std::string_view event,
                         std::initializer_list<log_field> fields);

std::string_view log_level_name(log_level level) noexcept;

// Writes events. A thread of its own does the writing, so that a slow reader of standard error never holds up
// the relay: what does not fit its queue is lost, oldest first. Thread-safe.
class event_log {
public:
    event_log(log_format format, log_level least);
    ~event_log(); // waits until all is written
    event_log(const event_log&) = delete;
    event_log& operator=(const event_log&) = delete;

    void write(log_level level, std::string_view event, std::initializer_list<log_field> fields = {});
    // What is written from now on: that level and what is worse.
    void set_level(log_level least) noexcept { least_ = least; }

private:
    log_format format_;
    std::atomic<log_level> least_;
    std::shared_ptr<spdlog::logger> logger_;
};

} // namespace parley::relayd
