// Key agreement from a password: spoke, which is SPAKE2+EE on Ed25519 (PROTOCOL.md section 5). It uses only
// libsodium.
//
//     server                                                  client
//     spoke_server(password, salt) ────── public (34) ──────▶ spoke_client(password, public): X
//     compute(identities, X)       ◀──────── X (32) ─────────
//                                  ─ Y (32), validator (64) ▶ finish(identities, Y, validator): keys
//     confirm(validator): keys     ◀──── validator (64) ─────
//
// The client's validator also tells the version of the session that both agree on (SESSION2.md section 1):
// each version has its own.
//
// These classes are movable, hold their secrets in memory that is wiped, and are not thread-safe.
#pragma once

#include <parley/base/random.hpp>
#include <parley/crypto/session2_keys.hpp>

#include <optional>

namespace parley {

// What a client accepts unless it is told otherwise (PROTOCOL.md section 10): a few milliseconds of work.
inline constexpr std::uint64_t default_max_iterations = 4096;
inline constexpr std::size_t spoke_key_bytes = 64;

// A key of section 5.4. Bytes 0..31 are the cipher's key, bytes 32..43 the base nonce; the rest is unused.
using spoke_key = secret_array<spoke_key_bytes>;
using secret_scalar = secret_array<32>;

// The keys that both sides hold after the handshake.
struct session_keys {
    cipher cipher0 = cipher::aes_256_gcm;
    cipher cipher1 = cipher::chacha20_poly1305;
    spoke_key k0; // with cipher0: server to client
    spoke_key k1; // with cipher1: client to server
    // Set when they agreed on version 2. Then k0 and k1 are zero.
    std::optional<session2_keys> session2;

    int version() const noexcept { return session2 ? 2 : 1; }
};

// A random scalar of section 5.3: 32 bytes, the low three bits of byte 0 and the top bit of byte 31 cleared,
// not zero.
secret_scalar random_scalar(random_source& random) noexcept;

// The values that section 5.2 derives from the password. The client does not need L; the server needs h_L
// only to compute L.
struct password_points {
    point m{}, n{};
    secret_array<32> h_k;
    secret_array<32> h_l;
    point l{};
};
// Costs `parameters.iterations` rounds of PBKDF2 for each of four blocks. Errors: invalid_public_packet (no
// iterations), point_not_on_subgroup (M, N or L is not a usable point), crypto_unavailable.
result<password_points> derive_password_points(bytes_view password,
                                               const public_parameters& parameters) noexcept;

// The server's state for one client, from Y until the client's validator.
class spoke_server_session {
public:
    const point& y() const noexcept { return y_; }
    // The server's validator: sub(2), sent with Y in packet 06.
    const validator& server_validator() const noexcept { return server_validator_; }
    // Compares the client's validator with those of both versions, each in constant time. Returns the keys of
    // the version whose validator it is. Errors: invalid_server_validator; version_not_spoken when the client
    // knows the password, but has chosen a version that the server does not speak. Call it once: whatever the
    // result, every later call fails.
    result<session_keys> confirm(const validator& client_validator) noexcept;

private:
    friend class spoke_server;
    point y_{};
    validator server_validator_{};
    main_key main_; // zero: spent, moved from or never begun
    public_parameters parameters_;
    session_versions versions_ = session_versions::only_1;
};

// The side that has the document. One object serves any number of clients.
class spoke_server {
public:
    // A server that speaks version 2 puts the mark into the salt. Errors: invalid_public_packet (no
    // iterations, or a cipher0 that version 2 does not have), and those of derive_password_points.
    static result<spoke_server> create(bytes_view password, public_parameters parameters,
                                       session_versions versions = session_versions::only_1) noexcept;

    const public_packet_bytes& public_packet() const noexcept { return public_; }

