#include "relay/log_observer.hpp"
#include "relay/options.hpp"
#include "relay/ready_line.hpp"

#include <parley/base/bytes.hpp>
#include <parley/net/spawn.hpp>
#include <parley/net/tls.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include <csignal>
#include <cstdio>
#include <exception>
#include <sys/resource.h>

namespace parley::relayd {
namespace {

int to_int(exit_code code) noexcept
{
    return static_cast<int>(code);
}

void print_line(std::FILE* file, const std::string& text)
{
    std::fputs((text + "\n").c_str(), file);
    std::fflush(file);
}

// A descriptor each peer, two each room: as many as the system allows without asking an administrator.
void raise_descriptor_limit(event_log& log)
{
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
    ::getrlimit(RLIMIT_NOFILE, &limit);
    log.write(log_level::debug, "descriptors", {{"limit", static_cast<std::int64_t>(limit.rlim_cur)}});
}

exit_code serve(const relay_configuration& configuration)
{
    event_log log{configuration.format, configuration.level};
    set_exception_reporter([&log](std::string_view name, std::string_view what) {
        log.write(log_level::error, "internal_error", {{"coroutine", name}, {"what", what}});
    });
    raise_descriptor_limit(log);

    asio::io_context context{1};
    log_observer observer{log};
    relay_server_options options = server_options(configuration);
    if (!configuration.tls_certificate.empty()) {
        options.tls = std::make_shared<tls_identity>();
        std::string why;
        if (options.tls->load(configuration.tls_certificate, configuration.tls_key, &why)) {
            print_line(stderr, "parley-relay: " + why);
            return exit_code::cannot_listen;
        }
    }
    relay_server relay{context.get_executor(), std::move(options), observer};

    std::string where;
    const error_code failed = relay.listen(&where);
    if (failed) {
        print_line(stderr, "parley-relay: cannot listen on " + escaped(where) + ": " + failed.message());
        return exit_code::cannot_listen;
    }

    // The first signal ends the relay in order, the second at once.
    asio::signal_set signals{context, SIGINT, SIGTERM};
    std::function<void(error_code, int)> on_signal = [&](error_code error, int number) {
        if (error) return;
        log.write(log_level::info, "stopping", {{"signal", number}});
        relay.stop();
        signals.async_wait([](error_code cancelled, int) {
            if (!cancelled) std::_Exit(to_int(exit_code::ok));
        });
    };
    signals.async_wait(on_signal);

    spawn(
        context.get_executor(),
        [&]() -> awaitable<void> {
            const error_code ended = co_await relay.run();
            if (ended) log.write(log_level::error, "ended", {{"reason", ended.message()}});
            signals.cancel();
        },
        "relay");
    // Whoever reads this line may connect: the addresses are bound, and the system queues what comes early.
    print_line(stdout,
               ready_line(relay.bound_handshake_texts(), relay.bound_room_texts(), configuration.json));
    context.run();
    log.write(log_level::info, "stopped");
    return exit_code::ok;
}

int run(int argc, char** argv)
{
    const auto parsed = parse_command_line({argv + 1, argv + argc});
    if (const auto* text = std::get_if<print_and_exit>(&parsed); text != nullptr) {
        print_line(text->exit == exit_code::ok ? stdout : stderr, text->text);
        return to_int(text->exit);
    }
    std::signal(SIGPIPE, SIG_IGN);
    return to_int(serve(std::get<relay_configuration>(parsed)));
}

} // namespace
} // namespace parley::relayd

int main(int argc, char** argv)
{
    try {
        return parley::relayd::run(argc, argv);
    } catch (const std::exception& failure) {
        std::fprintf(stderr, "parley-relay: internal error: %s\n", parley::escaped(failure.what()).c_str());
        return static_cast<int>(parley::relayd::exit_code::internal);
    }
}
