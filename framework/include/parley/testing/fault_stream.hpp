// A stream that behaves as badly as a network may: splits what passes, and fails where a test says.
#pragma once

#include <parley/stream/any_stream.hpp>

#include <limits>

namespace parley::testing {

inline constexpr std::size_t never_fails = std::numeric_limits<std::size_t>::max();

struct fault_options {
    fault_options() = default;

    std::uint64_t seed = 1;
    std::size_t max_read_bytes = 0;  // each read gives 1..this many bytes, by the seed; 0 = as they come
    std::size_t max_write_bytes = 0; // each write takes 1..this many bytes, by the seed; 0 = all
    std::size_t failing_operation =
        never_fails; // this operation, counted from 0 over reads, waits, writes and
                     // shutdowns as they start, fails with `error`, and all after it too
    error_code error = asio::error::connection_reset;
    bool fail_by_closing =
        true; // the failing operation also closes the stream, so that the other side notices
};

// Wraps `inner`. `operations`, when given, is counted up by each operation that starts and outlives the
// stream: run once without a fault to learn how many there are, then once more for each of them.
any_stream make_fault_stream(any_stream inner, const fault_options& options,
                             std::size_t* operations = nullptr);

} // namespace parley::testing
