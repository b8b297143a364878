#include <parley/session/probe.hpp>

#include "session/session_steps.hpp"

#include <parley/async/event.hpp>
#include <parley/async/spawn.hpp>
#include <parley/async/watchdog.hpp>
#include <parley/crypto/random.hpp>
#include <parley/proto/client_machine.hpp>
#include <parley/proto/server_machine.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/write.hpp>

#include <algorithm>

namespace parley {
namespace {

using namespace detail;

class probe_session : public session_option_setters<probe_session> {};

class probing {
public:
    probing(const executor& ex, probe_options options, std::function<void(const probe_step&)> on_step)
        : executor_(ex),
          options_(std::move(options)),
          on_step_(std::move(on_step)),
          server_event_(ex),
          server_done_(ex, event_reset::manual),
          room_done_(ex, event_reset::manual)
    {
        session_.relay(options_.relay())
            .connect_timeout(options_.step_timeout())
            .entry_timeout(options_.step_timeout())
            .names(options_.names())
            .ca_file(options_.ca_file())
            .proxy(options_.proxy());
    }

    awaitable<error_code> run()
    {
        error_code error = co_await connect_first();
        if (error) co_return error;
        begin("handshake", session_phase::handshake);
        reached_ = first_.remote_endpoint();
        error = co_await handshake();
        first_.close();
        second_.close();
        error = co_await end(error, "the relay sees this side as " + std::string{server_id_.text()});
        if (error) co_return error;
        begin("room", session_phase::entering);
        error = co_await pass_through_room();
        error = co_await end(error, std::to_string(options_.room_bytes()) + " bytes there and back");
        co_return error;
    }

private:
    random_source& random() const
    {
        return options_.random() != nullptr ? *options_.random() : system_random();
    }

    void begin(std::string_view name, session_phase phase)
    {
        name_ = name;
        phase_ = phase;
        start_ = clock::now();
        detail_.clear();
    }

    // Tells of the step that is over, unless it was cancelled.
    awaitable<error_code> end(error_code error, std::string success)
    {
        const bool cancelled = co_await is_cancelled();
        if (cancelled || error == asio::error::operation_aborted) error = errc::cancelled;
        if (error != errc::cancelled) tell(name_, clock::now() - start_, error, error ? detail_ : success);
        co_return error;
    }

    void tell(std::string_view name, duration time, error_code error, std::string detail) const
    {
        probe_step step;
        step.name = name;
        step.time = time;
        step.phase = phase_;
        step.error = error;
        step.detail = std::move(detail);
        on_step_(step);
    }

    awaitable<error_code> connect_first()
    {
        begin("connect", session_phase::connecting);
        bool told = false;
        connect_options with_steps = connecting_options(session_, server_seat_);
        with_steps.on_step = [this, &told](const connect_step_report& report) {
            if (report.error == errc::cancelled || report.error == asio::error::operation_aborted) return;
            told = told || report.error;
            tell(connect_step_name(report.step), report.time, report.error, report.detail);
        };
        auto outcome = co_await connect(options_.relay(), stream_kind::handshake, with_steps);
        first_ = std::move(outcome.stream);
        if (told) co_return outcome.error;
        if (outcome.error) { // before or beside any step
            detail_ = outcome.detail;
            const error_code error = co_await end(outcome.error, {});
            co_return error;
        }
        const bool cancelled = co_await is_cancelled();
        co_return cancelled ? make_error_code(errc::cancelled) : error_code{};
    }

    awaitable<error_code> handshake()
    {
        const secret_array<32> bits = random_bits();
        const secret_bytes password{bytes_view{bits.view()}};
        public_parameters parameters;
        random().fill(parameters.salt);
        auto derived = spoke_server::create(password.view(), parameters);
        if (!derived) co_return derived.error();
        server_machine server{std::move(*derived), random()};
        driver_options driving;
        driving.timeout = options_.step_timeout();
        driver<server_machine> serve{
            first_, server, [this](server_event_variant event) { on_server(std::move(event)); }, driving};
        serve.async_run([this](error_code error) {
            server_error_ = error;
            server_ended_ = true;
            server_done_.signal();
            server_event_.signal();
        });

        error_code error = co_await until_identified();
        if (!error) error = co_await be_client(password);
        if (error) serve.stop(error);
        co_await server_done_.wait();
        if (!error && server_error_) error = server_error_;
        if (!error && !server_agreed_) error = errc::unexpected_end;
        co_return error;
    }

    secret_array<32> random_bits() const
    {
        secret_array<32> bits;
        random().fill(bits.span());
        return bits;
    }

    awaitable<error_code> until_identified()
    {
        bool cancelled = co_await is_cancelled();
        while (server_id_.empty() && !server_ended_ && !cancelled) {
            co_await server_event_.wait_or_cancelled();
            cancelled = co_await is_cancelled();
        }
        if (cancelled) co_return make_error_code(errc::cancelled);
        if (server_ended_) {
            detail_ = "the relay gave no answer to the sender's hello";
            co_return server_error_ ? server_error_ : make_error_code(errc::unexpected_end);
        }
        co_return error_code{};
    }

