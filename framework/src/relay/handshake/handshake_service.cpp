#include "relay/handshake/handshake_service.hpp"

#include "async/scratch.hpp"
#include "relay/handshake/hello.hpp"
#include "relay/limits/address_key.hpp"
#include "relay/limits/attempt_limit.hpp"

#include <boost/asio/post.hpp>

#include <utility>

namespace parley::detail {
namespace {

// Above this many queued bytes, the relay does not answer a repeated hello. A peer that does not read could
// otherwise make the queue grow without end.
constexpr std::size_t max_unread_bytes = 4096;
// The most that one turn of a connection handles. The rest waits until other connections had their turns.
constexpr std::size_t max_turn_packets = 64;
constexpr std::size_t max_turn_bytes = 4096;
constexpr std::size_t max_turn_writes = 256;
// Packets of other peers may take this fraction of a peer's queue. The rest is for the relay's own packets.
constexpr std::size_t others_part = 8;

} // namespace

// The attempts against one waiting peer. Exists from the first attempt until all buckets are full again.
struct handshake_service::attempts {
    explicit attempts(std::uint64_t seed) : limit(seed) {}

    attempt_limit limit;
    std::unique_ptr<memory_share> memory;
    time_point due = no_deadline; // its key in tried_
};

// One peer. A waiting peer costs this object, its stream, and one pending wait for readability.
struct handshake_service::connection final : place_holder {
    connection(handshake_service& in, any_stream s, const identity& w, permit p)
        : service(in), held(std::move(p)), stream(std::move(s)), who(w)
    {
        held.set_holder(*this);
    }
    void give_way(reject_reason reason) override { service.give_way(id, reason); }

