#include "relay/redact_address.hpp"

#include <parley/transport/ip_network.hpp>

namespace parley::relayd {

std::string redact_address(const identity& who, log_addresses form)
{
    if (form == log_addresses::none) return "-";
    if (form == log_addresses::full) return std::string{who.text()};
    error_code error;
    const auto address = unmapped(asio::ip::make_address(who.address(), error));
    if (error) return std::string{who.text()};
    return ip_network{address, address.is_v4() ? 24u : 48u}.text();
}

} // namespace parley::relayd
