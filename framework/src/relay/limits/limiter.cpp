#include "relay/limits/limiter.hpp"

namespace parley::detail {

void connection_permit::release() noexcept
{
    if (const auto from = std::exchange(from_, nullptr)) from->leave(address_);
    address_.reset();
}

std::optional<reject_reason> limiter::admit(connection_permit& out, const identity& who, time_point now,
                                            bool is_proxy)
{
    if (limits_.connections != 0 && connections_ >= limits_.connections)
        return reject_reason::connections_full;
    const std::optional<std::uint64_t> address = is_proxy ? std::nullopt : address_key(who);
    if (address)
        if (const auto refused = count(*address, now)) return refused;
    ++connections_;
    connection_permit made;
    made.from_ = shared_from_this();
    made.address_ = address;
    out = std::move(made);
    return std::nullopt;
}

std::optional<reject_reason> limiter::name(connection_permit& permit, const identity& who, time_point now)
{
    const std::optional<std::uint64_t> address = address_key(who);
    if (!permit || permit.address_ || !address) return std::nullopt;
    const auto refused = count(*address, now);
    if (!refused) permit.address_ = address;
    return refused;
}

std::optional<reject_reason> limiter::count(std::uint64_t address, time_point now)
{
    pending_connection& v = addresses_.at(address);
    if (limits_.connections_per_address != 0 && v.connections >= limits_.connections_per_address)
        return reject_reason::address_full;
    if (!v.arrivals.take(rate_of(limits_.connections_per_second), now)) return reject_reason::connection_rate;
    ++v.connections;
    addresses_.settle(address);
    return std::nullopt;
}

void limiter::leave(const std::optional<std::uint64_t>& address) noexcept
{
    --connections_;
    if (!address) return;
    pending_connection* v = addresses_.find(*address);
    if (v == nullptr) return;
    --v->connections;
    try {
        addresses_.settle(*address);
    } catch (...) { // no memory for the idle list: the entry stays
    }
}

std::optional<reject_reason> limiter::hello(const identity& who, time_point now, std::size_t announcements)
{
    const std::optional<std::uint64_t> address = address_key(who);
    if (!address) return std::nullopt;
    pending_connection& v = addresses_.at(*address);
    if (!v.hellos.take(rate_of(limits_.hellos_per_second), now)) return reject_reason::hello_rate;
    const double cost = std::max(1.0, static_cast<double>(announcements));
    if (!v.announcements.take(rate_of(limits_.announcements_per_second), now, cost))
        return reject_reason::announcement_rate;
    return std::nullopt;
}

} // namespace parley::detail
