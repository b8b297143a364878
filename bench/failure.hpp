// The exception that ends a benchmark.
#pragma once

#include <stdexcept>
#include <string>

namespace parley::bench {

// A missing program, a relay that went away, an answer that did not arrive: one sentence, for people. It is
// the only exception that the harness throws. The runner catches it, says which benchmark was left out and
// why, and continues with the next. Nothing inside a measured loop throws.
class failure : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

// The same with the system's reason: "WHAT: No such file or directory".
failure system_failure(const std::string& what, int error);

} // namespace parley::bench
