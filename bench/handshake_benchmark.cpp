#include "bench/benchmarks.hpp"

#include "bench/failure.hpp"
#include "bench/handshake_load.hpp"
#include "bench/load_process.hpp"
#include "bench/patience.hpp"
#include "bench/system_under_test.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <thread>

namespace parley::bench {
namespace {

constexpr unsigned open_loop_places = 4096; // handshakes under way before an open loop has to wait
// Two sockets per place. The numbers of the generators are far apart, so that their source addresses differ.
constexpr source_number numbers_a_generator = 1u << 20;
constexpr source_number numbers_a_run = 1u << 17;
constexpr unsigned bare_every = 4;

constexpr const char* machines_metric = "CPU time of both peers' machines a handshake";
constexpr const char* peers_metric = "CPU time of both peers a handshake, sockets included";

struct load_result {
    handshake_report total;
    double generator_cpu = 0, system_cpu = 0;
};

// Runs the plan in forked generators and waits for all of them.
load_result run_load(const settings& options, handshake_plan plan, const system_under_test& program)
{
    const unsigned count = options.generators;
    shared_array<handshake_report> reports{count};
    shared_array<std::int64_t> cpu_ns{count};
    plan.concurrency = std::max(1u, plan.concurrency / count);
    plan.rate /= count;
    load_result out;
    const std::int64_t before = cpu_time_ns(program.processes());
    {
        std::vector<std::unique_ptr<load_process>> generators;
        for (unsigned i = 0; i < count; ++i) {
            handshake_plan mine = plan;
            mine.first_source += i * numbers_a_generator;
            generators.push_back(std::make_unique<load_process>([&reports, &cpu_ns, mine, i] {
                run_handshakes(mine, reports[i]);
                cpu_ns[i] = own_cpu_ns();
            }));
        }
        const auto limit =
            std::chrono::steady_clock::now() + std::chrono::duration<double>{plan.seconds} + patience;
        for (const auto& one : generators)
            while (one->running()) {
                if (std::chrono::steady_clock::now() > limit) throw failure{"a load generator does not end"};
                std::this_thread::sleep_for(std::chrono::milliseconds{5});
            }
    }
    out.system_cpu = static_cast<double>(cpu_time_ns(program.processes()) - before) * 1e-9;
    for (unsigned i = 0; i < count; ++i) {
        out.total.completed += reports[i].completed;
        out.total.failed += reports[i].failed;
        out.total.machine_ns += reports[i].machine_ns;
        out.total.bare += reports[i].bare;
        out.total.bare_ns += reports[i].bare_ns;
        out.total.seconds = std::max(out.total.seconds, reports[i].seconds);
        out.total.latency.merge(reports[i].latency);
        out.generator_cpu += static_cast<double>(cpu_ns[i]) * 1e-9;
    }
    if (out.total.completed == 0) throw failure{"no handshake was completed"};
    return out;
}

void report(session& s, const measurement& about, const load_result& load, bool open, bool has_process)
{
    const auto completed = static_cast<double>(load.total.completed);
    if (!open)
        s.add(about, "handshakes", "1/s", better::more, completed / load.total.seconds,
              {{"system", load.system_cpu}, {"generator", load.generator_cpu}});
    if (!open && has_process)
        s.add(about, "CPU time of the relay a handshake", "us", better::less,
              load.system_cpu / completed * 1e6);
    for (const auto& [metric, percent] : {std::pair{"latency p50", 50.0},
                                          {"latency p90", 90},
                                          {"latency p99", 99},
                                          {"latency p99.9", 99.9},
                                          {"latency max", 100}}) {
        const auto latency = load.total.latency.percentile(percent);
        s.add(about, metric, "ms", better::less, static_cast<double>(latency.count()) * 1e-6);
    }
    s.add(about, "failed", "handshakes", better::less, static_cast<double>(load.total.failed));
}

// Compares the peers' CPU time with that of libsodium's functions alone. These are called in between, so
// other work of the machine affects both.
void report_cpu_of_peers(session& s, measurement about, const load_result& load)
{
    const auto add = [&](const std::string& system, const char* metric, double ns, std::uint64_t count) {
        if (!s.settings().wanted(system)) return;
        about.system = system;
        s.add(about, metric, "us", better::less, ns * 1e-3 / static_cast<double>(count));
    };
    const auto machines = static_cast<double>(load.total.machine_ns);
    const auto bare = static_cast<double>(load.total.bare_ns);
    const std::string program = about.system;
    add(program, machines_metric, machines, load.total.completed);
    add(program, peers_metric, load.generator_cpu * 1e9 - bare, load.total.completed);
    if (load.total.bare == 0) return;
    for (const char* metric : {machines_metric, peers_metric})
        add("libsodium", metric, bare, load.total.bare);
}

void measure(session& s, const system_kind& kind, wire_kind wire, handshake_keys keys, source_number first)
{
    const settings& options = s.settings();
    const std::unique_ptr<system_under_test> program = kind.start();
    const std::optional<relay_endpoints> endpoints = program->relay(wire);
    if (!endpoints) return;
    measurement about;
    about.benchmark = "handshakes";
    about.system = kind.name;
    about.with = {{"transport", std::string{wire_name(wire)}},
                  {"keys", keys == handshake_keys::agreement ? "agreement" : "precomputed"},
                  {"loop", "closed"},
                  {"concurrency", static_cast<double>(options.concurrency)}};
    handshake_plan plan{*endpoints, keys, options.concurrency, 0, options.seconds, first};
    const load_result closed = run_load(options, plan, *program);
    report(s, about, closed, false, !program->processes().empty());
    if (keys == handshake_keys::agreement) {
        handshake_plan beside = plan;
        beside.first_source += numbers_a_run / 4;
        beside.bare_every = bare_every;
        report_cpu_of_peers(s, about, run_load(options, beside, *program));
    }

    const double reached = static_cast<double>(closed.total.completed) / closed.total.seconds;
    plan.rate = options.rate > 0 ? options.rate : reached / 2;
    plan.concurrency = open_loop_places;
    plan.first_source += numbers_a_run / 2;
    const load_result open = run_load(options, plan, *program);
    about.with["loop"] = options.rate > 0 ? fmt::format("open, {}/s", options.rate) : "open, half of closed";
    about.with.erase("concurrency");
    // The offered rate is half of the program's own; its latencies mean nothing without that number.
    s.add(about, "offered rate", "1/s", better::more, plan.rate);
    report(s, about, open, true, !program->processes().empty());
}

} // namespace

void run_handshake_benchmark(session& s)
{
    const std::vector<system_kind> kinds = available(s, relay_kinds(s));
    const std::string& wanted = s.settings().keys;
    source_number first = 1;
    for (int run = 0; run < s.settings().runs; ++run)
        for (const handshake_keys keys : {handshake_keys::precomputed, handshake_keys::agreement})
            for (const wire_kind wire : wires_of(s.settings(), {wire_kind::tcp, wire_kind::websocket}))
                for (const system_kind& kind : in_turn(kinds, run)) {
                    const char* name = keys == handshake_keys::agreement ? "agreement" : "precomputed";
                    if (wanted != "both" && wanted != name) continue;
                    s.attempt(fmt::format("handshakes {} {} {}", kind.name, wire_name(wire), name),
                              [&] { measure(s, kind, wire, keys, first); });
                    first += numbers_a_run;
                }
}

} // namespace parley::bench
