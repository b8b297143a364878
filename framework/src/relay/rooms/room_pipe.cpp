#include "relay/rooms/room_pipe.hpp"

#include "relay/rooms/stall_clock.hpp"

#include <parley/async/spawn.hpp>
#include <parley/async/watchdog.hpp>

#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <array>
#include <atomic>
#include <optional>

namespace parley::detail {

namespace {

// Bytes that one turn moves in the kernel: enough to make the calls cheap, few enough to keep other rooms
// waiting less than a millisecond.
constexpr std::size_t max_spliced_bytes = 512u << 10;
// After a smaller read, a pipe or a large buffer is not worth its cost: the next read uses a usual buffer.
constexpr std::size_t min_streamed_bytes = 16u << 10;
// The total of all large buffers. 64 rooms that share it still move 256 KiB at a time, at half the cost of 64
// KiB.
constexpr std::size_t large_bytes_in_motion = 16u << 20;

} // namespace

struct room_pipe::state final : std::enable_shared_from_this<room_pipe::state>, watched_room {
    struct direction {
        std::atomic<std::uint64_t> bytes{0};       // written on the executor, read from anywhere
        std::optional<bool> can_splice;            // both streams are plain sockets; unset: not checked yet
        bool streams = false;                      // the last read was large, so a pipe is worth it
        bool passed_end = false;                   // it ended in order, and the other side was told
        bool write_failed = false;                 // it ended because its destination failed
        std::shared_ptr<asio::steady_timer> pause; // made on its first pause
        stall_clock clock;
        std::uint64_t looked_bytes = 0; // at the last look
        std::size_t pending = 0;        // of what was read: not written yet
        std::size_t held = 0;           // memory, while they are pending

        std::uint64_t counted() const noexcept { return bytes.load(std::memory_order_relaxed); }
        void count(std::size_t more) noexcept { bytes.store(counted() + more, std::memory_order_relaxed); }
    };

    // Bytes between the two streams: `size` of them, in a buffer or in a pipe.
    struct load {
        buffer_pool::buffer buffer;
        splice_pipe pipe;
        std::size_t size = 0;
        bool large = false; // `buffer` is a large one
    };

    state(any_stream first, any_stream second, room_pipe_options o, room_worker& on,
          std::function<void(const room_pipe_report&)> end)
        : streams{std::move(first), std::move(second)}, options(o), loop(on), on_end(std::move(end))
    {
    }

    awaitable<void> copy(std::size_t from);
    awaitable<error_code> copy_until_end(std::size_t from, load& moved);
    error_code take(std::size_t from, load& moved, bool woken);
    bool may_splice(direction& way) noexcept;
    error_code splice(std::size_t from, load& moved, std::size_t most, bool woken);
    void release(load& moved) noexcept;
    awaitable<void> pace(std::size_t from, std::size_t size);
    bool too_many_bytes(std::size_t more) noexcept;
    void look(time_point now) override;
    stall_clock::state look_at(std::size_t from, time_point now);
    void charge();
    void on_dropped();
    std::uint64_t bytes() const noexcept { return directions[0].counted() + directions[1].counted(); }
    awaitable<error_code> drain_pipe(std::size_t from, splice_pipe& pipe);
    awaitable<error_code> write_all(std::size_t from, bytes_view bytes, bool counts);
    void passed(std::size_t from, std::size_t size) noexcept;
    void ended(std::size_t from, error_code error);
    void reset_both(error_code reason) noexcept;

