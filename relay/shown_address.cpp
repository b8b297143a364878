#include "relay/shown_address.hpp"

#include <boost/asio/ip/network_v4.hpp>
#include <boost/asio/ip/network_v6.hpp>

namespace parley::relayd {

std::string shown_address(const identity& who, log_addresses form)
{
    if (form == log_addresses::none) return "-";
    if (form == log_addresses::full) return std::string{who.text()};
    error_code error;
    const auto address = asio::ip::make_address(who.address(), error);
    if (error) return std::string{who.text()};
    constexpr unsigned short v4_bits = 24, v6_bits = 48;
    if (address.is_v4()) return asio::ip::make_network_v4(address.to_v4(), v4_bits).canonical().to_string();
    const auto v6 = address.to_v6();
    if (v6.is_v4_mapped())
        return asio::ip::make_network_v4(asio::ip::make_address_v4(asio::ip::v4_mapped, v6), v4_bits)
            .canonical()
            .to_string();
    return asio::ip::make_network_v6(asio::ip::address_v6{v6.to_bytes()}, v6_bits).canonical().to_string();
}

} // namespace parley::relayd
