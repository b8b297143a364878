// A page for browsers, and the files that it loads, which a relay serves beside its WebSockets.
#pragma once

#include <parley/transport/websocket.hpp>

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace parley {

// A file of a site. Its bytes are not copied: they must outlive the relay.
struct static_file {
    static_file() = default;

    std::string path;         // in the URL: "/index.html"
    std::string content_type; // "text/html; charset=utf-8"
    std::string etag;         // names the content; 1 to 64 letters and digits
    bool immutable = false;   // the path changes with the content, so browsers need not ask again
    bytes_view identity;      // the content
    bytes_view gzip, br;      // the content in these encodings; empty where there is none
};

// Answers GET and HEAD for the files of a page. Each answer has the headers that confine the page to its own host:
// Content-Security-Policy with Trusted Types (policy "parley"), Permissions-Policy, no Referer, no other origin that
// embeds it. The encoding is br, gzip or identity, the first one that the request accepts and the file has. A
// request whose If-None-Match names that content is answered with 304. Thread-safe.
class static_site {
public:
    static constexpr std::string_view index = "/index.html";

    // Of two files with one path the first one counts.
    explicit static_site(std::vector<static_file> files);

    // The answer to `request` as one for the file `path`. It keeps the connection open. The status is 200, 304,
    // or 405 for another method than GET and HEAD. nullopt when there is no such file.
    std::optional<http_answer> answer(const http_request& request, std::string_view path) const;
    bool has(std::string_view path) const { return files_.contains(path); }

private:
    std::map<std::string, static_file, std::less<>> files_;
};

} // namespace parley
