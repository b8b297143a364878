// Meets somebody who knows the password, and gives an authenticated, encrypted stream to them (PROTOCOL.md sections
// 4 and 6; SESSION2.md sections 1 to 5).
//
//     auto meeting = co_await parley::async_offer(relay, password, offer_options{}.protocol("chat"), use_awaitable);
//     co_await asio::async_write(meeting.stream, asio::buffer("hello\n"), use_awaitable);
//
// One side offers (the server of the handshake), the other one joins (its client). Both name the protocol that they
// will speak on the stream. Both speak version 2 of the session only: peers of version 1 are not met.
#pragma once

#include <parley/base/diagnostics.hpp>
#include <parley/base/secret.hpp>
#include <parley/crypto/spoke.hpp>
#include <parley/session/peer_session.hpp>
#include <parley/stream/secure_stream.hpp>

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/system_executor.hpp>

namespace parley {

// Two peers in one room that have proven the password to each other, and said hello.
class meeting {
public:
    meeting() = default;
    meeting(secure_stream secure, identity own, identity others, session2_keys keys)
        : stream(std::move(secure)), self(own), peer(others), keys_(std::move(keys))
    {
    }

    secure_stream stream;
    identity self; // as the relay has reported them
    identity peer;

    // A key of `size` bytes (1 to 64) for the application's own use. Equal labels (at most 255 bytes) and contexts give
    // both sides equal keys. Errors: invalid_argument of boost::system::errc.
    result<secret_bytes> export_key(std::string_view label, std::size_t size, bytes_view context = {}) const;
    // With it the same two peers can meet again: it is the password of a later offer and join.
    secret_bytes reconnection_password() const { return keys_.reconnection_password(); }

private:
    session2_keys keys_;
};

// "parley" and the version, for a hello.
std::string own_software();

// What both sides say and want. `Self` is the derived class.
template <class Self>
class meeting_option_setters : public session_option_setters<Self> {
public:
    // What the stream is used for: 1 to 64 of a-z, 0-9, '.' and '-'. Required; the other side must name the same.
    Self& protocol(std::string value)
    {
        hello_.protocol = std::move(value);
        return static_cast<Self&>(*this);
    }
    // For the other side's logs, at most 64 bytes; "parley" and the version by default.
    Self& software(std::string value)
    {
        hello_.software = std::move(value);
        return static_cast<Self&>(*this);
    }
    // Is told what happens; null, the default: nobody. It must outlive the operation.
    Self& observer(peer_observer* value)
    {
        observer_ = value;
        return static_cast<Self&>(*this);
    }
    // Gets the words of an error; null, the default: nobody does. It must outlive the operation.
    Self& diagnostics(parley::diagnostics* value)
    {
        diagnostics_ = value;
        return static_cast<Self&>(*this);
    }

    // Gets the whole error; null, the default: nobody does. It must outlive the operation.
    Self& failure(operation_error* value)
    {
        failure_ = value;
        return static_cast<Self&>(*this);
    }

    const session2_hello& hello() const noexcept { return hello_; }
    peer_observer* observer() const noexcept { return observer_; }
    parley::diagnostics* diagnostics() const noexcept { return diagnostics_; }
    operation_error* failure() const noexcept { return failure_; }

private:
    session2_hello hello_{{}, own_software()};
    peer_observer* observer_ = nullptr;
    parley::diagnostics* diagnostics_ = nullptr;
    operation_error* failure_ = nullptr;
};

// The options of async_offer().
class offer_options : public meeting_option_setters<offer_options> {
public:
    offer_options() = default;

    // The iterations of the key derivation, for both sides; default_iterations by default.
    offer_options& iterations(std::uint64_t value)
    {
        iterations_ = value;
        return *this;
    }
    // The cipher of both directions: AES-256-GCM, the default, or ChaCha20-Poly1305.
    offer_options& cipher(parley::cipher value)
    {
        cipher_ = value;
        return *this;
    }

    std::uint64_t iterations() const noexcept { return iterations_; }
    parley::cipher cipher() const noexcept { return cipher_; }

private:
    std::uint64_t iterations_ = default_iterations;
    parley::cipher cipher_ = parley::cipher::aes_256_gcm;
};

// The options of async_join().
class join_options : public meeting_option_setters<join_options> {
public:
    join_options() = default;

    // The most iterations of the key derivation that an offering side may ask for; default_max_iterations by default.
    join_options& max_iterations(std::uint64_t value)
    {
        max_iterations_ = value;
        return *this;
    }

    std::uint64_t max_iterations() const noexcept { return max_iterations_; }

private:
    std::uint64_t max_iterations_ = default_max_iterations;
};

namespace detail {

using meeting_handler = asio::any_completion_handler<void(error_code, meeting)>;

void start_offer(executor ex, secret_bytes password, offer_options options, meeting_handler handler);
void start_join(executor ex, secret_bytes password, join_options options, meeting_handler handler);

// The executor of an operation and of its stream: the handler's own. Without one, a strand of the system's threads.
template <class Handler>
executor executor_of(const Handler& handler)
{
    const auto own = asio::get_associated_executor(handler);
    if constexpr (std::is_convertible_v<decltype(own), executor> &&
                  !std::is_same_v<std::decay_t<decltype(own)>, asio::system_executor>)
        return own;
    else
        return asio::make_strand(asio::system_executor{});
}

} // namespace detail

// Waits at `relay` for a peer that joins with the same password. Completes when both are in the room and have
// said hello. Signature void(error_code, meeting); on an error the meeting is empty.
//
// The operation, and the stream, run on the handler's associated executor, which must be a strand or have one thread.
// `relay` takes the place of options.relay(). Errors, by phase: name_not_resolved, connect_failed, timed_out, the system's
// (connecting); timed_out, timed_out_by_relay, closed_by_relay, too_many_guesses, those of the wire (waiting); room_*,
// timed_out (entering); hello_missing, protocol_mismatch, record_damaged, peer_disconnected (the session's hello);
// invalid_public_packet, crypto_unavailable, invalid_argument of boost::system::errc (impossible options).
// Cancellation (terminal): `cancelled`, and no connection stays open.
template <class Token = asio::deferred_t>
auto async_offer(relay_address relay, secret_bytes password, offer_options options, Token&& token = Token{})
{
    options.relay(std::move(relay));
    return asio::async_initiate<Token, void(error_code, meeting)>(
        [](auto handler, secret_bytes secret, offer_options chosen) {
            executor ex = detail::executor_of(handler);
            detail::start_offer(std::move(ex), std::move(secret), std::move(chosen),
                                detail::meeting_handler{std::move(handler)});
        },
        token, std::move(password), std::move(options));
}

// The same as the other side: meets a peer that offers with the same password.
template <class Token = asio::deferred_t>
auto async_join(relay_address relay, secret_bytes password, join_options options, Token&& token = Token{})
{
    options.relay(std::move(relay));
    return asio::async_initiate<Token, void(error_code, meeting)>(
        [](auto handler, secret_bytes secret, join_options chosen) {
            executor ex = detail::executor_of(handler);
            detail::start_join(std::move(ex), std::move(secret), std::move(chosen),
                               detail::meeting_handler{std::move(handler)});
        },
        token, std::move(password), std::move(options));
}

} // namespace parley
