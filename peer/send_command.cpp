#include "peer/send_command.hpp"

#include "peer/session.hpp"
#include "peer/spool.hpp"

#include <parley/crypto/random.hpp>
#include <parley/payload/bytes_source.hpp>
#include <parley/payload/folder_source.hpp>
#include <parley/payload/stream_source.hpp>
#include <parley/transfer/send_document.hpp>

#include <boost/asio/post.hpp>
#include <boost/system/errc.hpp>
#include <fcntl.h>
#include <fmt/format.h>
#include <set>
#include <unistd.h>
#include <utility>

namespace parley::cli {
namespace {

using kind = send_command_options::source_kind;

// Every failure before the connection is about a local file, whatever the condition of its code.
command_error local_failure(const std::string& what, const error_code& why, const diagnostics& diag = {})
{
    if (why == errc::cancelled || interrupt_watch::signal() != 0) return {exit_code::interrupted, {}};
    std::string message = fmt::format("{}: {}", what, diag.empty() ? why.message() : diag.message());
    if (why == errc::hostile_name) message += "; --name NAME gives it another one";
    return {exit_code::local_file, std::move(message)};
}

// Opens the document from its beginning. `input` keeps standard input, which can be read only once.
command_result<document_source> open_source(const send_command_options& options, source_options settings,
                                            std::optional<spooled_file>& input)
{
    diagnostics diag;
    if (options.kind == kind::text) {
        const std::string name = options.name.value_or("message.txt");
        const bytes_view text = as_bytes(options.text);
        result<document_source> source = document_source::from_bytes(
            name, byte_vector{text.begin(), text.end()}, std::move(settings), &diag);
        if (!source) return local_failure("the text", source.error(), diag);
        return std::move(*source);
    }
    if (options.kind == kind::standard_input) {
        if (!input) {
            result<spooled_file> spooled = spool(STDIN_FILENO);
            if (!spooled) return local_failure("standard input", spooled.error());
            input.emplace(std::move(*spooled));
        }
        descriptor again{::fcntl(input->file.get(), F_DUPFD_CLOEXEC, 0)};
        if (!again || ::lseek(again.get(), 0, SEEK_SET) < 0)
            return local_failure("standard input", last_system_error());
        const std::string name = options.name.value_or("stdin");
        result<document_source> source =
            document_source::from_descriptor(name, again.release(), input->size, std::move(settings), &diag);
        if (!source) return local_failure("standard input", source.error(), diag);
        return std::move(*source);
    }
    settings.name = options.name;
    result<document_source> source = document_source::open(options.paths.front(), std::move(settings), &diag);
    if (source) return std::move(*source);
    if (source.error() == boost::system::errc::file_too_large)
        diag.set_message(
            "its size is not its length, which is above 16 MiB; send it by  parley send - < FILE");
    return local_failure(escaped(options.paths.front().native()), source.error(), diag);
}

// Shows each skipped path once, although the document may be opened for several receivers.
class skip_reporter {
public:
    explicit skip_reporter(reporter& out) : out_(out) {}

    // While an operation runs, another thread reads the document; its loop is then `home`.
    void set_home(std::optional<executor> home) { home_ = std::move(home); }

    void report(const skipped_path& path)
    {
        if (home_)
            asio::post(*home_, [this, path] { show(path); });
        else
            show(path);
    }

    // How many different paths were shown.
    std::uint64_t count() const noexcept { return shown_.size(); }

private:
    void show(const skipped_path& path)
    {
        if (shown_.emplace(path.path, path.reason).second) out_.skipped(path);
    }

