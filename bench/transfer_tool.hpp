#pragma once

#include "bench/child.hpp"
#include "bench/session.hpp"

#include <memory>

namespace parley::bench {

inline constexpr std::chrono::seconds tool_start_timeout{30};
inline constexpr std::chrono::minutes transfer_timeout{30};

// A way to transfer documents: the programs that it needs, and the command lines of both ends.
class transfer_tool {
public:
    virtual ~transfer_tool() = default;
    virtual std::vector<pid_t> relays() const = 0;
    // Returns a started sender that waits for its receiver.
    virtual std::unique_ptr<child> send(const std::filesystem::path& path, const std::string& code) = 0;
    // Receives into `folder`, which is empty.
    virtual std::unique_ptr<child> receive(const std::filesystem::path& folder, const std::string& code) = 0;
};

// How bytes have passed from a sender to a receiver.
struct passage {
    double seconds = 0;                        // from the receiver's start to the end of both
    std::map<std::string, double> cpu_seconds; // by role: sender, receiver, and relay if it is known
};
// Passes a document and compares what arrived. Throws failure.
passage pass_document(session& s, transfer_tool& by, const std::filesystem::path& path,
                      const std::string& code);
// Adds the rate, and the CPU time of all together, with the size as a further parameter.
void add_rate(session& s, measurement about, std::uint64_t bytes, const passage& passed);

// What magic-wormhole needs and this machine lacks, by name. Empty if it can run.
std::string wormhole_missing();
// magic-wormhole with its own mailbox server and transit relay. Neither end listens, so its bytes pass
// through a relay as parley's do. Throws failure.
std::unique_ptr<transfer_tool> start_wormhole_tool(session& s);

} // namespace parley::bench
