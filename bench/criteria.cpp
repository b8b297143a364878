#include "bench/criteria.hpp"

#include "bench/tables.hpp"

#include <parley/base/bytes.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <tuple>

namespace parley::bench {
namespace {

// Selects one measurement of a run: the system, the metric, and the required parameters.
struct choice {
    std::string benchmark, system, metric;
    parameters with;
};

class judge {
public:
    explicit judge(const std::vector<measurement>& all) : all_(all) {}

    // Adds the median of the selected measurement.
    void value(const std::string& what, const choice& of, const char* unit, double most)
    {
        const measurement* m = find(of);
        add(what, unit, most, true, m != nullptr ? std::optional{m->total().median} : std::nullopt);
    }
    void at_most(const std::string& what, const choice& of, const std::vector<choice>& beside, double target)
    {
        add(what, "ratio", target, true, quotient(of, beside));
    }
    void at_least(const std::string& what, const choice& of, const std::vector<choice>& beside, double target)
    {
        add(what, "ratio", target, false, quotient(of, beside));
    }
    // The values of this parameter among the chosen measurements, in ascending order.
    std::vector<double> numbers(const choice& of, const std::string& name) const
    {
        std::set<double> out;
        for (const measurement& m : all_) {
            const auto found = m.with.find(name);
            if (chosen(m, of) && found != m.with.end() && std::holds_alternative<double>(found->second))
                out.insert(std::get<double>(found->second));
        }
        return {out.begin(), out.end()};
    }
    const measurement* find(const choice& of) const
    {
        for (const measurement& m : all_)
            if (chosen(m, of)) return &m;
        return nullptr;
    }
    // The documents of transfers.
    std::set<std::string> documents() const
    {
        std::set<std::string> out;
        for (const measurement& m : all_) {
            const auto found = m.with.find("document");
            if (m.benchmark == "transfer" && found != m.with.end()) out.insert(text_of(found->second));
        }
        return out;
    }
    std::vector<criterion> take() { return std::move(out_); }

private:
    static bool chosen(const measurement& m, const choice& of)
    {
        return m.benchmark == of.benchmark && m.system == of.system && m.metric == of.metric &&
               std::all_of(of.with.begin(), of.with.end(), [&](const auto& one) {
                   const auto found = m.with.find(one.first);
                   return found != m.with.end() && found->second == one.second;
               });
    }
    std::optional<double> quotient(const choice& of, const std::vector<choice>& beside) const
    {
        const measurement* m = find(of);
        double sum = 0;
        for (const choice& one : beside) {
            const measurement* other = find(one);
            if (other == nullptr) return std::nullopt;
            sum += other->total().median;
        }
        if (m == nullptr || !(sum > 0)) return std::nullopt;
        return m->total().median / sum;
    }
    void add(const std::string& what, const std::string& unit, double target, bool at_most,
             std::optional<double> measured)
    {
        out_.push_back({what, unit, target, at_most, measured});
    }

