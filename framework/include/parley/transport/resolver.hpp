// Resolves host names to addresses.
#pragma once

#include <parley/async/awaitable.hpp>
#include <parley/base/result.hpp>
#include <parley/base/time.hpp>

#include <map>
#include <string>
#include <vector>

namespace parley {

// Resolves names. It is an interface, so that a test or a program can supply its own names.
class resolver {
public:
    virtual ~resolver() = default;
    // The addresses of `host` with `port`, in the order in which to try them; never empty. An address as text
    // needs no look-up. Errors: name_not_resolved; names_unavailable (names cannot be looked up now); timed_out
    // (after `timeout`); cancelled. The resolver must outlive the call.
    virtual awaitable<result<std::vector<tcp_endpoint>>> resolve(std::string host, std::uint16_t port,
                                                                 duration timeout) = 0;
};

// The system's resolver (getaddrinfo). A look-up that timed out or was cancelled ends at once, and neither the
// io_context's run() nor its destructor waits for it. The system's call itself cannot be stopped: it goes on
// in a detached thread that touches nothing of the caller. A process has up to 16 of these threads; further
// look-ups wait for one of them.
class system_resolver final : public resolver {
public:
    awaitable<result<std::vector<tcp_endpoint>>> resolve(std::string host, std::uint16_t port,
                                                         duration timeout) override;
};

// A fixed table of names. Other names give name_not_resolved. The requested port replaces port 0 in the
// table's entries.
class fixed_resolver final : public resolver {
public:
    explicit fixed_resolver(std::map<std::string, std::vector<tcp_endpoint>> table) : table_(std::move(table))
    {
    }
    awaitable<result<std::vector<tcp_endpoint>>> resolve(std::string host, std::uint16_t port,
                                                         duration timeout) override;

private:
    std::map<std::string, std::vector<tcp_endpoint>> table_;
};

} // namespace parley
