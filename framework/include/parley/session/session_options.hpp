// The options that senders and receivers share.
#pragma once

#include <parley/async/time_source.hpp>
#include <parley/base/random.hpp>
#include <parley/base/time.hpp>
#include <parley/proto/guess_report.hpp>
#include <parley/transport/address.hpp>
#include <parley/transport/proxy.hpp>
#include <parley/transport/resolver.hpp>

#include <string>
#include <utility>

namespace parley {

// The values of the options. session_option_setters documents and sets each of them.
class session_options {
public:
    session_options() = default;

    const relay_address& relay() const noexcept { return relay_; }
    duration connect_timeout() const noexcept { return connect_timeout_; }
    duration wait_timeout() const noexcept { return wait_timeout_; }
    duration entry_timeout() const noexcept { return entry_timeout_; }
    duration idle_timeout() const noexcept { return idle_timeout_; }
    bool reconnect() const noexcept { return reconnect_; }
    std::uint64_t max_guesses() const noexcept { return max_guesses_; }
    random_source* random() const noexcept { return random_; }
    time_source* time() const noexcept { return time_; }
    resolver* names() const noexcept { return names_; }
    const std::string& ca_file() const noexcept { return ca_file_; }
    const executor& blocking() const noexcept { return blocking_; }
    const proxy_pointer& proxy() const noexcept { return proxy_; }

protected:
    relay_address relay_;
    duration connect_timeout_ = std::chrono::seconds{15};
    duration wait_timeout_ = std::chrono::seconds{3600};
    duration entry_timeout_ = std::chrono::seconds{60};
    duration idle_timeout_ = std::chrono::seconds{60};
    bool reconnect_ = true;
    std::uint64_t max_guesses_ = default_max_guesses;
    random_source* random_ = nullptr;
    time_source* time_ = nullptr;
    resolver* names_ = nullptr;
    std::string ca_file_;
    executor blocking_;
    proxy_pointer proxy_;
};

// Setters that chain: receive_options{}.relay(address).idle_timeout(30s). `Self` is the derived class.
template <class Self>
class session_option_setters : public session_options {
public:
    using session_options::blocking;
    using session_options::ca_file;
    using session_options::connect_timeout;
    using session_options::entry_timeout;
    using session_options::idle_timeout;
    using session_options::max_guesses;
    using session_options::names;
    using session_options::proxy;
    using session_options::random;
    using session_options::reconnect;
    using session_options::relay;
    using session_options::time;
    using session_options::wait_timeout;

    // The relay, over any transport. Required.
    Self& relay(relay_address value)
    {
        relay_ = std::move(value);
        return self();
    }
    // The time for each connection, up to the relay's first answer; 15 seconds by default.
    Self& connect_timeout(duration value)
    {
        connect_timeout_ = value;
        return self();
    }
    // The time from the first connection to the agreement, reconnections included; an hour by default.
    Self& wait_timeout(duration value)
    {
        wait_timeout_ = value;
        return self();
    }
    // The time from the agreement until both peers are in the room; 60 seconds by default.
    Self& entry_timeout(duration value)
    {
        entry_timeout_ = value;
        return self();
    }
    // The time that the room may stay without a byte; 60 seconds by default. A sender may take twice that to
    // detect it.
    Self& idle_timeout(duration value)
    {
        idle_timeout_ = value;
        return self();
    }
    // Whether a peer that waits connects again when it loses the relay (session/reconnection.hpp), until
    // wait_timeout; true by default. The first connection is not repeated.
    Self& reconnect(bool value)
    {
        reconnect_ = value;
        return self();
    }
    // How many peers with another password may come during the wait; one more ends the operation with
    // too_many_guesses. default_max_guesses (10,000) by default; 0: no limit. Honest peers at the same relay
    // count, too.
    Self& max_guesses(std::uint64_t value)
    {
        max_guesses_ = value;
        return self();
    }
    // The source of random numbers; null, the default, means system_random(). It must outlive the operation.
    Self& random(random_source* value)
    {
        random_ = value;
        return self();
    }
    // The clock of the handshake, of its pauses and of a session of version 2; null, the default, means the
    // system's. It must outlive the operation. The timeouts of connecting and of a room of version 1 always
    // use the system's.
    Self& time(time_source* value)
    {
        time_ = value;
        return self();
    }
    // The resolver of host names; null, the default, means the system's. It must outlive the operation.
    Self& names(resolver* value)
    {
        names_ = value;
        return self();
    }
    // A PEM file with the authorities for tls and wss; empty, the default, means the system's.
    Self& ca_file(std::string value)
    {
        ca_file_ = std::move(value);
        return self();
    }
    // The executor for blocking work: a receiver derives keys there, and the document is read, hashed,
    // compressed and written there. Its context must run until the operation has ended. The operation runs
    // one such job at a time. By default the operation starts its own thread for the derivations, and another
    // one when it enters the room.
    Self& blocking(executor value)
    {
        blocking_ = std::move(value);
        return self();
    }
    // The proxy between this peer and the relay, for both connections; null, the default, means none.
    Self& proxy(proxy_pointer value)
    {
        proxy_ = std::move(value);
        return self();
    }

private:
    Self& self() noexcept { return static_cast<Self&>(*this); }
};

} // namespace parley
