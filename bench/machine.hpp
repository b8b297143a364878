// Describes the machine of a run, so that its numbers can be judged.
#pragma once

#include "bench/measurement.hpp"

namespace parley::bench {

// cpu, cores, kernel, memory_bytes, governor ("unknown" if a virtual machine hides it), congestion_control,
// load_average (of the last minute: a busy machine also measures its other work), descriptors (the limit per
// process).
std::map<std::string, parameter> describe_machine();

// The versions of this harness, its compiler and the measured libraries, and for each program the first line
// of its version output ("absent" if it is not installed).
std::map<std::string, std::string> describe_versions(const std::vector<std::string>& programs);

// Gets and sets the congestion control of new TCP sockets in this network namespace. Setting returns false
// when it is not permitted or the kernel does not have that algorithm.
std::string system_congestion_control();
bool set_system_congestion_control(const std::string& name);

// Enters a new network namespace that only has loopback. There the congestion control can be set without
// affecting anyone else. Returns false if that is not allowed. Call this before anything is started.
bool enter_own_network();

} // namespace parley::bench
