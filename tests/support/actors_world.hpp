// A relay, senders and receivers in one process, over memory streams or loopback TCP, for tests of the
// actors.
#pragma once

#include <parley/async/spawn.hpp>
#include <parley/relay/relay_server.hpp>
#include <parley/stream/memory_stream.hpp>
#include <parley/testing/fault_stream.hpp>
#include <parley/testing/run_until_done.hpp>
#include <parley/testing/seeded_random.hpp>
#include <parley/testing/temporary_folder.hpp>
#include <parley/testing/virtual_clock.hpp>
#include <parley/transfer/receive_document.hpp>
#include <parley/transfer/send_document.hpp>
#include <parley/transport/connect.hpp>
#include <parley/transport/tcp.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/write.hpp>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <set>

namespace parley::test {

namespace fs = std::filesystem;

using testing::temporary_folder;

inline byte_vector random_bytes(std::size_t size, std::uint64_t seed = 1)
{
    byte_vector out(size);
    testing::seeded_random{seed}.fill(out);
    return out;
}

inline byte_vector file_bytes(const fs::path& path)
{
    std::ifstream in{path, std::ios::binary};
    return {std::istreambuf_iterator<char>{in}, {}};
}

// The path to the relay in memory. Each world names itself by a number, which is the relay's "host".
struct memory_relay {
    std::function<connect_outcome(const connect_request&, const executor&)> dial;
    static std::map<std::string, memory_relay*>& all()
    {
        static std::map<std::string, memory_relay*> relays;
        return relays;
    }
};

inline awaitable<connect_outcome> dial_memory(connect_request request)
{
    const executor ex = co_await asio::this_coro::executor;
    connect_outcome out;
    const auto found = memory_relay::all().find(request.address.path);
    if (found == memory_relay::all().end())
        out.error = errc::connect_failed;
    else
        out = found->second->dial(request, ex);
    co_return out;
}

inline void register_memory_transport()
{
    static const transport memory{"memory", 1, 1, dial_memory, nullptr};
    register_transport(memory);
}

// The events of a relay, as lines.
class relay_log : public relay_observer {
public:
    void connected(const identity& who, relay_channel channel) override { add("connected", who, channel); }
    void disconnected(const identity& who, relay_channel channel, error_code why) override
    {
        add("disconnected", who, channel);
        reasons.push_back(why);
    }
    void hello(const identity&, peer_kind kind) override
    {
        ++(kind == peer_kind::server ? servers : clients);
    }
    void agreed(const identity&, const identity&) override { ++agreements; }
    void dropped(const identity&, drop_reason reason, std::uint8_t) override { drops.push_back(reason); }
    void rejected(const identity& who, relay_channel, reject_reason why) override
    {
        rejections.push_back(why);
        rejected_peers.emplace_back(who.text());
    }
    void overflow(const identity&, std::size_t) override { ++overflows; }
    void room_opened(const identity&, const identity&) override { ++opened; }
    void room_closed(const room_report& report) override { rooms.push_back(report); }

    std::vector<std::string> lines;
    std::vector<error_code> reasons;
    std::vector<drop_reason> drops;
    std::vector<reject_reason> rejections;
    std::vector<std::string> rejected_peers;
    std::vector<room_report> rooms;
    int servers = 0, clients = 0, agreements = 0, overflows = 0, opened = 0, balance = 0;

private:
    void add(const char* what, const identity& who, relay_channel channel)
    {
        balance += std::string_view{what} == "connected" ? 1 : -1;
        lines.push_back(std::string{what} + " " + std::string{who.text()} + " " +
                        std::string{relay_channel_name(channel)});
    }
};

// The events of an operation.
class peer_log : public peer_observer {
public:
    void connected(std::string_view) override { reach("connected"); }
    void identified(const identity&) override { reach("identified"); }
    void waiting() override { reach("waiting"); }
    void reconnecting(const operation_error& why, duration pause) override
    {
        lost.push_back(why.code);
        pauses.push_back(pause);
        reach("reconnecting");
    }
    void rejected(const identity&, error_code why) override
    {
        rejections.push_back(why);
        reach("rejected");
    }
    void refused(const identity&) override
    {
        ++refusals;
        reach("refused");
    }
    awaitable<bool> decide(identity peer) override
    {
        reach("asked");
        if (!on_question) co_return true;
        auto answer = on_question(peer);
        const bool yes = co_await std::move(answer);
        co_return yes;
    }
    awaitable<bool> decide_document(identity, offered_document document) override
    {
        reach("asked_about_document");
        documents.push_back(document);
        if (!on_document) co_return true;
        auto answer = on_document(document);
        const bool yes = co_await std::move(answer);
        co_return yes;
    }
    void withdrawn(const identity&) override
    {
        ++withdrawals;
        reach("withdrawn");
    }
    void agreed(const identity&, const identity&) override { reach("agreed"); }
    void entered_room() override { reach("entered_room"); }
    void progress(const transfer_progress& now) override
    {
        last = now;
        reach("progress");
    }
    void finishing() override { reach("finishing"); }

