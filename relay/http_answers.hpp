// The relay's HTTP responses other than WebSockets: /healthz, /readyz and /metrics.
#pragma once

#include <parley/relay/relay_server.hpp>

#include <functional>
#include <string>
#include <vector>

namespace parley::relayd {

struct http_sources {
    std::vector<std::string> public_paths; // of the three, without the '/': those that every address answers
    std::function<bool()> ready;
    std::function<std::string()> metrics;
};

// The response to a GET or HEAD, or nothing if this address does not answer the path. An address of
// --http-listen (`own_address`) answers all three. The status is 200; 503 for /readyz when not ready; 405 for
// other methods.
std::optional<http_answer> answer_http(const http_sources& sources, const http_request& request,
                                       bool own_address);

} // namespace parley::relayd
