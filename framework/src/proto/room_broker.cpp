#include <parley/proto/room_broker.hpp>

#include <proto/deadline.hpp>
#include <proto/fifo.hpp>
#include <proto/index_list.hpp>

#include <algorithm>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace parley {
namespace {

// A place belongs to one peer of an agreement: first the client's, then the server's. A connection takes it
// by naming the other peer.
struct place {
    room_peer owner;
    std::uint32_t connection = no_index; // the connection that has taken it
};

// A place's number is agreement * 2 + side, so the two numbers of an agreement differ in one bit.
struct agreement_slot {
    std::array<place, 2> places;
    std::shared_ptr<void> held;
    time_point deadline = no_deadline;
    index_links by_deadline;
};

struct place_links {
    index_links among_free; // the free places of one key, newest first
};

// absent: unknown, or answered; line: its line is awaited; placed: it waits for the other peer.
enum class stage : byte { absent, line, placed };

struct pending_connection {
    parley::stage stage = stage::absent;
    room_peer who;
    room_line_parser parser;
    std::uint32_t place = no_index; // while placed
    bool by_seat_only = false;
};

using free_list = index_list<place_links, &place_links::among_free>;

} // namespace

struct room_broker::state {
    explicit state(room_options o) : options{o} {}

    room_options options;
    std::vector<agreement_slot> agreements;
    std::vector<place_links> places;   // by their numbers
    std::vector<std::uint32_t> unused; // agreement slots
    std::size_t live = 0;
    index_list<agreement_slot, &agreement_slot::by_deadline> agreement_deadlines; // oldest first
    // Free places by the key that takes them (seat_key, address_key).
    std::unordered_map<std::string, free_list> free_places;

    std::vector<pending_connection> pending; // by connection_id
    std::size_t unanswered = 0;
    fifo<room_action_variant> actions;

    place& place_at(std::uint32_t number) noexcept { return agreements[number / 2].places[number % 2]; }
    static std::uint32_t other(std::uint32_t number) noexcept { return number ^ 1U; }

    // An identity holds neither NUL nor newline, so the two kinds of keys never collide. A seat is looked up
    // by a 64-bit hash and compared only with a seat of the same hash, so the time that a guess takes reveals
    // nothing.
    static std::string seat_key(const identity& named, const seat_token& seat)
    {
        std::string made{named.text()};
        return made.append(1, '\0').append(as_text(seat.bytes()));
    }
    std::string address_key(const identity& named, const identity& comes_from) const
    {
        std::string made{named.text()};
        if (options.same_address) made.append(1, '\n').append(comes_from.address());
        return made;
    }
    std::string key_of(std::uint32_t number)
    {
        const room_peer& owner = place_at(number).owner;
        const identity& named = place_at(other(number)).owner.who;
        return owner.seat ? seat_key(named, *owner.seat) : address_key(named, owner.who);
    }
    // The free places that `who` may take by naming `named`. If the place's peer presented no seat in the
    // handshake, a seat presented now changes nothing.
    auto find_free(const identity& named, const room_peer& who, bool by_seat_only)
    {
        auto found = free_places.end();
        if (who.seat) found = free_places.find(seat_key(named, *who.seat));
        if (found == free_places.end() && !by_seat_only)
            found = free_places.find(address_key(named, who.who));
        return found;
    }

    // --- agreements ------------------------------------------------------------------------------

    void agree(const room_peer& client, const room_peer& server, time_point now, std::shared_ptr<void> held)
    {
        if (options.max_agreements == 0) return;
        if (live >= options.max_agreements) end(agreement_deadlines.first());
        if (unused.empty()) {
            unused.push_back(static_cast<std::uint32_t>(agreements.size()));
            agreements.emplace_back();
            places.resize(agreements.size() * 2);
        }
        const std::uint32_t at = unused.back();
        unused.pop_back();
        agreements[at].places = {place{client}, place{server}};
        agreements[at].held = std::move(held);
        agreements[at].deadline = deadline_after(now, options.room_timeout);
        agreement_deadlines.push_back(agreements, at);
        ++live;
        set_free(at * 2);
        set_free(at * 2 + 1);
    }

    // Ends an agreement. A peer that still waits in it gets the answer that the other did not come.
    void end(std::uint32_t at)
    {
        for (std::uint32_t number = at * 2; number < at * 2 + 2; ++number) {
            const std::uint32_t holder = place_at(number).connection;
            if (holder == no_index)
                take(number);
            else
                answer(holder, room_answer::absent);
        }
        remove(at);
    }

