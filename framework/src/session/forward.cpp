#include <parley/session/forward.hpp>

#include "session/session_steps.hpp"
#include "stream/all_at_once.hpp"

#include <parley/async/event.hpp>
#include <parley/async/spawn.hpp>
#include <parley/async/watchdog.hpp>
#include <parley/transport/connect.hpp>
#include <parley/transport/tcp.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/write.hpp>

#include <algorithm>
#include <functional>
#include <map>
#include <memory>

namespace parley {
namespace {

using namespace detail;

constexpr std::size_t stream_buffer_bytes = 64 * 1024;
constexpr std::size_t piece_bytes = 32 * 1024; // read from a TCP connection at a time

struct forwarded_connection {
    forwarded_connection(const executor& ex, forward_number n, forward_target to)
        : number(n), target(std::move(to)), may_send(ex), has_input(ex)
    {
    }
    // Both directions have ended in order; bytes may still be on their way to the TCP connection.
    bool is_complete() const noexcept { return has_ended && is_ended; }

    const forward_number number;
    const forward_target target;
    any_stream tcp;
    event may_send, has_input;
    byte_vector received;                     // not written to the TCP connection yet
    asio::cancellation_signal cancel_connect; // while is_connecting
    forward_counts counts;
    error_code error;
    unsigned tasks = 0;
    bool is_connecting = false;
    bool is_opened = false;                   // the target is reached
    bool has_ended = false, is_ended = false; // this side's direction, the other side's
    bool is_over = false;                     // broken off
};
using connection_pointer = std::shared_ptr<forwarded_connection>;

// One side's stream with its connections. Everything runs on one executor. Its tasks borrow from it, so run() waits
// for all of them.
class forward_link {
public:
    using opening_handler = std::function<void(forward_event::opening)>;

    template <class Options>
    forward_link(executor ex, any_stream stream, forward_role role, const Options& options)
        : executor_(std::move(ex)),
          stream_(std::move(stream)),
          machine_(role, options.windows()),
          observer_(options.observer()),
          max_connections_(std::clamp<std::size_t>(options.max_connections(), 1, max_forward_connections)),
          end_timeout_(options.end_timeout()),
          time_(options.time() != nullptr ? *options.time() : real_time()),
          has_output_(executor_),
          output_taken_(executor_),
          over_(executor_, event_reset::manual),
          idle_(executor_),
          piece_(piece_bytes)
    {
    }

    // Until the session is over. The calling coroutine has called throw_if_cancelled(false).
    awaitable<operation_error> run()
    {
        launch("forward_link::read_stream", read_stream());
        launch("forward_link::write_stream", write_stream());
        bool cancelled = co_await is_cancelled();
        if (cancelled) {
            break_off_all();
        } else {
            co_await over_.wait_or_cancelled();
            cancelled = co_await is_cancelled();
        }
        if (cancelled) machine_.end();
        acceptors_.clear();
        break_off_incomplete(cancelled ? errc::cancelled : as_peer_disconnected(machine_.error()));
        pump();
        const watchdog limit{executor_, end_timeout_, [this] { break_off_all(); }, time_};
        while (tasks_ != 0) {
            co_await idle_.wait_or_cancelled();
            if (tasks_ == 0) break;
            cancelled = true; // or once more: nothing is waited for now
            break_off_all();
        }
        stream_.close();
        const error_code error = cancelled ? errc::cancelled : as_peer_disconnected(machine_.error());
        if (!error) co_return operation_error{};
        co_return failure(error, session_phase::transferring, "port forwarding", escaped(machine_.problem()));
    }

    // The exposing side: asked for each connection that the other side opens. Answers by refuse() or reach().
    void on_opening(opening_handler handler) { on_opening_ = std::move(handler); }

    bool has_room() const noexcept { return connections_.size() < max_connections_; }

    void refuse(forward_number number, const forward_target& target, forward_cause cause)
    {
        machine_.refuse(number, cause);
        if (observer_ != nullptr) observer_->refused(number, target, cause, to_text(cause));
    }

    void reach(forward_number number, forward_target target, connect_options how)
    {
        const auto c = add(number, std::move(target));
        launch("forward_link::connect", connect(c, std::move(how)), c, c->cancel_connect.slot());
    }

