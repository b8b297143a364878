// TLS records that carry no data, to a relay that speaks TLS: `tls_flood MODE PORT FIRST_ADDRESS COUNT RATE`
//     key-updates      TLS 1.3: KeyUpdate records
//     renegotiations   TLS 1.2: ClientHello records, each of which asks for a renegotiation
// Connects from one address after the other, says hello as a client and floods until the relay ends the connection.
// RATE bounds what it does in a second: a connection, or a write of up to 16 KiB. Runs until standard input ends, then
// prints how much that was: operations, bytes and connections.
#include <parley/base/descriptor.hpp>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/ssl.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace {

using bytes = std::vector<unsigned char>;
using clock_type = std::chrono::steady_clock;

constexpr std::size_t write_bytes = 16384;

template <auto Free>
struct freed_by {
    template <class T>
    void operator()(T* p) const
    {
        Free(p);
    }
};
using context_ptr = std::unique_ptr<SSL_CTX, freed_by<SSL_CTX_free>>;
using session_ptr = std::unique_ptr<SSL, freed_by<SSL_free>>;

// Waits for `milliseconds`, or until standard input ends (false).
bool wait(int milliseconds)
{
    ::pollfd input{STDIN_FILENO, POLLIN, 0};
    return ::poll(&input, 1, milliseconds) <= 0;
}

// The next operation at a steady rate. False when standard input has ended.
class pace {
public:
    explicit pace(double per_second) : step_(1 / per_second) {}
    bool next()
    {
        const auto now = clock_type::now();
        if (due_ < now - std::chrono::seconds{1}) due_ = now;
        due_ += std::chrono::duration_cast<clock_type::duration>(step_);
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(due_ - now).count();
        return wait(static_cast<int>(left > 0 ? left : 0));
    }

private:
    std::chrono::duration<double> step_;
    clock_type::time_point due_ = clock_type::now();
};

parley::descriptor connect_from(std::uint32_t address, std::uint16_t port)
{
    parley::descriptor socket{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    const ::timeval patience{5, 0};
    for (const int option : {SO_RCVTIMEO, SO_SNDTIMEO})
        ::setsockopt(socket.get(), SOL_SOCKET, option, &patience, sizeof patience);
    const auto endpoint = [](std::uint32_t host, std::uint16_t at) {
        ::sockaddr_in out{};
        out.sin_family = AF_INET;
        out.sin_addr.s_addr = htonl(host);
        out.sin_port = htons(at);
        return out;
    };
    const ::sockaddr_in own = endpoint(address, 0), relay = endpoint(INADDR_LOOPBACK, port);
    if (::bind(socket.get(), reinterpret_cast<const ::sockaddr*>(&own), sizeof own) != 0 ||
        ::connect(socket.get(), reinterpret_cast<const ::sockaddr*>(&relay), sizeof relay) != 0)
        socket.reset();
    return socket;
}

bool send_all(int socket, const unsigned char* data, std::size_t size)
{
    while (size > 0) {
        const ::ssize_t sent = ::send(socket, data, size, MSG_NOSIGNAL);
        if (sent <= 0) return false;
        data += sent;
        size -= static_cast<std::size_t>(sent);
    }
    return true;
}

// KeyUpdate records, as OpenSSL makes them.
class key_updates {
public:
    explicit key_updates(SSL* tls) : tls_(tls), memory_(BIO_new(BIO_s_mem())) { SSL_set0_wbio(tls, memory_); }
    bytes next(std::size_t size)
    {
        while (BIO_ctrl_pending(memory_) < size) {
            if (SSL_key_update(tls_, SSL_KEY_UPDATE_NOT_REQUESTED) != 1 || SSL_do_handshake(tls_) != 1)
                return {};
        }
        bytes out(BIO_ctrl_pending(memory_));
        BIO_read(memory_, out.data(), static_cast<int>(out.size()));
        return out;
    }

private:
    SSL* tls_;
    BIO* memory_; // the session owns it
};

// Records with an empty ClientHello, encrypted here: OpenSSL would wait for an answer to its first.
class renegotiations {
public:
    explicit renegotiations(SSL* tls) : cipher_(EVP_CIPHER_CTX_new())
    {
        std::array<unsigned char, 48> master{};
        SSL_SESSION_get_master_key(SSL_get_session(tls), master.data(), master.size());
        std::string seed = "key expansion";
        std::array<unsigned char, SSL3_RANDOM_SIZE> random{};
        SSL_get_server_random(tls, random.data(), random.size());
        seed.append(reinterpret_cast<const char*>(random.data()), random.size());
        SSL_get_client_random(tls, random.data(), random.size());
        seed.append(reinterpret_cast<const char*>(random.data()), random.size());
        std::array<unsigned char, 40>
            block{}; // client's key, server's key (16 each), client's nonce, server's (4)
        const std::unique_ptr<EVP_KDF, freed_by<EVP_KDF_free>> prf{
            EVP_KDF_fetch(nullptr, OSSL_KDF_NAME_TLS1_PRF, nullptr)};
        const std::unique_ptr<EVP_KDF_CTX, freed_by<EVP_KDF_CTX_free>> derivation{EVP_KDF_CTX_new(prf.get())};
        std::string digest = "SHA256";
        const OSSL_PARAM parameters[] = {
            OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest.data(), digest.size()),
            OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SECRET, master.data(), master.size()),
            OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, seed.data(), seed.size()),
            OSSL_PARAM_construct_end()};
        if (EVP_KDF_derive(derivation.get(), block.data(), block.size(), parameters) != 1) std::abort();
        std::copy_n(block.begin() + 32, 4, nonce_.begin());
        if (EVP_EncryptInit_ex(cipher_.get(), EVP_aes_128_gcm(), nullptr, block.data(), nullptr) != 1)
            std::abort();
    }
    bytes next(std::size_t size)
    {
        bytes out;
        while (out.size() < size) add_record(out);
        return out;
    }