    const std::vector<measurement>& all_;
    std::vector<criterion> out_;
};

choice room(const char* system, const char* metric, const char* sender, const char* receiver, double rooms)
{
    return {"room", system, metric, {{"sender", sender}, {"receiver", receiver}, {"rooms", rooms}}};
}

void judge_rooms(judge& j)
{
    constexpr const char *rate = "throughput", *cpu = "CPU time a GB", *relay = "parley-relay",
                         *splice = "haproxy splice", *nginx = "nginx websocket";
    std::vector<double> counts = j.numbers({"room", relay, rate, {}}, "rooms");
    if (counts.empty()) counts = {1};
    for (const double n : counts) {
        const std::string of = fmt::format(" ({} room{})", n, n == 1 ? "" : "s");
        j.at_most("1 room tcp to tcp, CPU a GB / HAProxy with splice" + of, room(relay, cpu, "tcp", "tcp", n),
                  {room(splice, cpu, "tcp", "tcp", n)}, 0.7);
        j.at_least("1 room tcp to tcp, throughput / HAProxy with splice" + of,
                   room(relay, rate, "tcp", "tcp", n), {room(splice, rate, "tcp", "tcp", n)}, 1.1);
        j.at_least("1 room tcp to tcp, throughput / direct loopback" + of, room(relay, rate, "tcp", "tcp", n),
                   {room("direct", rate, "tcp", "tcp", n)}, 0.7);
        for (const char* receiver : {"ws", "tcp"}) {
            const std::string pair = fmt::format("2 room ws to {}, ", receiver);
            j.at_least(pair + "throughput / nginx's ws to ws" + of, room(relay, rate, "ws", receiver, n),
                       {room(nginx, rate, "ws", "ws", n)}, 1.0);
            j.at_most(pair + "CPU a GB / nginx's ws to ws" + of, room(relay, cpu, "ws", receiver, n),
                      {room(nginx, cpu, "ws", "ws", n)}, 1.0);
        }
    }
}

choice waiting(const char* benchmark, const char* system, const char* metric, const char* transport)
{
    return {benchmark, system, metric, {{"transport", transport}}};
}

choice with_number(choice of, double number)
{
    of.with["waiting"] = number;
    return of;
}

void judge_waiting(judge& j)
{
    constexpr double tcp_bytes = 1536, websocket_bytes = 5120, no_cpu_us = 100; // 0.01 % of a core
    const auto largest = [&](const choice& of, double otherwise) {
        const std::vector<double> all = j.numbers(of, "waiting");
        return all.empty() ? otherwise : all.back();
    };
    for (const char* wire : {"tcp", "ws"}) {
        const choice memory = waiting("idle", "parley-relay", "resident memory a waiting peer", wire);
        const choice cpu =
            waiting("idle", "parley-relay", "CPU time a second a thousand waiting peers", wire);
        const double n = largest(memory, 19'000);
        j.value(fmt::format("3 idle, resident memory a waiting peer ({}, {} of them)", wire, n),
                with_number(memory, n), "B", std::string_view{wire} == "tcp" ? tcp_bytes : websocket_bytes);
        j.value(fmt::format("3 idle, CPU a second a thousand waiting peers ({}, {} of them)", wire, n),
                with_number(cpu, n), "us", no_cpu_us);
    }
    for (const auto& [system, wire, most] : {std::tuple{"parley in memory", "memory", 60'000.0},
                                             {"parley-relay", "tcp", 19'000.0},
                                             {"parley-relay", "ws", 19'000.0}}) {
        const choice packet = waiting("forward", system, "CPU time a packet", wire);
        // 60,000 if it was measured, even if more was measured, too.
        const bool there = j.find(with_number(packet, most)) != nullptr;
        const double n = there ? most : largest(packet, most);
        j.at_most(fmt::format("4 forward, CPU a packet with {} waiting / with 10 ({})", n, wire),
                  with_number(packet, n), {with_number(packet, 10)}, 1.2);
    }
    const choice told = waiting("fanout", "parley-relay", "CPU time a message", "tcp");
    const double n = largest(told, 19'000);
    j.at_most(fmt::format("5 fanout to {} (tcp), CPU a message / bare writes", n), with_number(told, n),
              {with_number(waiting("fanout", "bare writes", "CPU time a message", "tcp"), n)}, 1.5);
}

void judge_handshakes(judge& j)
{
    for (const auto& [text, metric] :
         {std::pair{"6 handshakes with agreement, CPU of both peers' machines / libsodium primitives",
                    "CPU time of both peers' machines a handshake"},
          {"6 handshakes with agreement, CPU of both peers and their sockets / libsodium primitives (tcp)",
           "CPU time of both peers a handshake, sockets included"}}) {
        const parameters with{{"transport", "tcp"}, {"keys", "agreement"}, {"loop", "closed"}};
        j.at_most(text, {"handshakes", "parley-relay", metric, with},
                  {{"handshakes", "libsodium", metric, with}}, 1.15);
    }
}

void judge_transfers(judge& j)
{
    const auto rate = [](const char* system, const std::string& document) {
        return choice{"transfer", system, "rate", {{"document", document}}};
    };
    const auto step = [](const char* name) {
        return choice{"primitives", "parley", "rate of one core", {{"step", name}}};
    };
    constexpr const char *whole = "seal, hash and frame", *part = "hash and seal";
    const char* chosen = j.find(step(whole)) != nullptr || j.find(step(part)) == nullptr ? whole : part;
    j.at_least(fmt::format("7 transfer of random bytes, rate / one core's {}", chosen),
               rate("parley", "random"), {step(chosen)}, 0.5);
    // The name contains the number of files.
    std::string tree = "20000 small files";
    std::vector<std::string> documents{"random", "compressible"};
    for (const std::string& name : j.documents())
        if (name.ends_with(" small files")) tree = name;
    documents.push_back(tree);
    for (const std::string& name : documents)
        j.at_least(fmt::format("7 transfer of {}, rate / magic-wormhole", name), rate("parley", name),
                   {rate("magic-wormhole", name)},
                   name == "random"         ? 4
                   : name == "compressible" ? 5
                                            : 10);
    j.at_least("7 session 2, random bytes, rate / session 1", rate("parley", "random"),
               {rate("parley, session 1", "random")}, 1.5);
    for (const std::string& name : documents)
        j.value(fmt::format("7 transfer of {}, first byte after the room's opening", name),
                {"transfer", "parley", "first byte after the room's opening", {{"document", name}}}, "ms",
                50);
}

void judge_streams(judge& j)
{
    const auto of = [](const char* system, const char* metric) {
        return choice{"stream", system, metric, {{"relay", "parley-relay"}}};
    };
    constexpr const char *stream = "parley stream", *rate = "rate", *echo = "echo of a byte";
    j.at_least("8 stream, rate / a document's", of(stream, rate), {of("parley document", rate)}, 0.8);
    j.at_most("8 stream, echo of a byte / a bare room's", of(stream, echo), {of("bare room", echo)}, 1.3);
}

std::string measured_text(const criterion& one)
{
    if (!one.measured) return "not measured";
    return one.unit == "ratio" ? fmt::format("{:.2f}", *one.measured)
                               : fmt::format("{} {}", number_text(*one.measured), one.unit);
}

std::string target_text(const criterion& one)
{
    const std::string unit = one.unit == "ratio" || one.unit.empty() ? "" : " " + one.unit;
    return fmt::format("{} {}{}", one.at_most ? "<=" : ">=", one.target, unit);
}

const char* met_text(const criterion& one)
{
    return !one.measured ? "-" : one.met() ? "yes" : "no";
}

} // namespace

std::vector<criterion> criteria_of(const std::vector<measurement>& all)
{
    judge j{all};
    judge_rooms(j);
    judge_waiting(j);
    judge_handshakes(j);
    judge_transfers(j);
    judge_streams(j);
    return j.take();
}

std::string criteria_table(const std::vector<criterion>& all)
{
    std::vector<row> rows{{"criterion", "measured", "target", "met"}};
    for (const criterion& one : all)
        rows.push_back({escaped(one.what), measured_text(one), target_text(one), met_text(one)});
    return text_table(rows, 1);
}

} // namespace parley::bench
