// The libraries under the framework, called as directly as they allow: the limits that the framework's own
// steps are measured against. The harness's TLS apart (load_socket), this is the one file that knows their
// headers.
#pragma once

#include <parley/base/bytes.hpp>

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace parley::bench {

// Name to version of what is linked: libsodium, OpenSSL, zlib, ISA-L, Boost.
std::map<std::string, std::string> library_versions();

// The curve, hash and key-derivation calls that one side of a key agreement must make (PROTOCOL.md section
// 5), on fixed values and without the checks and copies around them. False if one of the values is no usable
// point.
bool sodium_server_derivation(); // what the password costs: once a document
bool sodium_server_agreement();  // what each client costs
bool sodium_client_agreement();  // what each server costs, its derivation included

// AES-256-GCM of OpenSSL on one key, with a 12-byte nonce.
class openssl_gcm {
public:
    openssl_gcm();
    openssl_gcm(const openssl_gcm&) = delete;
    openssl_gcm& operator=(const openssl_gcm&) = delete;
    ~openssl_gcm();
    // `out` has room for the content and 16 bytes of tag.
    void seal(bytes_view content, mutable_bytes out);
    // Whether the tag is right; `out` has room for the content.
    bool open(bytes_view ciphertext_and_tag, mutable_bytes out);

private:
    void* context_;
};

void openssl_sha1(bytes_view bytes);
// The zlib stream of `bytes` at that level, and back; empty when it is none.
byte_vector zlib_deflate(bytes_view bytes, int level);
byte_vector zlib_inflate(bytes_view bytes, std::size_t size);
// As zlib's with ISA-L at its level 1..3. Empty where the harness was built without it.
byte_vector isal_deflate(bytes_view bytes, int level);
byte_vector isal_inflate(bytes_view bytes, std::size_t size);
// The checksum of zlib streams, by the faster library that is here.
std::uint32_t library_adler32(std::uint32_t sum, bytes_view bytes);

} // namespace parley::bench
