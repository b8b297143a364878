#include <parley/crypto/sha1.hpp>

#include <mbedtls/sha1.h>

namespace parley {

// The library's calls fail only where a hardware replaces them.
struct sha1::state {
    mbedtls_sha1_context context;

    state() noexcept { start(); }
    ~state() { mbedtls_sha1_free(&context); }
    state(const state&) = delete;
    state& operator=(const state&) = delete;

    void start() noexcept
    {
        mbedtls_sha1_init(&context);
        mbedtls_sha1_starts_ret(&context);
    }
};

sha1::sha1() : state_(std::make_unique<state>()) {}
sha1::sha1(sha1&&) noexcept = default;
sha1& sha1::operator=(sha1&&) noexcept = default;
sha1::~sha1() = default;

void sha1::update(bytes_view bytes) noexcept
{
    if (!bytes.empty()) mbedtls_sha1_update_ret(&state_->context, bytes.data(), bytes.size());
}

void sha1::update_both(sha1& first, bytes_view first_bytes, sha1& second, bytes_view second_bytes) noexcept
{
    first.update(first_bytes);
    second.update(second_bytes);
}

sha1_digest sha1::finish() noexcept
{
    sha1_digest out{};
    mbedtls_sha1_finish_ret(&state_->context, out.data());
    state_->start();
    return out;
}

} // namespace parley