    handshake_service& service;
    permit held;
    any_stream stream;
    identity who;
    connection_id id{};
    std::uint64_t ticket = 0;  // unique, while an id is used again
    std::uint64_t network = 0; // the widest network of its address, for attempts
    packet_parser parser;
    packet_queue queue;
    std::unique_ptr<memory_share> memory; // set while it holds more than a little
    std::unique_ptr<handshake_service::attempts> tried;
    gcra packets;                  // the rate of its packets
    std::optional<peer_kind> kind; // set by its first hello
    error_code why;                // of a close that has begun
    bool writing = false;          // one write is under way
    bool unflushed = false;        // it is in unflushed_
    bool overflown = false;        // it is in overflown_
    bool closing = false;          // accepts no more packets; closes after the queue is written
    bool shut = false;             // the sending direction has ended
    bool ended = false;            // closed and removed: later handlers do nothing
};

handshake_service::handshake_service(executor ex, const relay_server_options& options,
                                     relay_observer& observer, std::shared_ptr<limiter> limits,
                                     agreed_handler on_agreed, std::function<void()> on_idle)
    : executor_(ex),
      options_(options),
      observer_(observer),
      on_agreed_(std::move(on_agreed)),
      on_idle_(std::move(on_idle)),
      limits_(std::move(limits)),
      machine_(options.relay),
      timer_(ex, *options.time, [this] { on_timer(); })
{
}

handshake_service::~handshake_service() = default;

room_peer handshake_service::room_peer_of(connection_id id, const identity& who) const
{
    const auto c = connections_.find(id);
    return {who, c ? c->stream.seat() : std::nullopt};
}

void handshake_service::serve(any_stream stream, const identity& wanted, permit held)
{
    const identity who = names_.allocate(wanted);
    if (who.empty()) {
        observer_.rejected(wanted, relay_channel::handshake, reject_reason::duplicate_identity);
        return stream.close();
    }
    stream.set_acknowledgement_timeout(options_.tcp.dead_path_timeout);
    const auto c = std::make_shared<connection>(*this, std::move(stream), who, std::move(held));
    c->id = connections_.insert(c);
    c->ticket = (++last_ticket_ << 32) | static_cast<std::uint32_t>(c->id);
    constexpr std::uint64_t no_network = 0xff00'0000'0000'0000; // no peer comes from a multicast network
    const auto address = address_key(who);
    c->network = address ? widest_network(address) : no_network | static_cast<std::uint32_t>(c->id);
    observer_.connected(who, relay_channel::handshake);
    machine_.connect(c->id, who, timer_.now());
    drain();
    on_readable(c, {}); // the stream begins with a hello
}

void handshake_service::wait_readable(const connection_ptr& c)
{
    if (c->ended) return;
    c->stream.async_wait_readable([this, c](error_code error) { on_readable(c, error); });
}

void handshake_service::on_readable(const connection_ptr& c, error_code error)
{
    if (c->ended) return;
    if (error) {
        end(c, error);
        settle();
        return;
    }
    take_turn(c);
}

// Reads and handles a bounded number of packets. The rest goes back into the stream, for a later turn.
void handshake_service::take_turn(const connection_ptr& c)
{
    const std::size_t packets = c->packets.available(packet_rate(), timer_.now(), max_turn_packets);
    if (packets == 0 && !c->closing) return pause(c);
    error_code error;
    const mutable_bytes space = scratch().first(max_turn_bytes);
    const std::size_t size = c->stream.try_read_some(space, error);
    if (error == asio::error::would_block) {
        wait_readable(c);
        return;
    }
    if (error) {
        end(c, error == asio::error::eof ? c->parser.finish() : error);
        settle();
        return;
    }
    // Reads and discards the bytes of a closing peer. Closing over unread bytes would reset the connection,
    // and the peer might not receive the reason.
    if (!c->closing) {
        const bytes_view rest = feed(c, space.first(size), packets);
        if (!rest.empty() && !c->closing && !c->ended) c->stream.put_back(rest);
        charge(c);
    }
    settle();
    wait_readable(c);
}

// Reads from a peer that sent too fast again when the bucket has some tokens. Meanwhile its bytes fill its own
// buffers.
void handshake_service::pause(const connection_ptr& c)
{
    observer_.rejected(c->who, relay_channel::handshake, reject_reason::packet_rate);
    const bucket_rate rate = packet_rate();
    const double worth_a_turn = std::clamp(rate.per_second / 10, 1.0, static_cast<double>(max_turn_packets));
    paused_.emplace(c->packets.ready(rate, timer_.now(), worth_a_turn), c);
    arm_timer();
}

bucket_rate handshake_service::packet_rate() const noexcept
{
    constexpr double burst_seconds = 10;
    const double most = limits_->limits().packets_per_second;
    return {most, most * burst_seconds};
}

// Handles at most `max_packets` packets of `input` and returns the rest. Dropped and ignored packets count,
// too.
bytes_view handshake_service::feed(const connection_ptr& c, bytes_view input, std::size_t max_packets)
{
    const time_point now = timer_.now();
    std::size_t packets = 0;
    while (!input.empty() && packets < max_packets && !c->closing && !c->ended) {
        const auto parsed = c->parser.parse(input);
        if (!parsed) {
            machine_.receive_malformed(c->id, parsed.error(), now);
        } else if (*parsed) {
            const message& packet = **parsed;
            ++packets;
            // The peer does not read, so its answers would pile up.
            if (c->kind && hello_kind(packet) && c->queue.bytes() > max_unread_bytes) continue;
            if (may_pass(c, packet, now)) machine_.receive(c->id, packet, now);
        }
        drain();
    }
    c->packets.spend(packet_rate(), now, static_cast<double>(packets));
    return input;
}

// Applies the limits before the machine sees a packet: they are no part of the protocol.
bool handshake_service::may_pass(const connection_ptr& c, const message& packet, time_point now)
{
    if (const auto kind = hello_kind(packet)) {
        auto refused = limits_->hello(c->who, now, c->kind ? 0 : announcements_of(*kind));
        if (!refused) refused = limits_->also(share::waiting, c->held);
        if (refused) {
            observer_.rejected(c->who, relay_channel::handshake, *refused);
            machine_.receive_malformed(c->id, make_error_code(errc::cancelled), now);
            return false;
        }
        if (!c->kind) c->kind = kind;
        observer_.hello(c->who, *kind);
        return true;
    }
    return may_forward(c, packet, now);
}

// The cost of a first hello in announcements. A client receives the list of servers in one write, so a server
// in it costs less.
std::size_t handshake_service::announcements_of(peer_kind kind) const noexcept
{
    constexpr std::size_t listed_for_one = 16;
    const relay_machine::counts waiting = machine_.count();
    return kind == peer_kind::server ? waiting.clients : waiting.servers / listed_for_one;
}

// Decides about a packet for another peer. A peer cannot fill another peer's queue: the relay drops its packets
// before that.
bool handshake_service::may_forward(const connection_ptr& c, const message& packet, time_point now)
{
    const auto whom = machine_.candidate(c->id, packet.peer);
    const connection_ptr target = whom ? connections_.find(*whom) : nullptr;
    if (!target) return true; // the machine drops it
    if (target->queue.cost() > options_.max_queue_bytes / others_part) {
        observer_.rejected(c->who, relay_channel::handshake, reject_reason::queue_full);
        return false;
    }
    const bool guess = c->kind == peer_kind::client
                           ? std::holds_alternative<packet::x_and_client_identity>(packet.body)
                           : std::holds_alternative<packet::y_and_server_validator>(packet.body);
    return !guess || may_try(c, target, packet, now);
}

// Counts a guess at a password: a client's guess at a server, and a server's guess at a client. A guess above
// the rate waits in the target's queue.
bool handshake_service::may_try(const connection_ptr& c, const connection_ptr& target, const message& packet,
                                time_point now)
{
    const double rate = limits_->limits().attempts_per_minute;
    if (rate <= 0) return true;
    if (target->tried)
        release_attempts(target, now); // queued attempts come first
    else
        target->tried = std::make_unique<attempts>(limits_->seed());
    attempts& tried = *target->tried;
    const std::size_t waiting = tried.limit.waiting();
    const auto verdict = tried.limit.take(rate, c->network, {c->ticket, packet}, now);
    charge_attempts(target);
    if (tried.due == no_deadline || tried.limit.waiting() != waiting) schedule_attempts(target, now);
    if (verdict == attempt_limit::verdict::passes) return true;
    observer_.rejected(c->who, relay_channel::handshake, reject_reason::attempt_rate);
    return false;
}

void handshake_service::release_attempts(const connection_ptr& target, time_point now)
{
    const auto alive = [this](std::uint64_t ticket) {
        const auto c = connections_.find(connection_id{static_cast<std::uint32_t>(ticket)});
        return c && c->ticket == ticket && !c->closing;
    };
    const double rate = limits_->limits().attempts_per_minute;
    while (const auto next = target->tried->limit.release(rate, now, alive)) {
        machine_.receive(connection_id{static_cast<std::uint32_t>(next->from)}, next->packet, now);
        drain();
    }
}

void handshake_service::schedule_attempts(const connection_ptr& target, time_point now)
{
    attempts& tried = *target->tried;
    const time_point next = tried.limit.next(limits_->limits().attempts_per_minute, now);
    if (next >= tried.due) return;
    tried.due = next;
    tried_.emplace(next, target);
}

// Performs all actions of the machine. Call it after every input, before the next one.
void handshake_service::drain()
{
    while (auto action = machine_.next_action()) perform(*action);
}

void handshake_service::perform(relay_action_variant& action)
{
    if (auto* send = std::get_if<relay_action::send>(&action)) {
        if (const auto c = connections_.find(send->to)) push(c, send->packet->view());
    } else if (auto* close = std::get_if<relay_action::close>(&action)) {
        if (const auto c = connections_.find(close->which)) begin_close(c, close->why);
    } else if (auto* agree = std::get_if<relay_action::agree>(&action)) {
        observer_.agreed(agree->client, agree->server);
        on_agreed_(room_peer_of(agree->client_connection, agree->client),
                   room_peer_of(agree->server_connection, agree->server));
    } else if (auto* drop = std::get_if<relay_action::drop>(&action)) {
        if (const auto c = connections_.find(drop->from)) observer_.dropped(c->who, drop->reason, drop->type);
    }
}

void handshake_service::push(const connection_ptr& c, bytes_view packet)
{
    if (c->ended || c->overflown) return;
    c->queue.push(packet);
    charge(c);
    if (c->queue.cost() > options_.max_queue_bytes) {
        // settle() ends it, after all actions: ending is another input to the machine.
        c->overflown = true;
        overflown_.push_back(c);
    } else if (!c->unflushed && !c->writing) {
        c->unflushed = true;
        unflushed_.push_back(c);
    }
}

// Reports to the budget what this connection holds: packets to write, and bytes to handle.
void handshake_service::charge(const connection_ptr& c)
{
    if (c->ended) return;
    const std::size_t bytes = c->queue.cost() + c->stream.put_back_bytes();
    if (!c->memory) {
        if (bytes < memory_share::step_bytes) return; // as nearly always
        const auto on_drop = [this, weak = std::weak_ptr{c}] {
            asio::post(executor_, [this, weak] {
                const auto dropped = weak.lock();
                if (!dropped || dropped->ended) return;
                drop_reader(dropped, reject_reason::memory);
                settle();
            });
        };
        c->memory = std::make_unique<memory_share>(limits_->memory(), on_drop);
    }
    c->memory->set(bytes);
    if (bytes == 0) c->memory.reset();
}

// The budget may drop the queued attempts. The target is not at fault, and stays.
void handshake_service::charge_attempts(const connection_ptr& target)
{
    attempts& tried = *target->tried;
    const std::size_t bytes = tried.limit.cost();
    if (!tried.memory) {
        if (bytes < memory_share::step_bytes) return;
        const auto on_drop = [this, weak = std::weak_ptr{target}] {
            asio::post(executor_, [this, weak] {
                const auto c = weak.lock();
                if (!c || c->ended || !c->tried) return;
                observer_.rejected(c->who, relay_channel::handshake, reject_reason::memory);
                c->tried->limit.forget_waiting();
                c->tried->memory.reset();
            });
        };
        tried.memory = std::make_unique<memory_share>(limits_->memory(), on_drop);
    }
    tried.memory->set(bytes);
}

void handshake_service::begin_close(const connection_ptr& c, error_code why)
{
    if (c->closing || c->ended) return;
    c->closing = true;
    c->tried.reset();
    c->why = why;
    closing_.push_back({timer_.now() + options_.linger_timeout, c});
    if (!c->unflushed && !c->writing) {
        c->unflushed = true;
        unflushed_.push_back(c);
    }
}

// A network that holds less gets its place. A goodbye that would block is given up.
void handshake_service::give_way(connection_id which, reject_reason why)
{
    const auto c = connections_.find(which);
    if (!c) return;
    observer_.rejected(c->who, relay_channel::handshake, why);
    if (!c->writing && !c->closing) {
        const auto goodbye = std::make_shared<const encoded_packet>(encode(relay_uid, packet::closed{}));
        const bytes_view bytes = goodbye->view();
        c->stream.async_write_some(asio::buffer(bytes.data(), bytes.size()),
                                   [goodbye](error_code, std::size_t) {});
    }
    end(c, errc::cancelled);
    settle();
}

// Starts the writes. It runs after all actions, so one write carries all packets that one input has caused. An
// announcement may cause thousands of writes: the timer starts the rest of them, after the handlers of others.
void handshake_service::flush()
{
    for (std::size_t n = 0; !unflushed_.empty() && n < max_turn_writes; ++n) {
        const auto c = std::move(unflushed_.front());
        unflushed_.pop_front();
        c->unflushed = false;
        if (!c->writing) write(c);
    }
}

void handshake_service::write(const connection_ptr& c)
{
    if (c->ended) return;
    if (c->queue.empty()) {
        if (c->closing && !c->shut) shut_down(c);
        return;
    }
    std::array<asio::const_buffer, gather_buffers::max_buffers> buffers;
    const std::size_t count = c->queue.gather(buffers);
    c->writing = true;
    c->stream.async_write_some(std::span{buffers}.first(count),
                               [this, c](error_code error, std::size_t size) { on_written(c, error, size); });
}

void handshake_service::on_written(const connection_ptr& c, error_code error, std::size_t size)
{
    c->writing = false;
    if (c->ended) {
        c->queue.clear();
        return;
    }
    if (error) {
        end(c, error);
    } else {
        c->queue.consume(size);
        charge(c);
        write(c);
    }
    settle();
}

void handshake_service::shut_down(const connection_ptr& c)
{
    c->shut = true;
    c->stream.async_shutdown_send([this, c](error_code error) {
        if (c->ended || !error) return; // the peer's end is awaited, within the linger timeout
        end(c, c->why);
        settle();
    });
}

void handshake_service::drop_reader(const connection_ptr& c, reject_reason why)
{
    observer_.overflow(c->who, c->queue.bytes());
    observer_.rejected(c->who, relay_channel::handshake, why);
    c->stream.reset_on_close(true); // the peer does not read the rest
    end(c, errc::queue_overflow);
}

// Ends the connection and informs the machine. The caller must call settle() afterwards.
void handshake_service::end(const connection_ptr& c, error_code why)
{
    if (c->ended) return;
    c->ended = true;
    c->stream.close();
    if (!c->writing) c->queue.clear(); // a pending write still uses its packets
    c->memory.reset();
    c->tried.reset();
    machine_.disconnect(c->id, timer_.now());
    drain();
    names_.release(c->who);
    connections_.erase(c->id);
    c->held.release();
    observer_.disconnected(c->who, relay_channel::handshake, c->closing ? c->why : why);
}

// Completes an input: performs the machine's actions, ends slow readers, starts the writes and arms the
// timer.
void handshake_service::settle()
{
    drain();
    while (!overflown_.empty()) {
        const auto c = std::move(overflown_.back());
        overflown_.pop_back();
        if (c->ended) continue;
        drop_reader(c, reject_reason::slow_reader);
    }
    flush();
    arm_timer();
    if (connections_.size() == 0) on_idle_();
}

void handshake_service::arm_timer()
{
    while (!closing_.empty()) {
        const auto c = closing_.front().which.lock();
        if (c && !c->ended) break;
        closing_.pop_front();
    }
    time_point next = machine_.next_deadline();
    if (!closing_.empty()) next = std::min(next, closing_.front().deadline);
    if (!paused_.empty()) next = std::min(next, paused_.begin()->first);
    if (!tried_.empty()) next = std::min(next, tried_.begin()->first);
    if (!unflushed_.empty()) next = timer_.now();
    if (connections_.size() == 0)
        timer_.cancel();
    else
        timer_.arm(next);
}

void handshake_service::on_timer()
{
    const time_point now = timer_.now();
    machine_.expire(now);
    drain();
    while (!closing_.empty() && closing_.front().deadline <= now) {
        const auto c = closing_.front().which.lock();
        closing_.pop_front();
        if (c && !c->ended) end(c, c->why);
    }
    while (!paused_.empty() && paused_.begin()->first <= now) {
        const auto c = paused_.begin()->second.lock();
        paused_.erase(paused_.begin());
        if (c) wait_readable(c);
    }
    while (!tried_.empty() && tried_.begin()->first <= now) {
        const auto [due, which] = *tried_.begin();
        tried_.erase(tried_.begin());
        const auto c = which.lock();
        if (!c || !c->tried || c->tried->due != due) continue; // its key has changed
        c->tried->due = no_deadline;
        if (c->tried->limit.idle(now)) {
            c->tried.reset();
            continue;
        }
        release_attempts(c, now);
        charge_attempts(c);
        schedule_attempts(c, now);
    }
    settle();
}

void handshake_service::stop()
{
    const encoded_packet goodbye = encode(relay_uid, packet::closed{});
    connections_.for_each([&](const connection_ptr& c) {
        if (c->closing) return;
        push(c, goodbye.view());
        begin_close(c, errc::cancelled);
    });
    settle();
}

void handshake_service::abort()
{
    connections_.for_each([&](const connection_ptr& c) { end(c, errc::cancelled); });
    settle();
}

} // namespace parley::detail
