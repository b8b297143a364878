#include "relay/http_answers.hpp"

#include <algorithm>

namespace parley::relayd {

std::optional<http_answer> answer_http(const http_sources& sources, const http_request& request,
                                       bool own_address)
{
    std::string_view path = request.path();
    if (!path.starts_with('/')) return std::nullopt;
    path.remove_prefix(1);
    if (path != "healthz" && path != "readyz" && path != "metrics") return std::nullopt;
    const auto& open = sources.public_paths;
    if (!own_address && std::find(open.begin(), open.end(), path) == open.end()) return std::nullopt;

    http_answer answer;
    if (request.method != "GET" && request.method != "HEAD") {
        answer.status = 405;
        answer.body = "GET or HEAD\n";
    } else if (path == "healthz") {
        answer.body = "ok\n";
    } else if (path == "metrics") {
        answer.content_type = "text/plain; version=0.0.4; charset=utf-8";
        answer.body = sources.metrics();
    } else if (sources.ready()) {
        answer.body = "ready\n";
    } else {
        answer.status = 503;
        answer.body = "draining\n";
    }
    if (request.method == "HEAD") answer.body.clear();
    return answer;
}

} // namespace parley::relayd
