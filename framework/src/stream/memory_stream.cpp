#include <parley/stream/memory_stream.hpp>

#include <boost/asio/append.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/execution_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>

#include <algorithm>
#include <cstring>
#include <set>

namespace parley {
namespace {

using io_handler = stream_base::io_handler;
using wait_handler = stream_base::wait_handler;

// A waiting handler, which counts as work of its executor.
template <class Handler>
class pending {
public:
    explicit operator bool() const noexcept { return handler_ != nullptr; }

    void set(const executor& ex, Handler handler)
    {
        work_ = asio::prefer(ex, asio::execution::outstanding_work.tracked);
        handler_ = std::make_unique<Handler>(std::move(handler));
        ++number_;
    }
    template <class... Results>
    void complete(Results... results)
    {
        const auto handler = std::move(handler_);
        const executor ex = std::exchange(work_, executor{});
        asio::post(ex, asio::append(std::move(*handler), results...));
    }
    void drop() noexcept
    {
        handler_.reset();
        work_ = executor{};
    }
    // Identifies the operation among those that have waited here.
    std::uint64_t number() const noexcept { return number_; }

private:
    std::unique_ptr<Handler> handler_;
    std::uint64_t number_ = 0;
    executor work_;
};

// One direction: a ring of bytes, a waiting writer and a waiting reader.
struct direction {
    std::vector<byte> ring; // allocated by the first write
    std::size_t capacity = 0;
    std::size_t begin = 0, size = 0;
    std::uint64_t written = 0, taken = 0; // bytes in total
    bool ended = false;                   // the writer writes no more
    bool reset = false;                   // and the written bytes are lost
    bool unread = false;                  // the reader is closed

    pending<io_handler> reader;
    asio::mutable_buffer read_buffer;
    pending<io_handler> writer;
    gather_buffers write_buffers;
    pending<wait_handler> readable, writable;

    bool has_input() const noexcept { return size != 0 || ended || reset; }
    bool takes_output() const noexcept { return unread || ended || size < capacity; }

    std::size_t put(const gather_buffers& buffers)
    {
        ring.resize(capacity);
        std::size_t done = 0;
        for (const asio::const_buffer& buffer : buffers) {
            const auto* from = static_cast<const byte*>(buffer.data());
            for (std::size_t left = buffer.size(); left != 0 && size != capacity;) {
                const std::size_t end = (begin + size) % capacity;
                const std::size_t n = std::min({left, capacity - size, capacity - end});
                std::memcpy(ring.data() + end, from, n);
                from += n;
                left -= n;
                size += n;
                done += n;
            }
        }
        written += done;
        return done;
    }

    std::size_t take(byte* out, std::size_t max)
    {
        std::size_t done = 0;
        while (done != max && size != 0) {
            const std::size_t n = std::min({max - done, size, capacity - begin});
            std::memcpy(out + done, ring.data() + begin, n);
            begin = (begin + n) % capacity;
            size -= n;
            done += n;
        }
        taken += done;
        return done;
    }

    // Reads now; would_block when there are no bytes.
    std::size_t read(byte* out, std::size_t max, error_code& error)
    {
        error.clear();
        if (reset)
            error = asio::error::connection_reset;
        else if (size != 0)
            return take(out, max);
        else
            error = ended ? error_code{asio::error::eof} : error_code{asio::error::would_block};
        return 0;
    }

    // Completes the operations that are now possible.
    void settle()
    {
        if (writer && takes_output()) {
            const bool broken = unread || ended;
            const std::size_t n = broken ? 0 : put(write_buffers);
            writer.complete(broken ? error_code{asio::error::broken_pipe} : error_code{}, n);
        }
        if (reader && has_input()) {
            error_code error;
            const std::size_t n = read(static_cast<byte*>(read_buffer.data()), read_buffer.size(), error);
            reader.complete(error, n);
            return settle(); // there is space again
        }
        if (readable && has_input()) readable.complete(error_code{});
        if (writable && takes_output()) writable.complete(error_code{});
    }

    void drop() noexcept
    {
        reader.drop();
        writer.drop();
        readable.drop();
        writable.drop();
    }
};

class memory_service;

// Both directions. directions[i] is written by side i and read by side 1 - i.
struct memory_link : std::enable_shared_from_this<memory_link> {
    memory_link(executor e, const memory_stream_options& options);
    memory_link(const memory_link&) = delete;
    memory_link& operator=(const memory_link&) = delete;
    ~memory_link();

    executor ex;
    std::array<direction, 2> directions;
    memory_service* service;
};

// Destroys the waiting handlers when their execution context is destroyed. They may own, through a coroutine,
// the very streams that hold them.
class memory_service final : public asio::execution_context::service {
public:
    using key_type = memory_service;
    static inline asio::execution_context::id id;

    explicit memory_service(asio::execution_context& context) : service(context) {}

    void add(memory_link* link) { links_.insert(link); }
    void remove(memory_link* link) noexcept { links_.erase(link); }

private:
    void shutdown() noexcept override
    {
        while (!links_.empty()) {
            const auto link = (*links_.begin())->shared_from_this();
            links_.erase(links_.begin());
            for (direction& d : link->directions) d.drop();
        }
    }

