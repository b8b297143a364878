#include "relay/daemon.hpp"

#include "relay/http_answers.hpp"
#include "relay/log_observer.hpp"
#include "relay/metrics.hpp"
#include "relay/ready_line.hpp"
#include "relay/service_manager.hpp"
#include "relay/settings.hpp"

#include <parley/async/spawn.hpp>
#include <parley/base/bytes.hpp>
#include <parley/transport/tls.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>

#include <csignal>
#include <cstdio>
#include <sstream>
#include <sys/resource.h>

namespace parley::relayd {
namespace {

void print_line(std::FILE* file, const std::string& text)
{
    std::fputs((text + "\n").c_str(), file);
    std::fflush(file);
}

// A peer needs one descriptor and a room two. Raises the limit as far as no administrator is needed.
std::size_t raise_descriptor_limit(event_log& log)
{
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
    ::getrlimit(RLIMIT_NOFILE, &limit);
    log.write(log_level::debug, "descriptors", {{"limit", static_cast<std::int64_t>(limit.rlim_cur)}});
    return limit.rlim_cur == RLIM_INFINITY ? 0 : static_cast<std::size_t>(limit.rlim_cur);
}

network_set networks_of(const relay_configuration& configuration)
{
    network_set out;
    for (const std::string& text : configuration.trusted_networks) (void)out.add(text); // already checked
    return out;
}

} // namespace

struct daemon::state {
    state(relay_configuration c, std::vector<std::string> a, std::shared_ptr<const static_site> s)
        : configuration(std::move(c)),
          arguments(std::move(a)),
          site(std::move(s)),
          log(configuration.format, configuration.level)
    {
        logged.show_addresses(configuration.addresses);
    }

    exit_code start();
    relay_limits limits() const;
    void on_signal(int number);
    void end(int number);
    void reload();
    void apply(relay_configuration wanted);
    void wait_for_signal();
    void tick();
    void over(error_code why);

