// What the relay answers over HTTP besides WebSockets: /healthz, /readyz and /metrics.
#pragma once

#include <parley/relay/relay_server.hpp>

#include <functional>
#include <string>
#include <vector>

namespace parley::relayd {

struct http_sources {
    std::vector<std::string> public_paths; // of the three, without the '/': what any address answers
    std::function<bool()> ready;
    std::function<std::string()> metrics;
};

// The answer to a GET or HEAD; nothing for a path that is not answered at this address. An address of
// --http-listen answers all three: 200, but /readyz 503 when it is not ready; other methods 405.
std::optional<http_answer> answer_http(const http_sources& sources, const http_request& request,
                                       bool own_address);

} // namespace parley::relayd
