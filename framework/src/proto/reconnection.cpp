#include <parley/proto/reconnection.hpp>

#include <boost/system/errc.hpp>

#include <algorithm>
#include <array>
#include <iterator>

namespace parley {
namespace {

// All others of this category are not worth another try.
constexpr errc passing_errors[] = {
    errc::truncated_packet, // the connection ended inside it
    errc::closed_by_relay,    errc::timed_out,           errc::unexpected_end,
    errc::name_not_resolved, // it was known before; another network may know it again
    errc::connect_failed,     errc::upgrade_bad_gateway, errc::upgrade_unavailable,  errc::names_unavailable,
    errc::proxy_not_resolved, errc::proxy_unreachable,   errc::proxy_cannot_connect,
};

constexpr duration max_absence = std::chrono::minutes{10};

std::uint32_t draw(random_source& random)
{
    std::array<byte, 4> bits{};
    random.fill(bits);
    return load_be<std::uint32_t>(bits.data());
}

} // namespace

bool is_passing_error(const error_code& error) noexcept
{
    if (error.category() == parley_category())
        return std::any_of(std::begin(passing_errors), std::end(passing_errors),
                           [&](errc each) { return error == each; });
    // A Unix socket does not exist while its relay starts again.
    return error == condition::transport || error == condition::timed_out ||
           error == boost::system::errc::no_such_file_or_directory;
}

duration reconnect_pauses::next()
{
    const duration half = length_ / 2;
    const double part = static_cast<double>(half.count()) * (draw(random_) / 0x1p32);
    length_ = std::min(length_ * 2, longest);
    return half + duration{static_cast<duration::rep>(part)};
}

duration continuation_pauses::next()
{
    const duration pause = length_;
    length_ = std::min(length_ * 2, longest);
    return pause * (800 + draw(random_) % 401) / 1000; // a fifth less to a fifth more
}

bool continuation_time::broke(time_point now, bool moved) noexcept
{
    last_break_ = now;
    if (broken_ && !moved) return false;
    broken_ = true;
    ends_ = now + max_absence;
    return true;
}

} // namespace parley
