// The common parts of sending and receiving: reporting, the user's answer, and running one operation until
// its end or a signal.
#pragma once

#include "peer/code_input.hpp"
#include "peer/interrupt.hpp"
#include "peer/options.hpp"
#include "peer/prompt.hpp"
#include "peer/reporter.hpp"

#include <parley/session/peer_session.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <chrono>
#include <functional>
#include <optional>
#include <unistd.h>

namespace parley::cli {

// Forwards the events of an operation to the reporter, and asks the user when the operation asks. Borrows
// `out`.
class session_observer final : public peer_observer {
public:
    // `ask` says whether to ask on the terminal at standard input; otherwise every sender and document is
    // accepted.
    // `proxy` is the proxy of the operation.
    session_observer(reporter& out, bool ask, proxy_pointer proxy) noexcept
        : out_(out), ask_(ask), proxy_(std::move(proxy))
    {
    }

    void connecting(const relay_address& relay) override;
    void connected(std::string_view address) override;
    void identified(const identity& self) override;
    void waiting() override;
    void reconnecting(const operation_error& why, duration pause) override;
    void rejected(const identity& peer, error_code why) override;
    void guesses(const guess_report& last_minute) override;
    void trying_again() override;
    void refused(const identity& peer) override;
    awaitable<bool> decide(identity peer) override;
    awaitable<bool> decide_document(identity peer, offered_document document) override;
    void withdrawn(const identity& peer) override;
    void agreed(const identity& self, const identity& peer) override;
    void progress(const transfer_progress& now) override;
    void finishing() override;
    void interrupted(const operation_error& why, duration pause) override;
    void resumed() override;
    void listed(const document_offer& offer) override;
    void failed_there(const identity& peer, error_code why, std::string_view text) override;
    void delivered(const identity& peer, std::uint64_t number) override;
    // What was offered in a session of version 2.
    const std::optional<document_offer>& offer() const noexcept { return offer_; }
    // Call it once a second.
    void tick() { out_.tick(clock::now()); }

private:
    awaitable<prompt_answer> ask(std::string question);

    reporter& out_;
    bool ask_;
    proxy_pointer proxy_;
    std::optional<document_offer> offer_;
};

// The options of either operation, from those that both commands have.
template <class Options>
Options make_session_options(const common_options& common)
{
    Options out;
    out.relay(common.relay).ca_file(common.ca_file).proxy(common.proxy).wait_timeout(common.timeout);
    out.max_guesses(common.max_wrong_codes).idle_timeout(common.idle_timeout);
    out.connect_timeout(std::min(common.connect_timeout, common.timeout));
    return out;
}

// The question whether to take `document`, with its name escaped. Of version 2 it names the sender, and says how much
// space is free.
std::string question_about(const identity& peer, const offered_document& document);

// Reports `error` and returns the exit status; for a cancelled operation it is that of the signal.
int report_failure(reporter& out, const operation_error& error, const common_options& common);
int report_failure(reporter& out, const command_error& error);

// Warns when `code` looks like one of our codes with a mistake in it.
void warn_of_mistyped(reporter& out, const typed_code& code);

// The code of the side that offers: the given one, or a new one, which is shown. `command` and `who` are those of
// reporter::code().
command_result<secret_bytes> choose_code(const common_options& common, std::optional<std::string> environment,
                                         std::string_view command, std::string_view who, reporter& out);
// The code of the side that joins: the first of `sources`, else what the user types.
command_result<secret_bytes> find_code(const code_sources& sources, reporter& out);

// `text` as one word of a shell.
std::string shell_word(const std::string& text);
// `command` with the options for the relay of `common`.
std::string with_relay(std::string command, const common_options& common);

// Runs one operation on its own context. `start(executor, token)` begins it with a completion token of
// signature void(std::exception_ptr, operation_result<Report>). `each_second` is called once a second until its
// end. A signal cancels it. Rethrows an exception of the operation.
template <class Report, class Start>
operation_result<Report> run_operation(Start start, const std::function<void()>& each_second = {})
{
    asio::io_context context{1};
    asio::cancellation_signal cancel;
    asio::posix::stream_descriptor wake{context};
    if (const int copy = ::dup(interrupt_watch::wake_descriptor()); copy >= 0) wake.assign(copy);
    asio::steady_timer second{context};
    std::optional<operation_result<Report>> outcome;
    std::exception_ptr escaped;
    // The operation begins in its own turn of the loop, so a signal that arrived earlier cancels it right
    // after it began.
    start(context.get_executor(),
          asio::bind_cancellation_slot(cancel.slot(),
                                       [&](std::exception_ptr failure, operation_result<Report> report) {
                                           escaped = failure;
                                           outcome.emplace(std::move(report));
                                           wake.close();
                                           second.cancel();
                                       }));
    if (wake.is_open())
        wake.async_wait(asio::posix::stream_descriptor::wait_read, [&](error_code error) {
            if (!error) cancel.emit(asio::cancellation_type::terminal);
        });
    const std::function<void()> count_second = [&] {
        second.expires_after(std::chrono::seconds{1});
        second.async_wait([&](error_code error) {
            if (error || outcome) return;
            each_second();
            count_second();
        });
    };
    if (each_second) count_second();
    context.run();
    if (escaped) std::rethrow_exception(escaped);
    return std::move(*outcome);
}

} // namespace parley::cli
