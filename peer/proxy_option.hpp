// Which proxy a command goes through: --proxy, PARLEY_PROXY, or the variables that other programs use.
#pragma once

#include "peer/code_input.hpp"

#include <parley/transport/proxy.hpp>

#include <string>

namespace parley::cli {

struct proxy_arguments {
    std::string proxy;     // --proxy: a URL, or "none"; empty: not given
    std::string auth_file; // --proxy-auth-file; empty: not given
};

// The proxy for `relay`, or null for none. The first of these that is there decides: --proxy, PARLEY_PROXY
// ("none" as well), the usual variables. The first line of the auth file, USER:PASSWORD, takes the place of
// what a URL says. A failure names its source and shows nothing of the credentials.
command_result<proxy_pointer> choose_proxy(const proxy_arguments& given, const relay_address& relay,
                                           const environment_lookup& variable);

// Takes the credentials in a --proxy of the command line out of sight; others may have seen them already.
void hide_proxy_credentials(int argc, char** argv) noexcept;

} // namespace parley::cli
