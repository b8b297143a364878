// Reads a whole document from its source, for tests.
#pragma once

#include "unit/payload/plain_pack.hpp"
#include "unit/payload/sample_files.hpp"

#include <parley/payload/document_source.hpp>

#include <gtest/gtest.h>

#include <functional>

namespace parley_test {

struct pulled {
    parley::byte_vector stream;
    parley::error_code error;
};

// Reads to the end or to the first error, with the sizes from `next_size`. Checks what read() promises.
inline pulled pull(parley::document_source& source, const std::function<std::size_t()>& next_size)
{
    pulled out;
    std::uint64_t content_read = 0;
    for (;;) {
        const std::size_t wanted = next_size();
        const std::size_t before = out.stream.size();
        out.stream.resize(before + wanted);
        const auto n = source.read(parley::mutable_bytes(out.stream).subspan(before));
        out.stream.resize(before + (n ? *n : 0));
        EXPECT_FALSE(n && *n == 0) << "only the end gives nothing";
        if (!n) {
            out.error = n.error();
            EXPECT_EQ(source.read(parley::mutable_bytes(out.stream)).error(), out.error) << "an error stays";
            return out;
        }
        EXPECT_GE(source.content_bytes_read(), content_read) << "progress does not go back";
        content_read = source.content_bytes_read();
        EXPECT_LE(content_read, source.content_bytes());
        if (!source.finished()) continue;
        parley::byte more[64];
        const auto end = source.read(more);
        EXPECT_TRUE(end && *end == 0) << "nothing follows the end";
        EXPECT_EQ(content_read, source.content_bytes());
        return out;
    }
}

inline pulled pull(parley::document_source& source, std::size_t size = 32'000)
{
    return pull(source, [size] { return size; });
}

} // namespace parley_test
