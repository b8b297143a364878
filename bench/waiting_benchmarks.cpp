#include "bench/benchmarks.hpp"

#include "bench/failure.hpp"
#include "bench/memory_world.hpp"
#include "bench/packet_exchange.hpp"
#include "bench/patience.hpp"
#include "bench/room_ends.hpp"
#include "bench/waiting_clients.hpp"

#include <parley/wire/public_packet.hpp>
#include <parley/wire/writer.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <thread>

namespace parley::bench {
namespace {

using std::chrono::steady_clock;

constexpr std::size_t many = 1000;  // peers: pings to fewer cost too little to wait for
constexpr double ping_seconds = 28; // parley-relay pings every 25 s
const std::vector<wire_kind> quick_wires{wire_kind::tcp, wire_kind::websocket};
constexpr unsigned window = 16; // packets under way between two peers
// Peers that wait before the first memory reading, so that one-time costs are paid.
constexpr source_number warm_peers = 64;

std::vector<double> points(const settings& options, std::vector<double> quick, std::vector<double> full)
{
    if (!options.waiting.empty()) return options.waiting;
    return options.quick ? std::move(quick) : std::move(full);
}

// As far as a relay with 20,000 descriptors per process can go.
std::vector<double> curve_points(const settings& options)
{
    return points(options, {10, 19'000}, {10, 1000, 10'000, 19'000});
}

std::vector<double> memory_points(const settings& options)
{
    if (!options.memory_waiting.empty()) return options.memory_waiting;
    if (!options.waiting.empty()) return {};
    return options.quick ? std::vector<double>{10, 60'000}
                         : std::vector<double>{10, 1000, 10'000, 60'000, 65'533};
}

measurement about_waiting(const char* benchmark, const std::string& system, std::string_view wire,
                          std::size_t waiting)
{
    measurement out;
    out.benchmark = benchmark;
    out.system = system;
    out.with = {{"transport", std::string{wire}}, {"waiting", static_cast<double>(waiting)}};
    return out;
}

// Runs `measure` for each run, point, transport and system. The systems take turns.
template <class Measure>
void for_each_point(session& s, const char* name, const std::vector<system_kind>& kinds,
                    const std::vector<wire_kind>& wires, const std::vector<double>& sizes, Measure measure)
{
    source_number source = 1;
    for (int run = 0; run < s.settings().runs; ++run)
        for (const double size : sizes)
            for (const wire_kind wire : wires)
                for (const system_kind& kind : in_turn(kinds, run))
                    s.attempt(fmt::format("{} {} {} {}", name, kind.name, wire_name(wire), size), [&] {
                        const std::unique_ptr<system_under_test> program = kind.start();
                        const std::optional<relay_endpoints> endpoints = program->relay(wire);
                        if (!endpoints) return;
                        measure(kind.name, *program, *endpoints, wire, static_cast<std::size_t>(size),
                                source);
                        source += static_cast<source_number>(size) + 1024;
                    });
}

double seconds_since(std::int64_t before_ns, const system_under_test& program)
{
    return static_cast<double>(cpu_time_ns(program.processes()) - before_ns) * 1e-9;
}

// Memory has settled once the program has read what was sent. Two equal readings show that.
std::int64_t settled_memory(const std::vector<pid_t>& processes)
{
    std::int64_t last = resident_bytes(processes);
    for (int i = 0; i < 20; ++i) {
        std::this_thread::sleep_for(std::chrono::milliseconds{50});
        const std::int64_t now = resident_bytes(processes);
        if (now == last) break;
        last = now;
    }
    return last;
}

} // namespace

void run_fanout_benchmark(session& s)
{
    std::vector<system_kind> kinds = relay_kinds(s);
    kinds.push_back(bare_relay_kind());
    kinds = available(s, std::move(kinds));
    for_each_point(s, "fanout", kinds, wires_of(s.settings(), quick_wires), curve_points(s.settings()),
                   [&](const std::string& name, const system_under_test& program,
                       const relay_endpoints& endpoints, wire_kind wire, std::size_t size,
                       source_number source) {
                       const waiting_clients clients{endpoints.handshake, size, source};
                       waiting_server server{endpoints.handshake, source + static_cast<source_number>(size)};
                       const std::int64_t cpu = cpu_time_ns(program.processes());
                       const double clients_cpu = clients.cpu_seconds();
                       const auto begin = server.appear();
                       const auto end = clients.wait_heard(size, patience);
                       const double system_cpu = seconds_since(cpu, program);
                       const measurement about = about_waiting("fanout", name, wire_name(wire), size);
                       s.add(about, "until the last has heard", "ms", better::less,
                             std::chrono::duration<double, std::milli>(end - begin).count(),
                             {{"system", system_cpu}, {"generator", clients.cpu_seconds() - clients_cpu}});
                       if (!program.processes().empty())
                           s.add(about, "CPU time a message", "us", better::less,
                                 system_cpu / static_cast<double>(size) * 1e6);
                   });
    for (int run = 0; run < s.settings().runs; ++run)
        for (const double size : memory_points(s.settings()))
            s.attempt(fmt::format("fanout in memory {}", size), [&] {
                memory_world world{static_cast<std::size_t>(size)};
                const memory_report report = world.fanout();
                const measurement about =
                    about_waiting("fanout", "parley in memory", "memory", static_cast<std::size_t>(size));
                s.add(about, "until the last has heard", "ms", better::less, report.seconds * 1e3,
                      {{"relay and clients", report.cpu_seconds}});
                s.add(about, "CPU time a message", "us", better::less, report.cpu_seconds / size * 1e6);
            });
}

void run_idle_benchmark(session& s)
{
    const std::vector<double> sizes = points(s.settings(), {2000}, {1000, 10'000, 19'000});
    const double largest = *std::max_element(sizes.begin(), sizes.end());
    std::vector<system_kind> kinds = relay_kinds(s);
    kinds.push_back(beast_relay_kind());
    kinds = available(s, std::move(kinds));
    for_each_point(
        s, "idle", kinds, wires_of(s.settings(), {all_wires.begin(), all_wires.end()}), sizes,
        [&](const std::string& name, const system_under_test& program, const relay_endpoints& endpoints,
            wire_kind wire, std::size_t size, source_number source) {
            if (program.processes().empty())
                return s.skip(fmt::format("idle {}", name), "its process is not known (--relay-pid)");
            const waiting_clients first{endpoints.handshake, warm_peers, source};
            const std::int64_t before = settled_memory(program.processes());
            const waiting_clients clients{endpoints.handshake, size, source + warm_peers};
            const std::int64_t after = settled_memory(program.processes());
            const std::int64_t cpu = cpu_time_ns(program.processes());
            // WebSockets get a ping now and then. One long measurement of the largest number of them includes
            // it.
            const bool long_look = !s.settings().quick && has_frames(wire) && size >= many &&
                                   static_cast<double>(size) == largest;
            const double seconds = std::max(s.settings().seconds, long_look ? ping_seconds : 0.0);
            std::this_thread::sleep_for(std::chrono::duration<double>{seconds});
            const double taken = seconds_since(cpu, program);
            const measurement about = about_waiting("idle", name, wire_name(wire), size);
            s.add(about, "resident memory a waiting peer", "B", better::less,
                  static_cast<double>(after - before) / static_cast<double>(size));
            s.add(about, "CPU time a second a thousand waiting peers", "us", better::less,
                  taken / seconds / static_cast<double>(size) * 1e9, {{"system", taken}});
        });
}

void run_forward_benchmark(session& s)
{
    for_each_point(
        s, "forward", available(s, relay_kinds(s)), wires_of(s.settings(), quick_wires),
        curve_points(s.settings()),
        [&](const std::string& name, const system_under_test& program, const relay_endpoints& endpoints,
            wire_kind wire, std::size_t size, source_number source) {
            const waiting_clients clients{endpoints.handshake, size, source};
            packet_exchange pair{endpoints.handshake, source + static_cast<source_number>(size), window};
            clients.wait_heard(size, patience);
            pair.run(s.settings().seconds / 4);
            const std::int64_t cpu = cpu_time_ns(program.processes()), own = own_cpu_ns();
            const auto begin = steady_clock::now();
            const auto packets = static_cast<double>(pair.run(s.settings().seconds));
            const double seconds = std::chrono::duration<double>(steady_clock::now() - begin).count();
            const double taken = seconds_since(cpu, program);
            const measurement about = about_waiting("forward", name, wire_name(wire), size);
            s.add(about, "packets", "1/s", better::more, packets / seconds,
                  {{"system", taken}, {"generator", static_cast<double>(own_cpu_ns() - own) * 1e-9}});
            if (!program.processes().empty())
                s.add(about, "CPU time a packet", "us", better::less, taken / packets * 1e6);
        });
    for (int run = 0; run < s.settings().runs; ++run)
        for (const double size : memory_points(s.settings()))
            s.attempt(fmt::format("forward in memory {}", size), [&] {
                memory_world world{static_cast<std::size_t>(size)};
                const memory_report report = world.forward(s.settings().seconds);
                const auto packets = static_cast<double>(report.packets);
                const measurement about =
                    about_waiting("forward", "parley in memory", "memory", static_cast<std::size_t>(size));
                s.add(about, "packets", "1/s", better::more, packets / report.seconds,
                      {{"relay and peers", report.cpu_seconds}});
                s.add(about, "CPU time a packet", "us", better::less, report.cpu_seconds / packets * 1e6);
            });
}

} // namespace parley::bench
