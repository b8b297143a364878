// All benchmarks: what each measures, of every system that can do it. The systems take turns within each run.
#pragma once

#include "bench/session.hpp"

namespace parley::bench {

// Bytes per second and CPU time per GB through rooms: for every program and every pair of transports that it
// can join, with 1, 8 and 64 rooms at once, and the fairness between them.
void run_room_benchmark(session& s);

// Complete handshakes per second in a closed loop, and their latency in an open loop at half that rate (or
// --rate), with precomputed packets and with key agreement.
void run_handshake_benchmark(session& s);

// The cost of a relay with many waiting clients. Packets per second, and CPU time per packet, between two
// peers while N others wait.
void run_forward_benchmark(session& s);
// A server appears before N waiting clients: the time until the last client is told, and the CPU time per
// message.
void run_fanout_benchmark(session& s);
// The memory and CPU time of each of N waiting clients.
void run_idle_benchmark(session& s);

// Documents from end to end between real programs: one of random bytes, one that shrinks, and many small
// files; and the time to the first byte. It compares what arrived with what was sent.
void run_transfer_benchmark(session& s);

// The secure stream of a session of version 2: its rate beside that of a document of the same size, and the echo of
// one byte beside that of a room without records.
void run_stream_benchmark(session& s);

// The CPU time of each step on one core: the framework's, and that of the library under it (or of memcpy)
// doing the same work in the same run.
void run_primitive_benchmark(session& s);

} // namespace parley::bench
