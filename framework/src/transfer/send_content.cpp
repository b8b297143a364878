// The sender of version 2: from the password to the last receiver's `stored`.
#include "session/continuation.hpp"
#include "session/secure_room.hpp"
#include "transfer/pack_transfer.hpp"
#include "transfer/sender_session.hpp"

#include <parley/crypto/random.hpp>
#include <parley/session/meeting.hpp>

#include <thread>

namespace parley {
namespace {

using namespace detail;

constexpr std::string_view document_protocol = "parley.document";

// Whether a sender waits on for another receiver after what this one has said (SESSION2.md section 9). One that had
// everything has kept what it could.
bool waits_on(const session_end& end, bool was_sent) noexcept
{
    if (end.error == errc::entry_not_taken_by_peer) return !was_sent;
    return end.error == errc::refused_by_peer || end.error == errc::no_room_at_peer ||
           end.error == errc::destination_exists_at_peer || end.error == errc::file_failed_at_peer;
}

class content_sending {
public:
    content_sending(const executor& ex, content_source& source, send_options options, peer_observer& observer)
        : executor_(ex),
          options_(std::move(options)),
          observer_(observer),
          time_(options_.time() != nullptr ? *options_.time() : real_time()),
          run_{source, nullptr, options_.blocking(), time_, observer, {}}
    {
        terms_.parameters = parameters_of(options_);
        terms_.versions = options_.version_1() ? session_versions::both : session_versions::only_2;
        run_.pumping.compress = options_.compress();
        const unsigned cores = std::thread::hardware_concurrency();
        run_.pumping.threads = cores > 2 ? std::min(cores - 2, 4U) : 0;
    }

    awaitable<operation_result<send_report>> run(secret_bytes password)
    {
        rendezvous meeting{options_, observer_};
        for (;;) {
            auto entered = co_await meeting.offer(password.duplicate(), terms_.parameters, terms_.versions);
            const bool cancelled = co_await is_cancelled();
            if (cancelled) co_return failure(errc::cancelled, session_phase::transferring, "sending");
            std::optional<agreement> agreed;
            if (entered) {
                if (entered->agreed.keys.version() == 1) {
                    auto outcome = co_await send_version_1(std::move(*entered));
                    co_return std::move(outcome);
                }
            } else if (!meeting.agreed() || meeting.agreed()->keys.version() == 1 ||
                       entered.error().code == errc::room_denied) {
                // Nobody else has come in the time: what the last one said is the reason.
                if (last_failure_.code && entered.error().code == errc::timed_out) co_return last_failure_;
                co_return entered.error();
            }
            const agreement& first = entered ? entered->agreed : *meeting.agreed();
            const secret_bytes reconnection = first.keys.session2->reconnection_password();
            report_.self = first.self;
            report_.peer = first.peer;
            auto served = co_await serve(std::move(entered), reconnection.duplicate(), password);
            if (served.old_room) {
                auto outcome = co_await send_version_1(std::move(*served.old_room));
                co_return std::move(outcome);
            }
            if (served.failed.code && !served.waits_on) co_return std::move(served.failed);
            if (served.waits_on) {
                last_failure_ = std::move(served.failed);
                continue;
            }
            ++stored_;
            report_.receivers = stored_;
            observer_.delivered(report_.peer, stored_);
            if (options_.receivers() != 0 && stored_ >= options_.receivers()) co_return report_;
        }
    }

private:
    struct service {
        operation_error failed; // without a code: stored
        bool waits_on = false;
        std::optional<entered_room> old_room; // a new receiver came that speaks version 1
    };

