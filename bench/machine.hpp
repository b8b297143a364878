// Where a run took place, so that its numbers can be judged.
#pragma once

#include "bench/measurement.hpp"

namespace parley::bench {

// cpu, cores, kernel, memory_bytes, governor ("unknown" where a virtual machine hides it),
// congestion_control, load_average (of the last minute: a busy machine measures its other work), descriptors
// (the limit of a process).
std::map<std::string, parameter> describe_machine();

// This harness, its compiler and the libraries it measures; and of each program named, the first line that it
// says of its version ("absent" when it is not installed).
std::map<std::string, std::string> describe_versions(const std::vector<std::string>& programs);

// The congestion control that new TCP sockets of this network namespace get, and what sets it. The latter
// gives false when it may not, or when the kernel has no such one.
std::string system_congestion_control();
bool set_system_congestion_control(const std::string& name);

// Goes over into a network of this process's own (a network namespace with loopback alone), whose congestion
// control may be set without a change to anybody else's. False where that is not allowed. To be called before
// anything is started.
bool enter_own_network();

} // namespace parley::bench