    void on_server(server_event_variant event)
    {
        if (auto* id = std::get_if<server_event::identified>(&event)) {
            server_id_ = id->self;
            server_event_.signal();
        } else if (auto* agreed = std::get_if<server_event::agreed>(&event)) {
            server_agreed_ = true;
            client_id_ = agreed->result.peer;
        }
    }

    awaitable<error_code> be_client(const secret_bytes& password)
    {
        const connect_options plain = connecting_options(session_, client_seat_);
        auto outcome = co_await connect_to_address(reached_, options_.relay(), stream_kind::handshake, plain);
        if (outcome.error) {
            detail_ = "the second connection: " + outcome.describe();
            co_return outcome.error;
        }
        second_ = std::move(outcome.stream);
        client_options limits;
        limits.only_server = server_id_;
        client_machine client{password.duplicate(), random(), limits};
        driver_options driving;
        driving.timeout = options_.step_timeout();
        driver<client_machine>* drive_pointer = nullptr;
        error_code rejected;
        driver<client_machine> drive{
            second_, client,
            [&drive_pointer, &rejected](client_event_variant event) {
                if (const auto* offered = std::get_if<client_event::offered>(&event))
                    drive_pointer->input([from = offered->server](client_machine& m) { m.accept(from); });
                else if (const auto* wrong = std::get_if<client_event::rejected>(&event))
                    rejected = wrong->why;
            },
            driving};
        drive_pointer = &drive;
        const error_code error = co_await drive.run();
        if (error && rejected) {
            detail_ = "the key agreement failed: " + rejected.message();
            co_return rejected;
        }
        if (error) detail_ = "the receiver";
        co_return error;
    }

    // Enters with the other identity; the first one waits there for the second.
    awaitable<error_code> pass_through_room()
    {
        asio::cancellation_signal cancel;
        operation_result<entered_room> server_side = operation_error{};
        asio::co_spawn(
            executor_,
            [this, &server_side]() -> awaitable<void> {
                co_await asio::this_coro::throw_if_cancelled(false);
                auto entered =
                    co_await enter_room(session_, server_seat_, reached_, client_id_, room_end::reset);
                server_side = std::move(entered);
            },
            asio::bind_cancellation_slot(cancel.slot(), [this](std::exception_ptr thrown) {
                report_exception("probe_relay", thrown);
                room_done_.signal();
            }));
        auto client_side = co_await enter_room(session_, client_seat_, reached_, server_id_, room_end::reset);
        if (!client_side) cancel.emit(asio::cancellation_type::terminal);
        co_await room_done_.wait();
        if (!client_side || !server_side) {
            const operation_error& failed = client_side ? server_side.error() : client_side.error();
            detail_ = failed.detail;
            co_return failed.code;
        }
        const error_code error = co_await echo(*server_side, *client_side);
        co_return error;
    }

    awaitable<error_code> echo(entered_room& server, entered_room& client)
    {
        phase_ = session_phase::transferring;
        const watchdog first{server.stream, options_.step_timeout()};
        const watchdog second{client.stream, options_.step_timeout()};
        byte_vector sent(options_.room_bytes()), got;
        random().fill(sent);
        error_code error = co_await pass(server.stream, sent, client, got);
        if (!error && got != sent) {
            detail_ = "other bytes came out of the room than went in";
            error = errc::bad_framing;
        }
        if (!error) error = co_await pass(client.stream, got, server, sent);
        if (!error && got != sent) {
            detail_ = "other bytes came back through the room";
            error = errc::bad_framing;
        }
        error = second.explain(first.explain(error));
        for (entered_room* side : {&server, &client}) {
            side->stream.reset_on_close(error.failed());
            side->stream.close();
        }
        co_return error;
    }

    static awaitable<error_code> pass(any_stream& from, const byte_vector& bytes, entered_room& to,
                                      byte_vector& got)
    {
        const auto written =
            co_await asio::async_write(from, asio::buffer(bytes.data(), bytes.size()), use_tuple);
        const error_code failed = std::get<0>(written);
        if (failed) co_return failed;
        got = std::move(to.early);
        to.early.clear();
        const std::size_t before = std::min(got.size(), bytes.size());
        got.resize(bytes.size());
        const auto read = co_await asio::async_read(
            to.stream, asio::buffer(got.data() + before, got.size() - before), use_tuple);
        const error_code read_failed = std::get<0>(read);
        co_return as_peer_disconnected(read_failed);
    }

    executor executor_;
    probe_options options_;
    std::function<void(const probe_step&)> on_step_;
    probe_session session_;
    std::string_view name_;
    session_phase phase_ = session_phase::connecting;
    time_point start_{};
    std::string detail_;
    any_stream first_, second_;
    const seat_token server_seat_ = seat_token::random(random()), client_seat_ = seat_token::random(random());
    std::optional<tcp_endpoint> reached_;
    identity server_id_, client_id_;
    event server_event_, server_done_, room_done_;
    error_code server_error_;
    bool server_ended_ = false, server_agreed_ = false;
};

} // namespace

awaitable<error_code> probe_relay(probe_options options, std::function<void(const probe_step&)> on_step)
{
    co_await asio::this_coro::throw_if_cancelled(false);
    const executor ex = co_await asio::this_coro::executor;
    co_await yield(ex);
    probing probe{ex, std::move(options), std::move(on_step)};
    const error_code error = co_await probe.run();
    co_return error;
}

} // namespace parley
