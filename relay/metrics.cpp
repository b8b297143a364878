#include "relay/metrics.hpp"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <map>
#include <unistd.h>

namespace parley::relayd {
namespace {

using prometheus::Counter;
using prometheus::Gauge;
using prometheus::Labels;

// How a connection ended, as a value for a label.
const char* ending(error_code why) noexcept
{
    if (!why) return "done";
    if (why == condition::peer_fault) return "peer_fault";
    if (why == condition::timed_out) return "timed_out";
    if (why == condition::refused) return "refused";
    if (why == condition::cancelled) return "cancelled";
    return "transport";
}

double resident_bytes()
{
    std::ifstream file{"/proc/self/statm"};
    double all = 0, resident = 0;
    file >> all >> resident;
    return resident * static_cast<double>(::sysconf(_SC_PAGESIZE));
}

double open_descriptors()
{
    double count = 0;
    std::error_code error;
    for (std::filesystem::directory_iterator at{"/proc/self/fd", error}, end; !error && at != end;
         at.increment(error))
        ++count;
    return count;
}

} // namespace

struct relay_metrics::state {
    Counter& counter(const char* name, const char* help, const Labels& labels = {})
    {
        return prometheus::BuildCounter().Name(name).Help(help).Register(registry).Add(labels);
    }
    Gauge& gauge(const char* name, const char* help, const Labels& labels = {})
    {
        return prometheus::BuildGauge().Name(name).Help(help).Register(registry).Add(labels);
    }
    static Labels channel_label(relay_channel channel)
    {
        return {{"channel", std::string{relay_channel_name(channel)}}};
    }

    state()
    {
        gauge("parley_relay_build_info", "The version of the relay; always 1.", {{"version", PARLEY_VERSION}})
            .Set(1);
        gauge("process_start_time_seconds", "When the process began, in Unix time.")
            .Set(std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count());
        // Create a counter for each reason at the start: a rate needs the zero before the first event.
        for (std::size_t i = 0; i < refusals; ++i)
            refusal_counts.push_back(
                &counter("parley_relay_rejections_total",
                         "Connections and packets that were rejected or delayed, by reason.",
                         {{"reason", std::string{reject_reason_name(static_cast<reject_reason>(i))}}}));
        for (std::size_t i = 0; i <= static_cast<std::size_t>(drop_reason::no_agreement); ++i)
            drops.push_back(&counter(
                "parley_relay_packets_dropped_total", "Handshake packets that went nowhere, by reason.",
                {{"reason", std::string{drop_reason_name(static_cast<drop_reason>(i))}}}));
        for (const relay_channel channel : {relay_channel::handshake, relay_channel::room}) {
            connections.push_back(&counter("parley_relay_connections_total",
                                           "Connections that were accepted, by what they came for.",
                                           channel_label(channel)));
            accept_failures.push_back(&counter("parley_relay_accept_failures_total",
                                               "Connections that the system could not give to the relay.",
                                               channel_label(channel)));
        }
        for (const char* kind : {"server", "client"}) {
            hellos.push_back(
                &counter("parley_relay_hellos_total", "Hellos, by kind of peer.", {{"kind", kind}}));
            waiting.push_back(&gauge("parley_relay_waiting_peers", "Peers that wait for another, by kind.",
                                     {{"kind", kind}}));
        }
        for (const char* result : {"failure", "success"})
            reloads.push_back(&counter("parley_relay_config_reloads_total",
                                       "Reloads of the configuration, by result.", {{"result", result}}));
    }

