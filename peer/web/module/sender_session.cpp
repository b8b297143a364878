#include "peer/web/module/sender_session.hpp"

namespace parley::web {

sender_session::sender_session(context& all, connection room, session2_machine session,
                               const offered_document& document, sending_receiver& receiver)
    : document_session(all, room, std::move(session)), document_(document), receiver_(receiver)
{
}

void sender_session::receive(bytes_view& input)
{
    while (!input.empty()) {
        const std::size_t before = input.size();
        link_.receive(input);
        go_on();
        if (input.size() == before) return;
    }
}

void sender_session::content(bytes_view bytes)
{
    if (feed_) feed_->content(bytes);
}

void sender_session::content_failed(session_reason reason)
{
    if (feed_) feed_->content_failed(reason);
}

void sender_session::go_on()
{
    link_.settle();
    if (!machine_ && link_.is_open() && !link_.failure()) {
        document_sender_options options;
        options.was_sent = receiver_.was_sent;
        machine_.emplace(all_.now, document_.outline, options);
        feed_.emplace(all_, document_, *machine_, receiver_.hashed, receiver_.number);
    }
    if (!machine_) return;
    for (bool more = true; more; more = feed_->go_on()) {
        handle_events();
        read_stream();
        tell_end();
        write_output();
    }
    wind_up();
    link_.settle();
}

void sender_session::read_stream()
{
    while (!link_.readable().empty()) {
        bytes_view input = link_.readable();
        const std::size_t size = input.size();
        while (!input.empty() && !machine_->finished()) {
            machine_->receive(input);
            handle_events();
        }
        link_.consume(size);
    }
}

void sender_session::handle_events()
{
    while (const auto event = machine_->next_event()) {
        if (std::holds_alternative<document_sender_event::accepted>(*event)) {
            all_.out.push(action::receiving{});
        } else if (const auto* file = std::get_if<document_sender_event::open_file>(&*event)) {
            feed_->open(*file);
        } else if (const auto* progress = std::get_if<document_sender_event::progress>(&*event)) {
            all_.out.push(
                action::progress{receiver_.number, progress->bytes, document_.outline->offer().bytes});
        }
    }
}

session_end sender_session::end()
{
    session_end out = make_end();
    if (machine_) {
        receiver_.was_sent = receiver_.was_sent || machine_->is_sent();
        out.moved = machine_->content_bytes() != 0;
    }
    return out;
}

} // namespace parley::web
