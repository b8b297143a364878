#pragma once

#include "bench/measurement.hpp"

#include <optional>
#include <sys/types.h>

namespace parley::bench {

// A program given as a command line. In a forwarder's, {listen} and {backend} stand for ports of 127.0.0.1;
// in a relay's, {handshake} and {room}; in a transfer's, {path}, {code} and {folder}.
struct given_command {
    std::string name;
    std::string line;
};

// A relay that is already running.
struct given_relay {
    std::string address; // as in parley's --relay
    pid_t pid = 0;       // 0: its CPU time and memory are not known
};

struct settings {
    int runs = 5;
    bool quick = false;
    double seconds = 2;      // of each measurement with a set duration
    unsigned threads = 1;    // of every program under test with such a setting
    unsigned generators = 1; // processes that make handshakes
    std::string congestion;  // of all TCP sockets; empty: the system's default
    std::string parley = "parley";
    std::string parley_relay = "parley-relay";
    std::vector<std::string> only;       // systems, by the start of their names; empty: all
    std::vector<std::string> transports; // empty: chosen by quick
    std::vector<std::string> listen;     // further --listen addresses of parley-relay
    std::vector<given_relay> relays;
    std::vector<given_command> relay_commands, forward_commands;
    std::vector<given_command> send_commands, recv_commands; // paired by name
    std::vector<double> rooms;                               // at once; empty: chosen by quick
    std::vector<double> waiting;        // the points of fanout, idle and forward; empty: chosen by quick
    std::vector<double> memory_waiting; // the same over memory streams
    double rate = 0;                  // of the open loop, handshakes per second; 0: half of the closed loop's
    unsigned concurrency = 16;        // of the closed loop
    std::string keys = "both";        // agreement, precomputed or both
    double transfer_mb = 2147.483648; // a document's size: 2 GiB
    unsigned small_files = 20'000;
    bool memory_ballast = false; // for transfers, see memory_ballast.hpp

    // Of a document of transfer and stream: transfer_mb, with --quick at most 256 MB.
    std::uint64_t document_bytes() const noexcept;
    // As in the JSON document.
    std::map<std::string, parameter> described() const;
    // Whether --only includes this system.
    bool wanted(std::string_view system) const;
};

} // namespace parley::bench
