#include "bench/room_load.hpp"

#include "bench/failure.hpp"
#include "bench/load_websocket.hpp"
#include "bench/patience.hpp"

#include <array>
#include <cerrno>
#include <numeric>
#include <sys/epoll.h>
#include <thread>

namespace parley::bench {
namespace {

using std::chrono::steady_clock;

constexpr std::size_t write_bytes = 256u << 10;
constexpr std::size_t load_read_bytes = 256u << 10;
// A common size of WebSocket messages. Parley's own peers write records of half that size.
constexpr std::size_t frame_payload_bytes = 64u << 10;
constexpr int max_events = 128;

class poller {
public:
    poller() : epoll_(::epoll_create1(EPOLL_CLOEXEC)) {}
    void add(int fd, std::uint32_t events, std::size_t index)
    {
        epoll_event event{events, {}};
        event.data.u64 = index;
        ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event);
        ++open_;
    }
    void remove(int fd)
    {
        ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
        --open_;
    }
    // Calls on_ready(index) for each ready socket, until none is left.
    template <class OnReady>
    void run(OnReady on_ready)
    {
        std::array<epoll_event, max_events> ready;
        while (open_ > 0) {
            const int count = ::epoll_wait(epoll_.get(), ready.data(), max_events, -1);
            for (int i = 0; i < count; ++i)
                on_ready(static_cast<std::size_t>(ready[static_cast<std::size_t>(i)].data.u64));
        }
    }

private:
    descriptor epoll_;
    std::size_t open_ = 0;
};

// One write to each room that has space, so that no room gets more often than the others.
void send_for_ever(std::vector<room_ends>& rooms)
{
    byte_vector plain(write_bytes), framed;
    for (std::size_t i = 0; i < plain.size(); ++i) plain[i] = static_cast<byte>(i * 31 + i / 251);
    while (framed.size() < write_bytes) append_frame(framed, bytes_view{plain}.first(frame_payload_bytes));

    std::vector<std::size_t> offset(rooms.size()); // a frame that was cut continues where it was cut
    poller loop;
    for (std::size_t i = 0; i < rooms.size(); ++i) {
        set_blocking(rooms[i].sender.get(), false);
        loop.add(rooms[i].sender.get(), EPOLLOUT, i);
    }
    loop.run([&](std::size_t i) {
        const byte_vector& source = rooms[i].sender_frames ? framed : plain;
        const ssize_t size = rooms[i].sender.send(source.data() + offset[i], source.size() - offset[i]);
        if (size > 0)
            offset[i] = (offset[i] + static_cast<std::size_t>(size)) % source.size();
        else if (errno != EAGAIN && errno != EINTR)
            loop.remove(rooms[i].sender.get());
    });
}

void receive_for_ever(std::vector<room_ends>& rooms, shared_array<std::atomic<std::uint64_t>>& delivered,
                      std::atomic<std::uint32_t>& ended)
{
    // Aligned to a page. Otherwise the copy out of the kernel takes several times as long on some processors,
    // and the measurement would be of the generator.
    alignas(4096) static std::array<byte, load_read_bytes> buffer;
    std::vector<frame_reader> frames(rooms.size());
    poller loop;
    for (std::size_t i = 0; i < rooms.size(); ++i) {
        set_blocking(rooms[i].receiver.get(), false);
        loop.add(rooms[i].receiver.get(), EPOLLIN, i);
    }
    loop.run([&](std::size_t i) {
        load_socket& from = rooms[i].receiver;
        ssize_t size = 0;
        do {
            size = from.recv(buffer.data(), buffer.size());
            if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
            std::uint64_t payload = size > 0 ? static_cast<std::uint64_t>(size) : 0;
            if (rooms[i].receiver_frames) payload = frames[i].count(bytes_view{buffer}.first(payload));
            delivered[i].fetch_add(payload, std::memory_order_relaxed);
        } while (size > 0 && !frames[i].failed() && from.has_pending());
        if (size > 0 && !frames[i].failed()) return;
        loop.remove(rooms[i].receiver.get());
        ended.fetch_add(1, std::memory_order_relaxed);
    });
}

double seconds_between(std::int64_t begin_ns, std::int64_t end_ns)
{
    return static_cast<double>(end_ns - begin_ns) * 1e-9;
}

} // namespace

room_load::room_load(std::vector<room_ends> rooms) : rooms_(rooms.size()), delivered_(rooms.size()), ended_(1)
{
    sender_ = std::make_unique<load_process>([&] {
        for (room_ends& room : rooms) room.receiver.reset();
        send_for_ever(rooms);
    });
    receiver_ = std::make_unique<load_process>([&] {
        for (room_ends& room : rooms) room.sender.reset();
        receive_for_ever(rooms, delivered_, ended_[0]);
    });
}

std::vector<std::uint64_t> room_load::read() const
{
    std::vector<std::uint64_t> out(rooms_);
    for (std::size_t i = 0; i < rooms_; ++i) out[i] = delivered_[i].load(std::memory_order_relaxed);
    return out;
}

void room_load::check()
{
    if (!sender_->running() || !receiver_->running()) throw failure{"a load generator has ended"};
    if (ended_[0].load() != 0) throw failure{"a room broke off while bytes passed"};
}

room_load_report room_load::measure(double seconds, const std::vector<pid_t>& processes)
{
    check();
    const std::int64_t sender = cpu_time_ns({sender_->pid()}), receiver = cpu_time_ns({receiver_->pid()});
    const std::int64_t system = cpu_time_ns(processes);
    const std::vector<std::uint64_t> before = read();
    const auto begin = steady_clock::now();
    room_load_report out;
    // On a busy machine nothing may pass in a short time. Then measure for longer.
    do {
        std::this_thread::sleep_for(std::chrono::duration<double>{seconds});
        out.bytes = read();
    } while (out.bytes == before && steady_clock::now() - begin < patience);
    out.seconds = std::chrono::duration<double>(steady_clock::now() - begin).count();
    out.system_cpu_seconds = seconds_between(system, cpu_time_ns(processes));
    out.sender_cpu_seconds = seconds_between(sender, cpu_time_ns({sender_->pid()}));
    out.receiver_cpu_seconds = seconds_between(receiver, cpu_time_ns({receiver_->pid()}));
    for (std::size_t i = 0; i < rooms_; ++i) out.bytes[i] -= before[i];
    check();
    return out;
}

} // namespace parley::bench
