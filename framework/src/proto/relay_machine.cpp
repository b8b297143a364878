#include <parley/proto/relay_machine.hpp>

#include <proto/deadline.hpp>
#include <proto/fifo.hpp>
#include <proto/index_list.hpp>
#include <proto/overloaded.hpp>

#include <algorithm>
#include <utility>
#include <vector>

namespace parley {
namespace {

constexpr std::size_t all_uids = 0x10000;
constexpr std::size_t usable_uids = all_uids - 1;
// The number of ended pairs remembered for each peer. Beyond it a peer that has forgotten another may still
// hear that the other leaves, which is harmless. Without the bound two peers could fill the relay's memory.
constexpr std::size_t max_ended_pairs = 128;
// The number of clients to which a server's `agreement` is remembered. An honest server has one or two: it sends
// them to clients that know its password, and waits for their users.
constexpr std::size_t max_agreements = 64;
// With many receivers the interval is longer, so that announcements take a bounded part of the time.
constexpr duration interval_per_receiver = std::chrono::microseconds{20};
// Marks a uid whose peer has left, but whose departure is not announced yet.
constexpr std::uint32_t reserved = no_index - 1;

constexpr peer_kind other(peer_kind kind) noexcept
{
    return kind == peer_kind::server ? peer_kind::client : peer_kind::server;
}

// absent: no such connection; closing: a close was requested, so input is ignored and nothing more is sent.
enum class stage : byte { absent, silent, waiting, closing };

struct peer {
    identity who;
    parley::stage stage = stage::absent;
    peer_kind kind = peer_kind::client; // while waiting
    // A server: the clients that waited before it know it. A client: it has sent a packet to a server.
    bool announced = false;
    uid number;               // while waiting
    std::uint64_t serial = 0; // while waiting: like the number, but never used again
    time_point deadline = no_deadline;
    index_links by_deadline;                            // while silent or waiting
    index_links by_kind;                                // while waiting
    std::shared_ptr<const encoded_packet> announcement; // a waiting server's new_server
    std::vector<std::uint16_t> ended;                   // peers of ended pairs; each lists this one, too
    std::vector<std::uint64_t> agreed; // a server's: the serials of clients that may accept, oldest first
};

using shared_packet = std::shared_ptr<const encoded_packet>;

// A peer that has left.
struct departure {
    uid number;
    std::uint64_t came = 0, left = 0; // serials
    bool announced = false;           // see peer
    shared_packet closed;
};
// A new server. It may have left since.
struct arrival {
    std::uint32_t at = no_index;
    std::uint64_t serial = 0;
};
// The announcements that the waiting peers of one kind have not received yet.
struct pending_announcements {
    std::vector<departure> gone;
    std::vector<arrival> come;                 // for clients
    time_point not_before = time_point::min(); // the end of the interval
    std::uint64_t last_serial = 0;             // at the start of the interval
    bool telling = false;                      // next_action() sends them, peer by peer
    std::uint32_t next = no_index;             // the next receiver
    std::size_t told = 0;                      // the number of receivers so far

    bool empty() const noexcept { return gone.empty() && come.empty(); }
};

shared_packet shared(uid from, const packet_variant& body)
{
    return std::make_shared<const encoded_packet>(encode(from, body));
}

} // namespace

struct relay_machine::state {
    explicit state(relay_options o) : options{o} {}

    relay_options options;
    std::vector<peer> peers;           // by connection_id
    std::vector<std::uint32_t> by_uid; // as long as the highest number given out
    std::uint16_t last_uid = 0;
    std::uint64_t last_serial = 0;
    std::size_t connections = 0;
    std::array<std::size_t, 2> waiting{};                  // by kind
    index_list<peer, &peer::by_deadline> deadlines;        // all wait equally long: in order of connection
    std::array<index_list<peer, &peer::by_kind>, 2> kinds; // newest first
    std::array<pending_announcements, 2> news;             // by the kind that hears it
    std::size_t reserved_uids = 0;                         // uids
    time_point now{};                                      // of the input
    fifo<relay_action_variant> actions;

    auto& of_kind(peer_kind kind) noexcept { return kinds[static_cast<std::size_t>(kind)]; }
    auto& count_of(peer_kind kind) noexcept { return waiting[static_cast<std::size_t>(kind)]; }
    auto& news_for(peer_kind kind) noexcept { return news[static_cast<std::size_t>(kind)]; }
    static connection_id id(std::uint32_t at) noexcept { return connection_id{at}; }

