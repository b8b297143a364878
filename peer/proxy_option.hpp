// Chooses the proxy of a command from --proxy, PARLEY_PROXY, or the variables that other programs use.
#pragma once

#include "peer/code_input.hpp"

#include <parley/transport/proxy.hpp>

#include <string>

namespace parley::cli {

struct proxy_arguments {
    std::string proxy;     // --proxy: a URL, or "none"; empty: not given
    std::string auth_file; // --proxy-auth-file; empty: not given
};

// The proxy for `relay`, or null for none. The first of these that is set decides: --proxy, PARLEY_PROXY
// (either may be "none"), the usual variables. The first line of the auth file, USER:PASSWORD, replaces the
// credentials of the URL. A failure names its source and reveals nothing of the credentials.
command_result<proxy_pointer> choose_proxy(const proxy_arguments& given, const relay_address& relay,
                                           const environment_lookup& variable);

// Overwrites the credentials in a --proxy on the command line. Others may have seen them already.
void hide_proxy_credentials(int argc, char** argv) noexcept;

} // namespace parley::cli
