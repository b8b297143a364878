#include "crypto/sha1_pair.hpp"

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#endif

namespace parley {

#if defined(__x86_64__)

namespace {

constexpr std::size_t block_bytes = 64;
constexpr int groups = 20; // of four rounds

#define PARLEY_SHA1_TARGET __attribute__((target("sha,sse4.1,ssse3")))

// One of the two computations: A to D in one register, E in another, and the last sixteen words of the
// schedule.
struct lane {
    __m128i abcd;
    __m128i e;
    __m128i words[4];
};

PARLEY_SHA1_TARGET inline __m128i load_words(const byte* from) noexcept
{
    const __m128i big_endian = _mm_set_epi64x(0x0001020304050607, 0x08090a0b0c0d0e0f);
    return _mm_shuffle_epi8(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from)), big_endian);
}

PARLEY_SHA1_TARGET inline lane load_state(const std::uint32_t* state) noexcept
{
    lane out;
    out.abcd = _mm_shuffle_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(state)), 0x1b);
    out.e = _mm_set_epi32(static_cast<int>(state[4]), 0, 0, 0);
    return out;
}

PARLEY_SHA1_TARGET inline void store_state(const lane& l, std::uint32_t* state) noexcept
{
    _mm_storeu_si128(reinterpret_cast<__m128i*>(state), _mm_shuffle_epi32(l.abcd, 0x1b));
    state[4] = static_cast<std::uint32_t>(_mm_extract_epi32(l.e, 3));
}

// Does four rounds. `Group` selects the function, the constant and the words.
template <int Group>
PARLEY_SHA1_TARGET inline void four_rounds(lane& l) noexcept
{
    __m128i& due = l.words[Group % 4];
    const __m128i e = Group == 0 ? _mm_add_epi32(l.e, due) : _mm_sha1nexte_epu32(l.e, due);
    l.e = l.abcd;
    l.abcd = _mm_sha1rnds4_epu32(l.abcd, e, Group / 5);
    if constexpr (Group + 4 < groups) {
        const __m128i mixed =
            _mm_xor_si128(_mm_sha1msg1_epu32(due, l.words[(Group + 1) % 4]), l.words[(Group + 2) % 4]);
        due = _mm_sha1msg2_epu32(mixed, l.words[(Group + 3) % 4]);
    }
}

template <int Group = 0>
PARLEY_SHA1_TARGET inline void all_rounds(lane& a, lane& b) noexcept
{
    four_rounds<Group>(a);
    four_rounds<Group>(b);
    if constexpr (Group + 1 < groups) all_rounds<Group + 1>(a, b);
}

} // namespace

bool sha1_pair_available() noexcept
{
    static const bool available = [] {
        constexpr unsigned ssse3 = 1u << 9, sse41 = 1u << 19, sha = 1u << 29;
        unsigned a = 0, b = 0, c = 0, d = 0;
        if (__get_cpuid(1, &a, &b, &c, &d) == 0 || (c & ssse3) == 0 || (c & sse41) == 0) return false;
        return __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (b & sha) != 0;
    }();
    return available;
}

PARLEY_SHA1_TARGET void sha1_pair_blocks(std::uint32_t* first_state, const byte* first,
                                         std::uint32_t* second_state, const byte* second,
                                         std::size_t blocks) noexcept
{
    lane a = load_state(first_state), b = load_state(second_state);
    for (; blocks > 0; --blocks, first += block_bytes, second += block_bytes) {
        const lane a_before = a, b_before = b;
        for (int i = 0; i < 4; ++i) {
            a.words[i] = load_words(first + 16 * i);
            b.words[i] = load_words(second + 16 * i);
        }
        all_rounds(a, b);
        a.e = _mm_sha1nexte_epu32(a.e, a_before.e);
        b.e = _mm_sha1nexte_epu32(b.e, b_before.e);
        a.abcd = _mm_add_epi32(a.abcd, a_before.abcd);
        b.abcd = _mm_add_epi32(b.abcd, b_before.abcd);
    }
    store_state(a, first_state);
    store_state(b, second_state);
}

#else

bool sha1_pair_available() noexcept
{
    return false;
}

void sha1_pair_blocks(std::uint32_t*, const byte*, std::uint32_t*, const byte*, std::size_t) noexcept {}

#endif

} // namespace parley
