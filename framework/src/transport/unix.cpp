#include <parley/transport/unix.hpp>

#include "stream/socket/socket_stream.hpp"
#include "transport/accept_loop.hpp"
#include "transport/step_report.hpp"

#include <boost/asio/this_coro.hpp>

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>

namespace parley {
namespace {

using local = asio::local::stream_protocol;

constexpr std::string_view room_suffix = ".room";

// The identity of the peer: see make_unix_stream.
identity next_identity(int descriptor) noexcept
{
    static std::atomic<std::uint64_t> last{0};
    ucred who{};
    socklen_t size = sizeof who;
    const bool known = ::getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &who, &size) == 0;
    const std::string user = known ? std::to_string(who.uid) : "unknown";
    const auto text = identity::from_text("unix-" + user + ":" + std::to_string(++last));
    return text ? *text : identity{};
}

template <class Executor>
class unix_stream final : public detail::socket_stream<asio::basic_stream_socket<local, Executor>> {
public:
    using socket = asio::basic_stream_socket<local, Executor>;

    explicit unix_stream(socket s)
        : detail::socket_stream<socket>(std::move(s)), remote_(next_identity(unix_stream::native_handle()))
    {
    }
    ~unix_stream() override { unix_stream::close(); }

    void close() noexcept override
    {
        error_code ignored;
        if (!abort_) this->socket_.shutdown(socket::shutdown_send, ignored);
        this->close_socket();
    }
    // Here, a close without an end of the sending direction stands for a reset; the death of a process looks
    // the same.
    void reset_on_close(bool abort) noexcept override { abort_ = abort; }

    std::string remote_address() const override { return std::string{remote_.text()}; }
    identity remote_identity() const noexcept override { return remote_; }
    std::string_view transport_name() const noexcept override { return unix_transport().scheme; }

private:
    identity remote_;
    bool abort_ = false;
};

struct adopt_unix {
    template <class Executor>
    any_stream operator()(asio::basic_stream_socket<local, Executor> socket) const
    {
        return any_stream{std::make_unique<unix_stream<Executor>>(std::move(socket))};
    }
};
using unix_accept_loop = detail::accept_loop<local::acceptor, adopt_unix>;

class unix_acceptor final : public acceptor_base {
public:
    unix_acceptor(local::acceptor acceptor, listen_address address, const listen_options& options)
        : loop_(std::make_shared<unix_accept_loop>(std::move(acceptor), options)),
          address_(std::move(address))
    {
    }
    ~unix_acceptor() override { unix_acceptor::stop(); }

    void start(std::function<void(any_stream)> on_stream) override { loop_->start(std::move(on_stream)); }
    void stop() noexcept override
    {
        if (std::exchange(stopped_, true)) return;
        ::unlink(address_.path.c_str());
        loop_->stop();
    }
    std::vector<tcp_endpoint> bound() const override { return {}; }
    std::vector<std::string> bound_texts() const override { return {address_.text()}; }

private:
    std::shared_ptr<unix_accept_loop> loop_;
    listen_address address_;
    bool stopped_ = false;
};

// Whether `path` is a socket of a process that has ended.
bool is_abandoned(const executor& ex, const std::string& path)
{
    struct stat what{};
    if (::lstat(path.c_str(), &what) != 0 || !S_ISSOCK(what.st_mode)) return false;
    local::socket probe{ex};
    error_code error;
    probe.connect(local::endpoint{path}, error);
    return error == asio::error::connection_refused;
}

awaitable<connect_outcome> connect_over_unix(connect_request request)
{
    const executor ex = co_await asio::this_coro::executor;
    connect_outcome out;
    std::string path = request.address.path;
    if (request.kind == stream_kind::room) path += room_suffix;
    if (path.size() >= sizeof(sockaddr_un{}.sun_path)) {
        out.error = errc::bad_address;
        co_return out;
    }
    local::socket socket{ex};
    const detail::step_report step{request.options, connect_step::connect};
    // This does not wait: the system accepts or refuses at once.
    auto connected = co_await socket.async_connect(local::endpoint{path}, use_tuple);
    out.error = std::get<0>(connected);
    // A relay with a single socket has none for rooms.
    if (out.error == boost::system::errc::no_such_file_or_directory && request.kind == stream_kind::room) {
        socket = local::socket{ex};
        connected = co_await socket.async_connect(local::endpoint{request.address.path}, use_tuple);
        out.error = std::get<0>(connected);
    }
    if (out.error == asio::error::operation_aborted) {
        out.error = errc::cancelled;
    } else if (out.error) {
        out.detail = out.error.message();
        out.error = errc::connect_failed;
    } else {
        out.stream = make_unix_stream(std::move(socket));
    }
    step.done(out.error, out.detail);
    co_return out;
}

} // namespace

any_stream make_unix_stream(local::socket socket)
{
    return adopt_unix{}(std::move(socket));
}

result<std::unique_ptr<acceptor_base>> listen_unix(executor ex, const listen_address& address,
                                                   const listen_options& options)
{
    if (address.path.empty() || address.path.size() >= sizeof(sockaddr_un{}.sun_path))
        return make_error_code(errc::bad_address);
    const local::endpoint endpoint{address.path};
    local::acceptor acceptor{ex};
    error_code error;
    acceptor.open(local{}, error);
    if (error) return error;
    acceptor.bind(endpoint, error);
    if (error == asio::error::address_in_use && is_abandoned(ex, address.path)) {
        ::unlink(address.path.c_str());
        acceptor.bind(endpoint, error);
    }
    if (!error) acceptor.listen(options.backlog, error);
    if (error) return error;
    return std::make_unique<unix_acceptor>(std::move(acceptor), address, options);
}

const transport& unix_transport() noexcept
{
    static constexpr transport value{"unix",       0,    0,     &connect_over_unix,
                                     &listen_unix, true, false, {true, true, true, true}};
    return value;
}

} // namespace parley
