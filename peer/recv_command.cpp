#include "peer/recv_command.hpp"

#include "peer/destination.hpp"
#include "peer/session.hpp"
#include "peer/spool.hpp"
#include "peer/terminal.hpp"

#include <parley/transfer/receive_document.hpp>

#include <fmt/format.h>

namespace parley::cli {
namespace {

command_result<secret_bytes> find_code(const recv_command_options& options,
                                       std::optional<std::string> environment, reporter& out)
{
    command_result<given_code> given =
        read_given_code({options.code, options.common.code_file, std::move(environment)});
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

// `output_error` becomes what goes wrong with standard output.
command_result<document_receiver> open_receiver(destination where, const recv_command_options& given,
                                                error_code& output_error)
{
    const std::filesystem::path shown = where.name ? where.directory / *where.name : where.directory;
    receiver_options options;
    if (given.output == "-")
        options.output = [&output_error](bytes_view bytes) {
            return output_error = write_to_standard_output(bytes);
        };
    // The question shows another name. A name that the user has given is not changed unasked.
    options.allow_other_name = given.rename || (!given.yes && !where.name);
    options.directory = std::move(where.directory);
    options.name = std::move(where.name);
    options.allow_dot_name = !given.yes || given.allow_dot; // the question names the document
    options.limits.max_document_bytes = given.max_size_bytes;
    if (given.max_paths) options.limits.max_entries = *given.max_paths;
    // The question says how many paths there are.
    if (given.max_paths || !given.yes) options.limits.max_repeated_paths = options.limits.max_entries;
    result<document_receiver> receiver = document_receiver::create(std::move(options));
    if (!receiver)
        return command_error{exit_code::local_file,
                             fmt::format("{}: {}", escaped(shown.native()), receiver.error().message())};
    return std::move(*receiver);
}

// What the user can do about `error`, to be added to its detail.
std::string_view advice_on(const error_code& error, const recv_command_options& options)
{
    if (options.yes && error == errc::refused_by_user) // nobody was asked, so it is the name
        return "; -o NAME gives it another name, --allow-dot keeps this one";
    if (error == errc::too_many_entries) return "; --max-paths N allows more";
    if (error == errc::destination_exists)
        return "; -o NAME gives it another name, --rename takes a free one";
    if (error == errc::not_a_file) return "standard output takes none";
    return {};
}

} // namespace

int run_recv(const recv_command_options& options, std::optional<std::string> code_from_environment,
             reporter& out)
{
    if (options.code)
        out.warning(
            "other users of this computer can see a code on the command line; type it when asked instead");
    if (!options.yes && !is_terminal(STDIN_FILENO))
        return report_failure(out,
                              {exit_code::usage,
                               "standard input is no terminal, so nobody can be asked whether to take the "
                               "document; --yes takes it without asking"});

    // Do what can fail on this side before asking for a code.
    const bool to_standard_output = options.output == "-";
    destination where;
    if (to_standard_output) {
        if (!is_writable(STDOUT_FILENO))
            return report_failure(out, {exit_code::local_file, "standard output is closed"});
        where.directory = temporary_directory();
    } else {
        command_result<destination> found = find_destination(options.output);
        if (!found) return report_failure(out, found.error());
        where = std::move(*found);
    }
    error_code output_error;
    command_result<document_receiver> receiver = open_receiver(std::move(where), options, output_error);
    if (!receiver) return report_failure(out, receiver.error());

    command_result<secret_bytes> code = find_code(options, std::move(code_from_environment), out);
    if (!code) return report_failure(out, code.error());

    auto settings = make_session_options<receive_options>(options.common);
    settings.refusal_ends(true).max_iterations(options.max_iterations);
    session_observer observer{out, !options.yes, options.common.proxy};
    const operation_result<receive_report> report = run_operation<receive_report>(
        [&](const executor& ex, auto&& token) {
            async_receive_document(ex, std::move(*code), *receiver, std::move(settings), observer,
                                   std::forward<decltype(token)>(token));
        },
        [&observer] { observer.tick(); });
    if (!report) {
        operation_error failed = report.error();
        if (output_error && output_error != errc::cancelled)
            return report_failure(out, {exit_code::local_file, "standard output: " + output_error.message()});
        failed.detail += advice_on(failed.code, options);
        return report_failure(out, failed, options.common);
    }
    if (report->sender_lost)
        out.warning("the connection was lost before the sender heard that the document is in its place");

    const received_document& document = report->document;
    transfer_summary summary;
    summary.name = receiver->offered_name();
    summary.path = to_standard_output ? "-" : document.path.native();
    summary.peer = report->peer.text();
    summary.is_directory = document.is_directory;
    summary.files = document.files;
    summary.directories = document.directories;
    summary.content_bytes = document.content_bytes;
    summary.stream_bytes = report->stream_bytes;
    summary.time = report->transfer_time;
    summary.skipped = document.skipped_count;
    for (const skipped_path& path : document.skipped) out.skipped(path);
    if (summary.skipped != 0)
        out.warning(fmt::format("the document is incomplete here: {} cannot be held by this file system",
                                format_count(summary.skipped, "path", "paths")));
    out.done(summary);
    return to_int(summary.skipped == 0 ? exit_code::ok : exit_code::incomplete);
}

} // namespace parley::cli
