// Port forwarding. An input is a script: commands of eight bytes. The first one chooses what is run: one side whose
// other side sends anything (right messages, wrong ones, raw bytes), or two sides that talk to each other. Mutations
// work on whole commands. Whatever the script: no crash, bounded memory, the same in every split, and events that
// follow the rules; two sides have nothing to object to, and every byte arrives.
#include "command_mutator.hpp"
#include "require.hpp"

#include <unit/proto/forward_owner.hpp>

#include <set>

namespace {

using namespace parley;
using namespace parley::test;
using fuzz::require;

constexpr std::size_t command_bytes = 8;
using command = std::array<byte, command_bytes>;
using script = std::vector<command>;

forward_machine_options some_options(byte choice)
{
    forward_machine_options out;
    out.max_window_bytes = initial_forward_window << (choice % 3u);
    out.growth_budget_bytes = choice % 8u * initial_forward_window;
    return out;
}

forward_number some_connection(byte choice)
{
    return 1 + choice % 8u;
}

// Checks what an owner is told.
class event_checker {
public:
    explicit event_checker(forward_role role) : role_{role} {}

    void opened_here(forward_number n) { open_.insert(n); }
    void over_here(forward_number n) { open_.erase(n); }

    void hear(const forward_event::opening& e)
    {
        require(role_ == forward_role::expose && e.connection > last_, "a new number");
        require(e.target.is_valid(), "a target is valid");
        last_ = e.connection;
        open_.insert(e.connection);
    }
    void hear(const forward_event::opened& e) { answered(e.connection); }
    void hear(const forward_event::refused& e)
    {
        answered(e.connection);
        open_.erase(e.connection);
    }
    void hear(const forward_event::data& e)
    {
        require(!e.bytes.empty() && open_.contains(e.connection), "data of an open connection");
        require(!closed_.contains(e.connection), "no data after the end");
    }
    void hear(const forward_event::closed& e)
    {
        require(open_.contains(e.connection), "an end of an open connection");
        require(closed_.insert(e.connection).second, "one end");
    }
    void hear(const forward_event::reset& e)
    {
        require(open_.erase(e.connection) == 1, "a reset of an open connection");
    }
    void hear(const forward_event::writable& e)
    {
        require(open_.contains(e.connection), "only an open connection is writable");
    }

private:
    void answered(forward_number n)
    {
        require(role_ == forward_role::forward && open_.contains(n), "an answer for an open connection");
        require(answered_.insert(n).second, "one answer");
    }