    std::uint32_t holder_of(std::uint16_t number) const noexcept
    {
        const std::uint32_t at = number < by_uid.size() ? by_uid[number] : no_index;
        return at == reserved ? no_index : at;
    }

    // The peer of a connection whose input counts; null when there is none.
    peer* live(std::uint32_t at) noexcept
    {
        if (at >= peers.size()) return nullptr;
        peer& p = peers[at];
        return p.stage == stage::silent || p.stage == stage::waiting ? &p : nullptr;
    }

    // --- the table of transitions: a packet of a silent or waiting peer --------------------------

    void receive(std::uint32_t at, const message& m)
    {
        constexpr auto client = peer_kind::client;
        constexpr auto server = peer_kind::server;
        std::visit(
            overloaded{
                [&](const packet::hello_as_a_client&) { hello(at, m, client); },
                [&](const packet::hello_as_a_server&) { hello(at, m, server); },
                [&](const packet::client_validator&) { forward(at, m, client); },
                [&](const packet::x_and_client_identity&) { begin_agreement(at, forward(at, m, client)); },
                [&](const packet::y_and_server_validator&) { forward(at, m, server); },
                [&](const packet::agreement&) { offer_agreement(at, forward(at, m, server)); },
                [&](const packet::accepted&) { accept(at, m); },
                [&](const packet::refused&) { end_candidacy(at, forward(at, m, client)); },
                [&](const packet::spoke_failure&) { end_candidacy(at, forward(at, m, peers[at].kind)); },
                [&](const packet::relay_failure&) {
                    drop(at, m,
                         peers[at].stage == stage::silent ? drop_reason::no_hello
                                                          : drop_reason::reported_failure);
                },
                [&](const auto&) { drop(at, m, drop_reason::relay_only); }, // 02 03 04 09 0e 0f
            },
            m.body);
    }

    void hello(std::uint32_t at, const message& m, peer_kind kind)
    {
        peer& p = peers[at];
        if (m.peer != relay_uid)
            drop(at, m, p.stage == stage::silent ? drop_reason::no_hello : drop_reason::wrong_direction);
        else if (p.stage == stage::silent)
            admit(at, m, kind);
        else if (p.kind == kind)
            send_identity(at);
        else
            drop(at, m, drop_reason::hello_of_other_kind);
    }

    // Returns the index of the peer to which a peer of kind `from_kind` may send the packet, or drops it and
    // returns no_index. Constant time.
    std::uint32_t destination_of(std::uint32_t from, const message& m, peer_kind from_kind)
    {
        const peer& p = peers[from];
        const std::uint32_t to = holder_of(m.peer.value);
        if (p.stage == stage::silent)
            drop(from, m, drop_reason::no_hello);
        else if (p.kind != from_kind)
            drop(from, m, drop_reason::wrong_direction);
        else if (to == no_index)
            drop(from, m, drop_reason::unknown_destination);
        else if (peers[to].kind == p.kind)
            drop(from, m, drop_reason::wrong_direction);
        else
            return to;
        return no_index;
    }

    // Sends the packet on to its destination, if there is one. Returns that.
    std::uint32_t forward(std::uint32_t from, const message& m, peer_kind from_kind)
    {
        const std::uint32_t to = destination_of(from, m, from_kind);
        if (to == no_index) return to;
        if (from_kind == peer_kind::client) peers[from].announced = true;
        send(to, shared(peers[from].number, m.body));
        return to;
    }

    // --- what the transitions do -----------------------------------------------------------------

    void admit(std::uint32_t at, const message& m, peer_kind kind)
    {
        if (waiting[0] + waiting[1] + reserved_uids == usable_uids) tell_now();
        if (waiting[0] + waiting[1] == usable_uids) {
            send(at, shared(relay_uid, packet::closed{relay_uid}));
            return close(at, errc::uid_exhausted);
        }
        peer& p = peers[at];
        p.stage = stage::waiting;
        p.kind = kind;
        p.number = take_uid(at);
        p.serial = ++last_serial;
        p.announced = false;
        ++count_of(kind);
        of_kind(kind).push_front(peers, at);
        send_identity(at);
        if (const auto* said = std::get_if<packet::hello_as_a_server>(&m.body)) {
            p.announcement = shared(relay_uid, packet::new_server{p.number, said->public_packet, p.who});
            auto& come = news_for(peer_kind::client).come;
            if (come.size() > 2 * count_of(kind)) forget_the_gone(come);
            come.push_back({at, p.serial});
        } else {
            for_each(peer_kind::server, [&](std::uint32_t server) { send(at, peers[server].announcement); });
        }
    }