    bool saw(std::string_view what) const
    {
        return std::find(phases.begin(), phases.end(), what) != phases.end();
    }

    std::function<awaitable<bool>(identity)> on_question;
    std::function<awaitable<bool>(offered_document)> on_document;
    std::vector<offered_document> documents;
    std::function<void(const std::string&)> on_phase;
    std::vector<std::string> phases;
    std::vector<error_code> rejections, lost;
    std::vector<duration> pauses;
    int refusals = 0, withdrawals = 0;
    transfer_progress last;

private:
    void reach(const char* phase)
    {
        phases.emplace_back(phase);
        if (on_phase) on_phase(phases.back());
    }
};

// A running operation.
template <class Report>
struct operation {
    peer_log log;
    asio::cancellation_signal cancel;
    std::optional<operation_result<Report>> result;

    bool done() const noexcept { return result.has_value(); }
    bool succeeded() const noexcept { return result && *result; }
    error_code error() const { return result && !*result ? result->error().code : error_code{}; }
    std::string message() const { return result && !*result ? result->error().message() : std::string{}; }
    auto token()
    {
        return asio::bind_cancellation_slot(
            cancel.slot(), [this](std::exception_ptr thrown, operation_result<Report> value) {
                EXPECT_FALSE(thrown);
                result.emplace(std::move(value));
            });
    }
};

struct send_operation : operation<send_report> {
    std::optional<document_source> source;
};
struct receive_operation : operation<receive_report> {
    temporary_folder destination;
    std::optional<document_receiver> receiver;
};

enum class over { memory, tcp, tcp_and_threads }; // the last one: three loops run the relay's rooms

inline std::string name_of(over what)
{
    return what == over::memory ? "memory" : what == over::tcp ? "tcp" : "tcp_and_threads";
}

inline relay_server_options announcing_at_once()
{
    relay_server_options options;
    options.relay.announcement_interval = duration::zero();
    return options;
}

// A running relay, and how to reach it. The destructor stops the relay and runs everything to its end. With
// relay_server_options::time null, the relay gets `time`, which a test moves. Over memory run_until() moves it,
// too, whenever nothing else is left to do.
class world {
public:
    // By default the relay announces each server at once: settle() lets no time pass.
    explicit world(over kind = over::memory, relay_server_options options = announcing_at_once())
        : kind_(kind)
    {
        register_memory_transport();
        virtual_ = options.time == nullptr;
        if (virtual_) options.time = &time;
        if (kind == over::tcp_and_threads) options.threads = 3;
        if (kind != over::memory) {
            options.handshake_addresses = {{"tcp", "127.0.0.1", 0}};
            options.room_addresses = {{"tcp", "127.0.0.1", 0}};
        }
        relay_.emplace(context.get_executor(), std::move(options), log);
        EXPECT_FALSE(relay_->listen());
        asio::co_spawn(context, relay_->run(), [this](std::exception_ptr thrown, error_code error) {
            EXPECT_FALSE(thrown);
            EXPECT_FALSE(error);
            relay_ended = true;
        });
        memory_.dial = [this](const connect_request& request, const executor& ex) {
            return dial(request, ex);
        };
        memory_relay::all()["/" + std::to_string(number_)] = &memory_;
    }
    world(const world&) = delete;
    world& operator=(const world&) = delete;
    ~world()
    {
        stop();
        memory_relay::all().erase("/" + std::to_string(number_));
    }

