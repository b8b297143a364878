#include "bench/benchmarks.hpp"

#include "bench/failure.hpp"
#include "bench/room_load.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

namespace parley::bench {
namespace {

constexpr double warm_up_share = 0.25; // part of the measured time: windows open and buffers grow

struct pair_of_wires {
    wire_kind sender, receiver;
};

std::vector<pair_of_wires> pairs(const settings& options)
{
    std::vector<pair_of_wires> out;
    if (options.quick && options.transports.empty()) {
        for (const wire_kind sender : {wire_kind::tcp, wire_kind::websocket})
            for (const wire_kind receiver : {wire_kind::tcp, wire_kind::websocket})
                out.push_back({sender, receiver});
        out.push_back({wire_kind::tls, wire_kind::tls});
        return out;
    }
    const std::vector<wire_kind> wires = wires_of(options, {});
    for (const wire_kind sender : wires)
        for (const wire_kind receiver : wires) out.push_back({sender, receiver});
    return out;
}

void measure(session& s, const system_kind& kind, pair_of_wires wires, unsigned rooms, unsigned& number)
{
    const std::unique_ptr<system_under_test> program = kind.start();
    std::vector<room_ends> ends;
    for (unsigned i = 0; i < rooms; ++i) {
        std::optional<room_ends> joined = join_room(*program, wires.sender, wires.receiver, number++);
        if (!joined) return; // it does not have one of the transports
        ends.push_back(std::move(*joined));
    }
    room_load load{std::move(ends)};
    load.measure(s.settings().seconds * warm_up_share, {});
    const room_load_report report = load.measure(s.settings().seconds, program->processes());

    const auto total =
        static_cast<double>(std::accumulate(report.bytes.begin(), report.bytes.end(), std::uint64_t{0}));
    if (total == 0) throw failure{"nothing passed"};
    measurement about;
    about.benchmark = "room";
    about.system = kind.name;
    about.with = {{"sender", std::string{wire_name(wires.sender)}},
                  {"receiver", std::string{wire_name(wires.receiver)}},
                  {"rooms", static_cast<double>(rooms)}};
    s.add(about, "throughput", "MB/s", better::more, total / 1e6 / report.seconds,
          {{"system", report.system_cpu_seconds},
           {"sender", report.sender_cpu_seconds},
           {"receiver", report.receiver_cpu_seconds}});
    const double gigabytes = total / 1e9;
    const double ends_cpu = report.sender_cpu_seconds + report.receiver_cpu_seconds;
    // The number of cores divided by this is the highest possible rate, if no core ever waited.
    s.add(about, "CPU time a GB, both ends included", "s/GB", better::less,
          (report.system_cpu_seconds + ends_cpu) / gigabytes);
    if (!program->processes().empty())
        s.add(about, "CPU time a GB", "s/GB", better::less, report.system_cpu_seconds / gigabytes);
    if (rooms > 1) {
        const auto [least, most] = std::minmax_element(report.bytes.begin(), report.bytes.end());
        s.add(about, "fairness: slowest room to fastest", "ratio", better::more,
              static_cast<double>(*least) / static_cast<double>(*most));
    }
}

} // namespace

void run_room_benchmark(session& s)
{
    std::vector<system_kind> kinds = relay_kinds(s);
    kinds.push_back(beast_relay_kind());
    for (system_kind& kind : forwarder_kinds(s)) kinds.push_back(std::move(kind));
    kinds = available(s, std::move(kinds));
    std::vector<double> counts = s.settings().rooms;
    if (counts.empty())
        counts = s.settings().quick ? std::vector<double>{1, 64} : std::vector<double>{1, 8, 64};
    unsigned number = 1;
    for (int run = 0; run < s.settings().runs; ++run)
        for (const pair_of_wires wires : pairs(s.settings()))
            for (const double rooms : counts)
                for (const system_kind& kind : in_turn(kinds, run))
                    s.attempt(fmt::format("room {} {}→{} {}", kind.name, wire_name(wires.sender),
                                          wire_name(wires.receiver), rooms),
                              [&] { measure(s, kind, wires, static_cast<unsigned>(rooms), number); });
}

} // namespace parley::bench
