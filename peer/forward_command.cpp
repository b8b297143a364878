#include "peer/forward_command.hpp"

#include "peer/session.hpp"

#include <parley/session/forward.hpp>
#include <parley/session/meeting.hpp>
#include <parley/transport/tcp.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/system/errc.hpp>
#include <fmt/format.h>

#include <set>
#include <utility>

namespace parley::cli {
namespace {

// Forwards the events of a session to the reporter, and sums them up. Borrows `out`.
class forwarding_reporter final : public forward_observer {
public:
    explicit forwarding_reporter(reporter& out) noexcept : out_(out) {}

    void listening(const forward_rule& rule, const tcp_endpoint& bound) override
    {
        out_.listening(to_text(bound), rule.target.text());
    }
    void opened(forward_number connection, const forward_target& target, std::string_view address) override
    {
        ++connections_;
        out_.opened(connection, target.text(), address);
    }
    void refused(forward_number connection, const forward_target& target, forward_cause,
                 std::string_view why) override
    {
        out_.not_opened(connection, target.text(), why);
    }
    void closed(forward_number connection, const forward_target& target, const forward_counts& counts,
                error_code why) override
    {
        bytes_.sent += counts.sent;
        bytes_.received += counts.received;
        out_.closed(connection, target.text(), counts, why);
    }
    void accept_failed(error_code why) override
    {
        out_.warning("a connection could not be accepted: " + why.message());
    }

    forward_summary summary() const
    {
        forward_summary out;
        out.connections = connections_;
        out.bytes = bytes_;
        return out;
    }

private:
    reporter& out_;
    std::uint64_t connections_ = 0;
    forward_counts bytes_;
};

// One session, from the options to its end.
class forwarding {
public:
    forwarding(const forward_command_options& options, secret_bytes code, reporter& out)
        : options_(options),
          code_(std::move(code)),
          out_(out),
          meeting_events_(out, false, options.common.proxy),
          events_(out)
    {
    }

    awaitable<operation_result<forward_summary>> run()
    {
        // The end of a cancelled session still takes its steps.
        co_await asio::this_coro::throw_if_cancelled(false);
        auto met = co_await meet();
        if (!met) co_return met.error();
        const time_point begin = clock::now();
        auto ended = co_await pass_connections(std::move(met->stream));
        if (ended.code) co_return ended;
        forward_summary summary = events_.summary();
        summary.peer = met->peer.text();
        summary.time = clock::now() - begin;
        co_return summary;
    }

private:
    bool exposes() const noexcept { return !options_.exposed.empty(); }

    template <class Options>
    Options meeting_options(operation_error& failure)
    {
        auto out = make_session_options<Options>(options_.common);
        out.protocol(std::string{forward_protocol}).observer(&meeting_events_).failure(&failure);
        return out;
    }

    awaitable<operation_result<meeting>> meet()
    {
        operation_error failure;
        const relay_address& relay = options_.common.relay;
        meeting met;
        error_code error;
        if (exposes()) {
            auto how = meeting_options<offer_options>(failure);
            auto done = co_await async_offer(relay, std::move(code_), std::move(how), use_tuple);
            std::tie(error, met) = std::move(done);
        } else {
            auto how = meeting_options<join_options>(failure);
            auto done = co_await async_join(relay, std::move(code_), std::move(how), use_tuple);
            std::tie(error, met) = std::move(done);
        }
        if (!error) co_return met;
        if (!failure.code) failure.code = error;
        co_return failure;
    }

    awaitable<operation_error> pass_connections(any_stream stream)
    {
        if (exposes()) {
            expose_options how;
            how.observer(&events_);
            for (const forward_target& target : options_.exposed) {
                out_.exposed(target.text());
                how.expose(target);
            }
            return expose_ports(std::move(stream), std::move(how));
        }
        forward_options how;
        how.observer(&events_);
        for (const forward_rule& rule : options_.rules) how.listen(rule);
        return forward_ports(std::move(stream), std::move(how));
    }

    const forward_command_options& options_;
    secret_bytes code_;
    reporter& out_;
    session_observer meeting_events_;
    forwarding_reporter events_;
};

// Tries to listen as the rules say, before anybody is asked for a code. What fails later is told, too.
error_code try_to_listen(const forward_rule& rule)
{
    asio::io_context context{1};
    for (listen_address address : rule.listen_addresses()) {
        address.port = rule.port;
        const auto acceptor = listen_tcp(context.get_executor(), address, {});
        // As in forward_ports(), the second loopback address may be missing.
        const bool is_missing = !acceptor && (acceptor.error() == asio::error::address_family_not_supported ||
                                              acceptor.error() == boost::system::errc::address_not_available);
        if (!acceptor && !is_missing) return acceptor.error();
    }
    return {};
}

// What the user can do about `error`.
std::string_view advice_on(const operation_error& error)
{
    if (error.phase == session_phase::preparing) return {};
    if (error.code == errc::protocol_mismatch)
        return "the other side runs another command; one side needs --expose, the other one -L";
    if (error.phase == session_phase::transferring && error.code != errc::cancelled)
        return "a broken session is not continued; run the command again on both sides";
    return {};
}

} // namespace

std::string forwarding_command(const forward_command_options& options)
{
    constexpr int first_unprivileged = 1024, above_privileged = 8000;
    std::string command = with_relay("parley forward", options.common);
    std::set<int> taken;
    for (const forward_target& target : options.exposed) {
        int port = target.port < first_unprivileged ? target.port + above_privileged : target.port;
        if (!taken.insert(port).second) port = 0; // the system picks
        command += " -L " + shell_word(fmt::format("{}:{}", port, target.text()));
    }
    return command;
}

int run_forward(const forward_command_options& options, std::optional<std::string> code_from_environment,
                reporter& out)
{
    for (const forward_rule& rule : options.rules) {
        const error_code error = try_to_listen(rule);
        if (error)
            return report_failure(out, {exit_code::local_file, fmt::format("cannot listen for {}: {}",
                                                                           rule.text(), error.message())});
    }
    command_result<secret_bytes> code =
        options.exposed.empty()
            ? find_code({{}, options.common.code_file, std::move(code_from_environment)}, out)
            : choose_code(options.common, std::move(code_from_environment), forwarding_command(options),
                          "the other side", out);
    if (!code) return report_failure(out, code.error());

    forwarding session{options, std::move(*code), out};
    const auto ended = run_operation<forward_summary>([&](const executor& ex, auto&& token) {
        asio::co_spawn(ex, session.run(), std::forward<decltype(token)>(token));
    });
    if (!ended) {
        operation_error failed = ended.error();
        const std::string_view advice = advice_on(failed);
        if (!advice.empty()) failed.detail += (failed.detail.empty() ? "" : "; ") + std::string{advice};
        return report_failure(out, failed, options.common);
    }
    out.ended(*ended);
    return to_int(exit_code::ok);
}

} // namespace parley::cli