    relay_server& relay() { return *relay_; }
    // Over memory: of the peer that connects next.
    unsigned next_port() const noexcept { return next_port_; }

    // The relay's address, for a peer whose own address is `host` over memory.
    relay_address address(const std::string& host = "10.0.0.1") const
    {
        if (kind_ == over::memory) return {"memory", host, 1, 1, "/" + std::to_string(number_)};
        return {"tcp", "127.0.0.1", relay_->bound_handshake_endpoints().front().port(),
                relay_->bound_room_endpoints().front().port()};
    }

    // A connection to the relay without an actor, as a hostile peer has.
    any_stream connect_raw(stream_kind kind, const std::string& host = "10.0.0.9")
    {
        if (kind_ == over::memory) {
            connect_request request;
            request.address = address(host);
            request.kind = kind;
            return std::move(dial(request, context.get_executor()).stream);
        }
        asio::ip::tcp::socket socket{context};
        const auto where = kind == stream_kind::handshake ? relay_->bound_handshake_endpoints().front()
                                                          : relay_->bound_room_endpoints().front();
        socket.connect(where);
        return make_tcp_stream(std::move(socket));
    }

    void send(send_operation& op, document_source source, const std::string& password,
              send_options options = {}, const std::string& host = "10.0.0.1")
    {
        op.source.emplace(std::move(source));
        options.relay(address(host)).random(&random).reconnect(reconnect);
        if (!options.blocking()) options.blocking(context.get_executor()); // no thread: a fixed order
        async_send_document(context.get_executor(), secret_bytes{password}, *op.source, std::move(options),
                            op.log, op.token());
    }

    void receive(receive_operation& op, const std::string& password, receive_options options = {},
                 const std::string& host = "10.0.0.2")
    {
        receiver_options where;
        where.directory = op.destination.path();
        if (configure_receiver) configure_receiver(where);
        auto receiver = document_receiver::create(where);
        ASSERT_TRUE(receiver);
        op.receiver.emplace(std::move(*receiver));
        options.relay(address(host)).random(&random).reconnect(reconnect);
        if (!options.blocking()) options.blocking(context.get_executor()); // no thread: a fixed order
        async_receive_document(context.get_executor(), secret_bytes{password}, *op.receiver,
                               std::move(options), op.log, op.token());
    }

    // Runs until `condition` holds. Returns false if it does not within `limit`, in virtual time a minute by
    // default.
    bool run_until(const std::function<bool()>& condition, std::optional<duration> limit = {})
    {
        if (virtual_ && kind_ == over::memory) {
            const time_point end = time.now() + limit.value_or(std::chrono::minutes{1});
            for (settle(); !condition() && time.now() < end; settle())
                time.advance_to(std::min(end, time.next_deadline()));
            return condition();
        }
        context.restart();
        const time_point end = clock::now() + limit.value_or(testing::test_patience);
        while (!condition()) {
            const time_point now = clock::now();
            if (now >= end || (context.run_one_for(end - now) == 0 && context.stopped())) return condition();
        }
        return true;
    }

    // Runs everything that need not wait for time or a network. Over memory that is everything.
    void settle()
    {
        context.restart();
        context.poll();
    }

    // Over memory: lets virtual time pass, and all happen that falls due in it.
    void pass(duration how_long)
    {
        run_until([] { return false; }, how_long);
    }

    void stop()
    {
        if (stopped_) return;
        stopped_ = true;
        relay_->stop();
        EXPECT_TRUE(run_until([this] { return relay_ended; }));
        EXPECT_EQ(log.balance, 0);
        context.restart();
        context.poll();
    }

