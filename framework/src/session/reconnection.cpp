#include <parley/session/reconnection.hpp>

#include <parley/async/awaitable.hpp>

#include <boost/asio/error.hpp>
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

} // namespace

bool is_worth_another_try(const error_code& error) noexcept
{
    if (error.category() == parley_category())
        return std::any_of(std::begin(passing_errors), std::end(passing_errors),
                           [&](errc each) { return error == each; });
    // A Unix socket does not exist while its relay starts again.
    return error == asio::error::eof || error == condition::transport || error == condition::timed_out ||
           error == boost::system::errc::no_such_file_or_directory;
}

duration reconnect_pauses::next()
{
    std::array<byte, 4> bits;
    random_.fill(bits);
    std::uint32_t drawn = 0;
    for (const byte each : bits) drawn = (drawn << 8) | each;
    const duration half = length_ / 2;
    const double part = static_cast<double>(half.count()) * (drawn / 0x1p32);
    length_ = std::min(length_ * 2, longest);
    return half + duration{static_cast<duration::rep>(part)};
}

} // namespace parley
