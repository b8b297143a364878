#include "transport/connection_race.hpp"

#include <algorithm>
#include <iterator>

namespace parley {

std::vector<tcp_endpoint> interleave_families(std::vector<tcp_endpoint> endpoints)
{
    if (endpoints.empty()) return endpoints;
    const bool first_is_v6 = endpoints.front().address().is_v6();
    std::vector<tcp_endpoint> others, out;
    std::copy_if(endpoints.begin(), endpoints.end(), std::back_inserter(others),
                 [&](const tcp_endpoint& e) { return e.address().is_v6() != first_is_v6; });
    std::erase_if(endpoints, [&](const tcp_endpoint& e) { return e.address().is_v6() != first_is_v6; });
    out.reserve(endpoints.size() + others.size());
    for (std::size_t i = 0; i < std::max(endpoints.size(), others.size()); ++i) {
        if (i < endpoints.size()) out.push_back(endpoints[i]);
        if (i < others.size()) out.push_back(others[i]);
    }
    return out;
}

std::optional<std::size_t> connection_race::next(time_point now) noexcept
{
    if (won_ || started_ == count_) return std::nullopt;
    if (under_way_ != 0 && now < next_start_) return std::nullopt;
    next_start_ = now + delay_;
    ++under_way_;
    return started_++;
}

time_point connection_race::next_start() const noexcept
{
    return won_ || started_ == count_ ? no_deadline : next_start_;
}

void connection_race::failed() noexcept
{
    --under_way_;
}

void connection_race::succeeded() noexcept
{
    won_ = true;
}

} // namespace parley
