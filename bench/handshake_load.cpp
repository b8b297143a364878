#include "bench/handshake_load.hpp"

#include "bench/child.hpp"
#include "bench/failure.hpp"
#include "bench/library_speed.hpp"
#include "bench/scripted_peer.hpp"

#include <algorithm>
#include <vector>

namespace parley::bench {
namespace {

using std::chrono::steady_clock;

constexpr auto handshake_timeout = std::chrono::minutes{1};

// Makes one handshake after another.
class place {
public:
    place(load_loop& loop, const handshake_plan& plan, handshake_report& report)
        : plan_(plan), report_(report), server_(loop, *this), client_(loop, *this)
    {
    }

    bool idle() const noexcept { return !under_way_; }
    bool overdue(steady_clock::time_point now) const noexcept
    {
        return under_way_ && now - began_ > handshake_timeout;
    }

    void begin(steady_clock::time_point intended, source_number source)
    {
        intended_ = intended;
        began_ = steady_clock::now();
        under_way_ = true;
        done_ = false;
        source_ = source;
        const std::int64_t before = cpu();
        server_.set(make_server_peer(plan_.keys == handshake_keys::agreement, source));
        spend(before);
        server_.open(plan_.relay.handshake, source, "bob.handshake");
    }

    void abandon() noexcept
    {
        server_.close();
        client_.close();
        under_way_ = false;
    }

private:
    // The connection of one peer. A separate value, the scripted peer, decides what to send.
    class end final : public load_connection {
    public:
        end(load_loop& loop, place& owner) : load_connection(loop), owner_(owner) {}
        void set(std::unique_ptr<scripted_peer> peer) { peer_ = std::move(peer); }
        scripted_peer& peer() { return *peer_; }

    private:
        void on_open() override { owner_.progress(*this, {}); }
        void on_bytes(mutable_bytes bytes) override { owner_.progress(*this, bytes); }
        void on_end(int) override { owner_.on_end(*this); }

        place& owner_;
        std::unique_ptr<scripted_peer> peer_;
    };

    std::int64_t cpu() const noexcept
    {
        return plan_.keys == handshake_keys::agreement ? thread_cpu_ns() : 0;
    }
    void spend(std::int64_t before) noexcept { report_.machine_ns += cpu() - before; }

    void progress(end& at, bytes_view input)
    {
        const std::int64_t before = cpu();
        at.peer().receive(input);
        const byte_vector output = at.peer().take_output();
        spend(before);
        if (!output.empty()) at.send(output);
        // Connect the client when its server waits, so that the server is announced to it at once.
        if (&at == &server_ && !client_.is_open() && at.peer().identified() && !done_) start_client();
        if (&at == &client_ && at.peer().done() && !done_) {
            done_ = true;
            ++report_.completed;
            report_.latency.record(steady_clock::now() - intended_);
            if (plan_.bare_every > 0 && report_.completed % plan_.bare_every == 0) call_bare_primitives();
        }
    }

    void call_bare_primitives()
    {
        const std::int64_t before = thread_cpu_ns();
        if (!sodium_server_derivation() || !sodium_server_agreement() || !sodium_client_agreement())
            throw failure{"libsodium failed"};
        report_.bare_ns += thread_cpu_ns() - before;
        ++report_.bare;
    }

    void start_client()
    {
        const std::int64_t before = cpu();
        client_.set(
            make_client_peer(plan_.keys == handshake_keys::agreement, source_, server_.peer().announces()));
        spend(before);
        client_.open(plan_.relay.handshake, source_, "bob.handshake");
    }

    void on_end(end& at)
    {
        // The relay closes both when the client is done and the server has the client's `accepted`.
        if (!at.peer().done()) {
            ++report_.failed;
            abandon();
        } else if (!client_.is_open() && !server_.is_open()) {
            abandon();
        }
    }

    const handshake_plan& plan_;
    handshake_report& report_;
    end server_, client_;
    steady_clock::time_point intended_, began_;
    source_number source_ = 0;
    bool under_way_ = false, done_ = false;
};

} // namespace

void run_handshakes(const handshake_plan& plan, handshake_report& report)
{
    load_loop loop;
    std::vector<std::unique_ptr<place>> places;
    for (unsigned i = 0; i < plan.concurrency; ++i)
        places.push_back(std::make_unique<place>(loop, plan, report));

    const auto start = steady_clock::now();
    const auto stop = start + std::chrono::duration_cast<steady_clock::duration>(
                                  std::chrono::duration<double>{plan.seconds});
    const bool open_loop = plan.rate > 0;
    open_loop_schedule schedule{start, open_loop ? plan.rate : 1};
    source_number source = plan.first_source;
    std::size_t next = 0; // places take turns, so that finding an idle one is cheap
    auto now = start;
    for (; now < stop; now = steady_clock::now()) {
        for (std::size_t tried = 0; tried < places.size(); ++tried) {
            if (open_loop && !schedule.due(now)) break;
            place& one = *places[next];
            next = (next + 1) % places.size();
            if (one.overdue(now)) {
                ++report.failed;
                one.abandon();
            }
            if (one.idle()) one.begin(open_loop ? schedule.take() : steady_clock::now(), source++);
        }
        auto wait = stop - now;
        if (open_loop) wait = std::min<steady_clock::duration>(wait, schedule.next() - steady_clock::now());
        loop.run_once(std::max(wait, steady_clock::duration::zero()));
    }
    // Wait for those under way: leaving them out would leave out the slowest.
    const auto all_idle = [&] {
        return std::all_of(places.begin(), places.end(), [](const auto& one) { return one->idle(); });
    };
    if (!loop.run_until(all_idle, steady_clock::now() + handshake_timeout))
        for (const auto& one : places) report.failed += one->idle() ? 0u : 1u;
    report.seconds += std::chrono::duration<double>(steady_clock::now() - start).count();
    if (report.completed == 0) throw failure{"no handshake was completed"};
}

} // namespace parley::bench
