// The libraries under the framework, called as directly as possible: they are the limits for the framework's
// own steps. Except for the harness's TLS (load_socket), only this file includes their headers.
#pragma once

#include <parley/base/bytes.hpp>

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace parley::bench {

// The names and versions of the linked libraries: libsodium, OpenSSL, zlib, ISA-L, Boost.
std::map<std::string, std::string> library_versions();

// The curve, hash and key-derivation calls that one side of a key agreement must make (PROTOCOL.md section
// 5), on fixed values and without the checks and copies around them. False if one of the values is not a
// usable point.
bool sodium_server_derivation(); // the cost of the password: once per document
bool sodium_server_agreement();  // the cost per client
bool sodium_client_agreement();  // the cost per server, including its derivation

// AES-256-GCM of OpenSSL with one key and a 12-byte nonce.
class openssl_gcm {
public:
    openssl_gcm();
    openssl_gcm(const openssl_gcm&) = delete;
    openssl_gcm& operator=(const openssl_gcm&) = delete;
    ~openssl_gcm();
    // `out` has room for the content and 16 bytes of tag.
    void seal(bytes_view content, mutable_bytes out);
    // Returns whether the tag is right. `out` has room for the content.
    bool open(bytes_view ciphertext_and_tag, mutable_bytes out);

private:
    void* context_;
};

void openssl_sha1(bytes_view bytes);
// Makes the zlib stream of `bytes` at that level, and inflates one. Empty if `bytes` is not a zlib stream.
byte_vector zlib_deflate(bytes_view bytes, int level);
byte_vector zlib_inflate(bytes_view bytes, std::size_t size);
// The same with ISA-L at its level 1..3. Empty if the harness was built without it.
byte_vector isal_deflate(bytes_view bytes, int level);
byte_vector isal_inflate(bytes_view bytes, std::size_t size);
// The checksum of zlib streams, by the faster of the available libraries.
std::uint32_t library_adler32(std::uint32_t sum, bytes_view bytes);

} // namespace parley::bench