    reporter& out_;
    std::optional<executor> home_;
    std::set<std::pair<std::string, std::string>> shown_;
};

operation_result<send_report> send_once(const send_command_options& options, secret_bytes code,
                                        document_source& source, skip_reporter& skips, reporter& out)
{
    auto settings = make_session_options<send_options>(options.common);
    settings.layout(options.layout);
    session_observer observer{out, false, options.common.proxy};
    auto report = run_operation<send_report>(
        [&](const executor& ex, auto&& token) {
            skips.set_home(ex);
            async_send_document(ex, std::move(code), source, std::move(settings), observer,
                                std::forward<decltype(token)>(token));
        },
        [&observer] { observer.tick(); });
    skips.set_home({});
    return report;
}

// Whether a receiver was in the room and left it before the end. It may have had no room on its disk, its
// user may have said no, or its connection broke.
bool receiver_left(const operation_error& error)
{
    const bool in_room =
        error.phase == session_phase::transferring || error.phase == session_phase::finishing;
    return in_room && error.code == errc::peer_disconnected;
}

// The failure to report after `error`, when a receiver had `left` before: that nobody else came says less.
operation_error final_failure(const std::optional<operation_error>& left, const operation_error& error)
{
    const bool nobody_came =
        error.phase == session_phase::connecting || error.phase == session_phase::handshake;
    const bool says_more = error.code == errc::cancelled || error.code == errc::too_many_guesses;
    if (!left || !nobody_came || says_more) return error;
    operation_error out = *left;
    out.detail += out.detail.empty() ? "nobody else came" : "; nobody else came";
    return out;
}

int run_version_1(const send_command_options& options, std::optional<std::string> code_from_environment,
                  reporter& out)
{
    skip_reporter skips{out};
    source_options settings;
    settings.compress = options.compress;
    settings.on_skipped = [&skips](const skipped_path& path) { skips.report(path); };
    std::optional<spooled_file> input;
    command_result<document_source> source = open_source(options, settings, input);
    if (!source) return report_failure(out, source.error());
    if (interrupt_watch::signal() != 0) return report_failure(out, {exit_code::interrupted, {}});
    out.document(source->name(), source->is_directory(), source->file_count(), source->content_bytes());

    command_result<secret_bytes> code = choose_code(options.common, std::move(code_from_environment),
                                                    receiving_command(options.common), "the receiver", out);
    if (!code) return report_failure(out, code.error());

    // After a receiver that left, another one may come with the same code.
    std::optional<operation_error> left;
    operation_result<send_report> report = send_once(options, code->duplicate(), *source, skips, out);
    while (!report) {
        if (!receiver_left(report.error()))
            return report_failure(out, final_failure(left, report.error()), options.common);
        left = report.error();
        out.receiver_left(left->message());
        source = open_source(options, settings, input);
        if (!source) return report_failure(out, source.error());
        report = send_once(options, code->duplicate(), *source, skips, out);
    }

    transfer_summary summary;
    summary.name = source->name();
    summary.peer = report->peer.text();
    summary.is_directory = source->is_directory();
    summary.files = source->file_count();
    summary.directories = source->directory_count();
    summary.content_bytes = report->content_bytes;
    summary.stream_bytes = report->stream_bytes;
    summary.skipped = source->skipped_count();
    summary.time = report->transfer_time;
    if (summary.skipped != 0)
        out.warning(fmt::format("the receiver's document is incomplete: {} did not travel",
                                format_count(summary.skipped, "path", "paths")));
    out.done(summary);
    return to_int(summary.skipped == 0 ? exit_code::ok : exit_code::incomplete);
}

// What a document of version 2 is made of.
command_result<std::unique_ptr<content_source>> open_content(const send_command_options& options,
                                                             skip_reporter& skips)
{
    diagnostics diag;
    const auto opened = [&](auto source,
                            const std::string& what) -> command_result<std::unique_ptr<content_source>> {
        if (!source) return local_failure(what, source.error(), diag);
        return std::unique_ptr<content_source>{std::move(*source)};
    };
    if (options.kind == kind::text) {
        const bool is_shown = !options.name && options.text.size() <= max_document_text_bytes;
        if (is_shown) return opened(bytes_source::text(options.text, {}, system_random(), &diag), "the text");
        const bytes_view text = as_bytes(options.text);
        return opened(bytes_source::file(options.name.value_or("message.txt"),
                                         byte_vector{text.begin(), text.end()}, system_random(), &diag),
                      "the text");
    }
    if (options.kind == kind::standard_input) {
        descriptor input{::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)};
        if (!input) return local_failure("standard input", last_system_error());
        return opened(stream_source::create(options.name.value_or("stdin"), std::move(input),
                                            temporary_directory(), system_random(), &diag),
                      "standard input");
    }
    folder_options what{options.paths};
    if (options.name) what.name(*options.name);
    for (const std::string& pattern : options.exclude) what.exclude(pattern);
    what.on_skipped([&skips](const skipped_path& path) { skips.report(path); });
    const std::string shown =
        options.paths.size() == 1 ? escaped(options.paths.front().native()) : "the paths";
    return opened(folder_source::create(std::move(what), system_random(), &diag), shown);
}

// What a receiver of version 1 gets, when one has come.
struct old_document {
    bool is_directory = false;
    std::uint64_t files = 0, directories = 0;
};

// Nothing for what version 1 cannot carry.
send_options::pack_factory version_1_of(const send_command_options& options, skip_reporter& skips,
                                        const content_source& content, std::optional<old_document>& made)
{
    if (options.common.session != session_versions::both || options.paths.size() > 1 ||
        !options.exclude.empty() || options.receivers != 1)
        return {};
    return [&](diagnostics& diag) -> result<document_source> {
        const auto* stream = dynamic_cast<const stream_source*>(&content);
        if (stream != nullptr && stream->kept_bytes() != 0) {
            diag.set_message("a receiver of version 2 has had a part of standard input");
            return make_error_code(errc::version_not_spoken);
        }
        source_options settings;
        settings.compress = options.compress;
        settings.on_skipped = [&skips](const skipped_path& path) { skips.report(path); };
        std::optional<spooled_file> input;
        command_result<document_source> source = open_source(options, std::move(settings), input);
        if (!source) {
            diag.set_message(source.error().message);
            return make_error_code(errc::not_a_document);
        }
        made = old_document{source->is_directory(), source->file_count(), source->directory_count()};
        return std::move(*source);
    };
}

int run_version_2(const send_command_options& options, std::optional<std::string> code_from_environment,
                  reporter& out)
{
    skip_reporter skips{out};
    command_result<std::unique_ptr<content_source>> source = open_content(options, skips);
    if (!source) return report_failure(out, source.error());
    command_result<secret_bytes> code = choose_code(options.common, std::move(code_from_environment),
                                                    receiving_command(options.common), "the receiver", out);
    if (!code) return report_failure(out, code.error());

    std::optional<old_document> old;
    auto settings = make_session_options<send_options>(options.common);
    settings.layout(options.layout).receivers(options.receivers);
    settings.compress(options.compress != compression::never);
    settings.version_1(version_1_of(options, skips, **source, old));
    session_observer observer{out, false, options.common.proxy};
    auto report = run_operation<send_report>(
        [&](const executor& ex, auto&& token) {
            skips.set_home(ex);
            async_send_document(ex, std::move(*code), **source, std::move(settings), observer,
                                std::forward<decltype(token)>(token));
        },
        [&observer] { observer.tick(); });
    skips.set_home({});
    if (!report) return report_failure(out, report.error(), options.common);

    transfer_summary summary;
    summary.peer = report->peer.text();
    summary.content_bytes = report->content_bytes;
    summary.stream_bytes = report->stream_bytes;
    summary.time = report->transfer_time;
    summary.skipped = skips.count();
    if (old) {
        summary.name =
            options.name.value_or(options.kind == kind::text             ? "message.txt"
                                  : options.kind == kind::standard_input ? "stdin"
                                                                         : options.paths.front().filename().native());
        summary.is_directory = old->is_directory;
        summary.files = old->files;
        summary.directories = old->directories;
    } else if (const auto& offer = observer.offer()) {
        summary.name = offer->name;
        summary.is_directory = offer->kind == document_kind::directory || offer->kind == document_kind::items;
        summary.files = offer->files;
        summary.directories = offer->directories + (offer->kind == document_kind::directory ? 1 : 0);
    }
    if (summary.name.empty()) summary.name = options.kind == kind::text ? "the text" : "several paths";
    if (summary.skipped != 0)
        out.warning(fmt::format("the receiver's document is incomplete: {} did not travel",
                                format_count(summary.skipped, "path", "paths")));
    out.done(summary);
    return to_int(summary.skipped == 0 ? exit_code::ok : exit_code::incomplete);
}

} // namespace

std::string receiving_command(const common_options& common)
{
    return with_relay("parley recv", common);
}

int run_send(const send_command_options& options, std::optional<std::string> code_from_environment,
             reporter& out)
{
    return options.common.session == session_versions::only_1
               ? run_version_1(options, std::move(code_from_environment), out)
               : run_version_2(options, std::move(code_from_environment), out);
}

} // namespace parley::cli
