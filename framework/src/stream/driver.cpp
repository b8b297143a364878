#include <parley/stream/driver.hpp>

#include "async/deadline_timer.hpp"
#include "stream/all_at_once.hpp"

#include <boost/asio/append.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>

namespace parley {
namespace {

// The output of several packets is merged into one write of about this size.
constexpr std::size_t max_merged_output_bytes = 4096;

} // namespace

// The handler of run(). The pending operations keep it alive: when the executor is destroyed with them, the
// handler and the coroutine behind it are destroyed, too.
struct driver_base::run_state {
    explicit run_state(stream_base::wait_handler h) : done(std::move(h)) {}
    stream_base::wait_handler done;
};

driver_base::driver_base(any_stream& stream, const driver_options& options)
    : stream_(stream),
      options_(options),
      time_(options.time != nullptr ? *options.time : real_time()),
      timer_(std::make_shared<asio::steady_timer>(stream.get_executor())),
      read_buffer_(options.read_buffer_bytes)
{
}

driver_base::~driver_base() = default;

awaitable<error_code> driver_base::run()
{
    auto finished = co_await async_run(use_tuple);
    co_return std::get<0>(finished);
}

void driver_base::start(stream_base::wait_handler handler)
{
    const auto run = std::make_shared<run_state>(std::move(handler));
    run_ = run;
    auto slot = run->done.get_cancellation_slot();
    if (slot.is_connected())
        slot.assign([this, weak = run_](asio::cancellation_type type) {
            if (type != asio::cancellation_type::none && !weak.expired())
                stop(make_error_code(errc::cancelled));
        });
    running_ = true;
    set_timeout(options_.timeout);
    apply({});
}

void driver_base::stop(error_code why)
{
    apply([this, why] { machine_stop(why); });
}

void driver_base::set_timeout(duration timeout)
{
    options_.timeout = timeout;
    if (running_ && !flushing_ && !write_failed_) arm_timer(timeout);
}

bytes_view driver_base::leftover() const noexcept
{
    return {read_buffer_.data() + input_begin_, input_end_ - input_begin_};
}

void driver_base::apply(std::function<void()> step)
{
    if (step) steps_.push_back(std::move(step));
    if (driving_) return; // the current drain takes it
    driving_ = true;
    expire();
    drain();
    driving_ = false;
    advance();
}

// Takes all output and events of the last input, then performs the owner's inputs one by one.
void driver_base::drain()
{
    for (;;) {
        const bytes_view output = machine_output();
        if (!output.empty()) {
            output_.insert(output_.end(), output.begin(), output.end());
            machine_consume_output(output.size());
            continue;
        }
        if (machine_next_event()) continue;
        if (steps_.empty()) return;
        const auto step = std::move(steps_.front());
        steps_.pop_front();
        if (!machine_finished()) step();
    }
}

void driver_base::expire()
{
    if (!machine_finished()) machine_expire(time_.now());
}

// Gives the machine the received bytes, but not while output waits: a peer that does not read must not make
// the output grow.
void driver_base::feed()
{
    while (!machine_finished() && !writing_ && output_.size() < max_merged_output_bytes &&
           input_begin_ != input_end_) {
        bytes_view input = leftover();
        const std::size_t before = input.size();
        driving_ = true;
        expire();
        drain();
        if (!machine_finished()) machine_receive(input);
        input_begin_ = input_end_ - input.size();
        drain();
        driving_ = false;
        if (input.size() == before) return; // the machine waits for a decision of its owner
    }
    if (machine_finished() || writing_ || !read_ended_ || input_begin_ != input_end_) return;
    driving_ = true;
    if (read_error_ == asio::error::eof)
        machine_receive_end();
    else
        machine_stop(read_error_);
    drain();
    if (!machine_finished()) {
        machine_stop(make_error_code(errc::unexpected_end));
        drain();
    }
    driving_ = false;
}

// Starts every operation that may start. Called after every change.
void driver_base::advance()
{
    const auto run = run_.lock();
    if (!running_ || !run) return;
    if (!machine_finished()) feed();
    arm_machine_timer();
    if (write_failed_) output_.clear();
    if (!writing_ && !output_.empty()) start_write(run);
    if (machine_finished())
        wind_up(run);
    else if (!reading_ && !writing_ && !read_ended_ && input_begin_ == input_end_)
        start_read(run);
    // With no pending operation, only an input of the owner can continue the run.
    held_ = reading_ || writing_ || timers_ != 0 || !running_ ? nullptr : run;
}

// Cancels the pending operations, and ends the run after the last of them.
void driver_base::wind_up(const std::shared_ptr<run_state>& run)
{
    if (reading_) cancel_read_.emit(asio::cancellation_type::total);
    if (writing_ && !flushing_) {
        flushing_ = true;
        arm_timer(options_.flush_timeout);
    }
    if (reading_ || writing_) return;
    if (timers_ != 0) {
        time_.expire_at(timer_, no_deadline);
        return;
    }
    running_ = false;
    error_code result = machine_error();
    if (!result && flush_timed_out_) result = make_error_code(errc::timed_out);
    asio::post(stream_.get_executor(), asio::append(std::move(run->done), result));
}

void driver_base::start_read(const std::shared_ptr<run_state>& run)
{
    reading_ = true;
    input_begin_ = input_end_ = 0;
    stream_.async_read_some(
        asio::buffer(read_buffer_.data(), read_buffer_.size()),
        asio::bind_cancellation_slot(
            cancel_read_.slot(), [this, run](error_code error, std::size_t size) { on_read(error, size); }));
}

void driver_base::on_read(error_code error, std::size_t size)
{
    reading_ = false;
    input_end_ = size;
    bytes_read_ += size;
    // A read that was cancelled after the machine finished has lost nothing: the stream continues.
    if (error) {
        read_ended_ = true;
        read_error_ = error;
    }
    advance();
}

void driver_base::start_write(const std::shared_ptr<run_state>& run)
{
    writing_ = true;
    being_written_.swap(output_);
    asio::async_write(stream_, asio::buffer(being_written_.data(), being_written_.size()),
                      detail::all_at_once{},
                      [this, run](error_code error, std::size_t size) { on_written(error, size); });
}

// After a failed write, read the peer's last bytes: they often tell why it left.
void driver_base::on_written(error_code error, std::size_t size)
{
    writing_ = false;
    being_written_.clear();
    bytes_written_ += size;
    if (error && !write_failed_) {
        write_failed_ = true;
        write_error_ = error;
        if (!machine_finished()) arm_timer(options_.flush_timeout);
    }
    advance();
}

void driver_base::arm_timer(duration timeout)
{
    const auto run = run_.lock();
    if (timeout == duration::max()) {
        deadline_ = no_deadline;
        time_.expire_at(timer_, no_deadline);
        return;
    }
    deadline_ = time_.now() + timeout;
    time_.expire_at(timer_, deadline_);
    ++timers_;
    timer_->async_wait([this, run](error_code) {
        --timers_;
        on_timer();
    });
}

void driver_base::arm_machine_timer()
{
    const time_point when = machine_finished() ? no_deadline : machine_next_deadline();
    if (when == no_deadline) return machine_timer_.reset();
    if (!machine_timer_)
        machine_timer_ =
            std::make_unique<detail::deadline_timer>(stream_.get_executor(), time_, [this] { apply({}); });
    machine_timer_->arm(when);
}

void driver_base::on_timer()
{
    // A wait that was replaced or cancelled also ends here.
    if (time_.now() < deadline_) return advance();
    deadline_ = no_deadline;
    if (flushing_) {
        flush_timed_out_ = writing_;
        if (writing_) stream_.close();
        return advance();
    }
    stop(write_failed_ ? write_error_ : make_error_code(errc::timed_out));
}

} // namespace parley
