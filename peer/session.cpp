#include "peer/session.hpp"

#include "peer/connection_advice.hpp"
#include "peer/prompt.hpp"
#include "peer/terminal.hpp"

#include <parley/async/event.hpp>
#include <parley/crypto/random.hpp>

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
    const prompt_answer answer = co_await std::move(asking);
    co_return answer == prompt_answer::yes;
}

awaitable<bool> session_observer::decide_document(identity peer, offered_document document)
{
    if (document.outline) {
        offer_ = document.outline->offer();
        out_.offer(peer.text(), *document.outline);
    }
    if (!ask_) co_return true;
    for (;;) {
        auto asking = ask(question_about(peer, document));
        const prompt_answer answer = co_await std::move(asking);
        if (answer != prompt_answer::list || !document.outline) co_return answer == prompt_answer::yes;
        out_.list(*document.outline);
    }
}

awaitable<prompt_answer> session_observer::ask(std::string question)
{
    const executor ex = co_await asio::this_coro::executor;
    // Discard what was typed before this question: it was not an answer to it.
    ::tcflush(STDIN_FILENO, TCIFLUSH);
    out_.question(question);
    auto reading = read_answer(STDIN_FILENO);
    const prompt_answer answer = co_await std::move(reading);
    const auto state = co_await asio::this_coro::cancellation_state;
    const bool cancelled = state.cancelled() != asio::cancellation_type::none;
    const bool signaled = interrupt_watch::signal() != 0;
    out_.question_ended(!cancelled && !signaled);
    if (signaled && !cancelled) { // the operation is about to be cancelled: this is not a no
        event never{ex};
        co_await never.wait_or_cancelled();
    }
    co_return answer;
}

void session_observer::interrupted(const operation_error& why, duration pause)
{
    const std::string detail = why.detail.empty() ? std::string{} : fmt::format(" ({})", why.detail);
    out_.interrupted(why.code.message() + detail, pause);
}

void session_observer::resumed()
{
    out_.resumed();
}

void session_observer::listed(const document_offer& offer)
{
    offer_ = offer;
    out_.document(offer.name, offer.kind == document_kind::directory || offer.kind == document_kind::items,
                  offer.files, offer.bytes);
}

void session_observer::failed_there(const identity& peer, error_code why, std::string_view text)
{
    out_.receiver_left(fmt::format("{} has not stored the document: {}{}", escaped(peer.text()),
                                   why.message(), text.empty() ? "" : fmt::format(" ({})", text)));
}

void session_observer::delivered(const identity& peer, std::uint64_t number)
{
    out_.delivered(peer.text(), number);
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

std::string question_about(const identity& peer, const offered_document& document)
{
    const std::string name =
        "\"" + escaped(document.name) + '"' +
        (document.other_name.empty() ? std::string{} : " as \"" + escaped(document.other_name) + '"');
    const std::string files = format_count(document.files, "file", "files");
    const std::string folders = format_count(document.directories, "folder", "folders");
    const std::string size =
        document.content_bytes == unknown_size ? "of unknown size" : format_bytes(document.content_bytes);
    std::string what;
    if (document.kind == document_kind::text)
        what = fmt::format("a text ({})", size);
    else if (document.kind == document_kind::items)
        what = fmt::format("{} and {} ({})", files, folders, size);
    else if (document.is_directory)
        what = fmt::format("folder {} ({} in {}, {})", name, files, folders, size);
    else
        what = fmt::format("file {} ({})", name, size);
    if (!document.outline) return fmt::format("Receive {}? [y/N] ", what);
    const std::string free = document.free_bytes == unknown_size
                                 ? ""
                                 : fmt::format("; {} are free here", format_bytes(document.free_bytes));
    return fmt::format("Receive {} from {}{}? [y/N/l] ", what, escaped(peer.text()), free);
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

command_result<secret_bytes> choose_code(const common_options& common, std::optional<std::string> environment,
                                         std::string_view command, std::string_view who, reporter& out)
{
    command_result<given_code> given = read_given_code({{}, common.code_file, std::move(environment)});
    if (!given) return given.error();
    if (given->given) {
        warn_of_mistyped(out, given->code);
        return std::move(given->code.password);
    }
    if (!is_writable(STDOUT_FILENO))
        return command_error{exit_code::local_file,
                             "standard output is closed, so nobody can see the new code"};
    secret_bytes code = generate_code(system_random());
    out.code(code.text(), command, who);
    return code;
}

command_result<secret_bytes> find_code(const code_sources& sources, reporter& out)
{
    command_result<given_code> given = read_given_code(sources);
    if (!given) return given.error();
    typed_code code = std::move(given->code);
    if (!given->given) {
        command_result<typed_code> asked = ask_code(STDIN_FILENO, STDERR_FILENO);
        if (!asked) return asked.error();
        code = std::move(*asked);
    }
    warn_of_mistyped(out, code);
    return std::move(code.password);
}

std::string shell_word(const std::string& text)
{
    constexpr std::string_view plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,:/_-";
    if (text.find_first_not_of(plain) == std::string::npos) return text;
    std::string quoted = "'";
    for (const char c : text) quoted += c == '\'' ? std::string{"'\\''"} : std::string{c};
    return quoted + "'";
}

std::string with_relay(std::string command, const common_options& common)
{
    if (!common.relay_text.empty()) command += " --relay " + shell_word(common.relay_text);
    if (common.room_port) command += fmt::format(" --room-port {}", *common.room_port);
    return command;
}

} // namespace parley::cli
