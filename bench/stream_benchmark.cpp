#include "bench/benchmarks.hpp"

#include "bench/documents.hpp"
#include "bench/parley_tool.hpp"
#include "bench/stream_ends.hpp"

#include <fmt/format.h>

namespace parley::bench {
namespace {

// One call of the benchmark: what all its measurements share.
class stream_measuring {
public:
    explicit stream_measuring(session& s)
        : s_(s),
          blocks_(std::max<std::uint64_t>(s.settings().document_bytes() / stream_block_bytes, 1)),
          document_(s.fresh("document"))
    {
        write_document(document_, bytes(), document_content::random);
    }

    void secure(const system_kind& relay)
    {
        const std::unique_ptr<system_under_test> program = relay.start();
        const std::optional<relay_endpoints> at = program->relay(wire_kind::tcp);
        if (!at) return;
        pass(about("parley stream", relay), secure_ends(*at, next_code()), program->processes(), true);
        echo(about("parley stream", relay), secure_ends(*at, next_code()));
    }

    void bare(const system_kind& relay)
    {
        const std::unique_ptr<system_under_test> program = relay.start();
        for (const bool echoes : {false, true}) {
            std::optional<room_ends> room = join_room(*program, wire_kind::tcp, wire_kind::tcp, number_++);
            if (!room) return;
            const stream_ends ends = bare_ends(std::move(*room));
            if (echoes)
                echo(about("bare room", relay), ends);
            else
                pass(about("bare room", relay), ends, program->processes(), false);
        }
    }

    void document(const system_kind& relay)
    {
        if (find_program(s_.settings().parley).empty()) return s_.skip("parley", "not installed");
        parley_tool by{s_, relay.start(), "2"};
        add_rate(s_, about("parley document", relay), bytes(), pass_document(s_, by, document_, next_code()));
    }

private:
    std::uint64_t bytes() const { return blocks_ * stream_block_bytes; }
    std::string next_code() { return fmt::format("stream{}", number_++); }

    static measurement about(const char* system, const system_kind& relay)
    {
        measurement out;
        out.benchmark = "stream";
        out.system = system;
        out.with = {{"relay", relay.name}};
        return out;
    }

    // The opening of a bare room is the harness's own: it has no rate that could stand beside a document's.
    void pass(const measurement& of, const stream_ends& ends, const std::vector<pid_t>& relay,
              bool with_opening)
    {
        const std::int64_t before = cpu_time_ns(relay);
        stream_passage passed = pass_blocks(ends, blocks_);
        if (!relay.empty())
            passed.whole.cpu_seconds["relay"] = static_cast<double>(cpu_time_ns(relay) - before) * 1e-9;
        if (with_opening) add_rate(s_, of, bytes(), passed.whole);
        s_.add(of, "throughput once open", "MB/s", better::more,
               static_cast<double>(bytes()) / 1e6 / passed.room_seconds, passed.whole.cpu_seconds);
    }

    void echo(const measurement& of, const stream_ends& ends)
    {
        const latency_recorder latencies = echo_bytes(ends, s_.settings().seconds);
        for (const auto& [metric, percent] :
             {std::pair{"echo of a byte", 50.0}, {"echo of a byte, p99", 99.0}})
            s_.add(of, metric, "us", better::less,
                   static_cast<double>(latencies.percentile(percent).count()) * 1e-3);
    }

    session& s_;
    std::uint64_t blocks_;
    std::filesystem::path document_;
    unsigned number_ = 1; // of a room or a code
};

struct stream_step {
    const char* name;
    void (stream_measuring::*measure)(const system_kind& relay);
};

} // namespace

void run_stream_benchmark(session& s)
{
    stream_measuring measuring{s};
    const std::vector<stream_step> steps{{"stream", &stream_measuring::secure},
                                         {"bare room", &stream_measuring::bare},
                                         {"document", &stream_measuring::document}};
    const std::vector<system_kind> relays = available(s, relay_kinds(s));
    for (int run = 0; run < s.settings().runs; ++run)
        for (const system_kind& relay : in_turn(relays, run))
            for (const stream_step& step : in_turn(steps, run))
                s.attempt(fmt::format("stream {} {}", relay.name, step.name),
                          [&] { (measuring.*step.measure)(relay); });
}

} // namespace parley::bench