    // A client that begins anew has no agreement any more.
    void begin_agreement(std::uint32_t client, std::uint32_t server)
    {
        if (server != no_index) std::erase(peers[server].agreed, peers[client].serial);
    }

    void offer_agreement(std::uint32_t server, std::uint32_t client)
    {
        if (client == no_index) return;
        auto& agreed = peers[server].agreed;
        std::erase(agreed, peers[client].serial);
        if (agreed.size() == max_agreements) agreed.erase(agreed.begin());
        agreed.push_back(peers[client].serial);
    }

    void accept(std::uint32_t client, const message& m)
    {
        const std::uint32_t server = destination_of(client, m, peer_kind::client);
        if (server == no_index) return;
        const auto& agreed = peers[server].agreed;
        if (std::find(agreed.begin(), agreed.end(), peers[client].serial) == agreed.end())
            return drop(client, m, drop_reason::no_agreement);
        send(server, shared(peers[client].number, m.body));
        agree(client, server);
    }

    void agree(std::uint32_t client, std::uint32_t server)
    {
        send(client, shared(relay_uid, packet::done{}));
        actions.push(relay_action::agree{peers[client].who, peers[server].who, id(client), id(server)});
        // Both leave the list before any announcement, so neither receives `closed` for the other.
        leave(client);
        leave(server);
        close(client, {});
        close(server, {});
    }

    void end_candidacy(std::uint32_t a, std::uint32_t b)
    {
        if (b == no_index) return;
        auto& with_a = peers[a].ended;
        auto& with_b = peers[b].ended;
        if (with_a.size() >= max_ended_pairs || with_b.size() >= max_ended_pairs) return;
        if (std::find(with_a.begin(), with_a.end(), peers[b].number.value) != with_a.end()) return;
        with_a.push_back(peers[b].number.value);
        with_b.push_back(peers[a].number.value);
    }

    // Takes a waiting peer off the list. Its candidates receive `closed` with the next announcements.
    void leave(std::uint32_t at)
    {
        peer& p = peers[at];
        if (p.stage != stage::waiting) return;
        const peer_kind told = other(p.kind);
        of_kind(p.kind).erase(peers, at);
        --count_of(p.kind);
        pending_announcements& n = news_for(told);
        departure gone{p.number, p.serial, ++last_serial, p.announced, {}};
        // No server knows a client that has sent nothing. Its departure is left out if it came and left within
        // the interval.
        const bool came_and_went = now < n.not_before && p.serial > n.last_serial;
        if (p.kind == peer_kind::client && !came_and_went) gone.announced = true;
        const std::uint32_t newest = of_kind(told).first();
        const bool known =
            newest != no_index &&
            (gone.announced || (p.kind == peer_kind::server && peers[newest].serial > gone.came));
        if (known) {
            gone.closed = shared(relay_uid, packet::closed{p.number});
            n.gone.push_back(std::move(gone));
            ++reserved_uids;
        } else {
            for (const std::uint16_t number : p.ended)
                if (const std::uint32_t with = holder_of(number); with != no_index)
                    std::erase(peers[with].ended, p.number.value);
        }
        by_uid[p.number.value] = known ? reserved : no_index;
        p.ended = {};
        p.announcement.reset();
        p.agreed = {};
        p.stage = stage::silent;
    }

    // --- announcements ---------------------------------------------------------------------------

    // Call it after every input.
    void tell_what_is_due()
    {
        for (const peer_kind kind : {peer_kind::server, peer_kind::client}) {
            pending_announcements& n = news_for(kind);
            if (n.empty() || n.telling || (n.not_before > now && !of_kind(kind).empty())) continue;
            begin_telling(kind);
        }
    }

