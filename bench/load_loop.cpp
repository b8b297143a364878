#include "bench/load_loop.hpp"

#include "bench/failure.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>
#include <sys/epoll.h>
#include <sys/prctl.h>

namespace parley::bench {
namespace {

constexpr int max_events = 256;
constexpr std::chrono::nanoseconds longest_wait = std::chrono::minutes{1};
constexpr std::size_t answer_bytes = 16384;
constexpr std::size_t max_answer_head_bytes = 8192;

} // namespace

load_loop::load_loop() : epoll_(::epoll_create1(EPOLL_CLOEXEC))
{
    if (!epoll_) throw system_failure("epoll", errno);
    ::prctl(PR_SET_TIMERSLACK, 1UL); // otherwise a wait may end 50 us late
}

void load_loop::run_once(std::chrono::nanoseconds timeout)
{
    std::array<epoll_event, max_events> ready;
    // With nanoseconds: an open loop that starts everything up to a millisecond late would blame the program
    // under test for it.
    const auto ns = std::clamp<std::int64_t>(timeout.count(), 0, longest_wait.count());
    const timespec wait{ns / 1'000'000'000, ns % 1'000'000'000};
    const int count = ::epoll_pwait2(epoll_.get(), ready.data(), max_events, &wait, nullptr);
    for (int i = 0; i < count; ++i) {
        const epoll_event& event = ready[static_cast<std::size_t>(i)];
        static_cast<load_connection*>(event.data.ptr)->on_ready(event.events);
    }
}

void load_connection::open(const endpoint& to, source_number source, std::string_view protocol)
{
    socket_ = load_socket{start_connect(to, source)};
    if (has_tls(to.kind)) socket_.start_tls();
    frames_ = has_frames(to.kind);
    phase_ = phase::connecting;
    reader_ = {};
    output_.clear();
    request_ = frames_ ? upgrade_request(to, protocol) : std::string{};
    epoll_event event{};
    event.events = events_ = EPOLLOUT;
    event.data.ptr = this;
    ::epoll_ctl(loop_->epoll_.get(), EPOLL_CTL_ADD, socket_.get(), &event);
}

void load_connection::watch(std::uint32_t events)
{
    if (events == events_ || !socket_) return;
    epoll_event event{};
    event.events = events_ = events;
    event.data.ptr = this;
    ::epoll_ctl(loop_->epoll_.get(), EPOLL_CTL_MOD, socket_.get(), &event);
}

void load_connection::end(int error)
{
    socket_.reset();
    on_end(error);
}

void load_connection::on_ready(std::uint32_t events)
{
    if (!socket_) return; // another ready connection closed it
    if (phase_ == phase::connecting) return on_connected();
    if (phase_ == phase::securing) return secure();
    if ((events & EPOLLOUT) != 0) flush();
    if (socket_ && (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) read();
}

void load_connection::on_connected()
{
    if (const int error = connect_error(socket_.get()); error != 0) return end(error);
    phase_ = phase::securing;
    secure();
}

void load_connection::secure()
{
    switch (socket_.secure()) {
    case tls_progress::done:
        return on_secured();
    case tls_progress::needs_input:
        return watch(EPOLLIN);
    case tls_progress::needs_output:
        return watch(EPOLLIN | EPOLLOUT);
    case tls_progress::failed:
        return end(EPROTO);
    }
}

void load_connection::on_secured()
{
    watch(EPOLLIN);
    if (!frames_) {
        phase_ = phase::open;
        return on_open();
    }
    phase_ = phase::upgrading;
    if (!write_all(socket_, std::exchange(request_, {}))) end(errno);
}

void load_connection::read()
{
    std::array<byte, answer_bytes> buffer;
    do {
        const ssize_t size = socket_.recv(buffer.data(), buffer.size());
        if (size == 0) return end(0);
        if (size < 0) {
            if (errno != EAGAIN && errno != EINTR) end(errno);
            return;
        }
        take(mutable_bytes{buffer}.first(static_cast<std::size_t>(size)));
    } while (socket_ && socket_.has_pending());
}

void load_connection::take(mutable_bytes bytes)
{
    if (phase_ == phase::upgrading) {
        const std::size_t before = request_.size();
        request_ += as_text(bytes);
        const std::size_t head_end = request_.find("\r\n\r\n");
        if (head_end == std::string::npos) {
            if (request_.size() > max_answer_head_bytes) end(EPROTO);
            return;
        }
        if (!is_upgraded(request_)) return end(EPROTO);
        bytes = bytes.subspan(head_end + 4 - before);
        request_ = {};
        phase_ = phase::open;
        on_open();
    }
    if (frames_ && socket_) {
        byte_vector pongs;
        bytes = bytes.first(reader_.receive(bytes, pongs));
        if (!pongs.empty()) {
            output_.insert(output_.end(), pongs.begin(), pongs.end());
            flush();
        }
    }
    if (!bytes.empty() && socket_) on_bytes(bytes);
    if (frames_ && reader_.failed() && socket_) end(0);
}

void load_connection::send(bytes_view bytes)
{
    if (frames_)
        append_frame(output_, bytes);
    else
        output_.insert(output_.end(), bytes.begin(), bytes.end());
    flush();
}

void load_connection::flush()
{
    if (!socket_ || output_.empty()) return;
    const ssize_t size = socket_.send(output_.data(), output_.size());
    // A read reports the error again.
    if (size > 0) output_.erase(output_.begin(), output_.begin() + size);
    // An idle connection keeps no buffer.
    if (output_.empty()) byte_vector{}.swap(output_);
    watch(output_.empty() ? EPOLLIN : EPOLLIN | EPOLLOUT);
}

} // namespace parley::bench
