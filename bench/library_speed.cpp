#include "bench/library_speed.hpp"

#include <boost/version.hpp>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <sodium.h>
#include <zlib.h>
#ifdef PARLEY_WITH_ISAL
#include <isa-l.h>
#endif

#include <array>

namespace parley::bench {
namespace {

using block = std::array<byte, 64>;
using element = std::array<byte, 32>;

element some_point(byte seed)
{
    element uniform{}, out{};
    uniform[0] = seed;
    crypto_core_ed25519_from_uniform(out.data(), uniform.data());
    return out;
}

element some_scalar(byte seed)
{
    element out{};
    out.fill(seed);
    out[0] &= 248;
    out[31] &= 127;
    return out;
}

// PBKDF2 makes 128 bytes: four blocks of 16 rounds, with two hashes per round.
void derive_bytes()
{
    constexpr int blocks = 4, rounds = 16;
    // Hash the key's pads once.
    crypto_auth_hmacsha256_state keyed;
    element mac{};
    crypto_auth_hmacsha256_init(&keyed, mac.data(), mac.size());
    for (int i = 0; i < blocks * rounds; ++i) {
        crypto_auth_hmacsha256_state state = keyed;
        crypto_auth_hmacsha256_update(&state, mac.data(), mac.size());
        crypto_auth_hmacsha256_final(&state, mac.data());
    }
}

void password_points()
{
    derive_bytes();
    some_point(1);
    some_point(2);
}

void hashes()
{
    constexpr std::size_t transcript_bytes = 2 + 2 * 21 + 5 * 32;
    const std::array<byte, transcript_bytes> transcript{};
    block main{}, sub{};
    crypto_generichash(main.data(), main.size(), transcript.data(), transcript.size(), nullptr, 0);
    for (std::uint64_t i = 0; i < 4; ++i) {
        std::array<byte, 16> salt{}, personal{'S', 'P', 'O', 'K', 'E'};
        salt[0] = static_cast<byte>(i);
        crypto_generichash_blake2b_salt_personal(sub.data(), sub.size(), nullptr, 0, main.data(), main.size(),
                                                 salt.data(), personal.data());
    }
}

} // namespace

std::map<std::string, std::string> library_versions()
{
    return {{"libsodium", sodium_version_string()},
            {"openssl", OpenSSL_version(OPENSSL_VERSION_STRING)},
            {"zlib", zlibVersion()},
#ifdef PARLEY_WITH_ISAL
            {"isal", std::to_string(ISAL_MAJOR_VERSION) + "." + std::to_string(ISAL_MINOR_VERSION) + "." +
                         std::to_string(ISAL_PATCH_VERSION)},
#endif
            {"boost", BOOST_LIB_VERSION}};
}

bool sodium_server_derivation()
{
    password_points();
    element out{};
    return crypto_scalarmult_ed25519_base(out.data(), some_scalar(3).data()) == 0;
}

bool sodium_server_agreement()
{
    static const element m = some_point(1), n = some_point(2), l = some_point(3), x = some_point(4);
    const element y = some_scalar(5);
    element base{}, sum{}, difference{}, z{}, v{};
    crypto_scalarmult_ed25519_base_noclamp(base.data(), y.data());
    crypto_core_ed25519_add(sum.data(), base.data(), n.data());
    crypto_core_ed25519_sub(difference.data(), x.data(), m.data());
    const bool usable = crypto_scalarmult_ed25519_noclamp(z.data(), y.data(), difference.data()) == 0 &&
                        crypto_scalarmult_ed25519_noclamp(v.data(), y.data(), l.data()) == 0;
    hashes();
    return usable;
}

bool sodium_client_agreement()
{
    static const element m = some_point(1), n = some_point(2), server_y = some_point(4);
    const element x = some_scalar(6), h = some_scalar(7);
    element base{}, sum{}, difference{}, z{}, v{};
    password_points();
    crypto_scalarmult_ed25519_base_noclamp(base.data(), x.data());
    crypto_core_ed25519_add(sum.data(), base.data(), m.data());
    crypto_core_ed25519_sub(difference.data(), server_y.data(), n.data());
    const bool usable = crypto_scalarmult_ed25519_noclamp(z.data(), x.data(), difference.data()) == 0 &&
                        crypto_scalarmult_ed25519(v.data(), h.data(), difference.data()) == 0;
    hashes();
    return usable;
}

openssl_gcm::openssl_gcm() : context_(EVP_CIPHER_CTX_new())
{
    const std::array<byte, 32> key{};
    EVP_CipherInit_ex(static_cast<EVP_CIPHER_CTX*>(context_), EVP_aes_256_gcm(), nullptr, key.data(), nullptr,
                      1);
}

openssl_gcm::~openssl_gcm()
{
    EVP_CIPHER_CTX_free(static_cast<EVP_CIPHER_CTX*>(context_));
}

void openssl_gcm::seal(bytes_view content, mutable_bytes out)
{
    auto* context = static_cast<EVP_CIPHER_CTX*>(context_);
    const std::array<byte, 12> nonce{};
    int size = 0;
    EVP_CipherInit_ex(context, nullptr, nullptr, nullptr, nonce.data(), 1);
    EVP_CipherUpdate(context, out.data(), &size, content.data(), static_cast<int>(content.size()));
    EVP_CipherFinal_ex(context, out.data() + size, &size);
    EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, 16, out.data() + content.size());
}

