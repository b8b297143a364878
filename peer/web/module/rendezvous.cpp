#include "peer/web/module/rendezvous.hpp"

#include <boost/system/errc.hpp>

#include <algorithm>

namespace parley::web {
namespace {

using namespace std::chrono_literals;

constexpr duration connect_timeout = 15s; // also for the relay's first answer
constexpr duration wait_timeout = 1h;
constexpr duration entry_timeout = 60s;
constexpr duration steady_wait = 1min; // after this the relay counts as a good one again

} // namespace

rendezvous::rendezvous(context& all, secret_bytes password, rendezvous_terms terms,
                       std::optional<time_point> wait_end)
    : all_(all),
      password_(std::move(password)),
      terms_(terms),
      wait_end_(wait_end),
      pauses_(all.random),
      seat_(seat_token::random(all.random))
{
}

rendezvous::~rendezvous()
{
    if (is_connected_) all_.out.push(action::close{connection_, true});
}

template <class Do>
void rendezvous::with_machine(Do what)
{
    if (auto* server = std::get_if<server_machine>(&machine_))
        what(*server);
    else if (auto* client = std::get_if<client_machine>(&machine_))
        what(*client);
}

time_point rendezvous::bounded(duration wait) const noexcept
{
    const time_point end = all_.now + wait;
    return wait_end_ ? std::min(end, *wait_end_) : end;
}

void rendezvous::begin()
{
    room_.reset();
    agreed_.reset();
    connect();
}

void rendezvous::stop()
{
    if (stage_ == stage::idle) return;
    close(true);
    machine_ = std::monostate{};
    entry_.reset();
    stage_ = stage::idle;
    deadline_ = no_deadline;
    failure_ = {errc::cancelled, phase::handshake, {}};
}

void rendezvous::connect()
{
    stage_ = stage::connecting;
    connection_ = all_.out.open(channel::handshake, seat_.text());
    is_connected_ = true;
    deadline_ = bounded(connect_timeout);
}

void rendezvous::opened()
{
    if (stage_ == stage::connecting) {
        begin_handshake();
    } else if (stage_ == stage::opening) {
        stage_ = stage::entering;
        deadline_ = all_.now + entry_timeout;
        entry_.emplace(agreed_->peer);
        drain_entry();
    }
}

void rendezvous::begin_handshake()
{
    if (!wait_end_) wait_end_ = all_.now + wait_timeout;
    stage_ = stage::handshake;
    deadline_ = bounded(connect_timeout);
    if (terms_.role == session_role::server) {
        public_parameters parameters;
        all_.random.fill(parameters.salt);
        auto derived = spoke_server::create(password_.view(), parameters, terms_.versions);
        if (!derived) {
            has_waited_ = false; // another try does not help
            return fail(derived.error(), phase::preparing);
        }
        server_options options;
        options.earlier_guesses = guesses_;
        machine_.emplace<server_machine>(std::move(*derived), all_.random, options);
    } else {
        client_options options;
        options.earlier_guesses = guesses_;
        options.versions = terms_.versions;
        machine_.emplace<client_machine>(password_.duplicate(), all_.random, options);
    }
    with_machine([this](auto& machine) { machine.expire(all_.now); });
    drain_handshake();
}

void rendezvous::receive(bytes_view& input)
{
    if (stage_ == stage::handshake) {
        bool finished = false;
        while (!input.empty() && !finished) {
            with_machine([&](auto& machine) {
                machine.expire(all_.now);
                if (!machine.finished()) machine.receive(input);
                finished = machine.finished();
            });
            drain_handshake();
            finished = finished || stage_ != stage::handshake;
        }
        if (finished) input = {};
    } else if (stage_ == stage::entering) {
        while (!input.empty() && entry_ && !entry_->finished()) entry_->receive(input);
        drain_entry();
    } else {
        input = {};
    }
}

void rendezvous::closed(bool in_order)
{
    is_connected_ = false;
    const error_code lost = make_error_code(boost::system::errc::connection_reset);
    switch (stage_) {
    case stage::connecting:
        return fail(errc::connect_failed, phase::connecting);
    case stage::opening:
        return fail(errc::connect_failed, phase::entering);
    case stage::handshake:
        with_machine([&](auto& machine) {
            if (machine.finished()) return;
            in_order ? machine.receive_end() : machine.stop(lost);
            if (!machine.finished()) machine.stop(errc::unexpected_end);
        });
        return drain_handshake();
    case stage::entering:
        in_order ? entry_->receive_end() : entry_->stop(lost);
        return drain_entry();
    default:
        return;
    }
}

void rendezvous::expire()
{
    if (stage_ == stage::handshake) {
        with_machine([this](auto& machine) { machine.expire(all_.now); });
        drain_handshake();
    }
    if (all_.now < deadline_) return;
    switch (stage_) {
    case stage::idle:
        return;
    case stage::pausing:
        if (has_time()) return connect();
        stage_ = stage::idle;
        deadline_ = no_deadline;
        return;
    case stage::connecting:
        return fail(errc::timed_out, phase::connecting);
    case stage::opening:
        return fail(errc::timed_out, phase::entering);
    case stage::handshake:
        with_machine([](auto& machine) { machine.stop(errc::timed_out); });
        return drain_handshake();
    case stage::entering:
        entry_->stop(errc::timed_out);
        return drain_entry();
    }
}

time_point rendezvous::next_deadline() const noexcept
{
    time_point next = deadline_;
    if (const auto* server = std::get_if<server_machine>(&machine_))
        next = std::min(next, server->next_deadline());
    else if (const auto* client = std::get_if<client_machine>(&machine_))
        next = std::min(next, client->next_deadline());
    return next;
}

// Takes all output and events of the last input.
void rendezvous::drain_handshake()
{
    bool finished = false;
    with_machine([&](auto& machine) {
        for (;;) {
            if (const bytes_view output = machine.output(); !output.empty()) {
                send(output);
                machine.consume_output(output.size());
                continue;
            }
            auto event = machine.next_event();
            if (!event) break;
            take(*event);
        }
        finished = machine.finished();
    });
    if (finished) end_handshake();
}

void rendezvous::on_identified()
{
    waiting_from_ = all_.now;
    has_waited_ = true;
    deadline_ = *wait_end_;
    if (terms_.shows_waiting) all_.out.push(action::waiting{});
}

void rendezvous::take(server_event_variant& event)
{
    if (std::holds_alternative<server_event::identified>(event)) {
        on_identified();
    } else if (const auto* wrong = std::get_if<server_event::rejected>(&event)) {
        if (terms_.shows_peers) all_.out.push(action::note{"wrong-code", "detail", wrong->why.message()});
    } else if (const auto* many = std::get_if<server_event::guesses>(&event)) {
        if (terms_.shows_peers)
            all_.out.push(action::note{"guesses", "count", std::to_string(many->last_minute.count)});
    } else if (auto* end = std::get_if<server_event::agreed>(&event)) {
        agreed_ = std::move(end->result);
    }
}

void rendezvous::take(client_event_variant& event)
{
    auto& machine = std::get<client_machine>(machine_);
    if (std::holds_alternative<client_event::identified>(event)) {
        on_identified();
    } else if (std::holds_alternative<client_event::derivation_due>(event)) {
        derive_now(machine);
    } else if (const auto* wrong = std::get_if<client_event::rejected>(&event)) {
        if (terms_.shows_peers) all_.out.push(action::note{"wrong-code", "detail", wrong->why.message()});
    } else if (const auto* many = std::get_if<client_event::guesses>(&event)) {
        if (terms_.shows_peers)
            all_.out.push(action::note{"guesses", "count", std::to_string(many->last_minute.count)});
    } else if (auto* end = std::get_if<client_event::agreed>(&event)) {
        agreed_ = std::move(end->result);
    }
}

void rendezvous::end_handshake()
{
    error_code error;
    with_machine([&](auto& machine) {
        error = machine.error();
        guesses_ = machine.guesses();
    });
    machine_ = std::monostate{};
    close(true);
    if (!error && !agreed_) error = errc::unexpected_end;
    if (error) {
        const bool silent = error == errc::timed_out && !waiting_from_;
        return fail(error, silent ? phase::connecting : phase::handshake);
    }
    if (terms_.shows_peers) all_.out.push(action::meeting{});
    stage_ = stage::opening;
    connection_ = all_.out.open(channel::room, seat_.text());
    is_connected_ = true;
    deadline_ = all_.now + connect_timeout;
}

void rendezvous::drain_entry()
{
    send(entry_->output());
    entry_->consume_output(entry_->output().size());
    while (entry_->next_event()) {
    }
    if (!entry_->finished()) return;
    const error_code error = entry_->error();
    entry_.reset();
    if (error) return fail(error, phase::entering);
    stage_ = stage::idle;
    deadline_ = no_deadline;
    is_connected_ = false; // it is the owner's
    room_.emplace(entered_room{connection_, std::move(*agreed_)});
    agreed_.reset();
}

void rendezvous::send(bytes_view bytes)
{
    if (!bytes.empty() && is_connected_)
        all_.out.push(action::send{connection_, byte_vector(bytes.begin(), bytes.end())});
}

void rendezvous::close(bool in_order)
{
    if (std::exchange(is_connected_, false)) all_.out.push(action::close{connection_, in_order});
}

void rendezvous::fail(error_code code, phase when)
{
    close(true);
    failure_ = {code, when, {}};
    const auto waited_from = std::exchange(waiting_from_, std::nullopt);
    if (waited_from && all_.now - *waited_from >= steady_wait) pauses_.reset();
    const bool continued = when == phase::entering && agreed_ && agreed_->keys.version() == 2;
    const bool again = !continued && terms_.reconnects && has_waited_ && is_passing_error(code) && has_time();
    if (!again) {
        stage_ = stage::idle;
        deadline_ = no_deadline;
        return;
    }
    agreed_.reset();
    stage_ = stage::pausing;
    const duration pause = pauses_.next();
    deadline_ = bounded(pause);
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(pause).count();
    if (terms_.shows_waiting) all_.out.push(action::note{"reconnecting", "seconds", std::to_string(seconds)});
}

} // namespace parley::web
