#include "peer/probe_command.hpp"

#include "peer/session.hpp"

#include <boost/asio/co_spawn.hpp>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <csignal>

namespace parley::cli {
namespace {

double milliseconds(duration time)
{
    return std::chrono::duration<double, std::milli>{time}.count();
}

// Shows the steps as they end.
class probe_printer {
public:
    explicit probe_printer(const probe_command_options& options)
        : options_(options), relay_(escaped(options.relay.text()))
    {
        if (options_.proxy) proxy_ = escaped(options_.proxy->text());
        if (!options_.json)
            out_(
                fmt::format("Probing {}{}\n", relay_, proxy_.empty() ? "" : ", through the proxy " + proxy_));
    }

    void step(const probe_step& done)
    {
        if (done.error) {
            failed_ = done.name;
            exit_ = exit_code_for(done.error, done.phase);
            if (exit_ == exit_code::internal && done.error != condition::local_fault)
                exit_ = exit_code::connection_lost;
        }
        const std::string advice = done.error ? probe_advice(done, options_) : std::string{};
        options_.json ? step_as_json(done, advice) : step_as_text(done, advice);
    }

    // Prints the summary and returns the exit status.
    int finish(const error_code& error, duration time)
    {
        if (error && failed_.empty()) exit_ = exit_code_for(error, session_phase::connecting);
        int status = to_int(exit_);
        if (exit_ == exit_code::interrupted) {
            const int signal = interrupt_watch::signal();
            status = exit_code_for_signal(signal != 0 ? signal : SIGINT);
        }
        if (options_.json) {
            nlohmann::json line{{"event", "summary"},
                                {"relay", relay_},
                                {"ok", !error},
                                {"exit", status},
                                {"milliseconds", milliseconds(time)}};
            line["proxy"] = proxy_.empty() ? nlohmann::json{} : nlohmann::json(proxy_);
            line["failed"] = failed_.empty() ? nlohmann::json{} : nlohmann::json(failed_);
            print(line);
        } else if (!error) {
            out_(fmt::format("The relay works: all of it took {:.0f} ms.\n", milliseconds(time)));
        } else if (exit_ == exit_code::interrupted) {
            descriptor_sink(STDERR_FILENO)("parley: interrupted\n");
        }
        return status;
    }

private:
    void step_as_text(const probe_step& done, const std::string& advice) const
    {
        if (!done.error) {
            out_(fmt::format("  {:<10} {:>9.1f} ms{}{}\n", done.name, milliseconds(done.time),
                             done.detail.empty() ? "" : "  ", done.detail));
            return;
        }
        std::string what = done.error.message();
        if (!done.detail.empty() && !done.detail.starts_with(what))
            what += ": " + done.detail;
        else if (!done.detail.empty())
            what = done.detail;
        out_(fmt::format("  {:<10} failed after {:.1f} ms: {}\n{}\n", done.name, milliseconds(done.time),
                         what, advice));
    }

    void step_as_json(const probe_step& done, const std::string& advice) const
    {
        nlohmann::json line{{"event", "step"},
                            {"step", done.name},
                            {"ok", !done.error},
                            {"milliseconds", milliseconds(done.time)},
                            {"detail", done.detail}};
        if (done.error) {
            line["error"] = done.error.message();
            line["advice"] = advice;
        }
        print(line);
    }

    void print(const nlohmann::json& line) const
    {
        out_(line.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace) + "\n");
    }

    const probe_command_options& options_;
    text_sink out_ = descriptor_sink(STDOUT_FILENO);
    std::string relay_, proxy_, failed_;
    exit_code exit_ = exit_code::ok;
};

} // namespace

int run_probe(const probe_command_options& options)
{
    probe_printer printer{options};
    probe_options probing;
    probing.relay(options.relay).step_timeout(options.timeout).ca_file(options.ca_file).proxy(options.proxy);
    const std::function<void(const probe_step&)> on_step = [&](const probe_step& step) {
        printer.step(step);
    };
    const time_point start = clock::now();
    // An operation_result, which run_operation() requires; the probe's error is inside.
    const auto outcome = run_operation<error_code>([&](const executor& ex, auto&& token) {
        asio::co_spawn(
            ex,
            [&]() -> awaitable<operation_result<error_code>> {
                const error_code error = co_await probe_relay(probing, on_step);
                co_return operation_result<error_code>{boost::system::in_place_value, error};
            },
            std::forward<decltype(token)>(token));
    });
    return printer.finish(outcome ? *outcome : outcome.error().code, clock::now() - start);
}

} // namespace parley::cli