    std::set<memory_link*> links_;
};

memory_link::memory_link(executor e, const memory_stream_options& options)
    : ex(std::move(e)), service(&asio::use_service<memory_service>(asio::query(ex, asio::execution::context)))
{
    for (direction& d : directions) d.capacity = std::max<std::size_t>(options.capacity_bytes, 1);
    service->add(this);
}

memory_link::~memory_link()
{
    service->remove(this);
}

class memory_stream final : public stream_base {
public:
    memory_stream(std::shared_ptr<memory_link> link, std::size_t side, const identity& remote)
        : link_(std::move(link)), side_(side), remote_(remote)
    {
    }
    ~memory_stream() override { memory_stream::close(); }

    executor get_executor() const noexcept override { return link_->ex; }

    void start_read(asio::mutable_buffer buffer, io_handler handler) override
    {
        if (!open_) return finish(std::move(handler), asio::error::bad_descriptor, std::size_t{0});
        if (buffer.size() == 0) return finish(std::move(handler), error_code{}, std::size_t{0});
        in().read_buffer = buffer;
        wait(&direction::reader, 1 - side_, std::move(handler), std::size_t{0});
    }

    void start_write(const gather_buffers& buffers, io_handler handler) override
    {
        if (!open_) return finish(std::move(handler), asio::error::bad_descriptor, std::size_t{0});
        if (buffers.count() == 0) return finish(std::move(handler), error_code{}, std::size_t{0});
        out().write_buffers = buffers;
        wait(&direction::writer, side_, std::move(handler), std::size_t{0});
    }

    void start_shutdown_send(wait_handler handler) override
    {
        if (!open_) return finish(std::move(handler), asio::error::bad_descriptor);
        out().ended = true;
        out().settle();
        finish(std::move(handler), error_code{});
    }

    void start_wait_readable(wait_handler handler) override
    {
        if (!open_) return finish(std::move(handler), asio::error::bad_descriptor);
        wait(&direction::readable, 1 - side_, std::move(handler));
    }

    void start_wait_writable(wait_handler handler) override
    {
        if (!open_) return finish(std::move(handler), asio::error::bad_descriptor);
        wait(&direction::writable, side_, std::move(handler));
    }

    std::size_t try_read_some(mutable_bytes bytes, error_code& error) noexcept override
    {
        error.clear();
        if (!open_) error = asio::error::bad_descriptor;
        if (!open_ || bytes.empty()) return 0;
        const std::size_t n = in().read(bytes.data(), bytes.size(), error);
        if (n != 0) in().settle();
        return n;
    }

    void close() noexcept override
    {
        if (!std::exchange(open_, false)) return;
        const error_code aborted = asio::error::operation_aborted;
        if (in().reader) in().reader.complete(aborted, std::size_t{0});
        if (in().readable) in().readable.complete(aborted);
        if (out().writer) out().writer.complete(aborted, std::size_t{0});
        if (out().writable) out().writable.complete(aborted);
        in().unread = true;
        in().size = 0;
        out().ended = true;
        out().reset = abort_;
        in().settle();
        out().settle();
    }
    bool is_open() const noexcept override { return open_; }
    void reset_on_close(bool abort) noexcept override { abort_ = abort; }

    std::string remote_address() const override { return std::string{remote_.text()}; }
    identity remote_identity() const noexcept override { return remote_; }
    std::string_view transport_name() const noexcept override { return "memory"; }
    std::optional<delivery_counts> delivery() const noexcept override
    {
        const direction& sent = link_->directions[side_];
        return delivery_counts{sent.written, sent.taken};
    }

private:
    direction& in() noexcept { return link_->directions[1 - side_]; }
    direction& out() noexcept { return link_->directions[side_]; }

    template <class Handler, class... Results>
    void finish(Handler handler, error_code error, Results... results)
    {
        asio::post(link_->ex, asio::append(std::move(handler), error, results...));
    }

    // Stores `handler` in `slot` of direction `d`, until settle() or a cancellation completes it.
    template <class Handler, class... Nothing>
    void wait(pending<Handler> direction::* slot, std::size_t d, Handler handler, Nothing... nothing)
    {
        auto cancellation = asio::get_associated_cancellation_slot(handler);
        pending<Handler>& place = link_->directions[d].*slot;
        place.set(link_->ex, std::move(handler));
        if (cancellation.is_connected())
            cancellation.assign([weak = link_->weak_from_this(), slot, d, number = place.number(),
                                 nothing...](asio::cancellation_type type) {
                const auto link = weak.lock();
                if (!link || type == asio::cancellation_type::none) return;
                pending<Handler>& waiting = link->directions[d].*slot;
                // A later operation may have replaced it.
                if (waiting && waiting.number() == number)
                    waiting.complete(error_code{asio::error::operation_aborted}, nothing...);
            });
        link_->directions[d].settle();
    }

    std::shared_ptr<memory_link> link_;
    std::size_t side_;
    identity remote_;
    bool open_ = true, abort_ = false;
};

} // namespace

memory_stream_pair make_memory_stream_pair(executor ex, memory_stream_options options)
{
    const auto link = std::make_shared<memory_link>(std::move(ex), options);
    return {any_stream{std::make_unique<memory_stream>(link, 0, options.second_identity)},
            any_stream{std::make_unique<memory_stream>(link, 1, options.first_identity)}};
}

memory_stream_pair make_memory_stream_pair(executor ex, std::size_t capacity_bytes)
{
    memory_stream_options options;
    options.capacity_bytes = capacity_bytes;
    return make_memory_stream_pair(std::move(ex), options);
}

} // namespace parley
