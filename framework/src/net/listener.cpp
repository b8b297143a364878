#include <parley/net/listener.hpp>

#include <parley/net/connect.hpp>

namespace parley {

listener::listener(executor ex, listen_options options)
    : executor_(std::move(ex)), options_(std::move(options))
{
}

result<void> listener::add(const listen_address& address)
{
    auto made = listen(executor_, address, options_);
    if (!made) return made.error();
    acceptors_.push_back(std::move(*made));
    return {};
}

std::vector<tcp_endpoint> listener::bound() const
{
    std::vector<tcp_endpoint> out;
    for (const auto& acceptor : acceptors_) {
        const auto some = acceptor->bound();
        out.insert(out.end(), some.begin(), some.end());
    }
    return out;
}

void listener::start(std::function<void(any_stream)> on_stream)
{
    for (const auto& acceptor : acceptors_) acceptor->start(on_stream);
}

void listener::stop() noexcept
{
    for (const auto& acceptor : acceptors_) acceptor->stop();
}

} // namespace parley
