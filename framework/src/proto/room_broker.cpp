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

// A seat belongs to one peer of an agreement: the client's first, the server's second. It is taken by naming
// the other one.
struct seat {
    identity owner;
    std::uint32_t connection = no_index; // who sits in it
};

// Seats are numbered: agreement * 2 + side. Both sides of a number are one bit apart.
struct agreement_slot {
    std::array<seat, 2> seats;
    time_point deadline = no_deadline;
    index_links by_deadline;
};

struct seat_links {
    index_links among_free; // the free seats of one key, newest first
};

// absent: unknown, or answered.
enum class stage : byte { absent, line, seated };

struct newcomer {
    parley::stage stage = stage::absent;
    identity who;
    room_line_parser parser;
    std::uint32_t seat = no_index; // while seated
    time_point deadline = no_deadline;
    index_links by_deadline; // while its line is awaited
};

using free_list = index_list<seat_links, &seat_links::among_free>;

} // namespace

struct room_broker::state {
    explicit state(room_options o) : options{o} {}

    room_options options;
    std::vector<agreement_slot> agreements;
    std::vector<seat_links> seats;     // by seat number
    std::vector<std::uint32_t> unused; // agreement slots
    std::size_t live = 0;
    index_list<agreement_slot, &agreement_slot::by_deadline> agreement_deadlines; // oldest first
    // Free seats by what takes them: the identity to be named and the address to come from.
    std::unordered_map<std::string, free_list> free_seats;

    std::vector<newcomer> newcomers; // by connection_id
    std::size_t unanswered = 0;
    index_list<newcomer, &newcomer::by_deadline> line_deadlines; // oldest first
    fifo<room_action::any> actions;

    seat& seat_at(std::uint32_t number) noexcept { return agreements[number / 2].seats[number % 2]; }
    static std::uint32_t other(std::uint32_t number) noexcept { return number ^ 1U; }

    std::string key(const identity& named, const identity& comes_from) const
    {
        std::string made{named.text()};
        if (options.same_address) made.append(1, '\n').append(comes_from.address());
        return made;
    }
    std::string key_of(std::uint32_t number)
    {
        return key(seat_at(other(number)).owner, seat_at(number).owner);
    }

    // --- agreements
    // ------------------------------------------------------------------------------------------

    void agree(const identity& client, const identity& server, time_point now)
    {
        if (options.max_agreements == 0) return;
        if (live >= options.max_agreements) end(agreement_deadlines.first());
        if (unused.empty()) {
            unused.push_back(static_cast<std::uint32_t>(agreements.size()));
            agreements.emplace_back();
            seats.resize(agreements.size() * 2);
        }
        const std::uint32_t at = unused.back();
        unused.pop_back();
        agreements[at].seats = {seat{client}, seat{server}};
        agreements[at].deadline = deadline_after(now, options.room_timeout);
        agreement_deadlines.push_back(agreements, at);
        ++live;
        set_free(at * 2);
        set_free(at * 2 + 1);
    }

    // An agreement is over: whoever still waits in it is told that the other did not come.
    void end(std::uint32_t at)
    {
        for (std::uint32_t number = at * 2; number < at * 2 + 2; ++number) {
            const std::uint32_t sitting = seat_at(number).connection;
            if (sitting == no_index)
                take(number);
            else
                answer(sitting, room_answer::absent);
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
        seat_at(number).connection = no_index;
        free_seats[key_of(number)].push_front(seats, number);
    }

    void take(std::uint32_t number)
    {
        const auto found = free_seats.find(key_of(number));
        found->second.erase(seats, number);
        if (found->second.empty()) free_seats.erase(found);
    }

    // --- newcomers
    // -------------------------------------------------------------------------------------------

    void connect(std::uint32_t at, const identity& who, time_point now)
    {
        if (at >= newcomers.size()) newcomers.resize(std::size_t{at} + 1);
        disconnect(at); // for an owner that forgot to
        newcomer& n = newcomers[at];
        n.stage = stage::line;
        n.who = who;
        n.deadline = deadline_after(now, options.line_timeout);
        line_deadlines.push_back(newcomers, at);
        ++unanswered;
    }

    void receive(std::uint32_t at, bytes_view& input)
    {
        if (at >= newcomers.size() || newcomers[at].stage != stage::line) return;
        const auto named = newcomers[at].parser.parse(input);
        if (!named) return answer(at, room_answer::denied);
        if (*named) sit(at, **named);
    }

    void sit(std::uint32_t at, const identity& named)
    {
        newcomer& n = newcomers[at];
        const auto found = free_seats.find(key(named, n.who));
        if (found == free_seats.end()) return answer(at, room_answer::denied);
        const std::uint32_t number = found->second.first();
        take(number);
        line_deadlines.erase(newcomers, at);
        n.stage = stage::seated;
        n.seat = number;
        seat_at(number).connection = at;
        if (seat_at(other(number)).connection != no_index) join(number / 2);
    }

    void join(std::uint32_t at)
    {
        const std::uint32_t client = agreements[at].seats[0].connection;
        const std::uint32_t server = agreements[at].seats[1].connection;
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
        if (at >= newcomers.size() || newcomers[at].stage == stage::absent) return;
        if (newcomers[at].stage == stage::seated) set_free(newcomers[at].seat);
        forget(at);
    }

    void forget(std::uint32_t at)
    {
        if (newcomers[at].stage == stage::line) line_deadlines.erase(newcomers, at);
        newcomers[at] = newcomer{};
        --unanswered;
    }

    // --- time
    // ------------------------------------------------------------------------------------------------

    time_point line_deadline() const noexcept
    {
        return line_deadlines.empty() ? no_deadline : newcomers[line_deadlines.first()].deadline;
    }
    time_point agreement_deadline() const noexcept
    {
        return agreement_deadlines.empty() ? no_deadline : agreements[agreement_deadlines.first()].deadline;
    }

    void expire(time_point now)
    {
        while (!line_deadlines.empty() && line_deadline() <= now)
            answer(line_deadlines.first(), room_answer::denied);
        while (!agreement_deadlines.empty() && agreement_deadline() <= now) end(agreement_deadlines.first());
    }
};

room_broker::room_broker(room_options options) : state_{std::make_unique<state>(options)} {}
room_broker::room_broker(room_broker&&) noexcept = default;
room_broker& room_broker::operator=(room_broker&&) noexcept = default;
room_broker::~room_broker() = default;

void room_broker::agree(const identity& client, const identity& server, time_point now)
{
    state_->agree(client, server, now);
}

void room_broker::connect(connection_id connection, const identity& who, time_point now)
{
    state_->connect(static_cast<std::uint32_t>(connection), who, now);
}

void room_broker::receive(connection_id connection, bytes_view& input, time_point now)
{
    // What is over by now is not entered, however late the owner calls expire().
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
    return std::min(state_->line_deadline(), state_->agreement_deadline());
}

std::optional<room_action::any> room_broker::next_action()
{
    return state_->actions.pop();
}

room_broker::counts room_broker::count() const noexcept
{
    return {state_->live, state_->unanswered};
}

} // namespace parley
