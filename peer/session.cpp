#include "peer/session.hpp"

#include "peer/connection_advice.hpp"
#include "peer/prompt.hpp"

#include <parley/async/event.hpp>

#include <boost/asio/this_coro.hpp>
#include <fmt/format.h>

#include <csignal>
#include <termios.h>

namespace parley::cli {

void session_observer::connecting(const relay_address& relay)
{
    out_.connecting(relay.text(), proxy_ ? proxy_->text() : std::string{});
}

void session_observer::connected(std::string_view address)
{
    out_.connected(address);
}

void session_observer::identified(const identity& self)
{
    out_.identified(self.text());
}

void session_observer::waiting()
{
    out_.waiting();
}

void session_observer::reconnecting(const operation_error& why, duration pause)
{
    const std::string detail = why.detail.empty() ? std::string{} : fmt::format(" ({})", why.detail);
    out_.reconnecting(why.code.message() + detail, pause);
}

void session_observer::rejected(const identity& peer, error_code why)
{
    out_.rejected(peer.text(), why);
}

void session_observer::guesses(const guess_report& last_minute)
{
    out_.guesses(last_minute);
}

void session_observer::trying_again()
{
    out_.trying_again();
}

void session_observer::refused(const identity& peer)
{
    out_.refused(peer.text());
}

awaitable<bool> session_observer::decide(identity peer)
{
    out_.offered(peer.text());
    if (!ask_) co_return true;
    auto asking = ask(fmt::format("Receive from {}? [y/N] ", escaped(peer.text())));
    const bool yes = co_await std::move(asking);
    co_return yes;
}

awaitable<bool> session_observer::decide_document(identity, offered_document document)
{
    if (!ask_) co_return true;
    auto asking = ask(question_about(document));
    const bool yes = co_await std::move(asking);
    co_return yes;
}

awaitable<bool> session_observer::ask(std::string question)
{
    const executor ex = co_await asio::this_coro::executor;
    // Discard what was typed before this question: it was not an answer to it.
    ::tcflush(STDIN_FILENO, TCIFLUSH);
    out_.question(question);
    auto reading = read_answer(STDIN_FILENO);
    const bool yes = co_await std::move(reading);
    const auto state = co_await asio::this_coro::cancellation_state;
    const bool cancelled = state.cancelled() != asio::cancellation_type::none;
    const bool signaled = interrupt_watch::signal() != 0;
    out_.question_ended(!cancelled && !signaled);
    if (signaled && !cancelled) { // the operation is about to be cancelled: this is not a no
        event never{ex};
        co_await never.wait_or_cancelled();
    }
    co_return yes;
}

void session_observer::withdrawn(const identity& peer)
{
    out_.withdrawn(peer.text());
}

void session_observer::agreed(const identity& self, const identity& peer)
{
    out_.agreed(self.text(), peer.text());
}

void session_observer::progress(const transfer_progress& now)
{
    out_.progress(clock::now(), now.content_bytes, now.total_content_bytes);
}

void session_observer::finishing()
{
    out_.finishing();
}

std::string question_about(const offered_document& document)
{
    const std::string name =
        "\"" + escaped(document.name) + '"' +
        (document.other_name.empty() ? std::string{} : " as \"" + escaped(document.other_name) + '"');
    const std::string files = format_count(document.files, "file", "files");
    const std::string size = format_bytes(document.content_bytes);
    if (!document.is_directory) return fmt::format("Receive file {} ({})? [y/N] ", name, size);
    return fmt::format("Receive folder {} ({} in {}, {})? [y/N] ", name, files,
                       format_count(document.directories, "folder", "folders"), size);
}

int report_failure(reporter& out, const operation_error& error, const common_options& common)
{
    const exit_code exit = exit_code_for(error.code, error.phase);
    if (exit == exit_code::interrupted) return report_failure(out, command_error{exit, {}});
    std::string message = error.message();
    if (exit == exit_code::unreachable && common.relay_text.empty())
        message += "; --relay or PARLEY_RELAY says where another relay is";
    const std::string_view advice = connection_advice(error.code);
    if (!advice.empty()) message.append(". ").append(advice);
    if (exit == exit_code::guessed) message += "; take a new code, or allow more with --max-wrong-codes";
    out.failed(exit, to_int(exit), message);
    return to_int(exit);
}

int report_failure(reporter& out, const command_error& error)
{
    int status = to_int(error.exit);
    std::string message = error.message;
    if (error.exit == exit_code::interrupted) {
        const int signal = interrupt_watch::signal();
        status = exit_code_for_signal(signal != 0 ? signal : SIGINT);
        message = signal == SIGTERM  ? "ended by SIGTERM"
                  : signal == SIGHUP ? "ended by SIGHUP"
                                     : "interrupted";
    }
    out.failed(error.exit, status, message);
    return status;
}

void warn_of_mistyped(reporter& out, const typed_code& code)
{
    if (code.kind == code_kind::mistyped)
        out.warning("this looks like a code of parley, but with a mistake in it; using it exactly as typed");
}

} // namespace parley::cli
