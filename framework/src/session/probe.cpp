#include <parley/session/probe.hpp>

#include "session/rendezvous.hpp"

#include <parley/async/event.hpp>
#include <parley/async/spawn.hpp>
#include <parley/async/watchdog.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/write.hpp>

namespace parley {
namespace {

using namespace detail;

class probing {
public:
    probing(const executor& ex, probe_options options, std::function<void(const probe_step&)> on_step)
        : executor_(ex),
          options_(std::move(options)),
          on_step_(std::move(on_step)),
          server_(*this),
          client_(*this)
    {
    }

    awaitable<error_code> run()
    {
        begin("connect");
        rendezvous server{options_, server_};
        bool told = false;
        const auto on_step = [this, &told](const connect_step_report& report) {
            if (report.error == errc::cancelled || report.error == asio::error::operation_aborted) return;
            told = told || report.error;
            tell(connect_step_name(report.step), report.time,
                 {report.error, session_phase::connecting, {}, report.detail});
        };
        auto outcome = co_await server.connect(std::nullopt, on_step);
        if (told) co_return outcome.code;
        if (!outcome.code) {
            begin("handshake");
            outcome = co_await meet(server);
        }
        const bool cancelled = co_await is_cancelled();
        if (cancelled) outcome.code = errc::cancelled;
        if (outcome.code != errc::cancelled) finish(outcome); // a cancelled step is not reported
        co_return outcome.code;
    }

private:
    // Records the events of one side while it meets the other.
    struct side final : peer_observer {
        explicit side(probing& p) : of(p), known(p.executor_, event_reset::manual) {}

        void identified(const identity& id) override
        {
            self = id;
            known.signal();
        }
        void rejected(const identity&, error_code why) override { rejection = why; }
        void agreed(const identity&, const identity&) override { of.on_agreed(); }

        probing& of;
        event known; // set when its identity is known, or when it has ended without one
        identity self;
        error_code rejection;
    };

    void begin(std::string_view name)
    {
        name_ = name;
        start_ = clock::now();
    }

    void finish(const operation_error& outcome) const { tell(name_, clock::now() - start_, outcome); }

    void tell(std::string_view name, duration time, const operation_error& outcome) const
    {
        probe_step step;
        step.name = name;
        step.time = time;
        step.phase = outcome.phase;
        step.error = outcome.code;
        step.detail = outcome.detail;
        on_step_(step);
    }

    void on_agreed()
    {
        if (++agreed_ < 2) return;
        const std::string seen = "the relay sees this side as " + std::string{server_.self.text()};
        finish({{}, session_phase::handshake, {}, seen});
        begin("room");
    }

    // Takes both sides into the room, then passes bytes through it.
    awaitable<operation_error> meet(rendezvous& server)
    {
        secret_array<32> bits;
        random_of(options_).fill(bits.span());
        const secret_bytes password{bytes_view{bits.view()}};
        const public_parameters parameters;
        asio::cancellation_signal cancel_server;
        event server_ended{executor_, event_reset::manual};
        operation_result<entered_room> server_room =
            failure(make_error_code(boost::system::errc::not_enough_memory), session_phase::handshake, {});
        asio::co_spawn(
            executor_,
            [&]() -> awaitable<void> {
                co_await asio::this_coro::throw_if_cancelled(false);
                auto entered = co_await server.offer(password.duplicate(), parameters);
                server_room = std::move(entered);
            },
            asio::bind_cancellation_slot(cancel_server.slot(), [&](std::exception_ptr thrown) {
                report_exception("probe_relay", thrown);
                server_ended.signal();
                server_.known.signal();
            }));

        co_await server_.known.wait_or_cancelled();
        if (server_ended.is_signaled())
            co_return failure(server_room.error().code, session_phase::handshake, {},
                              "the relay gave no answer to the sender's hello");
        auto client_room = co_await join(server.reached(), password.duplicate());
        if (!client_room) cancel_server.emit(asio::cancellation_type::terminal);
        co_await server_ended.wait();
        if (!client_room) co_return client_room.error();
        if (!server_room) co_return server_room.error();
        auto outcome = co_await echo(server_room->stream, client_room->stream);
        co_return std::move(outcome);
    }

    awaitable<operation_result<entered_room>> join(std::optional<tcp_endpoint> reached, secret_bytes password)
    {
        rendezvous client{options_, client_};
        const auto failed = co_await client.connect(reached);
        if (failed.code)
            co_return failure(failed.code, session_phase::handshake, {},
                              "the second connection: " + failed.message());
        client_options limits;
        limits.only_server = server_.self;
        auto entered = co_await client.join(std::move(password), limits, false);
        if (entered || entered.error().phase == session_phase::entering) co_return std::move(entered);
        const error_code rejected = client_.rejection;
        if (!rejected) co_return failure(entered.error().code, session_phase::handshake, {}, "the receiver");
        co_return failure(rejected, session_phase::handshake, {},
                          "the key agreement failed: " + rejected.message());
    }

    awaitable<operation_error> echo(any_stream& server, any_stream& client)
    {
        const watchdog first{server, options_.step_timeout()};
        const watchdog second{client, options_.step_timeout()};
        byte_vector sent(options_.room_bytes()), got(sent.size());
        random_of(options_).fill(sent);
        std::string detail;
        error_code error = co_await pass(server, sent, client, got);
        if (!error && got != sent) {
            detail = "other bytes came out of the room than went in";
            error = errc::bad_framing;
        }
        if (!error) error = co_await pass(client, got, server, sent);
        if (!error && got != sent) {
            detail = "other bytes came back through the room";
            error = errc::bad_framing;
        }
        error = second.explain(first.explain(error));
        if (!error) detail = std::to_string(sent.size()) + " bytes there and back";
        for (any_stream* end : {&server, &client}) {
            end->reset_on_close(error.failed());
            end->close();
        }
        co_return failure(error, session_phase::transferring, {}, detail);
    }

    static awaitable<error_code> pass(any_stream& from, const byte_vector& bytes, any_stream& to,
                                      byte_vector& got)
    {
        const auto written =
            co_await asio::async_write(from, asio::buffer(bytes.data(), bytes.size()), use_tuple);
        const error_code failed = std::get<0>(written);
        if (failed) co_return failed;
        const auto read = co_await asio::async_read(to, asio::buffer(got.data(), got.size()), use_tuple);
        const error_code read_failed = std::get<0>(read);
        co_return as_peer_disconnected(read_failed);
    }

    executor executor_;
    probe_options options_;
    std::function<void(const probe_step&)> on_step_;
    side server_, client_;
    int agreed_ = 0;
    std::string_view name_;
    time_point start_{};
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
