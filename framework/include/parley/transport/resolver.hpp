// From a host name to addresses.
#pragma once

#include <parley/async/awaitable.hpp>
#include <parley/base/result.hpp>
#include <parley/base/time.hpp>

#include <map>
#include <string>
#include <vector>

namespace parley {

// Finds the addresses of names. An interface, so that a test, or a program with its own source of names, can
// stand in.
class resolver {
public:
    virtual ~resolver() = default;
    // The addresses of `host` (a name, or an address as text, which is not looked up) with `port`, in the
    // order in which they should be tried, never empty. Errors: name_not_resolved, timed_out (after
    // `timeout`), cancelled. The resolver outlives the call.
    virtual awaitable<result<std::vector<tcp_endpoint>>> resolve(std::string host, std::uint16_t port,
                                                                 duration timeout) = 0;
};

// The system's resolver (getaddrinfo, on a thread of Asio's). A look-up that timed out or was cancelled ends
// for its caller at once; the system's call itself cannot be stopped, and the io_context's destructor waits
// for it.
class system_resolver final : public resolver {
public:
    awaitable<result<std::vector<tcp_endpoint>>> resolve(std::string host, std::uint16_t port,
                                                         duration timeout) override;
};

// A fixed table of names; any other name is not resolved. Ports of the table's entries that are 0 become the
// asked one.
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