    testing::virtual_clock time;
    asio::io_context context{1};
    relay_log log;
    testing::seeded_random random{7};
    bool relay_ended = false;
    bool reconnect = false; // whether peers that wait connect again to a lost relay
    std::size_t memory_capacity = 64 * 1024;
    std::function<void(receiver_options&)> configure_receiver;
    // Over memory: these get each stream to a peer, and its other end to the relay.
    std::function<any_stream(any_stream, stream_kind, const std::string& host)> wrap, wrap_relay_side;
    // Over memory: an error keeps the connection from being made.
    std::function<error_code(stream_kind, const std::string& host)> fail_connection;

private:
    connect_outcome dial(const connect_request& request, const executor& ex)
    {
        connect_outcome out;
        if (stopped_) {
            out.error = errc::connect_failed;
            return out;
        }
        if (fail_connection) out.error = fail_connection(request.kind, request.address.host);
        if (out.error) return out;
        memory_stream_options options;
        options.capacity_bytes = memory_capacity;
        options.first_identity =
            *identity::from_text(request.address.host + ":" + std::to_string(next_port_++));
        options.second_identity = *identity::from_text("192.0.2.1:9000");
        auto pair = make_memory_stream_pair(ex, options);
        const identity who = pair.second.remote_identity();
        if (wrap_relay_side)
            pair.second = wrap_relay_side(std::move(pair.second), request.kind, request.address.host);
        if (request.kind == stream_kind::handshake)
            relay_->serve_handshake(std::move(pair.second), who);
        else
            relay_->serve_room(std::move(pair.second), who);
        out.stream = std::move(pair.first);
        if (wrap) out.stream = wrap(std::move(out.stream), request.kind, request.address.host);
        return out;
    }

    static int next_number()
    {
        static int last = 0;
        return ++last;
    }

    const over kind_;
    const int number_ = next_number();
    std::optional<relay_server> relay_;
    memory_relay memory_;
    unsigned next_port_ = 20000;
    bool stopped_ = false, virtual_ = false;
};

// One end of a stream without an actor, as a hostile or foreign peer has.
class raw_peer {
public:
    explicit raw_peer(any_stream s) : stream(std::move(s)) {}
    raw_peer(const raw_peer&) = delete;
    raw_peer& operator=(const raw_peer&) = delete;

    void write(bytes_view bytes)
    {
        auto copy = std::make_shared<byte_vector>(bytes.begin(), bytes.end());
        ++writes_under_way;
        asio::async_write(stream, asio::buffer(*copy),
                          [this, copy, alive = alive()](error_code error, std::size_t) {
                              if (alive.expired()) return;
                              --writes_under_way;
                              if (error) write_error = error;
                              if (writes_under_way == 0 && shutdown_due_) shutdown_send();
                          });
    }
    void write(std::string_view text) { write(as_bytes(text)); }
    void write(uid to, const packet_variant& body) { write(encode(to, body).view()); }
    void shutdown_send()
    {
        stream.async_shutdown_send([](error_code) {});
    }

    void shutdown_send_after_writes()
    {
        shutdown_due_ = true;
        if (writes_under_way == 0) shutdown_send();
    }

    // Reads everything that arrives from now on.
    void start_reading()
    {
        stream.async_read_some(asio::buffer(*buffer_),
                               [this, buffer = buffer_, alive = alive()](error_code error, std::size_t size) {
                                   if (alive.expired()) return;
                                   got.append(reinterpret_cast<const char*>(buffer->data()), size);
                                   if (error)
                                       ended = error;
                                   else if (!paused)
                                       start_reading();
                               });
    }

    any_stream stream;
    std::string got;
    std::optional<error_code> ended; // eof, or the error that ended the reading
    error_code write_error;
    int writes_under_way = 0;
    bool paused = false; // reads nothing more until start_reading()

private:
    std::weak_ptr<bool> alive() const { return alive_; }

    std::shared_ptr<std::array<byte, 4096>> buffer_ = std::make_shared<std::array<byte, 4096>>();
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
    bool shutdown_due_ = false;
};

inline document_source bytes_source(std::string name, byte_vector content)
{
    source_options options;
    options.compress = compression::never;
    return *document_source::from_bytes(std::move(name), std::move(content), std::move(options));
}

} // namespace parley::test