bool openssl_gcm::open(bytes_view sealed, mutable_bytes out)
{
    auto* context = static_cast<EVP_CIPHER_CTX*>(context_);
    const std::array<byte, 12> nonce{};
    std::array<byte, 16> tag{};
    const bytes_view content = sealed.first(sealed.size() - tag.size());
    std::copy(sealed.end() - static_cast<std::ptrdiff_t>(tag.size()), sealed.end(), tag.begin());
    int size = 0;
    EVP_CipherInit_ex(context, nullptr, nullptr, nullptr, nonce.data(), 0);
    EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, 16, tag.data());
    EVP_CipherUpdate(context, out.data(), &size, content.data(), static_cast<int>(content.size()));
    return EVP_CipherFinal_ex(context, out.data() + size, &size) == 1;
}

void openssl_sha1(bytes_view bytes)
{
    std::array<byte, 20> digest{};
    EVP_Digest(bytes.data(), bytes.size(), digest.data(), nullptr, EVP_sha1(), nullptr);
}

byte_vector zlib_deflate(bytes_view bytes, int level)
{
    uLongf size = compressBound(bytes.size());
    byte_vector out(size);
    if (compress2(out.data(), &size, bytes.data(), bytes.size(), level) != Z_OK) size = 0;
    out.resize(size);
    return out;
}

byte_vector zlib_inflate(bytes_view bytes, std::size_t size)
{
    byte_vector out(size);
    uLongf got = size;
    if (uncompress(out.data(), &got, bytes.data(), bytes.size()) != Z_OK) got = 0;
    out.resize(got);
    return out;
}

#ifdef PARLEY_WITH_ISAL

std::uint32_t library_adler32(std::uint32_t sum, bytes_view bytes)
{
    return isal_adler32(sum, bytes.data(), bytes.size());
}

byte_vector isal_deflate(bytes_view bytes, int level)
{
    static byte_vector work(ISAL_DEF_LVL3_DEFAULT); // enough for every level
    byte_vector out(bytes.size() + bytes.size() / 8 + 1024);
    isal_zstream stream;
    isal_deflate_init(&stream);
    stream.level = static_cast<std::uint32_t>(level);
    stream.level_buf = work.data();
    stream.level_buf_size = static_cast<std::uint32_t>(work.size());
    stream.gzip_flag = IGZIP_ZLIB;
    stream.end_of_stream = 1;
    stream.next_in = const_cast<byte*>(bytes.data());
    stream.avail_in = static_cast<std::uint32_t>(bytes.size());
    stream.next_out = out.data();
    stream.avail_out = static_cast<std::uint32_t>(out.size());
    ::isal_deflate(&stream);
    const bool done = stream.internal_state.state == ZSTATE_END;
    out.resize(done ? out.size() - stream.avail_out : 0);
    return out;
}

byte_vector isal_inflate(bytes_view bytes, std::size_t size)
{
    static inflate_state stream; // large
    isal_inflate_init(&stream);
    stream.crc_flag = ISAL_ZLIB;
    byte_vector out(size);
    stream.next_in = const_cast<byte*>(bytes.data());
    stream.avail_in = static_cast<std::uint32_t>(bytes.size());
    stream.next_out = out.data();
    stream.avail_out = static_cast<std::uint32_t>(out.size());
    const bool done = ::isal_inflate(&stream) == ISAL_DECOMP_OK && stream.avail_out == 0;
    if (!done) out.clear();
    return out;
}

#else

std::uint32_t library_adler32(std::uint32_t sum, bytes_view bytes)
{
    return static_cast<std::uint32_t>(adler32_z(sum, bytes.data(), bytes.size()));
}

byte_vector isal_deflate(bytes_view, int)
{
    return {};
}

byte_vector isal_inflate(bytes_view, std::size_t)
{
    return {};
}

#endif

} // namespace parley::bench
