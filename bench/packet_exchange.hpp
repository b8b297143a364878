// Two peers that exchange as many packets as possible through a relay.
#pragma once

#include "bench/load_loop.hpp"

#include <memory>

namespace parley::bench {

// Packets 05 in one direction (70 bytes) and 06 in the other (102), which a relay forwards without looking
// inside. At most `window` packets are under way: every packet that arrives is answered by one.
class packet_exchange {
public:
    // Connects both peers and lets them meet. Throws failure.
    packet_exchange(const endpoint& relay_at, source_number source, unsigned window);
    packet_exchange(const packet_exchange&) = delete;
    packet_exchange& operator=(const packet_exchange&) = delete;
    ~packet_exchange();

    // Runs for `seconds` and returns how many packets arrived. Throws failure if a peer was lost.
    std::uint64_t run(double seconds);

private:
    class end;
    load_loop loop_;
    std::unique_ptr<end> server_, client_;
};

} // namespace parley::bench