    // Everything between the agreement with one receiver and the end of its last session.
    awaitable<service> serve(operation_result<entered_room> entered, secret_bytes reconnection,
                             const secret_bytes& own)
    {
        continuation back{options_, observer_};
        sending_receiver receiver;
        bool returned = false;
        const time_point began = time_.now();
        service out;
        for (;;) {
            bool moved = false;
            if (entered) {
                auto opened = co_await open_secure_room(*entered, session_role::server, hello_, time_);
                if (opened) {
                    if (returned) observer_.resumed();
                    out.failed = co_await list(*opened);
                    if (out.failed.code) co_return std::move(out);
                    sender_session session{executor_, *opened, run_, receiver};
                    auto end = co_await session.run();
                    report_.stream_bytes += end.content;
                    if (!end.error) {
                        const std::uint64_t bytes = run_.document->offer().bytes;
                        report_.content_bytes = bytes == unknown_size ? end.content : bytes;
                        report_.transfer_time = time_.now() - began;
                        out.failed = {};
                        co_return std::move(out);
                    }
                    out.failed = failure_of(end, "sending to " + std::string{report_.peer.text()});
                    out.waits_on = waits_on(end, receiver.was_sent);
                    if (out.waits_on) tell_failure(out.failed);
                    if (!end.is_broken()) co_return std::move(out);
                    moved = end.moved;
                } else {
                    out.failed = opened.error();
                    if (out.failed.code != condition::transport) co_return std::move(out);
                }
            } else {
                out.failed = entered.error();
            }
            back.broke(moved);
            auto came = co_await back.offer(reconnection, own, terms_, out.failed);
            if (!came) {
                out.failed = came.error();
                co_return std::move(out);
            }
            if (came->is_new) {
                if (came->room.agreed.keys.version() == 1) {
                    out.old_room = std::move(came->room);
                    co_return std::move(out);
                }
                receiver = {};
                reconnection = came->room.agreed.keys.session2->reconnection_password();
                report_.peer = came->room.agreed.peer;
            }
            returned = !came->is_new;
            entered = std::move(came->room);
        }
    }

    void tell_failure(const operation_error& failed)
    {
        if (failed.code == errc::refused_by_peer)
            observer_.refused(report_.peer);
        else
            observer_.failed_there(report_.peer, failed.code, failed.detail);
    }

    // Lists the document, once in a run. A failure ends the session, and the other side is told.
    awaitable<operation_error> list(secure_stream& stream)
    {
        if (run_.document) co_return operation_error{};
        std::optional<result<std::shared_ptr<const document_outline>>> listed;
        {
            event done{executor_};
            blocking_worker worker{executor_, options_.blocking()};
            worker.submit([&] { listed.emplace(run_.source.list()); }, [&done] { done.signal(); });
            co_await done.wait();
        }
        if (*listed) {
            run_.document = std::move(**listed);
            observer_.listed(run_.document->offer());
            co_return operation_error{};
        }
        const document_fault& fault = run_.source.fault();
        auto failed = failure(listed->error(), session_phase::transferring, "listing the document",
                              escaped(fault.text));
        stream.abort(fault.reason, fault.text, failed.code);
        std::array<byte, 1> nothing;
        co_await stream.async_read_some(asio::buffer(nothing), use_tuple);
        co_await stream.async_wait_finished(use_tuple);
        co_return std::move(failed);
    }

    awaitable<operation_result<send_report>> send_version_1(entered_room room)
    {
        diagnostics diag;
        std::optional<result<document_source>> source;
        {
            event done{executor_};
            blocking_worker worker{executor_, options_.blocking()};
            worker.submit([&] { source.emplace(options_.version_1()(diag)); }, [&done] { done.signal(); });
            co_await done.wait();
        }
        if (!*source)
            co_return failure(source->error(), session_phase::transferring, "opening the document",
                              diag.message());
        auto outcome = co_await send_pack(std::move(room), **source, options_, observer_);
        co_return std::move(outcome);
    }

    executor executor_;
    send_options options_;
    peer_observer& observer_;
    time_source& time_;
    sending_run run_;
    continuation::offer_terms terms_;
    const session2_hello hello_{std::string{document_protocol}, own_software()};
    operation_error last_failure_; // of a receiver, while the wait goes on
    std::uint64_t stored_ = 0;
    send_report report_;
};

} // namespace

awaitable<operation_result<send_report>> send_document(secret_bytes password, content_source& source,
                                                       send_options options, peer_observer& observer)
{
    // After a cancellation the steps still close what they have opened, so no exception may interrupt them.
    const bool throws = co_await asio::this_coro::throw_if_cancelled();
    co_await asio::this_coro::throw_if_cancelled(false);
    const executor ex = co_await asio::this_coro::executor;
    co_await yield(ex);
    content_sending work{ex, source, std::move(options), observer};
    auto outcome = co_await work.run(std::move(password));
    co_await asio::this_coro::throw_if_cancelled(throws);
    co_return std::move(outcome);
}

} // namespace parley
