#include "peer/recv_command.hpp"

#include "peer/destination.hpp"
#include "peer/session.hpp"
#include "peer/spool.hpp"
#include "peer/terminal.hpp"

#include <parley/payload/folder_sink.hpp>
#include <parley/payload/memory_sink.hpp>
#include <parley/transfer/receive_document.hpp>

#include <fmt/format.h>

namespace parley::cli {
namespace {

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
    options.allow_other_name = given.when_taken == taken_action::rename || (!given.yes && !where.name);
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

// Puts a document where it belongs: a text on the terminal, a file to standard output, all else into the folder.
class chosen_sink final : public content_sink {
public:
    chosen_sink(folder_sink_options folder, std::function<error_code(bytes_view)> output)
        : folder_(std::move(folder)), output_(std::move(output))
    {
    }

    result<sink_preview> preview(std::shared_ptr<const document_outline> document) override
    {
        is_text_ = document->offer().kind == document_kind::text;
        if (output_)
            sink_ = std::make_unique<memory_sink>(output_);
        else if (is_text_)
            sink_ = std::make_unique<memory_sink>();
        else
            sink_ = std::make_unique<folder_sink>(folder_);
        return sink_->preview(std::move(document));
    }
    result<std::vector<kept_part>> begin() override { return sink_->begin(); }
    error_code open(std::uint32_t number, std::uint64_t offset) override
    {
        return sink_->open(number, offset);
    }
    error_code write(bytes_view bytes) override { return sink_->write(bytes); }
    error_code close() override { return sink_->close(); }
    result<stored_document> commit() override { return sink_->commit(); }
    void interrupt() noexcept override
    {
        if (sink_) sink_->interrupt();
    }
    void end(bool keep) noexcept override
    {
        if (sink_) sink_->end(keep);
    }
    const document_fault& fault() const noexcept override { return sink_->fault(); }

    // The text, if the document is one; valid as long as the sink.
    std::optional<bytes_view> text() const
    {
        if (!is_text_ || output_) return std::nullopt;
        return static_cast<const memory_sink&>(*sink_).content();
    }

private:
    folder_sink_options folder_;
    std::function<error_code(bytes_view)> output_;
    std::unique_ptr<content_sink> sink_;
    bool is_text_ = false;
};

folder_sink_options folder_of(const destination& where, const recv_command_options& given)
{
    folder_sink_options out;
    out.directory(where.directory).keep(given.keep);
    if (where.name) out.name(*where.name);
    out.allow_dot_name(!given.yes || given.allow_dot); // the question names the document
    const bool asks = !given.yes && !where.name;       // the question shows another name
    out.when_taken(given.when_taken == taken_action::refuse && asks ? taken_action::rename
                                                                    : given.when_taken);
    return out;
}

// What the user can do about `error`, to be added to its detail.
std::string_view advice_on(const error_code& error, const recv_command_options& options)
{
    if (options.yes && error == errc::refused_by_user) // nobody was asked, so it is the name
        return "; -o NAME gives it another name, --allow-dot keeps this one";
    if (error == errc::cancelled_by_peer || error == errc::aborted_by_peer) return {};
    if (error == errc::too_many_entries) return "; --max-paths N allows more";
    if (error == errc::destination_exists)
        return "; -o NAME gives it another name, --rename takes a free one";
    if (error == errc::not_a_file) return "standard output takes none";
    return {};
}

// The end of a document of version 2.
int report_stored(const receive_report& report, const session_observer& observer, const chosen_sink& sink,
                  bool to_standard_output, reporter& out)
{
    const document_offer& offer = *observer.offer();
    transfer_summary summary;
    summary.name = offer.name.empty() ? "several paths" : offer.name;
    summary.path = report.stored.path.native();
    if (to_standard_output) summary.path = "-";
    if (const auto text = sink.text()) {
        out.text(as_text(*text), is_terminal(STDOUT_FILENO));
        summary.name = "a text";
        summary.path = "-";
    }
    summary.peer = report.peer.text();
    summary.is_directory = offer.kind == document_kind::directory || offer.kind == document_kind::items;
    summary.files = report.stored.files + report.stored.links;
    summary.directories = report.stored.directories + (offer.kind == document_kind::directory ? 1 : 0);
    summary.content_bytes = report.stored.content_bytes;
    summary.stream_bytes = report.stream_bytes;
    summary.time = report.transfer_time;
    out.done(summary);
    return to_int(exit_code::ok);
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
    std::function<error_code(bytes_view)> output;
    if (to_standard_output)
        output = [&output_error](bytes_view bytes) { return output_error = write_to_standard_output(bytes); };
    chosen_sink sink{folder_of(where, options), std::move(output)};
    command_result<document_receiver> receiver = open_receiver(std::move(where), options, output_error);
    if (!receiver) return report_failure(out, receiver.error());

    command_result<secret_bytes> code =
        find_code({options.code, options.common.code_file, std::move(code_from_environment)}, out);
    if (!code) return report_failure(out, code.error());

    auto settings = make_session_options<receive_options>(options.common);
    settings.refusal_ends(true).max_iterations(options.max_iterations);
    if (options.max_paths) settings.max_entries(*options.max_paths);
    if (options.max_size_bytes != UINT64_MAX) settings.max_bytes(options.max_size_bytes);
    if (options.common.session == session_versions::both)
        settings.version_1([&](diagnostics&) -> result<document_receiver> { return std::move(*receiver); });
    session_observer observer{out, !options.yes, options.common.proxy};
    const operation_result<receive_report> report = run_operation<receive_report>(
        [&](const executor& ex, auto&& token) {
            if (options.common.session == session_versions::only_1)
                async_receive_document(ex, std::move(*code), *receiver, std::move(settings), observer,
                                       std::forward<decltype(token)>(token));
            else
                async_receive_document(ex, std::move(*code), sink, std::move(settings), observer,
                                       std::forward<decltype(token)>(token));
        },
        [&observer] { observer.tick(); });
    if (!report) {
        operation_error failed = report.error();
        if (output_error && output_error != errc::cancelled)
            return report_failure(out, {exit_code::local_file, "standard output: " + output_error.message()});
        // The other paths are in their place.
        if (options.when_taken == taken_action::keep_going && failed.code == errc::entry_not_placed)
            return report_failure(out, {exit_code::incomplete, failed.message()});
        failed.detail += advice_on(failed.code, options);
        return report_failure(out, failed, options.common);
    }
    if (report->sender_lost)
        out.warning("the connection was lost before the sender heard that the document is in its place");

    if (report->version == 2) return report_stored(*report, observer, sink, to_standard_output, out);
    const received_document& document = report->document;
    transfer_summary summary;
    summary.name = options.common.session == session_versions::only_1 ? receiver->offered_name()
                                                                      : document.path.filename().native();
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