    // Answers a client's X with the secret scalar `y`. Errors: point_not_on_subgroup.
    result<spoke_server_session> compute(const identity& client, const identity& server, const point& x,
                                         const secret_scalar& y) const noexcept
    {
        return compute(client.text(), server.text(), x, y);
    }
    // The same for identities of any length and content. They are hashed as they are, without their lengths.
    // A caller with identities of its own must choose them so that their concatenation can be split in one
    // way only.
    result<spoke_server_session> compute(std::string_view client, std::string_view server, const point& x,
                                         const secret_scalar& y) const noexcept;

private:
    public_parameters parameters_;
    public_packet_bytes public_{};
    session_versions versions_ = session_versions::only_1;
    point m_{}, n_{}, l_{};
    secret_array<32> h_k_;
};

// The keys, and the validator that proves to the server that the client has them.
struct client_agreement {
    session_keys keys;
    validator client_validator{}; // of the version that the client has chosen, sent in packet 05
};

// Reads a server's public for a client that speaks `versions`. Errors: invalid_public_packet, for what
// parse_public refuses; for more than `max_iterations` iterations (the peer chooses them, so they are checked
// before any work); for a mark without the rest of version 2, if the client speaks that; and for no mark, if
// it speaks nothing else.
result<public_parameters> read_server_public(const public_packet_bytes& server_public,
                                             std::uint64_t max_iterations,
                                             session_versions versions) noexcept;

// Where the derivation of section 5.2 stands. Wiped with the object.
struct password_stretch {
    secret_array<128> sum;   // MNKL so far
    secret_array<128> round; // the newest round of each block
    std::uint64_t rounds = 0;
};

// The side that wants the document. It needs one object for each server.
class spoke_client {
public:
    // Reads the server's public bytes and computes X with the secret scalar `x`. Errors: those of
    // read_server_public and of derive_password_points.
    static result<spoke_client> create(bytes_view password, const public_packet_bytes& server_public,
                                       const secret_scalar& x,
                                       std::uint64_t max_iterations = default_max_iterations,
                                       session_versions versions = session_versions::only_1) noexcept;

    const point& x() const noexcept { return x_point_; }

    // Checks the server's answer in constant time. The keys are those of version 2 when both speak it.
    // Errors: point_not_on_subgroup, invalid_client_validator (normal for a server with another password). It
    // may be called again after an error.
    result<client_agreement> finish(const identity& client, const identity& server, const point& y,
                                    const validator& server_validator) const noexcept
    {
        return finish(client.text(), server.text(), y, server_validator);
    }
    // The same for identities of any length and content; see spoke_server::compute.
    result<client_agreement> finish(std::string_view client, std::string_view server, const point& y,
                                    const validator& server_validator) const noexcept;

private:
    friend class spoke_client_derivation;
    static result<spoke_client> from_stretch(const public_parameters& parameters, session_versions versions,
                                             const password_stretch& stretched,
                                             const secret_scalar& x) noexcept;

    public_parameters parameters_;
    session_versions versions_ = session_versions::only_1;
    point x_point_{}, n_{};
    secret_scalar x_;
    secret_array<32> h_k_, h_l_;
};

// The making of a spoke_client in parts, for a caller that has other things to do meanwhile. The server
// chooses how much work it is.
class spoke_client_derivation {
public:
    // Does no work yet. The bytes, the bound and the versions are those of spoke_client::create. Errors:
    // those of read_server_public.
    static result<spoke_client_derivation> create(secret_bytes password,
                                                  const public_packet_bytes& server_public, secret_scalar x,
                                                  std::uint64_t max_iterations = default_max_iterations,
                                                  session_versions versions = session_versions::only_1);

    // Does up to `iterations` more of the iterations. The call that does the last one also makes the client.
    // Returns whether that is done.
    bool run(std::uint64_t iterations) noexcept;
    bool done() const noexcept { return client_.has_value(); }

    // Moves the client out, once done(). Errors: those of spoke_client::create.
    result<spoke_client> take() noexcept { return std::move(*client_); }

private:
    secret_bytes password_;
    public_parameters parameters_;
    session_versions versions_ = session_versions::only_1;
    secret_scalar x_;
    password_stretch stretched_;
    std::optional<result<spoke_client>> client_;
};

} // namespace parley