    void remove(std::uint32_t at)
    {
        agreement_deadlines.erase(agreements, at);
        agreements[at] = agreement_slot{};
        unused.push_back(at);
        --live;
    }

    void set_free(std::uint32_t number)
    {
        place_at(number).connection = no_index;
        free_places[key_of(number)].push_front(places, number);
    }

    void take(std::uint32_t number)
    {
        const auto found = free_places.find(key_of(number));
        found->second.erase(places, number);
        if (found->second.empty()) free_places.erase(found);
    }

    // --- connections -----------------------------------------------------------------------------

    void connect(std::uint32_t at, const room_peer& who, bool by_seat_only)
    {
        if (at >= pending.size()) pending.resize(std::size_t{at} + 1);
        disconnect(at); // in case the owner forgot to
        pending_connection& n = pending[at];
        n.stage = stage::line;
        n.who = who;
        n.by_seat_only = by_seat_only;
        ++unanswered;
    }

    void receive(std::uint32_t at, bytes_view& input)
    {
        if (at >= pending.size() || pending[at].stage != stage::line) return;
        const auto named = pending[at].parser.parse(input);
        if (!named) return answer(at, room_answer::denied);
        if (*named) place_connection(at, **named);
    }

    void place_connection(std::uint32_t at, const identity& named)
    {
        pending_connection& n = pending[at];
        const auto found = find_free(named, n.who, n.by_seat_only);
        if (found == free_places.end()) return answer(at, room_answer::denied);
        const std::uint32_t number = found->second.first();
        take(number);
        n.stage = stage::placed;
        n.place = number;
        place_at(number).connection = at;
        if (place_at(other(number)).connection != no_index) join(number / 2);
    }

    void join(std::uint32_t at)
    {
        const std::uint32_t client = agreements[at].places[0].connection;
        const std::uint32_t server = agreements[at].places[1].connection;
        answer(client, room_answer::joined);
        answer(server, room_answer::joined);
        actions.push(room_action::join{connection_id{client}, connection_id{server}});
        remove(at);
    }

    void answer(std::uint32_t at, room_answer code)
    {
        actions.push(room_action::answer{connection_id{at}, code});
        forget(at);
    }

    void disconnect(std::uint32_t at)
    {
        if (at >= pending.size() || pending[at].stage == stage::absent) return;
        if (pending[at].stage == stage::placed) set_free(pending[at].place);
        forget(at);
    }

    void forget(std::uint32_t at)
    {
        pending[at] = pending_connection{};
        --unanswered;
    }

    // --- time ------------------------------------------------------------------------------------

    time_point agreement_deadline() const noexcept
    {
        return agreement_deadlines.empty() ? no_deadline : agreements[agreement_deadlines.first()].deadline;
    }

    void expire(time_point now)
    {
        while (!agreement_deadlines.empty() && agreement_deadline() <= now) end(agreement_deadlines.first());
    }
};

room_broker::room_broker(room_options options) : state_{std::make_unique<state>(options)} {}
room_broker::room_broker(room_broker&&) noexcept = default;
room_broker& room_broker::operator=(room_broker&&) noexcept = default;
room_broker::~room_broker() = default;

void room_broker::agree(const room_peer& client, const room_peer& server, time_point now,
                        std::shared_ptr<void> held)
{
    state_->agree(client, server, now, std::move(held));
}

void room_broker::connect(connection_id connection, const room_peer& who, bool by_seat_only)
{
    state_->connect(static_cast<std::uint32_t>(connection), who, by_seat_only);
}

void room_broker::receive(connection_id connection, bytes_view& input, time_point now)
{
    // Nobody may enter after a deadline, however late the owner calls expire().
    state_->expire(now);
    state_->receive(static_cast<std::uint32_t>(connection), input);
}

void room_broker::disconnect(connection_id connection)
{
    state_->disconnect(static_cast<std::uint32_t>(connection));
}

void room_broker::expire(time_point now)
{
    state_->expire(now);
}

time_point room_broker::next_deadline() const noexcept
{
    return state_->agreement_deadline();
}

std::optional<room_action_variant> room_broker::next_action()
{
    return state_->actions.pop();
}

room_broker::counts room_broker::count() const noexcept
{
    return {state_->live, state_->unanswered};
}

} // namespace parley
