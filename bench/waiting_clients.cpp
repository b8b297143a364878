#include "bench/waiting_clients.hpp"

#include "bench/child.hpp"
#include "bench/failure.hpp"
#include "bench/load_loop.hpp"
#include "bench/patience.hpp"

#include <parley/wire/parser.hpp>
#include <parley/wire/writer.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <thread>
#include <variant>

namespace parley::bench {
namespace {

using std::chrono::steady_clock;

constexpr std::size_t spare_descriptors = 200;
constexpr std::size_t connecting_at_once = 128; // below any listener's backlog
constexpr std::chrono::microseconds pause{200};

std::size_t clients_a_process()
{
    return std::max<std::size_t>(raise_descriptor_limit(), 2 * spare_descriptors) - spare_descriptors;
}

// The state that the clients of one process share.
struct tally {
    std::size_t connecting = 0;
    std::function<void()> on_ready, on_heard, on_lost;
};

class waiting_client final : public load_connection {
public:
    waiting_client(load_loop& loop, tally& counts) : load_connection(loop), counts_(counts) {}

private:
    void on_open() override { send(encode(relay_uid, packet::hello_as_a_client{}).view()); }
    void on_bytes(mutable_bytes bytes) override
    {
        bytes_view input = bytes;
        while (!input.empty()) {
            const result<std::optional<message>> packet = parser_.parse(input);
            if (!packet) return close();
            if (!*packet) return;
            if (std::holds_alternative<packet::client_identity>((*packet)->body)) {
                --counts_.connecting;
                counts_.on_ready();
            } else if (std::holds_alternative<packet::new_server>((*packet)->body)) {
                counts_.on_heard();
            }
        }
    }
    void on_end(int) override { counts_.on_lost(); }

    tally& counts_;
    packet_parser parser_;
};

} // namespace

waiting_clients::waiting_clients(const endpoint& relay_at, std::size_t size, source_number first_source)
    : size_(size), shares_((size + clients_a_process() - 1) / clients_a_process())
{
    const std::size_t each = clients_a_process();
    for (std::size_t i = 0; i < shares_.size(); ++i) {
        const std::size_t mine = std::min(each, size - i * each);
        const auto source = first_source + static_cast<source_number>(i * each);
        share& told = shares_[i];
        processes_.push_back(std::make_unique<load_process>(
            [&relay_at, mine, source, &told] { run(relay_at, mine, source, told); }));
    }
    const auto ready = [this] {
        std::uint64_t out = 0;
        for (std::size_t i = 0; i < shares_.size(); ++i) out += shares_[i].ready.load();
        return out;
    };
    if (!wait_for(ready, size_, patience))
        throw failure{fmt::format("only {} of {} clients were negotiated", ready(), size_)};
}

void waiting_clients::run(const endpoint& relay_at, std::size_t size, source_number first_source, share& mine)
{
    load_loop loop;
    std::deque<waiting_client> clients;
    tally counts;
    counts.on_ready = [&] { mine.ready.fetch_add(1); };
    counts.on_heard = [&] {
        mine.last_heard_ns.store(steady_clock::now().time_since_epoch().count());
        mine.heard.fetch_add(1, std::memory_order_release);
    };
    counts.on_lost = [&] { mine.lost.fetch_add(1); };
    for (;;) {
        while (clients.size() < size && counts.connecting < connecting_at_once) {
            ++counts.connecting;
            const auto number = first_source + static_cast<source_number>(clients.size());
            clients.emplace_back(loop, counts).open(relay_at, number, "bob.handshake");
        }
        loop.run_once(std::chrono::seconds{60});
    }
}

void waiting_clients::check() const
{
    for (std::size_t i = 0; i < shares_.size(); ++i)
        if (!processes_[i]->running() || shares_[i].lost.load() != 0)
            throw failure{"a waiting client was lost"};
}

std::uint64_t waiting_clients::heard() const noexcept
{
    std::uint64_t out = 0;
    for (std::size_t i = 0; i < shares_.size(); ++i) out += shares_[i].heard.load(std::memory_order_acquire);
    return out;
}

// Waits until `number()` is `count`. Returns false when it does not grow for `longest`.
bool waiting_clients::wait_for(const std::function<std::uint64_t()>& number, std::uint64_t count,
                               std::chrono::nanoseconds longest) const
{
    std::uint64_t last = 0;
    auto limit = steady_clock::now() + longest;
    for (;;) {
        const std::uint64_t now = number();
        if (now >= count) return true;
        check();
        if (now > last) limit = steady_clock::now() + longest;
        last = now;
        if (steady_clock::now() > limit) return false;
        std::this_thread::sleep_for(pause);
    }
}

steady_clock::time_point waiting_clients::wait_heard(std::uint64_t count,
                                                     std::chrono::nanoseconds longest) const
{
    if (!wait_for([this] { return heard(); }, count, longest))
        throw failure{"not every client has heard of the server"};
    std::int64_t last = 0;
    for (std::size_t i = 0; i < shares_.size(); ++i) last = std::max(last, shares_[i].last_heard_ns.load());
    return steady_clock::time_point{steady_clock::duration{last}};
}

double waiting_clients::cpu_seconds() const
{
    std::vector<pid_t> pids;
    for (const auto& one : processes_) pids.push_back(one->pid());
    return static_cast<double>(cpu_time_ns(pids)) * 1e-9;
}

} // namespace parley::bench