    // The forwarding side.
    error_code listen(const forward_rule& rule)
    {
        listen_options how;
        how.on_error = [this](error_code error) {
            if (observer_ != nullptr) observer_->accept_failed(error);
        };
        std::uint16_t port = rule.port;
        bool is_first = true;
        for (listen_address address : rule.listen_addresses()) {
            address.port = port;
            auto acceptor = listen_tcp(executor_, address, how);
            if (!acceptor) {
                // The second loopback address may be missing. A port that was chosen for the first may be in use.
                const bool may_be_missing = acceptor.error() == asio::error::address_family_not_supported ||
                                            acceptor.error() == boost::system::errc::address_not_available ||
                                            rule.port == 0;
                if (!is_first && may_be_missing) continue;
                return acceptor.error();
            }
            is_first = false;
            for (const tcp_endpoint& bound : (*acceptor)->bound()) {
                port = bound.port();
                if (observer_ != nullptr) observer_->listening(rule, bound);
            }
            (*acceptor)->start(
                [this, target = rule.target](any_stream tcp) { accept(std::move(tcp), target); });
            acceptors_.push_back(std::move(*acceptor));
        }
        return {};
    }

    void close() noexcept { stream_.close(); }

private:
    // --- the stream ------------------------------------------------------------------------------

    awaitable<void> read_stream()
    {
        byte_vector buffer(stream_buffer_bytes);
        for (bool ended = false; !ended;) {
            const auto read =
                co_await stream_.async_read_some(asio::buffer(buffer.data(), buffer.size()), use_tuple);
            const auto [error, size] = read;
            for (bytes_view input{buffer.data(), size}; !input.empty();) {
                const std::size_t before = input.size();
                machine_.receive(input);
                pump();
                if (input.size() == before) co_await output_taken_.wait();
            }
            ended = error.failed();
            if (error == asio::error::eof)
                machine_.receive_end();
            else if (error)
                stop(write_error_ ? write_error_ : stream_error(error));
            pump();
        }
    }

    awaitable<void> write_stream()
    {
        byte_vector out;
        for (;;) {
            const bytes_view due = machine_.output();
            if (due.empty() && machine_.finished()) break;
            if (due.empty()) {
                co_await has_output_.wait();
                continue;
            }
            out.assign(due.begin(), due.end());
            machine_.consume_output(out.size());
            output_taken_.signal();
            pump();
            const auto written =
                co_await asio::async_write(stream_, asio::buffer(out.data(), out.size()), all_at_once{}, use_tuple);
            const error_code error = std::get<0>(written);
            if (!error) continue;
            // The last bytes of the other side may tell more.
            write_error_ = stream_error(error);
            auto give_up = [this] {
                stop(write_error_);
                stream_.close();
                pump();
            };
            write_limit_ = std::make_unique<watchdog>(executor_, end_timeout_, std::move(give_up), time_);
            co_return;
        }
        if (!has_failed_) co_await stream_.async_shutdown_send(use_tuple);
    }

    // This side closes the stream only after the machine has finished. What is aborted before has another cause.
    static error_code stream_error(error_code error)
    {
        return error == asio::error::operation_aborted ? make_error_code(errc::peer_disconnected) : error;
    }

    // The stream has failed: nothing more is sent.
    void stop(error_code why)
    {
        has_failed_ = true;
        machine_.stop(why);
    }

    // Takes what the machine has for its owner. Called after every change.
    void pump()
    {
        while (auto happened = machine_.next_event())
            std::visit([this](auto& each) { hear(each); }, *happened);
        if (!machine_.output().empty() || machine_.finished()) has_output_.signal();
        if (!machine_.finished()) return;
        output_taken_.signal();
        over_.signal();
    }

    void hear(forward_event::opening& e) { on_opening_(std::move(e)); }
    void hear(const forward_event::opened& e)
    {
        const connection_pointer c = find(e.connection);
        if (c) tell_opened(*c);
    }
    void hear(const forward_event::refused& e)
    {
        const connection_pointer c = find(e.connection);
        if (!c) return;
        std::string why{to_text(e.cause)};
        if (!e.text.empty()) why += " (" + escaped(e.text) + ")";
        if (observer_ != nullptr) observer_->refused(c->number, c->target, e.cause, why);
        break_off(*c, errc::connect_failed);
    }
    void hear(const forward_event::data& e)
    {
        const connection_pointer c = find(e.connection);
        if (!c || c->is_over) return;
        c->received.insert(c->received.end(), e.bytes.begin(), e.bytes.end());
        c->has_input.signal();
    }
    void hear(const forward_event::closed& e)
    {
        const connection_pointer c = find(e.connection);
        if (!c) return;
        c->is_ended = true;
        c->has_input.signal();
    }
    void hear(const forward_event::reset& e)
    {
        const connection_pointer c = find(e.connection);
        if (c) break_off(*c, asio::error::connection_reset);
    }
    void hear(const forward_event::writable& e)
    {
        const connection_pointer c = find(e.connection);
        if (c) c->may_send.signal();
    }

