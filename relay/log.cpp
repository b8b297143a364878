#include "relay/log.hpp"

#include <parley/base/bytes.hpp>

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <spdlog/async.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <chrono>

namespace parley::relayd {
namespace {

constexpr std::size_t queue_events = 8192;

// A value in the text form: quoted unless it is one plain word.
std::string text_value(const std::string& value)
{
    // escaped() adds a backslash to whatever it changes, so it leaves a plain word alone.
    const std::string safe = escaped(value);
    const bool plain = !safe.empty() && safe.find_first_of(" =\"\\") == std::string::npos;
    return plain ? safe : fmt::format("\"{}\"", safe);
}

std::string now_text()
{
    const auto now = std::chrono::system_clock::now();
    const auto second = std::chrono::floor<std::chrono::seconds>(now);
    const auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(now - second).count();
    return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z",
                       fmt::gmtime(std::chrono::system_clock::to_time_t(second)), milliseconds);
}

} // namespace

std::string format_event(log_format format, std::string_view time, log_level level, std::string_view event,
                         std::initializer_list<log_field> fields)
{
    const std::string_view name = log_level_names[static_cast<std::size_t>(level)];
    if (format == log_format::json) {
        nlohmann::ordered_json line{{"time", time}, {"level", name}, {"event", event}};
        for (const log_field& field : fields)
            std::visit([&](const auto& value) { line[std::string{field.key}] = value; }, field.value);
        return line.dump(-1, ' ', true, nlohmann::ordered_json::error_handler_t::replace);
    }
    std::string line = fmt::format("{} {} event={}", time, name, event);
    for (const log_field& field : fields) {
        line += fmt::format(" {}=", field.key);
        if (const auto* text = std::get_if<std::string>(&field.value); text != nullptr)
            line += text_value(*text);
        else if (const auto* number = std::get_if<std::int64_t>(&field.value); number != nullptr)
            line += fmt::format("{}", *number);
        else
            line += fmt::format("{:.3f}", std::get<double>(field.value));
    }
    return line;
}

event_log::event_log(log_format format, log_level least) : format_(format), least_(least)
{
    spdlog::init_thread_pool(queue_events, 1);
    logger_ = std::make_shared<spdlog::async_logger>(
        "relay", std::make_shared<spdlog::sinks::stderr_sink_mt>(), spdlog::thread_pool(),
        spdlog::async_overflow_policy::overrun_oldest);
    logger_->set_pattern("%v");
    logger_->flush_on(spdlog::level::info);
}

event_log::~event_log()
{
    spdlog::shutdown(); // writes the queued events and joins the thread
    logger_.reset();
}

void event_log::write(log_level level, std::string_view event, std::initializer_list<log_field> fields)
{
    if (!writes(level)) return;
    logger_->info(format_event(format_, now_text(), level, event, fields));
}

} // namespace parley::relayd
