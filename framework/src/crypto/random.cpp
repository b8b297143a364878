#include <parley/crypto/random.hpp>

#include <sodium.h>

#include <new>

namespace parley {

namespace {

class operating_system_random final : public random_source {
public:
    void fill(mutable_bytes out) noexcept override
    {
        if (!out.empty()) randombytes_buf(out.data(), out.size());
    }
};

} // namespace

error_code initialise_crypto() noexcept
{
    static const int status = sodium_init();
    return status < 0 ? make_error_code(errc::crypto_unavailable) : error_code{};
}

random_source& system_random() noexcept
{
    // Built in place and never destroyed: destructors of other static objects may still use it.
    alignas(operating_system_random) static std::byte storage[sizeof(operating_system_random)];
    static random_source* const instance = [] {
        // Before the library is started, randombytes_buf falls back to a slower source that is as good.
        static_cast<void>(initialise_crypto());
        return ::new (storage) operating_system_random;
    }();
    return *instance;
}

} // namespace parley