private:
    void add_record(bytes& out)
    {
        static constexpr std::array<unsigned char, 4> client_hello{1, 0, 0, 0};
        std::array<unsigned char, 13> header{}; // sequence number, type, version, size
        for (int i = 0; i < 8; ++i)
            header[static_cast<std::size_t>(i)] = static_cast<unsigned char>(sequence_ >> (56 - 8 * i));
        ++sequence_;
        std::copy_n(header.begin(), 8, nonce_.begin() + 4);
        constexpr unsigned char handshake = 22;
        header[8] = handshake;
        header[9] = header[10] = 3;
        header[12] = client_hello.size();
        constexpr unsigned char record_bytes = 8 + client_hello.size() + 16;
        out.insert(out.end(), {handshake, 3, 3, 0, record_bytes});
        out.insert(out.end(), nonce_.begin() + 4, nonce_.end());
        std::array<unsigned char, 32> sealed{};
        int size = 0;
        EVP_EncryptInit_ex(cipher_.get(), nullptr, nullptr, nullptr, nonce_.data());
        EVP_EncryptUpdate(cipher_.get(), nullptr, &size, header.data(), header.size());
        EVP_EncryptUpdate(cipher_.get(), sealed.data(), &size, client_hello.data(), client_hello.size());
        EVP_EncryptFinal_ex(cipher_.get(), sealed.data(), &size);
        EVP_CIPHER_CTX_ctrl(cipher_.get(), EVP_CTRL_AEAD_GET_TAG, 16, sealed.data() + client_hello.size());
        out.insert(out.end(), sealed.begin(), sealed.begin() + client_hello.size() + 16);
    }

    std::unique_ptr<EVP_CIPHER_CTX, freed_by<EVP_CIPHER_CTX_free>> cipher_;
    std::array<unsigned char, 12> nonce_{};
    std::uint64_t sequence_ = 2; // after Finished and the hello
};

struct totals {
    std::uint64_t operations = 0, bytes = 0, connections = 0;
};

// One connection, until it ends. False when standard input has ended.
bool flood(SSL_CTX* context, bool renegotiate, std::uint32_t address, std::uint16_t port, pace& rate,
           totals& done)
{
    if (!rate.next()) return false;
    ++done.operations;
    const parley::descriptor socket = connect_from(address, port);
    if (!socket) return true;
    ++done.connections;
    const session_ptr tls{SSL_new(context)};
    SSL_set_fd(tls.get(), socket.get());
    constexpr std::string_view hello = "000001";
    if (SSL_connect(tls.get()) != 1 || SSL_write(tls.get(), hello.data(), hello.size()) <= 0) return true;
    const auto send_records = [&](auto records) {
        while (rate.next()) {
            const bytes next = records.next(write_bytes);
            if (next.empty() || !send_all(socket.get(), next.data(), next.size())) return true;
            ++done.operations;
            done.bytes += next.size();
        }
        return false;
    };
    return renegotiate ? send_records(renegotiations{tls.get()}) : send_records(key_updates{tls.get()});
}

} // namespace

int main(int argc, char** argv)
{
    if (argc != 6) {
        std::cerr << "usage: tls_flood key-updates|renegotiations PORT FIRST_ADDRESS COUNT RATE\n";
        return 2;
    }
    std::signal(SIGPIPE, SIG_IGN);
    const bool renegotiate = std::string_view{argv[1]} == "renegotiations";
    const auto port = static_cast<std::uint16_t>(std::strtoul(argv[2], nullptr, 10));
    ::in_addr first{};
    ::inet_pton(AF_INET, argv[3], &first);
    const auto count = static_cast<std::uint32_t>(std::strtoul(argv[4], nullptr, 10));
    pace rate{std::strtod(argv[5], nullptr)};
    const context_ptr context{SSL_CTX_new(TLS_client_method())};
    if (renegotiate) {
        SSL_CTX_set_max_proto_version(context.get(), TLS1_2_VERSION);
        SSL_CTX_set_cipher_list(context.get(), "ECDHE-ECDSA-AES128-GCM-SHA256");
    } else {
        SSL_CTX_set_min_proto_version(context.get(), TLS1_3_VERSION);
    }
    totals done;
    for (std::uint32_t n = 0;
         flood(context.get(), renegotiate, ntohl(first.s_addr) + n % count, port, rate, done); ++n) {
    }
    std::cout << done.operations << ' ' << done.bytes << ' ' << done.connections << std::endl;
    return 0;
}
