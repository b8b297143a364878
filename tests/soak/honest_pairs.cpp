// Honest peers under load: pairs that meet through a relay and pass a small document, and probes that time a
// hello. A sender waits for a while until its receiver comes. Each pair and each probe comes from its own loopback
// address. Prints one JSON object at the end, and each failure as it happens on standard error.
//
// A receiver tries every sender that waits, so peers that are slow make each other slower. Several threads keep this
// program from being the slow part: an interruption of the machine must not end in a queue that only grows.
#include <parley/async/spawn.hpp>
#include <parley/async/watchdog.hpp>
#include <parley/base/diagnostics.hpp>
#include <parley/testing/seeded_random.hpp>
#include <parley/testing/temporary_folder.hpp>
#include <parley/transfer/receive_document.hpp>
#include <parley/transfer/send_document.hpp>
#include <parley/transport/connect.hpp>
#include <parley/transport/tcp.hpp>
#include <parley/transport/tls.hpp>
#include <parley/transport/websocket.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <thread>

namespace parley::soak {
namespace {

using asio::ip::tcp;
using namespace std::chrono_literals;

struct settings {
    std::string over = "tcp"; // tcp, tls or wss
    std::string ca_file;
    std::uint16_t port = 0, room_port = 0;
    std::string first_address = "127.20.0.1"; // of those that the peers come from
    unsigned addresses = 250;
    double pairs_per_second = 20;
    double probes_per_second = 10;
    double seconds = 60;
    std::uint64_t seed = 1;
    std::size_t document_bytes = 16 * 1024;
    unsigned threads = 2; // each has its part of the pairs and probes
    double wait = 0.25;   // seconds until the receiver of a sender comes
    double patience = 60; // seconds in which a pair must meet, and a probe hear its identity
};

const settings* chosen = nullptr; // set once by main

std::string nth_address(std::uint64_t n)
{
    const auto first = asio::ip::make_address_v4(chosen->first_address).to_uint();
    return asio::ip::make_address_v4(first + static_cast<std::uint32_t>(n % chosen->addresses)).to_string();
}

double milliseconds(duration time)
{
    return std::chrono::duration<double, std::milli>(time).count();
}

duration seconds_of(double count)
{
    return std::chrono::duration_cast<duration>(std::chrono::duration<double>(count));
}

// Connects to the relay on loopback. The host of request.address is the address to come from.
awaitable<connect_outcome> connect_from(connect_request request)
{
    const executor ex = co_await asio::this_coro::executor;
    connect_outcome out;
    tcp::socket socket{ex};
    socket.open(tcp::v4(), out.error);
    if (!out.error) {
        const int no_port_yet = 1; // connect() picks it, so that all addresses have all ports
        ::setsockopt(socket.native_handle(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &no_port_yet,
                     sizeof no_port_yet);
        socket.bind({asio::ip::make_address(request.address.host), 0}, out.error);
    }
    if (out.error) co_return std::move(out);
    const tcp::endpoint relay{asio::ip::address_v4::loopback(), request.port()};
    const auto connected = co_await socket.async_connect(relay, use_tuple);
    out.error = std::get<0>(connected);
    if (out.error) co_return std::move(out);
    out.stream = make_tcp_stream(std::move(socket));
    const watchdog bound{out.stream, request.options.timeout};
    const std::string host = "localhost";
    diagnostics words;
    if (chosen->over != "tcp") {
        const tls_client_options trusted{chosen->ca_file};
        const error_code error = co_await open_tls(out.stream, host, trusted, &words);
        out.error = bound.explain(error);
    }
    if (!out.error && chosen->over == "wss") {
        const relay_address url{"wss", host, request.port(), request.port(), "/"};
        const error_code error = co_await open_websocket(
            out.stream, url, request.kind, request.options.websocket, request.options.seat, &words);
        out.error = bound.explain(error);
    }
    out.detail = words.message();
    co_return std::move(out);
}

void register_loopback_transport()
{
    static const transport loopback{"loopback", 1, 2, &connect_from, nullptr};
    register_transport(loopback);
}

relay_address relay_from(std::uint64_t n)
{
    return {"loopback", nth_address(n), chosen->port, chosen->room_port};
}

// What the pairs and probes of one thread have done.
struct results {
    std::uint64_t pairs = 0, pairs_ok = 0, probes = 0, probes_ok = 0;
    std::map<std::string, std::uint64_t> failures;
    std::vector<double> pair_ms, hello_ms;

    // Counts `why`, and shows it with its particulars.
    void fail(const std::string& why, const std::string& particulars = {})
    {
        ++failures[why];
        std::cerr << why + " (" + particulars + ")\n";
    }

    void add(const results& other)
    {
        pairs += other.pairs;
        pairs_ok += other.pairs_ok;
        probes += other.probes;
        probes_ok += other.probes_ok;
        for (const auto& [why, count] : other.failures) failures[why] += count;
        pair_ms.insert(pair_ms.end(), other.pair_ms.begin(), other.pair_ms.end());
        hello_ms.insert(hello_ms.end(), other.hello_ms.begin(), other.hello_ms.end());
    }
};

nlohmann::json spread(std::vector<double> values)
{
    if (values.empty()) return nullptr;
    std::sort(values.begin(), values.end());
    const auto at = [&](double part) {
        return values[std::min(values.size() - 1,
                               static_cast<std::size_t>(part * static_cast<double>(values.size())))];
    };
    return {{"p50", at(0.5)}, {"p99", at(0.99)}, {"max", values.back()}, {"count", values.size()}};
}

// One sender and one receiver that share a code. It keeps itself alive until both have ended.
class pair : public std::enable_shared_from_this<pair> {
public:
    pair(const executor& ex, std::uint64_t number, results& all)
        : number_(number),
          all_(all),
          code_(std::to_string(chosen->seed) + " honest pair " + std::to_string(number)),
          content_(testing::seeded_random{chosen->seed + number}.bytes(chosen->document_bytes)),
          source_(document_source::from_bytes("document", content_).value()),
          receiver_(document_receiver::create(destination()).value()),
          timer_(ex)
    {
    }

    void start()
    {
        ++all_.pairs;
        async_send_document(
            timer_.get_executor(), secret_bytes{code_}, source_,
            send_options{}.relay(relay_from(number_)).wait_timeout(seconds_of(chosen->patience)), silent_,
            [self = shared_from_this()](std::exception_ptr thrown, const operation_result<send_report>& r) {
                self->end("sender", thrown, r);
            });
        timer_.expires_after(seconds_of(chosen->wait));
        timer_.async_wait([self = shared_from_this()](error_code) { self->receive(); });
    }

private:
    receiver_options destination() const
    {
        receiver_options out;
        out.directory = folder_.path();
        return out;
    }

    void receive()
    {
        if (failed_) return finish(); // the sender has not waited
        began_ = clock::now();
        async_receive_document(
            timer_.get_executor(), secret_bytes{code_}, receiver_,
            receive_options{}.relay(relay_from(number_)).wait_timeout(seconds_of(chosen->patience)), silent_,
            [self = shared_from_this()](std::exception_ptr thrown,
                                        const operation_result<receive_report>& r) {
                self->end("receiver", thrown, r);
            });
    }

    template <class Report>
    void end(const char* who, const std::exception_ptr& thrown, const operation_result<Report>& result)
    {
        report_exception(who, thrown);
        if (thrown || !result) {
            failed_ = true;
            all_.fail(std::string{who} + ": " + (thrown ? "an exception" : result.error().code.message()),
                      thrown ? "" : result.error().message());
        }
        finish();
    }

    void finish()
    {
        if (--running_ != 0) return;
        if (!failed_) check();
        all_.pairs_ok += failed_ ? 0 : 1;
        all_.pair_ms.push_back(milliseconds(clock::now() - began_));
    }

    void check()
    {
        std::ifstream in{folder_.path() / "document", std::ios::binary};
        const byte_vector got{std::istreambuf_iterator<char>{in}, {}};
        failed_ = got != content_;
        if (failed_) all_.fail("receiver: another document than was sent");
    }

    const std::uint64_t number_;
    results& all_;
    const std::string code_;
    time_point began_ = clock::now(); // of the receiver
    const testing::temporary_folder folder_;
    const byte_vector content_;
    document_source source_;
    document_receiver receiver_;
    asio::steady_timer timer_;
    peer_observer silent_;
    int running_ = 2;
    bool failed_ = false;
};

// Times a hello: from the first packet of the connection to the relay's answer.
awaitable<void> probe(std::uint64_t number, results& all)
{
    ++all.probes;
    const time_point began = clock::now();
    connect_request request;
    request.address = relay_from(number);
    request.options.timeout = seconds_of(chosen->patience);
    auto reached = co_await connect_from(std::move(request));
    error_code error = reached.error;
    if (!error) {
        const watchdog bound{reached.stream, seconds_of(chosen->patience)};
        const std::string_view hello = "000001";
        const auto written = co_await asio::async_write(reached.stream, asio::buffer(hello), use_tuple);
        error = std::get<0>(written);
        std::string got;
        std::array<char, 512> piece{};
        while (!error && got.find('\0') == std::string::npos) {
            const auto read = co_await reached.stream.async_read_some(asio::buffer(piece), use_tuple);
            error = std::get<0>(read);
            got.append(piece.data(), std::get<1>(read));
        }
        error = bound.explain(error);
        if (!error && !got.starts_with("000003")) error = errc::unexpected_packet;
        reached.stream.close();
    }
    if (error)
        all.fail("probe: " + error.message());
    else
        ++all.probes_ok;
    all.hello_ms.push_back(milliseconds(clock::now() - began));
}

// Calls `start` with the numbers of this `thread` at a fixed rate, however long what was started takes.
awaitable<void> at_rate(double per_second, unsigned thread, std::function<void(std::uint64_t)> start)
{
    const executor ex = co_await asio::this_coro::executor;
    const auto count = static_cast<std::uint64_t>(per_second * chosen->seconds);
    const time_point began = clock::now();
    asio::steady_timer timer{ex};
    for (std::uint64_t n = thread; n < count; n += chosen->threads) {
        timer.expires_at(began + seconds_of(static_cast<double>(n) / per_second));
        co_await timer.async_wait(use_tuple);
        start(n);
    }
}

void run_thread(unsigned thread, results& all)
{
    asio::io_context context{1};
    const executor ex = context.get_executor();
    spawn(ex,
          at_rate(chosen->pairs_per_second, thread,
                  [&](std::uint64_t n) { std::make_shared<pair>(ex, n, all)->start(); }),
          "pairs");
    // The probes' addresses begin where the pairs' are not at this moment.
    const std::uint64_t apart = chosen->addresses / 2;
    spawn(ex,
          at_rate(chosen->probes_per_second, thread,
                  [&](std::uint64_t n) { spawn(ex, probe(n + apart, all), "probe"); }),
          "probes");
    context.run();
}

nlohmann::json run()
{
    register_loopback_transport();
    std::vector<results> parts(chosen->threads);
    std::vector<std::jthread> threads;
    for (unsigned i = 0; i < chosen->threads; ++i)
        threads.emplace_back([i, &parts] { run_thread(i, parts[i]); });
    threads.clear(); // waits for each
    results all;
    for (const results& part : parts) all.add(part);
    return {{"pairs", all.pairs},
            {"pairs_ok", all.pairs_ok},
            {"probes", all.probes},
            {"probes_ok", all.probes_ok},
            {"failures", all.failures},
            {"pair_ms", spread(all.pair_ms)},
            {"hello_ms", spread(all.hello_ms)}};
}

} // namespace
} // namespace parley::soak

int main(int argc, char** argv)
{
    parley::soak::settings given;
    CLI::App app{"Honest peers under load"};
    app.add_option("--over", given.over)->check(CLI::IsMember({"tcp", "tls", "wss"}));
    app.add_option("--ca-file", given.ca_file);
    app.add_option("--port", given.port)->required();
    app.add_option("--room-port", given.room_port)->required();
    app.add_option("--first-address", given.first_address);
    app.add_option("--addresses", given.addresses)->check(CLI::PositiveNumber);
    app.add_option("--pairs", given.pairs_per_second)->check(CLI::PositiveNumber);
    app.add_option("--probes", given.probes_per_second)->check(CLI::PositiveNumber);
    app.add_option("--seconds", given.seconds)->check(CLI::PositiveNumber);
    app.add_option("--seed", given.seed);
    app.add_option("--threads", given.threads)->check(CLI::PositiveNumber);
    app.add_option("--document-bytes", given.document_bytes);
    app.add_option("--wait", given.wait)->check(CLI::NonNegativeNumber);
    app.add_option("--patience", given.patience)->check(CLI::PositiveNumber);
    CLI11_PARSE(app, argc, argv);
    parley::soak::chosen = &given;
    const nlohmann::json report = parley::soak::run();
    std::cout << report.dump() << std::endl;
    return report["pairs"] == report["pairs_ok"] && report["probes"] == report["probes_ok"] ? 0 : 1;
}