    // --- connections -----------------------------------------------------------------------------

    connection_pointer find(forward_number number) const
    {
        const auto found = connections_.find(number);
        return found == connections_.end() ? nullptr : found->second;
    }

    connection_pointer add(forward_number number, forward_target target)
    {
        auto c = std::make_shared<forwarded_connection>(executor_, number, std::move(target));
        connections_.emplace(number, c);
        return c;
    }

    void tell_opened(forwarded_connection& c)
    {
        c.is_opened = true;
        if (observer_ != nullptr) observer_->opened(c.number, c.target, c.tcp.remote_address());
    }

    void accept(any_stream tcp, const forward_target& target)
    {
        const auto number = has_room() ? machine_.open(target) : std::nullopt;
        if (!number) {
            tcp.reset_on_close(true);
            tcp.close();
            if (observer_ != nullptr)
                observer_->refused(0, target, forward_cause::limit, to_text(forward_cause::limit));
            return;
        }
        const auto c = add(*number, target);
        c->tcp = std::move(tcp);
        carry(c);
        pump();
    }

    awaitable<void> connect(connection_pointer c, connect_options how)
    {
        co_await asio::this_coro::throw_if_cancelled(false);
        co_await yield(executor_);
        if (c->is_over) co_return;
        c->is_connecting = true;
        relay_address to{"tcp", c->target.host, c->target.port, c->target.port};
        auto outcome = co_await parley::connect(std::move(to), stream_kind::handshake, std::move(how));
        c->is_connecting = false;
        if (c->is_over) co_return;
        if (outcome.error) {
            not_reached(*c, outcome);
        } else {
            c->tcp = std::move(outcome.stream);
            machine_.accept(c->number);
            tell_opened(*c);
            carry(c);
        }
        pump();
    }

    void not_reached(forwarded_connection& c, const connect_outcome& outcome)
    {
        forward_cause cause = forward_cause::unreachable;
        if (outcome.error == errc::name_not_resolved || outcome.error == errc::names_unavailable)
            cause = forward_cause::name_not_found;
        else if (outcome.error == condition::timed_out)
            cause = forward_cause::timed_out;
        // The addresses behind a name are not the other side's business.
        const bool has_reason = cause == forward_cause::unreachable && !outcome.attempts.empty();
        machine_.refuse(c.number, cause, has_reason ? outcome.attempts.front().error.message() : "");
        if (observer_ != nullptr) observer_->refused(c.number, c.target, cause, outcome.describe());
        break_off(c, outcome.error);
    }

    void carry(const connection_pointer& c)
    {
        launch("forward_link::send", send(c), c);
        launch("forward_link::receive", receive(c), c);
    }

    // From the TCP connection to the stream. It holds no buffer while it waits.
    awaitable<void> send(connection_pointer c)
    {
        while (!c->is_over) {
            if (machine_.write_space(c->number) == 0) {
                co_await c->may_send.wait();
                continue;
            }
            const auto waited = co_await c->tcp.async_wait_readable(use_tuple);
            if (c->is_over) break;
            error_code error = std::get<0>(waited);
            const std::size_t space = std::min(machine_.write_space(c->number), piece_.size());
            if (space == 0) continue;
            const mutable_bytes piece = mutable_bytes{piece_}.first(space);
            const std::size_t size = error ? 0 : c->tcp.try_read_some(piece, error);
            if (size != 0) {
                machine_.write(c->number, piece.first(size));
                c->counts.sent += size;
            } else if (error == asio::error::eof) {
                c->has_ended = !machine_.finished();
                machine_.close(c->number);
                pump();
                break;
            } else if (error && error != asio::error::would_block) {
                fail(*c, error);
            }
            pump();
        }
    }

    // From the stream to the TCP connection.
    awaitable<void> receive(connection_pointer c)
    {
        byte_vector bytes;
        std::size_t done = 0;
        while (!c->is_over) {
            if (done == bytes.size()) {
                bytes.clear();
                bytes.swap(c->received);
                done = 0;
            }
            if (bytes.empty()) {
                if (c->is_ended) break;
                bytes = {}; // a connection that waits holds no buffer
                c->received = {};
                co_await c->has_input.wait();
                continue;
            }
            const auto written = co_await c->tcp.async_write_some(
                asio::buffer(bytes.data() + done, bytes.size() - done), use_tuple);
            if (c->is_over) break;
            const auto [error, size] = written;
            done += size;
            c->counts.received += size;
            machine_.consume(c->number, size);
            if (error) fail(*c, error);
            pump();
        }
        if (!c->is_over) co_await c->tcp.async_shutdown_send(use_tuple);
    }

