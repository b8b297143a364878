#include "peer/web/module/receiver_session.hpp"

namespace parley::web {

receiver_session::receiver_session(context& all, connection room, session2_machine session,
                                   receiving_run& run)
    : document_session(all, room, std::move(session)), run_(run)
{
}

void receiver_session::receive(bytes_view& input)
{
    while (!input.empty()) {
        const std::size_t before = input.size();
        link_.receive(input);
        go_on();
        if (input.size() == before) return;
    }
}

void receiver_session::go_on()
{
    link_.settle();
    if (!machine_ && link_.is_open() && !link_.failure()) {
        document_receiver_options options;
        options.earlier = run_.document;
        options.is_stored = run_.is_stored;
        machine_.emplace(all_.now, std::move(options));
    }
    if (!machine_) return;
    if (run_.store_failed) machine_->fail(run_.store_failed->fault, run_.store_failed->error);
    while (read_stream()) {
    }
    run_.store.flush();
    answer();
    if (placing_ && run_.is_stored) {
        placing_ = false;
        machine_->stored();
    }
    tell_end();
    write_output();
    wind_up();
    link_.settle();
    show_progress();
}

// Takes what the stream has, as far as there is room. False when nothing more can be taken now.
bool receiver_session::read_stream()
{
    if (machine_->finished()) drop_content();
    decode();
    if (is_decoding_ || !decoded_.empty()) return false;
    const bytes_view readable = link_.readable();
    if (readable.empty()) return false;
    bytes_view input = readable.subspan(taken_);
    if (machine_->finished()) input = {};
    if (input.empty()) {
        taken_ = 0;
        link_.consume(readable.size());
        return true;
    }
    if (!run_.store.has_room()) return false;
    machine_->receive(input);
    taken_ = readable.size() - input.size();
    handle_events();
    return true;
}

void receiver_session::handle_events()
{
    while (auto event = machine_->next_event()) {
        if (const auto* data = std::get_if<document_receiver_event::data>(&*event)) {
            is_decoding_ = encoding_ == content_encoding::zstd;
            if (is_decoding_)
                encoded_ = data->bytes;
            else if (counts(data->bytes.size()))
                decoded_ = data->bytes;
            decode();
        } else if (const auto* file = std::get_if<document_receiver_event::file>(&*event)) {
            encoding_ = file->encoding;
            if (encoding_ == content_encoding::zstd) decoder_.begin(file->due);
            if (!run_.store.open(file->entry, file->offset))
                machine_->fail({session_reason::broken_rule, "a file from another offset than was accepted"},
                               errc::document_rule_broken);
        } else if (std::holds_alternative<document_receiver_event::file_end>(*event)) {
            if (encoding_ == content_encoding::zstd && !decoder_.is_complete())
                machine_->fail({session_reason::broken_rule, "a frame that has no end"},
                               errc::document_rule_broken);
            else
                run_.store.close();
        } else if (auto* question = std::get_if<document_receiver_event::question>(&*event)) {
            question_due_ = true;
            if (!run_.document) {
                run_.document = std::move(question->document);
                all_.out.push(action::offer{run_.document});
            }
        } else if (std::holds_alternative<document_receiver_event::complete>(*event)) {
            placing_ = true;
            run_.store.place();
        }
    }
}

// Decodes and stores as much as there is room for.
void receiver_session::decode()
{
    for (;;) {
        run_.store.append(decoded_);
        if (!decoded_.empty() || !is_decoding_ || !run_.store.has_room()) return;
        const auto content = decoder_.decode(encoded_);
        if (!content)
            machine_->fail({session_reason::broken_rule, std::string{decoder_.problem()}}, content.error());
        if (!content || content->empty() || !counts(content->size())) return drop_content();
        decoded_ = *content;
    }
}

void receiver_session::drop_content() noexcept
{
    encoded_ = decoded_ = {};
    is_decoding_ = false;
}

// Whether `n` more decoded bytes may be used.
bool receiver_session::counts(std::size_t n)
{
    if (!machine_->content(n)) return false;
    came_ += n;
    return true;
}

// Does what the user's answer allows.
void receiver_session::answer()
{
    if (!question_due_ || !run_.is_answered) return;
    question_due_ = false;
    if (run_.refused) return machine_->fail(run_.refused->fault, run_.refused->error);
    std::uint64_t kept = 0;
    for (const kept_part& part : run_.store.kept()) {
        machine_->accept(part.entry, part.offset, part.digest);
        kept += part.offset;
    }
    machine_->accept_end();
    all_.out.push(action::receiving{kept});
}

void receiver_session::show_progress()
{
    const std::uint64_t bytes = machine_->content_bytes();
    if (bytes == shown_ || !run_.document) return;
    shown_ = bytes;
    all_.out.push(action::progress{0, bytes, run_.document->offer().bytes});
}

session_end receiver_session::end()
{
    run_.store.interrupt();
    session_end out = make_end();
    out.moved = came_ != 0;
    return out;
}

} // namespace parley::web