    void begin_telling(peer_kind kind)
    {
        pending_announcements& n = news_for(kind);
        forget_the_gone(n.come);
        n.telling = true;
        n.next = of_kind(kind).first();
        n.told = 0;
        if (n.next == no_index) end_telling(n);
    }

    // Produces the actions for the next receiver. Returns false when there is none. An input between two
    // receivers would see a mixed state, so every input first produces all remaining actions.
    bool tell_next()
    {
        for (pending_announcements& n : news)
            if (n.telling) {
                tell(n, n.next);
                n.next = next_of(peers, &peer::by_kind, n.next);
                if (n.next == no_index) end_telling(n);
                return true;
            }
        return false;
    }
    void finish_telling()
    {
        while (tell_next()) {
        }
    }
    void begin_input(time_point at)
    {
        finish_telling();
        now = at;
    }
    void tell_now()
    {
        for (const peer_kind kind : {peer_kind::server, peer_kind::client})
            if (pending_announcements& n = news_for(kind); !n.empty()) begin_telling(kind);
        finish_telling();
    }

    void tell(pending_announcements& n, std::uint32_t to)
    {
        peer& p = peers[to];
        const std::size_t before = actions.size();
        for (const departure& gone : n.gone) {
            // Their pair has ended. Forget the number: its next holder starts afresh.
            if (!p.ended.empty() && std::erase(p.ended, gone.number.value) != 0) continue;
            if (p.serial > gone.left || (!gone.announced && p.serial < gone.came))
                continue; // this peer does not know it
            send(to, gone.closed);
        }
        for (const arrival& come : n.come)
            if (p.serial < come.serial && is_there(come)) send(to, peers[come.at].announcement);
        if (actions.size() != before) ++n.told;
    }

    bool is_there(const arrival& come) const noexcept
    {
        const peer& p = peers[come.at];
        return p.stage == stage::waiting && p.serial == come.serial;
    }

    void forget_the_gone(std::vector<arrival>& come) noexcept
    {
        std::erase_if(come, [this](const arrival& each) { return !is_there(each); });
    }

    void end_telling(pending_announcements& n) noexcept
    {
        for (const arrival& come : n.come)
            if (is_there(come)) peers[come.at].announced = true;
        for (const departure& gone : n.gone) by_uid[gone.number.value] = no_index;
        reserved_uids -= n.gone.size();
        n.gone = {};
        n.come = {};
        n.telling = false;
        if (n.told == 0 || options.announcement_interval == duration::zero()) return;
        const duration quiet =
            std::max(options.announcement_interval, interval_per_receiver * static_cast<int>(n.told));
        n.not_before = deadline_after(now, quiet);
        n.last_serial = last_serial;
    }

    void close(std::uint32_t at, error_code why)
    {
        peer& p = peers[at];
        deadlines.erase(peers, at);
        p.stage = stage::closing;
        actions.push(relay_action::close{id(at), why});
    }

    // Counts up and skips numbers in use, so that a released number is reused as late as possible.
    uid take_uid(std::uint32_t at)
    {
        do ++last_uid;
        while (last_uid == 0 || (last_uid < by_uid.size() && by_uid[last_uid] != no_index));
        if (last_uid >= by_uid.size()) by_uid.resize(std::size_t{last_uid} + 1, no_index);
        by_uid[last_uid] = at;
        return {last_uid};
    }

    void send_identity(std::uint32_t at)
    {
        const peer& p = peers[at];
        if (p.kind == peer_kind::server)
            send(at, shared(relay_uid, packet::server_identity{p.who}));
        else
            send(at, shared(relay_uid, packet::client_identity{p.who}));
    }

    void send(std::uint32_t to, shared_packet packet)
    {
        actions.push(relay_action::send{id(to), std::move(packet)});
    }

    void drop(std::uint32_t from, const message& m, drop_reason reason)
    {
        actions.push(relay_action::drop{id(from), reason, static_cast<std::uint8_t>(m.body.index())});
    }

    template <class F>
    void for_each(peer_kind kind, F f)
    {
        for (std::uint32_t at = of_kind(kind).first(); at != no_index;
             at = next_of(peers, &peer::by_kind, at))
            f(at);
    }

    // --- connections and time --------------------------------------------------------------------

