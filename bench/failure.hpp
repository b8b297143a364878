// How a benchmark ends that cannot go on.
#pragma once

#include <stdexcept>
#include <string>

namespace parley::bench {

// A program that is not there, a relay that went away, an answer that did not come: one sentence, for people.
// The only exception that the harness throws; the runner catches it, says which benchmark was left out and
// why, and goes on with the next. Nothing inside a measured loop throws.
class failure : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

// The same with the system's reason: "WHAT: No such file or directory".
failure system_failure(const std::string& what, int error);

} // namespace parley::bench
