#include <parley/crypto/sha1.hpp>

#include <parley/base/error.hpp>

#include <boost/system/system_error.hpp>
#include <openssl/evp.h>

#include <new>

namespace parley {

namespace {

struct free_context {
    void operator()(EVP_MD_CTX* context) const noexcept { EVP_MD_CTX_free(context); }
};

// The library's implementation, looked up once for the life of the program; null where it has none.
const EVP_MD* implementation() noexcept
{
    static const EVP_MD* const found = EVP_MD_fetch(nullptr, "SHA1", nullptr);
    return found;
}

} // namespace

struct sha1::state {
    std::unique_ptr<EVP_MD_CTX, free_context> context{EVP_MD_CTX_new()};
    bool start() noexcept { return EVP_DigestInit_ex2(context.get(), implementation(), nullptr) == 1; }
};

sha1::sha1() : state_(std::make_unique<state>())
{
    if (!state_->context) throw std::bad_alloc();
    if (implementation() == nullptr || !state_->start())
        throw boost::system::system_error(make_error_code(errc::crypto_unavailable));
}

sha1::sha1(sha1&&) noexcept = default;
sha1& sha1::operator=(sha1&&) noexcept = default;
sha1::~sha1() = default;

// Once begun, the digest works in memory of its own and has nothing left to fail on.
void sha1::update(bytes_view bytes) noexcept
{
    if (!bytes.empty()) EVP_DigestUpdate(state_->context.get(), bytes.data(), bytes.size());
}

sha1_digest sha1::finish() noexcept
{
    sha1_digest out{};
    EVP_DigestFinal_ex(state_->context.get(), out.data(), nullptr);
    state_->start();
    return out;
}

} // namespace parley
