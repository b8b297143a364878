#include "transfer/receiver_session.hpp"

#include "async/deadline_timer.hpp"

#include <parley/async/spawn.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>

namespace parley::detail {
namespace {

constexpr std::size_t input_bytes = 256 * 1024;

offered_document describe(const document_outline& document, const sink_preview& preview)
{
    const document_offer& offer = document.offer();
    offered_document out;
    out.name = offer.name;
    out.other_name = preview.other_name;
    out.is_directory = offer.kind == document_kind::directory;
    out.files = offer.files;
    out.directories = offer.directories + (out.is_directory ? 1 : 0);
    out.content_bytes = offer.bytes;
    out.kind = offer.kind;
    out.free_bytes = preview.free_bytes;
    return out;
}

} // namespace

receiving_run::receiving_run(const executor& ex, executor blocking, content_sink& to, peer_observer& watching,
                             time_source& clock)
    : home(ex),
      sink(to),
      observer(watching),
      time(clock),
      store(ex, std::move(blocking), to, [this] { notify(); }),
      notify([] {}),
      question_ended_(ex)
{
}

void receiving_run::ask(const identity& peer, std::shared_ptr<const document_outline> offered)
{
    document = std::move(offered);
    if (std::exchange(asked_, true)) return;
    open_ = true;
    asio::co_spawn(
        home, [this, peer] { return put_question(peer); },
        asio::bind_cancellation_slot(cancel_question_.slot(), [this](std::exception_ptr thrown) {
            report_exception("peer_observer::decide_document", thrown);
            if (thrown) refusal_ = refusal{errc::refused_by_user, {session_reason::refused_by_user, {}}};
            open_ = false;
            answered_ = true;
            question_ended_.signal();
            notify();
        }));
}

awaitable<void> receiving_run::put_question(identity peer)
{
    std::optional<result<sink_preview>> preview;
    co_await store.run([&] { preview.emplace(sink.preview(document)); });
    if (!*preview) {
        refusal_ = refusal{preview->error(), sink.fault()};
        co_return;
    }
    offered_document offered = describe(*document, **preview);
    offered.outline = document;
    const bool yes = co_await observer.decide_document(peer, std::move(offered));
    if (!yes) refusal_ = refusal{errc::refused_by_user, {session_reason::refused_by_user, {}}};
}

awaitable<void> receiving_run::end_question()
{
    if (!open_) co_return;
    cancel_question_.emit(asio::cancellation_type::terminal);
    co_await question_ended_.wait();
}

receiver_session::receiver_session(const executor& ex, secure_stream& stream, receiving_run& run,
                                   identity peer)
    : document_session(ex, stream, run.time, document_receiver_machine{run.time.now(), run.limits}),
      run_(run),
      peer_(peer)
{
}

awaitable<session_end> receiver_session::run()
{
    deadline_timer timer{executor_, time_, [this] { changed_.signal(); }};
    run_.notify = [this] { changed_.signal(); };
    start_reading([this] { return read(); }, "receiver_session");
    for (;;) {
        tell_time();
        // A write that was cancelled may have written a part: nothing may follow it.
        const bool cancelled = co_await is_cancelled();
        if (cancelled) machine_.stop(errc::cancelled);
        if (run_.store.error()) machine_.fail(run_.store.fault(), run_.store.error());
        const bool wrote = co_await write_output();
        if (wrote) continue;
        if (machine_.finished()) break;
        const bool decided = co_await decide();
        if (decided) continue;
        timer.arm(machine_.next_deadline());
        co_await changed_.wait_or_cancelled();
    }
    // What the machine has taken is stored, even when the connection is gone.
    if (commit_due_) co_await commit();
    auto end = co_await wind_up();
    end.content = came_;
    end.moved = came_ != 0;
    run_.notify = [] {};
    co_return end;
}

// Does what the machine waits for. False when there is nothing.
awaitable<bool> receiver_session::decide()
{
    if (question_due_ && run_.is_answered()) {
        question_due_ = false;
        if (run_.refused())
            machine_.fail(run_.refused()->fault, run_.refused()->error);
        else
            co_await begin();
        co_return true;
    }
    if (commit_due_) {
        co_await commit();
        co_return true;
    }
    co_return false;
}

awaitable<void> receiver_session::begin()
{
    std::optional<result<std::vector<kept_part>>> kept;
    co_await run_.store.run([&] { kept.emplace(run_.sink.begin()); });
    tell_time();
    if (!*kept) {
        machine_.fail(run_.sink.fault(), kept->error());
        co_return;
    }
    std::uint64_t kept_bytes = 0;
    for (const kept_part& part : **kept) {
        machine_.accept(part.entry, part.offset, part.digest);
        kept_bytes += part.offset;
    }
    machine_.accept_end();
    run_.observer.receiving(kept_bytes);
}

awaitable<void> receiver_session::commit()
{
    commit_due_ = false;
    run_.observer.finishing();
    std::optional<result<stored_document>> stored;
    co_await run_.store.run([&] { stored.emplace(run_.sink.commit()); });
    tell_time();
    if (run_.store.error()) co_return;
    if (*stored) {
        run_.stored = std::move(**stored);
        machine_.stored();
    } else {
        machine_.fail(run_.sink.fault(), stored->error());
    }
}

// Reads until the stream ends, even when nothing of it is needed any more.
awaitable<void> receiver_session::read()
{
    const page_buffer space = make_page_buffer(input_bytes);
    for (;;) {
        const auto read = co_await stream_.async_read_some(asio::buffer(space.get(), input_bytes), use_tuple);
        const auto [error, size] = read;
        if (error) {
            on_read_error(error);
            co_return;
        }
        tell_time();
        bytes_view input{space.get(), size};
        while (!input.empty() && !machine_.finished()) {
            machine_.receive(input);
            co_await handle_events();
        }
        run_.store.flush();
        show_progress();
        changed_.signal();
    }
}

awaitable<void> receiver_session::handle_events()
{
    while (const auto event = machine_.next_event()) {
        if (const auto* data = std::get_if<document_receiver_event::data>(&*event)) {
            co_await take_data(data->bytes);
        } else if (const auto* file = std::get_if<document_receiver_event::file>(&*event)) {
            encoding_ = file->encoding;
            if (encoding_ == content_encoding::zstd) decoder_.begin(file->due);
            while (!run_.store.has_room()) co_await run_.store.wait_for_room();
            run_.store.open(file->entry, file->offset);
        } else if (std::holds_alternative<document_receiver_event::file_end>(*event)) {
            if (encoding_ == content_encoding::zstd && !decoder_.is_complete())
                machine_.fail({session_reason::broken_rule, "a frame that has no end"},
                              errc::document_rule_broken);
            while (!run_.store.has_room()) co_await run_.store.wait_for_room();
            run_.store.close();
        } else if (auto* question = std::get_if<document_receiver_event::question>(&*event)) {
            question_due_ = true;
            run_.ask(peer_, question->document);
            changed_.signal();
        } else if (std::holds_alternative<document_receiver_event::complete>(*event)) {
            commit_due_ = true;
            changed_.signal();
        }
    }
}

awaitable<void> receiver_session::take_data(bytes_view bytes)
{
    if (encoding_ == content_encoding::plain) {
        if (counts(bytes.size())) co_await put(bytes);
        co_return;
    }
    for (;;) {
        const auto content = decoder_.decode(bytes);
        if (!content) {
            machine_.fail({session_reason::broken_rule, std::string{decoder_.problem()}}, content.error());
            co_return;
        }
        if (content->empty() || !counts(content->size())) co_return;
        co_await put(*content);
    }
}

// Whether `n` more decoded bytes may be used. The size of a stream is judged as it comes.
bool receiver_session::counts(std::size_t n)
{
    if (!machine_.content(n)) return false;
    came_ += n;
    if (machine_.content_bytes() <= run_.limits.max_bytes) return true;
    machine_.fail({session_reason::no_space, "more bytes than are taken here"}, errc::document_too_large);
    return false;
}

awaitable<void> receiver_session::put(bytes_view content)
{
    while (!content.empty()) {
        while (!run_.store.has_room()) co_await run_.store.wait_for_room();
        run_.store.append(content);
    }
}

void receiver_session::show_progress()
{
    if (machine_.content_bytes() == 0) return;
    transfer_progress now;
    now.content_bytes = now.stream_bytes = machine_.content_bytes();
    const std::uint64_t total = run_.document->offer().bytes;
    if (total != unknown_size) now.total_content_bytes = total;
    run_.observer.progress(now);
}

} // namespace parley::detail
