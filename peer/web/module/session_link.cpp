#include "peer/web/module/session_link.hpp"

#include <boost/system/errc.hpp>

namespace parley::web {
namespace {

constexpr std::size_t max_under_way_bytes = 1024 * 1024;

} // namespace

session_link::session_link(context& all, connection room, session2_machine machine)
    : all_(all), room_(room), machine_(std::move(machine))
{
    settle();
}

session_link::~session_link()
{
    if (!is_closed_) all_.out.push(action::close{room_, false});
}

void session_link::receive(bytes_view& input)
{
    while (!input.empty() && !machine_.finished() && machine_.received().empty()) machine_.receive(input);
    if (machine_.finished() && machine_.received().empty()) input = {};
}

void session_link::closed(bool in_order)
{
    if (!in_order) {
        machine_.stop(make_error_code(boost::system::errc::connection_reset));
    } else if (machine_.received().empty()) {
        machine_.receive_end();
    } else {
        end_due_ = true;
    }
}

void session_link::consume(std::size_t n)
{
    machine_.consume_received(n);
    if (end_due_ && machine_.received().empty()) {
        end_due_ = false;
        machine_.receive_end();
    }
}

time_point session_link::next_deadline() const noexcept
{
    return is_closed_ ? no_deadline : machine_.next_deadline();
}

// Once the machine has finished, the rest of its output goes whatever is under way.
bool session_link::may_send() const noexcept
{
    return under_way_ < max_under_way_bytes || machine_.finished();
}

void session_link::write(bytes_view& data)
{
    while (!data.empty()) {
        const std::size_t taken = machine_.write(data);
        data = data.subspan(taken);
        if (!machine_.is_writable()) flush();
        if (taken == 0 && !machine_.is_writable()) return;
    }
}

void session_link::flush()
{
    if (is_closed_ || machine_.output().empty() || !may_send()) return;
    byte_vector bytes = all_.out.space();
    machine_.take_output(bytes);
    under_way_ += bytes.size();
    all_.out.push(action::send{room_, std::move(bytes)});
}

void session_link::settle()
{
    while (auto event = machine_.next_event()) {
        if (std::holds_alternative<session2_event::opened>(*event)) {
            is_open_ = true;
        } else if (std::holds_alternative<session2_event::ended>(*event)) {
            has_peer_ended_ = true;
        } else if (auto* aborted = std::get_if<session2_event::aborted>(&*event)) {
            peer_abort_ = std::move(aborted->reason);
        } else if (auto* failed = std::get_if<session2_event::failed>(&*event)) {
            failure_ = failed->why;
            problem_ = std::move(failed->text);
        }
    }
    flush();
    if (!machine_.finished() || std::exchange(is_closed_, true)) return;
    all_.out.push(action::close{room_, failure_ != condition::transport});
}

} // namespace parley::web
