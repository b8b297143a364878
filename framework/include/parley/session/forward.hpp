// Port forwarding over an authenticated stream of protocol `parley.forward` (SESSION2.md section 10).
//
//     program ──TCP──▶ forward_ports ══ stream ══ expose_ports ──TCP──▶ target
//
// One coroutine for each direction of each connection carries bytes between a TCP connection and the stream. Windows
// bound what is kept: a program that does not read stops its own connection and no other. An end in order of one
// direction arrives as such. Anything else that ends a TCP connection arrives as a reset.
#pragma once

#include <parley/async/time_source.hpp>
#include <parley/proto/forward_machine.hpp>
#include <parley/session/forward_rule.hpp>
#include <parley/session/peer_session.hpp>
#include <parley/stream/any_stream.hpp>

#include <string_view>
#include <utility>
#include <vector>

namespace parley {

// Bytes of one connection's content.
struct forward_counts {
    std::uint64_t sent = 0;     // to the other side
    std::uint64_t received = 0; // from the other side, and passed on to the TCP connection
};

// Receives the events of an operation, on its executor, and never after its end. Each function does nothing unless it
// is overridden. An override must not throw or block for long. All texts are safe to print.
class forward_observer {
public:
    virtual ~forward_observer() = default;

    // The forwarding side listens at `bound`, once for each address of a rule.
    virtual void listening(const forward_rule& rule, const tcp_endpoint& bound) { (void)rule, (void)bound; }
    // The target is reached. `address` is that of the TCP connection's other end: the target's on the exposing side,
    // the program's on the forwarding side.
    virtual void opened(forward_number connection, const forward_target& target, std::string_view address)
    {
        (void)connection, (void)target, (void)address;
    }
    // The target is not reached. `why` is for people. 0 is the number of a connection that this side could not open.
    virtual void refused(forward_number connection, const forward_target& target, forward_cause cause,
                         std::string_view why)
    {
        (void)connection, (void)target, (void)cause, (void)why;
    }
    // A connection that was opened is over. `why` is unset when both directions have ended in order, connection_reset
    // when the other side broke it off, `cancelled` or peer_disconnected at the end of the session, else the error of
    // this side's TCP connection.
    virtual void closed(forward_number connection, const forward_target& target, const forward_counts& counts,
                        error_code why)
    {
        (void)connection, (void)target, (void)counts, (void)why;
    }
    // Accepting on a listening socket has failed. It is tried again.
    virtual void accept_failed(error_code why) { (void)why; }
};

// The options that both sides share. Every setter returns the object, so that calls chain.
template <class Self>
class forward_option_setters {
public:
    // Null, the default, means nobody. It must outlive the operation.
    Self& observer(forward_observer* value)
    {
        observer_ = value;
        return self();
    }
    // The most connections of this side, those included that are still being closed; 1 to 256, which is the default.
    // More are refused.
    Self& max_connections(std::size_t value)
    {
        max_connections_ = value;
        return self();
    }
    // The windows' bounds. Received bytes take at most max_connections() times 256 KiB and growth_budget_bytes of
    // memory, twice where a buffer grows.
    Self& windows(const forward_machine_options& value)
    {
        windows_ = value;
        return self();
    }
    // The time for the last bytes of both directions at the end of the session; 5 seconds by default.
    Self& end_timeout(duration value)
    {
        end_timeout_ = value;
        return self();
    }
    // The clock of end_timeout; null, the default, means the system's. It must outlive the operation.
    Self& time(time_source* value)
    {
        time_ = value;
        return self();
    }

    forward_observer* observer() const noexcept { return observer_; }
    std::size_t max_connections() const noexcept { return max_connections_; }
    const forward_machine_options& windows() const noexcept { return windows_; }
    duration end_timeout() const noexcept { return end_timeout_; }
    time_source* time() const noexcept { return time_; }

private:
    Self& self() noexcept { return static_cast<Self&>(*this); }

    forward_observer* observer_ = nullptr;
    std::size_t max_connections_ = max_forward_connections;
    forward_machine_options windows_;
    duration end_timeout_ = std::chrono::seconds{5};
    time_source* time_ = nullptr;
};

class expose_options : public forward_option_setters<expose_options> {
public:
    // Lets the other side reach `target`. Nothing else can be reached. Compared as text.
    expose_options& expose(forward_target target)
    {
        targets_.push_back(std::move(target));
        return *this;
    }
    // The time to look up and reach a target; 15 seconds by default.
    expose_options& connect_timeout(duration value)
    {
        connect_timeout_ = value;
        return *this;
    }
    // The resolver of the targets' names; null, the default, means the system's. It must outlive the operation.
    expose_options& names(resolver* value)
    {
        names_ = value;
        return *this;
    }

    const std::vector<forward_target>& targets() const noexcept { return targets_; }
    duration connect_timeout() const noexcept { return connect_timeout_; }
    resolver* names() const noexcept { return names_; }

private:
    std::vector<forward_target> targets_;
    duration connect_timeout_ = std::chrono::seconds{15};
    resolver* names_ = nullptr;
};

class forward_options : public forward_option_setters<forward_options> {
public:
    // Listens as `rule` says, and forwards each connection to its target.
    forward_options& listen(forward_rule rule)
    {
        rules_.push_back(std::move(rule));
        return *this;
    }

    const std::vector<forward_rule>& rules() const noexcept { return rules_; }

private:
    std::vector<forward_rule> rules_;
};

// Serves the other side's connections to the exposed targets, until the session ends. `stream` is that of the
// handshake's server.
//
// The result has no error after an end in order. Errors, in phase transferring: bad_record (the other side broke a
// rule, and was told), what to_errc() says of the other side's reason, peer_disconnected and others of the stream.
// Cancellation (terminal): `cancelled`, after the session has ended in order: the other side has no error. It waits for
// the other side's end, at most end_timeout; a second cancellation ends the wait. In every case all TCP connections and
// the stream are closed when it returns; connections that were not over are reset. Not thread-safe: the calling coroutine's executor, which must be the
// stream's, is a strand, or its context has one thread.
awaitable<operation_error> expose_ports(any_stream stream, expose_options options);

// Listens on this side, and forwards connections to the other side's targets, until the session ends. `stream` is that
// of the handshake's client. The same as above; in phase preparing also the errors of an address to listen on
// (address_in_use, permission_denied, …), and then nothing has been sent.
awaitable<operation_error> forward_ports(any_stream stream, forward_options options);

} // namespace parley
