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
    const transport* by = find_transport(address.scheme);
    acceptors_.push_back({std::move(*made), by != nullptr && by->has_path()});
    return {};
}

std::vector<tcp_endpoint> listener::bound() const
{
    std::vector<tcp_endpoint> out;
    for (const listening& each : acceptors_) {
        const auto some = each.acceptor->bound();
        out.insert(out.end(), some.begin(), some.end());
    }
    return out;
}

std::vector<std::string> listener::bound_texts(bool both_kinds) const
{
    std::vector<std::string> out;
    for (const listening& each : acceptors_) {
        if (both_kinds && !each.both_kinds) continue;
        const auto some = each.acceptor->bound_texts();
        out.insert(out.end(), some.begin(), some.end());
    }
    return out;
}

void listener::start(std::function<void(any_stream)> on_stream)
{
    for (const listening& each : acceptors_) each.acceptor->start(on_stream);
}

void listener::stop() noexcept
{
    for (const listening& each : acceptors_) each.acceptor->stop();
}

} // namespace parley