    forward_role role_;
    forward_number last_ = 0;
    std::set<forward_number> open_, closed_, answered_;
};

// --- one side ------------------------------------------------------------------------------------

byte_vector some_open(const command& c, forward_number& last)
{
    static const std::array<std::string, 8> hosts{"a", "localhost", "::1",   "10.0.0.1",
                                                  "",  "A",         "a\xff", "a b"};
    const forward_number n = c[1] < 200 ? ++last : c[1] - 200u;
    if (c[1] >= 200 && n > last) last = n;
    return open_bytes(n, hosts[c[2] < 200 ? c[2] % 4u : c[2] % 8u], c[3]);
}

// A message of the other side; empty for a command of the owner.
byte_vector some_message(const command& c, forward_number& last)
{
    const forward_number n = some_connection(c[1]);
    switch (c[0] % 20) {
    case 0:
    case 1:
        return some_open(c, last);
    case 2:
        return data_bytes(n, std::string(std::size_t{c[2]} * c[3] + c[4], 'd'));
    case 3:
        return window_bytes(n, c[2] < 200 ? c[3] * 1000u : load_be<std::uint32_t>(c.data() + 3));
    case 4:
        return forward_bytes(0x22, n);
    case 5:
        return forward_bytes(0x23, n);
    case 6:
        return forward_bytes(0x11, n);
    case 7:
        return reason_bytes(0x12, n, c[2], as_text(bytes_view{c}.last(c[3] % 4u)));
    case 8:
        return c[1] < 250 ? byte_vector{} : reason_bytes(0x50, c[2] / 128u, c[3]);
    case 9:
        return {c.begin() + 1, c.begin() + 2 + c[1] % 7};
    case 10: // a message of any type and form
        return forward_bytes(c[2], c[3] < 128 ? n : c[3], byte_vector(c[4] % 32u, c[5]));
    case 11: // as many as fit in one command
    {
        byte_vector out;
        for (unsigned i = 0; i <= c[2]; ++i) append_bytes(out, open_bytes(++last));
        return out;
    }
    default:
        return {};
    }
}

void act(forward_owner& side, event_checker& checker, const command& c)
{
    forward_machine& m = side.machine;
    const forward_number n = some_connection(c[1]);
    switch (c[0] % 20) {
    case 12:
        m.accept(n);
        break;
    case 13:
        m.refuse(n, static_cast<forward_cause>(c[2]), as_text(bytes_view{c}.last(3)));
        break;
    case 14:
        if (m.write_space(n) != 0) m.write(n, byte_vector(c[2] * 300u));
        break;
    case 15:
        if (c[2] < 200) {
            m.close(n);
        } else {
            m.reset(n);
            checker.over_here(n);
            side.kept.erase(n);
        }
        break;
    case 16:
        side.consume(n);
        break;
    case 17:
        if (const auto opened = m.open({c[2] < 200 ? "a" : "A", 80})) checker.opened_here(*opened);
        break;
    case 18:
        side.takes_output = c[1] % 4 != 0;
        break;
    case 19:
        if (c[1] == 255) m.receive_end();
        if (c[1] == 254) m.stop(errc::cancelled);
        if (c[1] == 253) m.end();
        break;
    default:
        break;
    }
    side.hear();
}

struct outcome {
    std::string log;
    std::map<forward_number, std::string> got;
    byte_vector output;
    error_code error;
    friend bool operator==(const outcome&, const outcome&) = default;
};

outcome run_one_side(const script& all, std::size_t most)
{
    const auto role = all[0][1] % 2 == 0 ? forward_role::expose : forward_role::forward;
    const forward_machine_options options = some_options(all[0][2]);
    forward_owner side{role, options};
    side.consumes = false; // else the cuts would decide how much is consumed at once
    event_checker checker{role};
    side.on_event = [&](const forward_event_variant& event) {
        std::visit([&](const auto& e) { checker.hear(e); }, event);
        if (const auto* reset = std::get_if<forward_event::reset>(&event)) side.kept.erase(reset->connection);
    };
    forward_number last = 0;
    for (std::size_t i = 1; i < all.size() && i < 2000; ++i) {
        const byte_vector message = some_message(all[i], last);
        if (side.feed(message, most).empty())
            act(side, checker, all[i]);
        else
            side.takes_output = true;
        for (const auto& [n, size] : side.kept)
            require(size <= options.max_window_bytes, "bounded memory of the owner");
        require(side.machine.output().size() <= 600 * 1024, "bounded output");
        require(side.machine.connections() <= max_forward_connections, "bounded connections");
        require(!side.machine.finished() || side.machine.connections() == 0, "an end ends everything");
    }
    side.takes_output = true;
    side.hear();
    const auto sent = forward_messages_in(side.output);
    for (std::size_t i = 0; i < sent.size(); ++i) {
        require(sent[i].type != 0x50 || i + 1 == sent.size(), "an error is last");
        const bool is_answer = sent[i].type == 0x11 || sent[i].type == 0x12;
        require(is_answer ? role == forward_role::expose
                          : sent[i].type != 0x10 || role == forward_role::forward,
                "a message of its role");
    }
    const bool broken = side.machine.error() == errc::bad_record;
    require(broken == (!sent.empty() && sent.back().type == 0x50), "a broken rule is told");
    return {side.log, side.got, side.output, side.machine.error()};
}

// --- two sides -------------------------------------------------------------------------------------

void run_two_sides(const script& all)
{
    forward_pair p{some_options(all[0][1])};
    p.expose.consumes = p.forward.consumes = false;
    std::map<forward_number, std::string> up, down;
    std::set<forward_number> broken;
    const auto text = [](const command& c) { return std::string(c[2] * 300u, static_cast<char>(c[3])); };
    for (std::size_t i = 1; i < all.size() && i < 500; ++i) {
        const command& c = all[i];
        const forward_number n = some_connection(c[1]);
        switch (c[0] % 10) {
        case 0:
            p.forward.machine.open({"a", 80});
            break;
        case 1:
            up[n] += text(c).substr(0, forward_pair::write(p.forward, n, text(c)));
            break;
        case 2:
            down[n] += text(c).substr(0, forward_pair::write(p.expose, n, text(c)));
            break;
        case 3:
            p.expose.consume(n);
            break;
        case 4:
            p.forward.consume(n);
            break;
        case 5:
            p.expose.machine.accept(n);
            break;
        case 6:
            (c[2] % 2 == 0 ? p.forward : p.expose).machine.close(n);
            break;
        case 7:
            (c[2] % 2 == 0 ? p.forward : p.expose).machine.reset(n);
            broken.insert(n);
            break;
        case 8:
            p.expose.machine.refuse(n, forward_cause::limit);
            broken.insert(n);
            break;
        default:
            p.exchange(1 + c[2] * 50u);
        }
    }
    p.exchange();
    require(!p.expose.machine.finished() && !p.forward.machine.finished(), "nothing to object to");
    require(p.expose.machine.connections() == p.forward.machine.connections(), "both count alike");
    for (const auto& [n, sent] : up)
        require(broken.contains(n) || p.expose.got[n] == sent, "what went up has arrived");
    for (const auto& [n, sent] : down)
        require(broken.contains(n) || p.forward.got[n] == sent, "what went down has arrived");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const script all = fuzz::commands_of<command_bytes>({data, size});
    if (all.empty()) return 0;
    if (all[0][0] % 4 == 3) {
        run_two_sides(all);
        return 0;
    }
    const outcome whole = run_one_side(all, std::string::npos);
    const std::size_t most = all[0][3] % 8u == 0 ? 1 : 1 + all[0][3] * 7u;
    require(run_one_side(all, most) == whole, "another cut, another reading");
    return 0;
}

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size,
                                               unsigned int seed)
{
    return fuzz::mutate_commands<command_bytes>(data, size, max_size, seed);
}

extern "C" std::size_t LLVMFuzzerCustomCrossOver(const std::uint8_t* one, std::size_t one_size,
                                                 const std::uint8_t* other, std::size_t other_size,
                                                 std::uint8_t* out, std::size_t max_size, unsigned int seed)
{
    return fuzz::cross_commands<command_bytes>({one, one_size}, {other, other_size}, out, max_size, seed);
}
