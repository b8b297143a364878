// Two peers that pass packets to each other through a relay, as many as will go.
#pragma once

#include "bench/load_loop.hpp"

#include <memory>

namespace parley::bench {

// Packets 05 one way (70 bytes) and 06 the other (102), which a relay forwards without looking inside. At
// most `window` packets are under way at a time: each one that arrives is answered by one.
class packet_exchange {
public:
    // Connects both peers and lets them meet. Throws failure.
    packet_exchange(const endpoint& relay_at, source_number source, unsigned window);
    packet_exchange(const packet_exchange&) = delete;
    packet_exchange& operator=(const packet_exchange&) = delete;
    ~packet_exchange();

    // Runs for so long, and gives how many packets have arrived. Throws failure when a peer was lost.
    std::uint64_t run(double seconds);

private:
    class end;
    load_loop loop_;
    std::unique_ptr<end> server_, client_;
};

} // namespace parley::bench
