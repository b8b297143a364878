// The loop that drives every machine. It carries bytes between a stream and a machine with one stream, and
// events to the machine's owner.
//
//     stream ─▶ machine.receive ─▶ machine.output ─▶ stream
//                      │      └──▶ events ─▶ on_event (synchronous)
//     input(f) ────────┘
//
// It keeps the rules of machine.hpp. After every input it takes all output and events before the next input.
// It writes the output even when the machine has failed. One write is pending at a time, and later output
// joins the next write. While output waits to be written it reads nothing, so a peer that does not read
// cannot make the output grow. It tells a TimedMachine the time before each input, and at its deadlines.
#pragma once

#include <parley/async/time_source.hpp>
#include <parley/base/time.hpp>
#include <parley/proto/machine.hpp>
#include <parley/stream/any_stream.hpp>

#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/steady_timer.hpp>

#include <deque>
#include <functional>

namespace parley {

namespace detail {
class deadline_timer;
}

struct driver_options {
    driver_options() = default;

    duration timeout = duration::max();               // of the whole run; then calls machine.stop(timed_out)
    duration flush_timeout = std::chrono::seconds{5}; // for the last output, after the machine has finished
    std::size_t read_buffer_bytes = 1024;
    time_source* time = nullptr; // null: the system's clock. It outlives the driver.
};

// The part of the driver that does not depend on the machine's type.
class driver_base {
public:
    driver_base(const driver_base&) = delete;
    driver_base& operator=(const driver_base&) = delete;

    // Runs until the machine has finished and its output is written, or until the stream has failed. Call it
    // once. The driver must outlive it. The result: unset when the machine finished with success; the
    // machine's error; or the stream's, which the machine got by stop(). The stream stays open, except when
    // the last output could not be written within flush_timeout. No operation is pending when it returns.
    // Cancellation works as stop(errc::cancelled).
    awaitable<error_code> run();

    // The same with any completion token; signature void(error_code), which carries the result of run().
    template <class Token>
    auto async_run(Token&& token)
    {
        return asio::async_initiate<Token, void(error_code)>(
            [](auto handler, driver_base* self) {
                self->start(stream_base::wait_handler{std::move(handler)});
            },
            token, this);
    }

    // Stops the machine with `why`; run() returns after its last output is written. Callable from on_event.
    // Does nothing after the machine has finished.
    void stop(error_code why);

    // Moves the deadline of the whole run to `timeout` from now; duration::max() is never.
    void set_timeout(duration timeout);

    // Bytes that were read after the machine had finished (for a room, its first bytes after "00"). Valid
    // until the driver is destroyed.
    bytes_view leftover() const noexcept;

    // The numbers of all bytes read and written.
    std::uint64_t bytes_read() const noexcept { return bytes_read_; }
    std::uint64_t bytes_written() const noexcept { return bytes_written_; }

protected:
    driver_base(any_stream& stream, const driver_options& options);
    virtual ~driver_base();

    // Runs `step` now, or right after the current drain; then drains.
    void apply(std::function<void()> step);

private:
    virtual void machine_receive(bytes_view& input) = 0;
    virtual void machine_receive_end() = 0;
    virtual void machine_stop(error_code why) = 0;
    virtual void machine_expire(time_point now) = 0;
    virtual time_point machine_next_deadline() const = 0; // no_deadline for a machine without deadlines
    virtual bytes_view machine_output() const = 0;
    virtual void machine_consume_output(std::size_t n) = 0;
    virtual bool machine_next_event() = 0; // gives one event to the owner; false when there is none
    virtual bool machine_finished() const = 0;
    virtual error_code machine_error() const = 0;

    struct run_state;

    void start(stream_base::wait_handler handler);
    void advance();
    void drain();
    void expire();
    void feed();
    void wind_up(const std::shared_ptr<run_state>& run);
    void start_read(const std::shared_ptr<run_state>& run);
    void start_write(const std::shared_ptr<run_state>& run);
    void arm_timer(duration timeout);
    void arm_machine_timer();
    void on_read(error_code error, std::size_t size);
    void on_written(error_code error, std::size_t size);
    void on_timer();

    any_stream& stream_;
    driver_options options_;
    time_source& time_;
    std::shared_ptr<asio::steady_timer> timer_; // of the deadline
    std::unique_ptr<detail::deadline_timer> machine_timer_; // null until the machine has a deadline
    asio::cancellation_signal cancel_read_;
    std::weak_ptr<run_state> run_;
    std::shared_ptr<run_state> held_;
    std::deque<std::function<void()>> steps_;
    byte_vector read_buffer_;
    std::size_t input_begin_ = 0, input_end_ = 0;
    byte_vector output_, being_written_;
    error_code read_error_, write_error_;
    std::uint64_t bytes_read_ = 0, bytes_written_ = 0;
    time_point deadline_ = no_deadline;
    unsigned timers_ = 0;
    bool running_ = false, driving_ = false, reading_ = false, writing_ = false;
    bool read_ended_ = false, write_failed_ = false, flushing_ = false, flush_timed_out_ = false;
};

// Drives `machine` over `stream`. Both must outlive the driver. While it runs, use the machine only through
// input(). Not thread-safe: everything happens on the stream's executor.
template <Machine M>
class driver final : public driver_base {
public:
    using event_handler = std::function<void(typename M::event)>;

    // `on_event` gets every event in order, as it happens. It must not throw or destroy the driver. It may
    // call input() and stop(), which take effect after it has returned.
    driver(any_stream& stream, M& machine, event_handler on_event, driver_options options = {})
        : driver_base(stream, options), machine_(machine), on_event_(std::move(on_event))
    {
    }

    // Runs f(machine), then drains, even while a read is pending. The owner's decisions reach the machine
    // this way. `f` must be copyable and must not throw. From on_event it takes effect after on_event has
    // returned. Before run(), its output waits for run(). Does nothing after the machine has finished.
    template <class F>
        requires std::invocable<F&, M&>
    void input(F f)
    {
        apply([this, f = std::move(f)]() mutable { f(machine_); });
    }

private:
    void machine_receive(bytes_view& input) override { machine_.receive(input); }
    void machine_receive_end() override { machine_.receive_end(); }
    void machine_stop(error_code why) override { machine_.stop(why); }
    void machine_expire([[maybe_unused]] time_point now) override
    {
        if constexpr (TimedMachine<M>) machine_.expire(now);
    }
    time_point machine_next_deadline() const override
    {
        if constexpr (TimedMachine<M>) return machine_.next_deadline();
        return no_deadline;
    }
    bytes_view machine_output() const override { return machine_.output(); }
    void machine_consume_output(std::size_t n) override { machine_.consume_output(n); }
    bool machine_next_event() override
    {
        auto event = machine_.next_event();
        if (!event) return false;
        if (on_event_) on_event_(std::move(*event));
        return true;
    }
    bool machine_finished() const override { return machine_.finished(); }
    error_code machine_error() const override { return machine_.error(); }

    M& machine_;
    event_handler on_event_;
};

} // namespace parley