    relay_configuration configuration;
    std::vector<std::string> arguments;
    std::shared_ptr<const static_site> site;
    passed_sockets passed = take_passed_sockets();
    event_log log;
    log_observer logged{log};
    relay_metrics metrics{logged};
    std::size_t descriptors = 0; // may be open at once; 0: any number
    std::shared_ptr<tls_identity> tls;
    http_sources http;
    asio::io_context context{1};
    asio::signal_set signals{context, SIGINT, SIGTERM, SIGHUP};
    asio::steady_timer drain_timer{context}, watchdog_timer{context};
    std::optional<duration> watchdog = watchdog_interval();
    std::optional<relay_server> relay;
    unsigned endings = 0; // signals to end so far
};

daemon::daemon(relay_configuration configuration, std::vector<std::string> arguments,
               std::shared_ptr<const static_site> site)
    : state_(std::make_unique<state>(std::move(configuration), std::move(arguments), std::move(site)))
{
}

daemon::~daemon() = default;

exit_code daemon::run()
{
    state& s = *state_;
    set_exception_reporter([&s](std::string_view name, std::string_view what) {
        s.log.write(log_level::error, "internal_error", {{"coroutine", name}, {"what", what}});
    });
    const exit_code started = s.start();
    if (started == exit_code::ok) {
        s.context.run();
        s.log.write(log_level::info, "stopped");
    }
    set_exception_reporter({});
    return started;
}

// The configured limits, within the number of descriptors.
relay_limits daemon::state::limits() const
{
    constexpr std::size_t reserve = 96; // listeners, the log, files being read, 32 for http-listen
    relay_limits out = configuration.limits;
    if (descriptors > reserve && (out.connections == 0 || out.connections > descriptors - reserve))
        out.connections = descriptors - reserve;
    return out;
}

exit_code daemon::state::start()
{
    const auto failed = [](const std::string& what) {
        print_line(stderr, "parley-relay: " + what);
        return exit_code::cannot_listen;
    };
    descriptors = raise_descriptor_limit(log);
    if (!passed.wrong.empty()) return failed(passed.wrong);
    use_passed_sockets(configuration, passed);
    if (!configuration.tls_certificate.empty()) {
        tls = std::make_shared<tls_identity>();
        diagnostics diag;
        if (tls->load(configuration.tls_certificate, configuration.tls_key, &diag))
            return failed(diag.message());
    }
    http.public_paths = configuration.public_http;
    http.ready = [this] { return !relay->draining(); };
    http.metrics = [this] { return metrics.text(*relay); };

    relay_server_options options = server_options(configuration);
    options.limits = limits();
    options.tls = tls;
    options.trusted_networks = networks_of(configuration);
    options.passed_sockets = passed.descriptors;
    options.http = [this](const relay_http_call& call) {
        return answer_http(http, call.request, call.own_address);
    };
    if (configuration.web == on_off::on) options.site = site;
    relay.emplace(context.get_executor(), std::move(options), metrics);

    diagnostics diag;
    if (const error_code error = relay->listen(&diag)) return failed(diag.message() + ": " + error.message());

    wait_for_signal();
    spawn(
        context.get_executor(),
        [this]() -> awaitable<void> {
            const error_code ended = co_await relay->run();
            over(ended);
        },
        "relay");
    // Clients may connect once this line is out: the addresses are bound, and the system queues early
    // connections.
    print_line(stdout, ready_line(relay->bound_handshake_texts(), relay->bound_room_texts(),
                                  relay->bound_http_texts(), configuration.json));
    notify_manager("READY=1\nSTATUS=Introducing peers");
    if (watchdog) tick();
    return exit_code::ok;
}

void daemon::state::over(error_code why)
{
    if (why) log.write(log_level::error, "ended", {{"reason", why.message()}});
    signals.cancel();
    drain_timer.cancel();
    watchdog.reset();
    watchdog_timer.cancel();
}

// Twice per interval, so that one late turn of the loop does no harm.
void daemon::state::tick()
{
    notify_manager("WATCHDOG=1");
    watchdog_timer.expires_after(*watchdog / 2);
    watchdog_timer.async_wait([this](error_code error) {
        if (!error && watchdog) tick();
    });
}

void daemon::state::wait_for_signal()
{
    signals.async_wait([this](error_code error, int number) {
        if (error) return;
        wait_for_signal();
        on_signal(number);
    });
}

void daemon::state::on_signal(int number)
{
    if (number == SIGHUP)
        reload();
    else
        end(number);
}

void daemon::state::end(int number)
{
    switch (++endings) {
    case 1: {
        const auto rooms = static_cast<std::int64_t>(relay->count().rooms);
        log.write(log_level::info, "draining", {{"signal", number}, {"rooms", rooms}});
        notify_manager("STOPPING=1\nSTATUS=Waiting for rooms to end");
        drain_timer.expires_after(configuration.drain_timeout);
        drain_timer.async_wait([this](error_code error) {
            if (error) return;
            log.write(log_level::warning, "drain_timeout", {{"rooms", relay->count().rooms}});
            relay->stop();
        });
        relay->drain();
        return;
    }
    case 2:
        log.write(log_level::info, "stopping", {{"signal", number}});
        relay->stop();
        return;
    default:
        std::_Exit(static_cast<int>(exit_code::ok));
    }
}

void daemon::state::reload()
{
    notify_reloading();
    const auto read = parse_command_line(arguments);
    std::string wrong;
    if (const auto* text = std::get_if<print_and_exit>(&read); text != nullptr) {
        wrong = text->text;
    } else if (const auto& wanted = std::get<relay_configuration>(read);
               tls && !wanted.tls_certificate.empty()) {
        // Load these last: they take effect at once, and nothing after this can fail.
        diagnostics diag;
        if (tls->load(wanted.tls_certificate, wanted.tls_key, &diag)) wrong = diag.message();
    }
    metrics.reloaded(wrong.empty());
    if (wrong.empty()) {
        apply(std::get<relay_configuration>(read));
    } else {
        std::istringstream lines{wrong};
        for (std::string line; std::getline(lines, line);)
            if (!line.starts_with("Try ")) log.write(log_level::error, "reload_failed", {{"reason", line}});
    }
    notify_manager("READY=1");
}

void daemon::state::apply(relay_configuration wanted)
{
    use_passed_sockets(wanted, passed);
    std::string changed;
    for (const setting* s : differences(configuration, wanted)) {
        const bool is_tls = s->name == "tls-certificate" || s->name == "tls-key";
        if (!s->reloadable || (is_tls && (!tls || wanted.tls_certificate.empty()))) {
            log.write(log_level::warning, "reload_ignored",
                      {{"setting", s->name}, {"reason", "it takes effect when the relay starts"}});
            continue;
        }
        copy_setting(configuration, *s, wanted);
        changed += (changed.empty() ? "" : ",") + std::string{s->name};
    }
    relay->set_limits(limits());
    relay->set_trusted_networks(networks_of(configuration));
    relay->set_allowed_origins(configuration.allowed_origins);
    http.public_paths = configuration.public_http;
    logged.show_addresses(configuration.addresses);
    log.set_level(configuration.level);
    log.write(log_level::info, "reloaded", {{"changed", changed}});
}

} // namespace parley::relayd