    void connect(std::uint32_t at, const identity& who)
    {
        if (at >= peers.size()) peers.resize(std::size_t{at} + 1);
        disconnect(at); // in case the owner forgot to
        peer& p = peers[at];
        p.who = who;
        p.stage = stage::silent;
        p.deadline = deadline_after(now, options.peer_timeout);
        deadlines.push_back(peers, at);
        ++connections;
    }

    void disconnect(std::uint32_t at)
    {
        if (at >= peers.size() || peers[at].stage == stage::absent) return;
        leave(at);
        if (peers[at].stage != stage::closing) deadlines.erase(peers, at);
        peers[at] = peer{};
        --connections;
    }

    void malformed(std::uint32_t at, error_code why)
    {
        send(at, shared(relay_uid, packet::closed{relay_uid}));
        leave(at);
        close(at, why);
    }

    void time_out(std::uint32_t at)
    {
        send(at, shared(relay_uid, packet::timeout{}));
        leave(at);
        close(at, errc::timed_out);
    }
};

relay_machine::relay_machine(relay_options options) : state_{std::make_unique<state>(options)} {}
relay_machine::relay_machine(relay_machine&&) noexcept = default;
relay_machine& relay_machine::operator=(relay_machine&&) noexcept = default;
relay_machine::~relay_machine() = default;

void relay_machine::connect(connection_id connection, const identity& who, time_point now)
{
    state_->begin_input(now);
    state_->connect(static_cast<std::uint32_t>(connection), who);
    state_->tell_what_is_due();
}

void relay_machine::receive(connection_id connection, const message& packet, time_point now)
{
    const auto at = static_cast<std::uint32_t>(connection);
    if (state_->live(at) == nullptr) return;
    state_->begin_input(now);
    state_->receive(at, packet);
    state_->tell_what_is_due();
}

std::optional<connection_id> relay_machine::candidate(connection_id connection, uid number) const noexcept
{
    const peer* from = state_->live(static_cast<std::uint32_t>(connection));
    if (from == nullptr || from->stage != stage::waiting) return std::nullopt;
    const std::uint32_t at = state_->holder_of(number.value);
    if (at == no_index || state_->peers[at].kind == from->kind) return std::nullopt;
    return connection_id{at};
}

void relay_machine::receive_malformed(connection_id connection, error_code why, time_point now)
{
    const auto at = static_cast<std::uint32_t>(connection);
    if (state_->live(at) == nullptr) return;
    state_->begin_input(now);
    state_->malformed(at, why);
    state_->tell_what_is_due();
}

void relay_machine::disconnect(connection_id connection, time_point now)
{
    state_->begin_input(now);
    state_->disconnect(static_cast<std::uint32_t>(connection));
    state_->tell_what_is_due();
}

void relay_machine::expire(time_point now)
{
    state_->begin_input(now);
    auto& deadlines = state_->deadlines;
    while (!deadlines.empty() && state_->peers[deadlines.first()].deadline <= now)
        state_->time_out(deadlines.first());
    state_->tell_what_is_due();
}

time_point relay_machine::next_deadline() const noexcept
{
    const auto& deadlines = state_->deadlines;
    time_point next = deadlines.empty() ? no_deadline : state_->peers[deadlines.first()].deadline;
    for (const pending_announcements& n : state_->news)
        if (!n.empty() && !n.telling) next = std::min(next, n.not_before);
    return next;
}

std::optional<relay_action_variant> relay_machine::next_action()
{
    for (;;) {
        if (auto action = state_->actions.pop()) return action;
        if (!state_->tell_next()) return std::nullopt;
    }
}

relay_machine::counts relay_machine::count() const noexcept
{
    return {state_->connections, state_->waiting[static_cast<std::size_t>(peer_kind::server)],
            state_->waiting[static_cast<std::size_t>(peer_kind::client)]};
}

std::string_view drop_reason_name(drop_reason reason) noexcept
{
    switch (reason) {
    case drop_reason::no_hello:
        return "no_hello";
    case drop_reason::hello_of_other_kind:
        return "hello_of_other_kind";
    case drop_reason::wrong_direction:
        return "wrong_direction";
    case drop_reason::unknown_destination:
        return "unknown_destination";
    case drop_reason::relay_only:
        return "relay_only";
    case drop_reason::reported_failure:
        return "reported_failure";
    case drop_reason::no_agreement:
        return "no_agreement";
    }
    return "unknown";
}

} // namespace parley