    prometheus::Registry registry;
    std::vector<Counter*> refusal_counts, drops, connections, accept_failures, hellos, reloads;
    std::vector<Gauge*> waiting;
    Counter& agreements = counter("parley_relay_agreements_total", "Pairs of peers that have agreed.");
    Counter& rooms_total = counter("parley_relay_rooms_total", "Rooms that were opened.");
    Counter& room_bytes = counter("parley_relay_room_bytes_total", "Bytes that have passed through rooms.");
    Gauge& open_connections = gauge("parley_relay_connections", "Connections now, of every kind.");
    Gauge& rooms = gauge("parley_relay_rooms", "Rooms now.");
    Gauge& pending_rooms =
        gauge("parley_relay_pending_rooms", "Agreements whose rooms were not entered yet.");
    Gauge& held = gauge("parley_relay_held_bytes", "Memory that waits for slow peers, under max-memory.");
    Gauge& draining = gauge("parley_relay_draining", "1 while the relay takes no new peers.");
    Gauge& memory = gauge("process_resident_memory_bytes", "Resident memory.");
    Gauge& descriptors = gauge("process_open_fds", "Open descriptors.");
    prometheus::Histogram& room_seconds =
        prometheus::BuildHistogram()
            .Name("parley_relay_room_duration_seconds")
            .Help("How long rooms were open.")
            .Register(registry)
            .Add({}, prometheus::Histogram::BucketBoundaries{0.1, 1, 10, 60, 600, 3600, 21600});
};

relay_metrics::relay_metrics(relay_observer& next) : next_(next), state_(std::make_unique<state>()) {}
relay_metrics::~relay_metrics() = default;

void relay_metrics::listening(const tcp_endpoint& at, relay_channel channel)
{
    next_.listening(at, channel);
}

void relay_metrics::accept_failed(relay_channel channel, error_code why)
{
    next_.accept_failed(channel, why);
    state_->accept_failures[static_cast<std::size_t>(channel)]->Increment();
}

void relay_metrics::connected(const identity& who, relay_channel channel)
{
    next_.connected(who, channel);
    state_->connections[static_cast<std::size_t>(channel)]->Increment();
}

void relay_metrics::disconnected(const identity& who, relay_channel channel, error_code why)
{
    next_.disconnected(who, channel, why);
    Labels labels = state::channel_label(channel);
    labels["reason"] = ending(why);
    state_->counter("parley_relay_disconnections_total", "Connections that have ended, by how.", labels)
        .Increment();
}

void relay_metrics::hello(const identity& who, peer_kind kind)
{
    next_.hello(who, kind);
    state_->hellos[static_cast<std::size_t>(kind)]->Increment();
}

void relay_metrics::agreed(const identity& client, const identity& server)
{
    next_.agreed(client, server);
    state_->agreements.Increment();
}

void relay_metrics::dropped(const identity& from, drop_reason reason, std::uint8_t type)
{
    next_.dropped(from, reason, type);
    if (const auto at = static_cast<std::size_t>(reason); at < state_->drops.size())
        state_->drops[at]->Increment();
}

void relay_metrics::rejected(const identity& who, relay_channel channel, reject_reason why)
{
    next_.rejected(who, channel, why);
    if (const auto at = static_cast<std::size_t>(why); at < refusals) state_->refusal_counts[at]->Increment();
}

void relay_metrics::overflow(const identity& who, std::size_t queued_bytes)
{
    next_.overflow(who, queued_bytes);
}

void relay_metrics::room_opened(const identity& client, const identity& server)
{
    next_.room_opened(client, server);
    state_->rooms_total.Increment();
}

void relay_metrics::room_closed(const room_report& report)
{
    next_.room_closed(report);
    state_->room_seconds.Observe(std::chrono::duration<double>(report.time).count());
}

void relay_metrics::reloaded(bool well)
{
    state_->reloads[well ? 1 : 0]->Increment();
}

std::string relay_metrics::text(const relay_server& relay)
{
    const relay_server::counts now = relay.count();
    state& s = *state_;
    s.open_connections.Set(static_cast<double>(now.connections));
    s.waiting[0]->Set(static_cast<double>(now.peers.servers));
    s.waiting[1]->Set(static_cast<double>(now.peers.clients));
    s.rooms.Set(static_cast<double>(now.rooms));
    s.pending_rooms.Set(static_cast<double>(now.places.agreements));
    s.room_bytes.Increment(static_cast<double>(now.room_bytes) - s.room_bytes.Value());
    s.held.Set(static_cast<double>(now.memory));
    s.draining.Set(relay.draining() ? 1 : 0);
    s.memory.Set(resident_bytes());
    s.descriptors.Set(open_descriptors());
    return prometheus::TextSerializer{}.Serialize(s.registry.Collect());
}

} // namespace parley::relayd
