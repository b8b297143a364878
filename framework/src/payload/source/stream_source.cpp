#include <parley/payload/stream_source.hpp>

#include "payload/source/content_fault.hpp"
#include "payload/source/one_entry.hpp"
#include "payload/source/refused_name.hpp"
#include "payload/source/unnamed_file.hpp"

#include <boost/system/errc.hpp>

#include <algorithm>
#include <atomic>
#include <poll.h>
#include <sys/eventfd.h>

namespace parley {
namespace {

// The most that one read asks for.
constexpr std::size_t max_piece_bytes = 1 << 20;

bool is_full(const error_code& error)
{
    namespace sys = boost::system::errc;
    return error == sys::no_space_on_device || error == sys::file_too_large || error.value() == EDQUOT;
}

error_code bad_descriptor()
{
    return boost::system::errc::make_error_code(boost::system::errc::bad_file_descriptor);
}

} // namespace

struct stream_source::state {
    result<std::size_t> read(mutable_bytes out);
    result<std::size_t> read_input(mutable_bytes out);
    error_code wait_for_input();

    std::string name;
    reader function; // or the descriptor
    descriptor input;
    descriptor wake; // readable once stop() was called
    std::shared_ptr<const document_outline> outline;
    unnamed_file kept; // all that was read
    bool is_open = false;
    bool ended = false;
    std::uint64_t position = 0;
    error_code failure; // of the input or the file: what follows would have a hole
    std::atomic<bool> stopped = false;
    document_fault fault;
};

// Waits until a read of the descriptor does not block, or stop() is called.
error_code stream_source::state::wait_for_input()
{
    pollfd both[2] = {{input.get(), POLLIN, 0}, {wake.get(), POLLIN, 0}};
    while (::poll(both, 2, -1) < 0)
        if (errno != EINTR && errno != EAGAIN) return last_system_error();
    if (both[0].revents & POLLNVAL) return bad_descriptor();
    return stopped ? error_code(errc::cancelled) : error_code();
}

result<std::size_t> stream_source::state::read_input(mutable_bytes out)
{
    if (function) {
        const result<std::size_t> n = function(out);
        if (n && *n > out.size())
            return boost::system::errc::make_error_code(boost::system::errc::invalid_argument);
        return n;
    }
    for (;;) {
        if (const error_code error = wait_for_input()) return error;
        const ssize_t n = ::read(input.get(), out.data(), out.size());
        if (n >= 0) return static_cast<std::size_t>(n);
        if (errno != EINTR && errno != EAGAIN && errno != EWOULDBLOCK) return last_system_error();
    }
}

result<std::size_t> stream_source::state::read(mutable_bytes out)
{
    out = out.first(std::min(out.size(), max_piece_bytes));
    if (position < kept.size()) {
        out =
            out.first(static_cast<std::size_t>(std::min<std::uint64_t>(out.size(), kept.size() - position)));
        if (const error_code error = kept.read_at(position, out)) return fail_reading(fault, name, error);
        position += out.size();
        return out.size();
    }
    if (ended) return std::size_t{0};
    if (failure) return failure;
    const result<std::size_t> n = read_input(out);
    if (stopped && (!n || *n == 0)) return fail_cancelled(fault);
    if (!n) return failure = fail_reading(fault, name, n.error());
    ended = *n == 0;
    if (const error_code error = kept.append(out.first(*n))) {
        fault = {is_full(error) ? session_reason::no_space : session_reason::file_failed,
                 "the sender cannot keep what it reads: " + error.message()};
        return failure = as_file_error(error);
    }
    position += *n;
    return *n;
}

stream_source::stream_source(std::unique_ptr<state> s) noexcept : state_(std::move(s)) {}
stream_source::~stream_source() = default;

result<std::unique_ptr<stream_source>> stream_source::create(std::string name, descriptor input,
                                                             const std::filesystem::path& folder,
                                                             random_source& random, diagnostics* diag)
{
    auto s = std::make_unique<state>();
    s->name = std::move(name);
    s->input = std::move(input);
    return create(std::move(s), folder, random, diag);
}

result<std::unique_ptr<stream_source>> stream_source::create(std::string name, reader input,
                                                             const std::filesystem::path& folder,
                                                             random_source& random, diagnostics* diag)
{
    auto s = std::make_unique<state>();
    s->name = std::move(name);
    s->function = std::move(input);
    return create(std::move(s), folder, random, diag);
}

result<std::unique_ptr<stream_source>> stream_source::create(std::unique_ptr<state> s,
                                                             const std::filesystem::path& folder,
                                                             random_source& random, diagnostics* diag)
{
    if (is_refused_name(s->name, diag)) return errc::hostile_name;
    if (!s->function && !s->input) return bad_descriptor();
    s->wake = descriptor(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!s->wake) return last_system_error();
    result<unnamed_file> kept = unnamed_file::in(folder);
    if (!kept) {
        if (diag != nullptr)
            diag->set_message("what is read cannot be kept in \"" + escaped(folder.native()) +
                              "\": " + kept.error().message());
        return as_file_error(kept.error());
    }
    s->kept = std::move(*kept);
    s->outline = outline_of_one(document_kind::stream, s->name, unknown_size, random);
    return std::unique_ptr<stream_source>(new stream_source(std::move(s)));
}

result<std::shared_ptr<const document_outline>> stream_source::list()
{
    return state_->outline;
}

error_code stream_source::open(std::uint32_t number, std::uint64_t offset)
{
    state& s = *state_;
    s.is_open = false;
    if (s.stopped) return fail_cancelled(s.fault);
    if (number != 0 || offset > s.kept.size()) return fail_misused(s.fault);
    s.is_open = true;
    s.position = offset;
    return {};
}

result<std::size_t> stream_source::read(mutable_bytes out)
{
    state& s = *state_;
    if (s.stopped) return fail_cancelled(s.fault);
    return s.is_open ? s.read(out) : result<std::size_t>(fail_misused(s.fault));
}

error_code stream_source::close()
{
    state& s = *state_;
    if (!s.is_open) return fail_misused(s.fault);
    s.is_open = false;
    return {};
}

void stream_source::stop() noexcept
{
    state_->stopped = true;
    ::eventfd_write(state_->wake.get(), 1);
}

void stream_source::resume() noexcept
{
    eventfd_t count = 0;
    if (state_->stopped.exchange(false)) ::eventfd_read(state_->wake.get(), &count);
}

const document_fault& stream_source::fault() const noexcept
{
    return state_->fault;
}

std::uint64_t stream_source::kept_bytes() const noexcept
{
    return state_->kept.size();
}

} // namespace parley