    // The TCP connection has failed.
    void fail(forwarded_connection& c, error_code why)
    {
        machine_.reset(c.number);
        break_off(c, why);
    }

    // Resets the TCP connection, and lets the tasks end.
    static void break_off(forwarded_connection& c, error_code why)
    {
        if (std::exchange(c.is_over, true)) return;
        c.error = why;
        c.received = {};
        if (c.tcp) c.tcp.reset_on_close(true);
        c.tcp.close();
        // Not before it has begun: Asio throws when a coroutine is cancelled that was never suspended.
        if (c.is_connecting) c.cancel_connect.emit(asio::cancellation_type::terminal);
        c.may_send.signal();
        c.has_input.signal();
    }

    void break_off_incomplete(error_code why)
    {
        if (!why) why = errc::peer_disconnected;
        for (const auto& [number, c] : connections_)
            if (!c->is_complete()) break_off(*c, why);
    }

    void break_off_all()
    {
        machine_.stop(errc::cancelled);
        stream_.close();
        for (const auto& [number, c] : connections_) break_off(*c, errc::cancelled);
        pump();
    }

    void forget(const connection_pointer& c)
    {
        c->tcp.close();
        connections_.erase(c->number);
        if (observer_ != nullptr && c->is_opened)
            observer_->closed(c->number, c->target, c->counts, c->error);
    }

    // --- tasks -----------------------------------------------------------------------------------

    // Runs `work`, which is of the connection `c` if that is not null. A slot is of one task only.
    void launch(std::string_view name, awaitable<void> work, const connection_pointer& c = nullptr,
                asio::cancellation_slot slot = {})
    {
        ++tasks_;
        if (c) ++c->tasks;
        auto done = [this, name, c](std::exception_ptr failure) {
            report_exception(name, failure);
            on_task_end(c, failure != nullptr);
        };
        if (slot.is_connected())
            asio::co_spawn(executor_, std::move(work), asio::bind_cancellation_slot(slot, std::move(done)));
        else
            asio::co_spawn(executor_, std::move(work), std::move(done));
    }

    void on_task_end(const connection_pointer& c, bool has_failed)
    {
        const error_code no_memory = make_error_code(boost::system::errc::not_enough_memory);
        if (has_failed && c) fail(*c, no_memory);
        if (has_failed && !c) {
            stop(no_memory);
            stream_.close();
        }
        if (has_failed) pump();
        if (c && --c->tasks == 0) forget(c);
        if (--tasks_ == 0) idle_.signal();
    }

    executor executor_;
    any_stream stream_;
    forward_machine machine_;
    forward_observer* observer_;
    std::size_t max_connections_;
    duration end_timeout_;
    time_source& time_;
    opening_handler on_opening_;
    event has_output_, output_taken_;
    event over_; // the machine has finished
    event idle_; // no task is left
    std::map<forward_number, connection_pointer> connections_;
    std::vector<std::unique_ptr<acceptor_base>> acceptors_;
    std::unique_ptr<watchdog> write_limit_;
    error_code write_error_;
    byte_vector piece_;
    std::size_t tasks_ = 0;
    bool has_failed_ = false;
};

} // namespace

awaitable<operation_error> expose_ports(any_stream stream, expose_options options)
{
    co_await asio::this_coro::throw_if_cancelled(false);
    const executor ex = co_await asio::this_coro::executor;
    co_await yield(ex);
    forward_link link{ex, std::move(stream), forward_role::expose, options};
    link.on_opening([&](forward_event::opening e) {
        if (std::ranges::find(options.targets(), e.target) == options.targets().end())
            return link.refuse(e.connection, e.target, forward_cause::not_exposed);
        if (!link.has_room()) return link.refuse(e.connection, e.target, forward_cause::limit);
        connect_options how;
        how.timeout = options.connect_timeout();
        how.names = options.names();
        link.reach(e.connection, std::move(e.target), std::move(how));
    });
    auto ended = co_await link.run();
    co_return ended;
}

awaitable<operation_error> forward_ports(any_stream stream, forward_options options)
{
    co_await asio::this_coro::throw_if_cancelled(false);
    const executor ex = co_await asio::this_coro::executor;
    co_await yield(ex);
    forward_link link{ex, std::move(stream), forward_role::forward, options};
    for (const forward_rule& rule : options.rules()) {
        const error_code error = link.listen(rule);
        if (!error) continue;
        link.close();
        co_return failure(error, session_phase::preparing, "cannot listen for " + rule.text());
    }
    auto ended = co_await link.run();
    co_return ended;
}

} // namespace parley