    std::array<any_stream, 2> streams;
    std::array<direction, 2> directions; // [0]: from the first stream to the second
    room_pipe_options options;
    room_worker& loop;
    std::function<void(const room_pipe_report&)> on_end;
    std::optional<watchdog> half; // armed after one direction has ended
    error_code why;
    std::optional<reject_reason> limit;
    bandwidth_share::room share;
    std::optional<std::list<watched_room*>::iterator> watched;
    std::unique_ptr<memory_share> charged; // made when it is first too slow
    unsigned running = 2;
};

std::shared_ptr<room_pipe> room_pipe::start(any_stream first, any_stream second, room_pipe_options options,
                                            room_worker& loop,
                                            std::function<void(const room_pipe_report&)> on_end)
{
    auto s = std::make_shared<state>(std::move(first), std::move(second), options, loop, std::move(on_end));
    for (any_stream& stream : s->streams) stream.reset_on_close(true);
    for (const std::size_t from : {std::size_t{0}, std::size_t{1}})
        spawn(loop.ex, [s, from] { return s->copy(from); }, "room");
    return std::shared_ptr<room_pipe>{new room_pipe{std::move(s)}};
}

room_pipe::~room_pipe() = default;

void room_pipe::abort(error_code why, std::optional<reject_reason> limit)
{
    asio::dispatch(state_->loop.ex, [s = state_, why, limit] {
        if (!s->limit) s->limit = limit;
        s->reset_both(why);
    });
}

std::uint64_t room_pipe::bytes() const noexcept
{
    return state_->bytes();
}

void room_pipe::state::reset_both(error_code reason) noexcept
{
    if (!why) why = reason;
    for (any_stream& stream : streams) stream.close();
    for (direction& way : directions)
        if (way.pause) way.pause->cancel();
}

awaitable<void> room_pipe::state::copy(std::size_t from)
{
    const auto self = shared_from_this();
    if (!watched) watched = loop.watch(*this);
    load moved;
    error_code error;
    try {
        error = co_await copy_until_end(from, moved);
    } catch (const std::bad_alloc&) {
        error = make_error_code(boost::system::errc::not_enough_memory);
    }
    release(moved);
    ended(from, error);
}

// Holds a buffer or a pipe only while there are bytes in it.
awaitable<error_code> room_pipe::state::copy_until_end(std::size_t from, load& moved)
{
    direction& way = directions[from];
    any_stream& source = streams[from];
    const std::size_t to = 1 - from;
    bool woken = false;
    const error_code failed = co_await write_all(from, options.greeting, false);
    if (failed) co_return failed;
    for (;;) {
        error_code error = take(from, moved, woken);
        woken = false;
        if (error) release(moved);
        if (error == asio::error::would_block) {
            const auto waited = co_await source.async_wait_readable(use_tuple);
            error = std::get<0>(waited);
            if (error) co_return error;
            woken = true;
            continue;
        }
        if (error == asio::error::eof) {
            // Passing a reset on as an end would tell a sender that its document has been stored.
            if (!directions[to].passed_end && source.was_reset()) co_return asio::error::connection_reset;
            break;
        }
        if (error) co_return error;
        if (half) half->kick();
        if (too_many_bytes(moved.size)) co_return make_error_code(errc::cancelled);
        if (!loop.bandwidth.unlimited()) co_await pace(from, moved.size);
        way.pending = moved.size;
        way.held = moved.pipe ? moved.size : (moved.large ? loop.large_buffers : loop.buffers).buffer_bytes();
        if (moved.pipe)
            error = co_await drain_pipe(from, moved.pipe);
        else
            error = co_await write_all(from, bytes_view{moved.buffer.get(), moved.size}, true);
        way.pending = 0;
        if (error) co_return error;
        release(moved);
    }
    way.passed_end = true; // set before the end goes out: see was_reset()
    const auto shut = co_await streams[to].async_shutdown_send(use_tuple);
    if (std::get<0>(shut)) way.passed_end = false;
    co_return std::get<0>(shut);
}

// Reads the available bytes, into a pipe if one is available and worth it. `woken`: a wait has just reported
// that there are bytes.
error_code room_pipe::state::take(std::size_t from, load& moved, bool woken)
{
    direction& way = directions[from];
    if (!streams[from].is_open()) return asio::error::operation_aborted;
    const std::size_t buffer_bytes = loop.buffers.buffer_bytes();
    if (way.streams && may_splice(way)) {
        const std::size_t most = loop.bandwidth.quantum(share, max_spliced_bytes);
        if (most >= buffer_bytes) moved.pipe = loop.pipes.take();
        if (moved.pipe) {
            const error_code error = splice(from, moved, most, woken);
            if (error != asio::error::operation_not_supported) return error;
        }
    }
    if (way.streams && loop.large_buffers.buffer_bytes() > buffer_bytes)
        moved.buffer = loop.large_buffers.take();
    moved.large = moved.buffer != nullptr;
    if (!moved.large) moved.buffer = loop.buffers.take();
    // The more large buffers are in use, the less each reads at once. When they run out, they read no more
    // than a usual buffer.
    const std::size_t most = moved.large ? std::clamp(large_bytes_in_motion / loop.large_buffers.lent(),
                                                      buffer_bytes, loop.large_buffers.buffer_bytes())
                                         : buffer_bytes;
    error_code error;
    const mutable_bytes space{moved.buffer.get(), loop.bandwidth.quantum(share, most)};
    moved.size = streams[from].try_read_some(space, error);
    if (error != asio::error::would_block)
        way.streams = moved.size >= std::min(min_streamed_bytes, space.size());
    return error;
}

// Bytes that were put back into a stream have to go through a buffer first.
bool room_pipe::state::may_splice(direction& way) noexcept
{
    if (way.can_splice) return *way.can_splice;
    if (streams[0].has_put_back() || streams[1].has_put_back()) return false;
    way.can_splice =
        prepare_for_splice(streams[0].native_handle()) && prepare_for_splice(streams[1].native_handle());
    return *way.can_splice;
}

// As take(). operation_not_supported: the caller has to use a buffer.
error_code room_pipe::state::splice(std::size_t from, load& moved, std::size_t most, bool woken)
{
    direction& way = directions[from];
    error_code error;
    moved.size = moved.pipe.fill(streams[from].native_handle(), most, error);
    if (error != asio::error::would_block) way.streams = moved.size >= min_streamed_bytes;
    if (!error) return error;
    loop.pipes.give_back(std::move(moved.pipe));
    if (error == asio::error::operation_not_supported) way.can_splice = false;
    // With urgent data pending, splice(2) never finds anything; a read skips it.
    if (error == asio::error::would_block && woken) return asio::error::operation_not_supported;
    return error;
}

void room_pipe::state::release(load& moved) noexcept
{
    (moved.large ? loop.large_buffers : loop.buffers).give_back(std::move(moved.buffer));
    loop.pipes.give_back(std::move(moved.pipe));
}

bool room_pipe::state::too_many_bytes(std::size_t more) noexcept
{
    if (loop.room_bytes == 0 || bytes() + more <= loop.room_bytes) return false;
    limit = reject_reason::room_bytes;
    return true;
}

// Waits until the limits allow `size` bytes, which were read, to go on.
awaitable<void> room_pipe::state::pace(std::size_t from, std::size_t size)
{
    const time_point now = loop.time.now();
    const time_point when = loop.bandwidth.spend(share, size, now);
    if (when <= now || !streams[from].is_open()) co_return;
    auto& pause = directions[from].pause;
    if (!pause) pause = std::make_shared<asio::steady_timer>(loop.ex);
    loop.time.expire_at(pause, when);
    loop.bandwidth.wait_begins(share);
    co_await pause->async_wait(use_tuple);
    loop.bandwidth.wait_ends(share);
    if (half) half->kick();
}

void room_pipe::state::passed(std::size_t from, std::size_t size) noexcept
{
    if (size == 0) return;
    direction& way = directions[from];
    way.count(size);
    way.pending -= std::min(size, way.pending);
    if (half) half->kick();
}

void room_pipe::state::look(time_point now)
{
    if (running == 0) return;
    bool slow = false;
    for (const std::size_t from : {std::size_t{0}, std::size_t{1}}) {
        const stall_clock::state found = look_at(from, now);
        if (found == stall_clock::state::stalled) {
            if (!limit) limit = reject_reason::room_stalled;
            return reset_both(errc::timed_out);
        }
        slow = slow || found == stall_clock::state::slow;
    }
    if (slow && loop.memory)
        charge();
    else
        charged.reset();
}

// Bytes are held here and in the system's queue to the reader. A direction that was quiet since the last look,
// when it held nothing, is not asked again.
stall_clock::state room_pipe::state::look_at(std::size_t from, time_point now)
{
    direction& way = directions[from];
    const any_stream& reader = streams[1 - from];
    const std::uint64_t bytes = way.counted();
    const bool quiet = std::exchange(way.looked_bytes, bytes) == bytes;
    if ((quiet && way.pending == 0 && !way.clock.holds()) || !reader.is_open())
        return stall_clock::state::moves;
    const auto delivery = reader.delivery();
    const std::uint64_t unread = delivery ? delivery->written - delivery->acknowledged : 0;
    // Only TCP counts what the other end has got. Elsewhere what the system has taken must do: its queues are
    // small.
    const bool counts = delivery && reader.remote_endpoint();
    return way.clock.look(now, counts ? delivery->acknowledged : bytes, way.pending + unread,
                          loop.room_stall);
}

void room_pipe::state::charge()
{
    std::uint64_t held = 0;
    for (const direction& way : directions)
        if (way.pending > 0) held += way.held;
    for (const any_stream& stream : streams) held += stream.system_memory();
    if (!charged)
        charged = std::make_unique<memory_share>(loop.memory, [weak = weak_from_this(), ex = loop.ex] {
            asio::post(ex, [weak] {
                if (const auto self = weak.lock()) self->on_dropped();
            });
        });
    charged->set(held);
}

void room_pipe::state::on_dropped()
{
    if (running == 0) return;
    if (!limit) limit = reject_reason::memory;
    reset_both(errc::queue_overflow);
}

// Lets other rooms run before it returns: a write that does not wait would not yield to the loop.
awaitable<error_code> room_pipe::state::drain_pipe(std::size_t from, splice_pipe& pipe)
{
    any_stream& target = streams[1 - from];
    bool waited = false;
    while (pipe.held() > 0) {
        error_code error = asio::error::operation_aborted;
        if (target.is_open()) passed(from, pipe.drain(target.native_handle(), error));
        if (pipe.held() > 0 && (!error || error == asio::error::would_block)) {
            waited = true;
            const auto wait = co_await target.async_wait_writable(use_tuple);
            error = std::get<0>(wait);
        }
        if (error) {
            directions[from].write_failed = true;
            co_return error;
        }
    }
    if (!waited) co_await asio::post(loop.ex, use_tuple);
    co_return error_code{};
}

awaitable<error_code> room_pipe::state::write_all(std::size_t from, bytes_view bytes, bool counts)
{
    while (!bytes.empty()) {
        const asio::const_buffer buffer{bytes.data(), bytes.size()};
        const auto written = co_await streams[1 - from].async_write_some(buffer, use_tuple);
        const auto [error, size] = written;
        if (error) {
            directions[from].write_failed = true;
            co_return error;
        }
        if (counts) passed(from, size);
        bytes = bytes.subspan(size);
    }
    co_return error_code{};
}

void room_pipe::state::ended(std::size_t from, error_code error)
{
    --running;
    if (error && !why) {
        // A side that has ended in order, and whose end was passed on, may leave without reading the rest.
        const bool reader_was_done = directions[from].write_failed && directions[1 - from].passed_end;
        if (reader_was_done)
            for (any_stream& stream : streams) stream.reset_on_close(false);
        reset_both(reader_was_done ? error_code{} : error);
    }
    if (running > 0) {
        if (error) return;
        half.emplace(
            loop.ex, options.half_timeout,
            [weak = weak_from_this()] {
                if (const auto s = weak.lock()) s->reset_both(errc::timed_out);
            },
            loop.time);
        return;
    }
    half.reset();
    if (!why)
        for (any_stream& stream : streams) stream.reset_on_close(false);
    // Destroys everything that belongs to the loop here: another thread may destroy the rest.
    if (watched) loop.unwatch(*watched);
    charged.reset();
    for (any_stream& stream : streams) {
        stream.close();
        stream = any_stream{};
    }
    for (direction& way : directions) way.pause.reset();
    const room_pipe_report report{directions[0].counted(), directions[1].counted(), why, limit};
    if (auto tell = std::exchange(on_end, nullptr)) tell(report);
}

} // namespace parley::detail
