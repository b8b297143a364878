// An acceptor whose streams go through a handshake (TLS, WebSocket) before anybody gets them. Private to the
// framework.
#pragma once

#include <parley/transport/transport.hpp>

namespace parley::detail {

// Turns `stream` into what it is to be, in place. An error: it is closed and forgotten.
using upgrade_function = std::function<awaitable<error_code>(any_stream& stream)>;

// `below` gives the connections. Each upgrade is bounded by options.upgrade_timeout, all of them together by
// options.max_upgrading. stop() closes those that are under way. `scheme` and `path` are of the texts.
std::unique_ptr<acceptor_base> make_upgrading_acceptor(executor ex, std::unique_ptr<acceptor_base> below,
                                                       upgrade_function upgrade,
                                                       const listen_options& options, std::string scheme,
                                                       std::string path);

} // namespace parley::detail
