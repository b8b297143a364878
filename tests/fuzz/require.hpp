// What a fuzz target holds true of any input; libFuzzer keeps the input that breaks it.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace parley::fuzz {

inline void require(bool holds, const char* what)
{
    if (holds) return;
    std::fprintf(stderr, "broken: %s\n", what);
    std::abort();
}

} // namespace parley::fuzz
