#include "bench/commands.hpp"

#include "bench/benchmarks.hpp"
#include "bench/criteria.hpp"
#include "bench/endpoint.hpp"
#include "bench/failure.hpp"
#include "bench/load_process.hpp"
#include "bench/machine.hpp"
#include "bench/tables.hpp"

#include <fmt/format.h>

#include <array>
#include <cstdio>

namespace parley::bench {
namespace {

constexpr std::array all_benchmarks{
    benchmark{"room", "Bytes through rooms, beside HAProxy, nginx, socat and plain loopback",
              &run_room_benchmark},
    benchmark{"handshakes", "Handshakes a second, and their latency", &run_handshake_benchmark},
    benchmark{"forward", "Packets between two peers while others wait", &run_forward_benchmark},
    benchmark{"fanout", "A server that appears before waiting clients", &run_fanout_benchmark},
    benchmark{"idle", "Memory and CPU time of peers that wait", &run_idle_benchmark},
    benchmark{"transfer", "Documents from end to end, beside magic-wormhole", &run_transfer_benchmark},
    benchmark{"stream", "The stream of a session, beside a document and a bare room", &run_stream_benchmark},
    benchmark{"primitives", "The cost of each step, beside the libraries' own", &run_primitive_benchmark},
};

void print(const std::string& text)
{
    std::fputs(text.c_str(), stdout);
}

// Before anything is started: what listens inherits it, and so does all that is accepted.
void choose_congestion_control(const settings& s)
{
    set_congestion_control(s.congestion.empty() ? system_congestion_control() : s.congestion);
    if (s.congestion.empty() || s.congestion == system_congestion_control()) return;
    if (!s.relays.empty())
        throw failure{
            "--congestion cannot reach a relay that runs already: set net.ipv4.tcp_congestion_control, "
            "start it anew, and leave --congestion out"};
    if (!enter_own_network() || !set_system_congestion_control(s.congestion))
        throw failure{"--congestion " + s.congestion +
                      ": this system does not let it be set (it needs root, and the name in "
                      "net.ipv4.tcp_allowed_congestion_control)"};
}

} // namespace

std::span<const benchmark> benchmarks() noexcept
{
    return all_benchmarks;
}

int measure_command(const std::string& name, const settings& chosen, const std::string& json)
{
    choose_congestion_control(chosen);
    raise_descriptor_limit();
    session s{chosen};
    const std::string control = fmt::format(
        "TCP congestion control of all programs and the generator: {} ({})", system_congestion_control(),
        chosen.congestion.empty() ? "the system's own" : "set for this run");
    s.say(control);
    for (const benchmark& one : all_benchmarks)
        if (name == "all" || name == one.name) s.attempt(one.name, [&] { one.run(s); });
    run_document document = s.document();
    document.criteria = criteria_of(document.measurements);
    // One benchmark says nothing of those of the others.
    if (name != "all") std::erase_if(document.criteria, [](const criterion& one) { return !one.measured; });
    if (!document.criteria.empty()) print(criteria_table(document.criteria) + "\n");
    const std::vector<ratio> ratios = ratios_of(document.measurements);
    if (!ratios.empty()) print(ratio_table(ratios) + "\n");
    print(control + "\n\n");
    print(value_table(document.measurements) + "\n" + circumstances(document));
    if (!json.empty()) save_run(json, document);
    return s.failures() == 0 ? 0 : 1;
}

} // namespace parley::bench
