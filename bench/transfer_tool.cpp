#include "bench/transfer_tool.hpp"

#include "bench/documents.hpp"
#include "bench/failure.hpp"

#include <cmath>

namespace parley::bench {

namespace fs = std::filesystem;
using std::chrono::steady_clock;

passage pass_document(session& s, transfer_tool& by, const fs::path& path, const std::string& code)
{
    const fs::path folder = s.fresh("received");
    fs::create_directory(folder);
    const std::int64_t relay_cpu = cpu_time_ns(by.relays());
    const std::unique_ptr<child> sender = by.send(path, code);
    const auto begin = steady_clock::now();
    const std::unique_ptr<child> receiver = by.receive(folder, code);
    if (receiver->wait(transfer_timeout) != 0)
        throw failure{"the receiver failed: " + receiver->complaints()};
    if (sender->wait(transfer_timeout) != 0) throw failure{"the sender failed: " + sender->complaints()};
    passage out;
    out.seconds = std::chrono::duration<double>(steady_clock::now() - begin).count();
    out.cpu_seconds = {{"sender", sender->cpu_seconds()}, {"receiver", receiver->cpu_seconds()}};
    if (!by.relays().empty())
        out.cpu_seconds["relay"] = static_cast<double>(cpu_time_ns(by.relays()) - relay_cpu) * 1e-9;
    if (!same_content(path, folder / path.filename()))
        throw failure{"what was received is not what was sent"};
    // Keep a tree until the run is over. Where thousands of files have just been removed, making others takes
    // many times as long on ext4, which looks at each of them before it hands out a new one.
    if (fs::is_regular_file(path)) fs::remove_all(folder);
    return out;
}

void add_rate(session& s, measurement about, std::uint64_t bytes, const passage& passed)
{
    const double megabytes = static_cast<double>(bytes) / 1e6;
    about.with["megabytes"] = std::round(megabytes * 10) / 10;
    s.add(about, "rate", "MB/s", better::more, megabytes / passed.seconds, passed.cpu_seconds);
    double total = 0;
    for (const auto& [role, taken] : passed.cpu_seconds) total += taken;
    s.add(about, "CPU time of sender, receiver and relay a GB", "s/GB", better::less,
          total / megabytes * 1e3);
}

} // namespace parley::bench
