// These are OpenSSL's deprecated calls. The new ones hide the state between two blocks, which update_both()
// needs. They also cost an allocation and a look-up for each of thousands of small objects.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <parley/crypto/sha1.hpp>

#include "crypto/sha1_pair.hpp"

#include <openssl/sha.h>

#include <algorithm>
#include <new>
#include <type_traits>

namespace parley {

struct sha1::state {
    SHA_CTX context;

    state() noexcept { SHA1_Init(&context); }

    // How many bytes are missing to a whole block.
    std::size_t lacking() const noexcept
    {
        return context.num == 0 ? 0 : SHA_CBLOCK - static_cast<std::size_t>(context.num);
    }
    std::uint32_t* words() noexcept
    {
        static_assert(std::is_same_v<SHA_LONG, std::uint32_t> &&
                      offsetof(SHA_CTX, h4) == offsetof(SHA_CTX, h0) + 4 * sizeof(SHA_LONG));
        return &context.h0;
    }
    void count(std::size_t bytes) noexcept
    {
        const std::uint64_t bits = (std::uint64_t{context.Nh} << 32 | context.Nl) + std::uint64_t{bytes} * 8;
        context.Nl = static_cast<SHA_LONG>(bits);
        context.Nh = static_cast<SHA_LONG>(bits >> 32);
    }
};

sha1::sha1() : state_(std::make_unique<state>()) {}
sha1::sha1(sha1&&) noexcept = default;
sha1& sha1::operator=(sha1&&) noexcept = default;
sha1::~sha1() = default;

void sha1::update(bytes_view bytes) noexcept
{
    if (!bytes.empty()) SHA1_Update(&state_->context, bytes.data(), bytes.size());
}

void sha1::update_both(sha1& first, bytes_view first_bytes, sha1& second, bytes_view second_bytes) noexcept
{
    state &a = *first.state_, &b = *second.state_;
    const std::size_t a_lacks = a.lacking(), b_lacks = b.lacking();
    if (sha1_pair_available() && first_bytes.size() > a_lacks && second_bytes.size() > b_lacks) {
        first.update(first_bytes.first(a_lacks));
        second.update(second_bytes.first(b_lacks));
        first_bytes = first_bytes.subspan(a_lacks);
        second_bytes = second_bytes.subspan(b_lacks);
        const std::size_t blocks = std::min(first_bytes.size(), second_bytes.size()) / SHA_CBLOCK;
        if (blocks > 0) {
            sha1_pair_blocks(a.words(), first_bytes.data(), b.words(), second_bytes.data(), blocks);
            a.count(blocks * SHA_CBLOCK);
            b.count(blocks * SHA_CBLOCK);
            first_bytes = first_bytes.subspan(blocks * SHA_CBLOCK);
            second_bytes = second_bytes.subspan(blocks * SHA_CBLOCK);
        }
    }
    first.update(first_bytes);
    second.update(second_bytes);
}

sha1_digest sha1::finish() noexcept
{
    sha1_digest out{};
    SHA1_Final(out.data(), &state_->context);
    SHA1_Init(&state_->context);
    return out;
}

} // namespace parley
