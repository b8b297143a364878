// The form in which the log shows addresses.
#pragma once

#include "relay/configuration.hpp"

#include <parley/wire/identity.hpp>

#include <string>

namespace parley::relayd {

// Writes `who` in the given form:
//     full    192.0.2.7:4001        [2001:db8:1:2::3]:4001
//     prefix  192.0.2.0/24          2001:db8:1::/48
//     none    -                     -
// An identity that is not an address is written unchanged, except with `none`.
std::string redact_address(const identity& who, log_addresses form);

} // namespace parley::relayd
