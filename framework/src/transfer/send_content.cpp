// The sender of version 2: from the password to the last receiver's `stored`.
#include "session/continuation.hpp"
#include "session/secure_room.hpp"
#include "transfer/pack_transfer.hpp"
#include "transfer/sender_session.hpp"

#include <parley/async/spawn.hpp>
#include <parley/crypto/random.hpp>
#include <parley/session/meeting.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>

#include <thread>
#include <vector>

namespace parley {
namespace {

using namespace detail;

class content_sending {
public:
    content_sending(const executor& ex, content_source& source, send_options options, peer_observer& observer)
        : executor_(ex),
          source_(source),
          options_(std::move(options)),
          observer_(observer),
          time_(options_.time() != nullptr ? *options_.time() : real_time()),
          listed_(ex, event_reset::manual),
          changed_(ex)
    {
        terms_.parameters = parameters_of(options_);
        terms_.versions = options_.version_1() ? session_versions::both : session_versions::only_2;
    }

    awaitable<operation_result<send_report>> run(secret_bytes password)
    {
        own_ = std::move(password);
        rendezvous meeting{options_, observer_};
        for (;;) {
            auto came = co_await meet(meeting);
            if (!came) {
                co_await end_services();
                // Nobody else has come in the time: what the last one said is the reason.
                const bool in_time = came.error().code != errc::timed_out;
                if (!in_time && options_.receivers() == 0 && stored_ != 0) co_return report_;
                if (!in_time && last_failure_.code) co_return last_failure_;
                co_return came.error();
            }
            if (came->version_1) {
                auto outcome = co_await send_version_1(std::move(*came->room));
                co_return std::move(outcome);
            }
            if (is_for_one()) {
                auto ended = co_await serve(std::move(*came));
                if (ended.old_room) {
                    auto outcome = co_await send_version_1(std::move(*ended.old_room));
                    co_return std::move(outcome);
                }
                take(std::move(ended));
            } else {
                start(std::move(*came));
                bool cancelled = false;
                while (!cancelled && !is_over() && !wants_another()) {
                    co_await changed_.wait_or_cancelled();
                    cancelled = co_await is_cancelled();
                }
            }
            if (!is_over()) continue;
            co_await end_services();
            if (fatal_.code) co_return fatal_;
            co_return report_;
        }
    }

private:
    // Somebody who has agreed, and perhaps is in the room already.
    struct agreed_receiver {
        identity self, peer;
        secret_bytes reconnection;
        bool version_1 = false;
        std::optional<entered_room> room;
        operation_error failed; // why there is no room
    };
    // How one receiver's sessions ended.
    struct ending {
        identity peer;
        operation_error failed; // without a code: stored
        bool waits_on = false;
        std::uint64_t stream_bytes = 0, content_bytes = 0;
        duration time{};
        std::optional<entered_room> old_room; // a new receiver came that speaks version 1
    };

    bool is_for_one() const noexcept { return options_.receivers() == 1; }
    bool is_over() const noexcept
    {
        return fatal_.code || (options_.receivers() != 0 && stored_ >= options_.receivers());
    }
    bool wants_another() const noexcept
    {
        if (active_ != 0 && !(listed_.is_signaled() && is_shared_)) return false;
        return options_.receivers() == 0 || stored_ + active_ < options_.receivers();
    }

    // Waits with the own password.
    awaitable<operation_result<agreed_receiver>> meet(rendezvous& meeting)
    {
        waits_ = true;
        auto entered = co_await meeting.offer(own_.duplicate(), terms_.parameters, terms_.versions);
        waits_ = false;
        const bool cancelled = co_await is_cancelled();
        if (cancelled) co_return failure(errc::cancelled, session_phase::transferring, "sending");
        agreed_receiver out;
        // What fails behind an agreement on version 2 is continued. A room that is denied is not (SESSION2.md section 9).
        if (!entered && (!meeting.agreed() || meeting.agreed()->keys.version() == 1 ||
                         entered.error().code == errc::room_denied))
            co_return entered.error();
        const agreement& agreed = entered ? entered->agreed : *meeting.agreed();
        out.self = agreed.self;
        out.peer = agreed.peer;
        out.version_1 = agreed.keys.version() == 1;
        if (!out.version_1) out.reconnection = agreed.keys.session2->reconnection_password();
        if (entered)
            out.room = std::move(*entered);
        else
            out.failed = entered.error();
        co_return std::move(out);
    }

    // Serves a receiver while the wait for others goes on.
    void start(agreed_receiver came)
    {
        ++active_;
        const auto first = std::make_shared<agreed_receiver>(std::move(came));
        auto work = [this, first]() -> awaitable<ending> {
            co_await asio::this_coro::throw_if_cancelled(false);
            co_await yield(executor_);
            auto out = co_await serve(std::move(*first));
            co_return std::move(out);
        };
        const auto cancel = std::make_shared<asio::cancellation_signal>();
        services_.push_back(cancel);
        asio::co_spawn(executor_, std::move(work),
                       asio::bind_cancellation_slot(cancel->slot(),
                                                    [this, cancel](std::exception_ptr thrown, ending end) {
                                                        report_exception("send_document", thrown);
                                                        --active_;
                                                        std::erase(services_, cancel);
                                                        if (!thrown) take(std::move(end));
                                                        changed_.signal();
                                                    }));
    }

    awaitable<void> end_services()
    {
        for (const auto& each : services_) each->emit(asio::cancellation_type::terminal);
        while (active_ != 0) co_await changed_.wait();
    }

    void take(ending end)
    {
        report_.self = self_;
        report_.stream_bytes += end.stream_bytes;
        if (!end.failed.code) {
            ++stored_;
            report_.peer = end.peer;
            report_.receivers = stored_;
            report_.content_bytes = end.content_bytes;
            report_.transfer_time = end.time;
            observer_.delivered(end.peer, stored_);
        } else if (end.waits_on) {
            if (end.failed.code == errc::refused_by_peer && end.failed.detail.empty())
                observer_.refused(end.peer);
            else
                observer_.failed_there(end.peer, end.failed.code, end.failed.detail);
            last_failure_ = std::move(end.failed);
        } else if (is_for_one()) {
            fatal_ = std::move(end.failed);
        } else {
            observer_.failed_there(end.peer, end.failed.code, end.failed.detail);
            last_failure_ = std::move(end.failed);
        }
    }

    // Everything between the agreement with one receiver and the end of its last session.
    awaitable<ending> serve(agreed_receiver came)
    {
        continuation back{options_, observer_};
        sending_receiver receiver;
        ending out;
        out.peer = came.peer;
        self_ = came.self;
        bool returned = false;
        const time_point began = time_.now();
        std::unique_ptr<content_source> own_source; // of a second receiver at the same time
        for (;;) {
            bool moved = false;
            out.failed = came.failed;
            if (came.room) {
                const identity peer = came.room->agreed.peer;
                auto opened = co_await open_secure_room(*came.room, session_role::server, hello_, time_);
                if (opened) {
                    if (returned) observer_.resumed();
                    out.failed = co_await list(*opened);
                    if (out.failed.code) co_return std::move(out);
                    if (!is_for_one() && !own_source) own_source = source_.another();
                    sending_run run{own_source ? *own_source : source_,
                                    document_,
                                    options_.blocking(),
                                    time_,
                                    observer_,
                                    pumping_of(options_)};
                    sender_session session{executor_, *opened, run, receiver};
                    auto end = co_await session.run();
                    out.stream_bytes += end.content;
                    if (!end.error) {
                        const std::uint64_t bytes = document_->offer().bytes;
                        out.content_bytes = bytes == unknown_size ? end.content : bytes;
                        out.time = time_.now() - began;
                        out.failed = {};
                        co_return std::move(out);
                    }
                    out.failed = failure_of(end, "sending to " + std::string{peer.text()});
                    out.waits_on = may_suit_another_receiver(end.error, receiver.was_sent);
                    if (!end.is_broken()) co_return std::move(out);
                    moved = end.moved;
                } else {
                    out.failed = opened.error();
                    if (out.failed.code != condition::transport) co_return std::move(out);
                }
            }
            back.broke(moved);
            // While the wait for a further receiver goes on, whoever comes with the own password is one.
            const secret_bytes* const own = is_for_one() || !waits_ ? &own_ : nullptr;
            auto back_again = co_await back.offer(came.reconnection, own, terms_, out.failed);
            if (!back_again) {
                out.failed = back_again.error();
                co_return std::move(out);
            }
            if (back_again->is_new) {
                const agreement& agreed = back_again->room.agreed;
                out.peer = agreed.peer;
                if (agreed.keys.version() == 1) {
                    out.old_room = std::move(back_again->room);
                    out.failed = failure(errc::version_not_spoken, session_phase::transferring, "sending");
                    co_return std::move(out);
                }
                receiver = {};
                came.reconnection = agreed.keys.session2->reconnection_password();
            }
            returned = !back_again->is_new;
            came.room = std::move(back_again->room);
        }
    }

    static content_pump::options pumping_of(const send_options& options)
    {
        content_pump::options out;
        out.compress = options.compress();
        // One leaves this thread to the reading, and lets the level change within a file.
        const unsigned cores = std::thread::hardware_concurrency();
        out.threads = std::clamp(cores, 3U, 6U) - 2;
        return out;
    }

    // Lists the document, once in a run. A failure ends the session, and the other side is told.
    awaitable<operation_error> list(secure_stream& stream)
    {
        if (!std::exchange(listing_, true)) {
            std::optional<result<std::shared_ptr<const document_outline>>> made;
            co_await on_worker([&] { made.emplace(source_.list()); });
            if (*made) {
                document_ = std::move(**made);
                is_shared_ = is_for_one() || source_.another() != nullptr;
                observer_.listed(document_->offer());
            } else {
                fault_ = source_.fault();
                list_error_ = made->error();
            }
            listed_.signal();
            changed_.signal();
        }
        if (!listed_.is_signaled()) co_await listed_.wait();
        if (document_) co_return operation_error{};
        auto failed =
            failure(list_error_, session_phase::transferring, "listing the document", printable(fault_.text));
        stream.abort(fault_.reason, fault_.text, failed.code);
        std::array<byte, 1> nothing;
        co_await stream.async_read_some(asio::buffer(nothing), use_tuple);
        co_await stream.async_wait_finished(use_tuple);
        co_return std::move(failed);
    }

    awaitable<void> on_worker(std::function<void()> work)
    {
        event done{executor_};
        blocking_worker worker{executor_, options_.blocking()};
        worker.submit(std::move(work), [&done] { done.signal(); });
        co_await done.wait();
    }

    awaitable<operation_result<send_report>> send_version_1(entered_room room)
    {
        diagnostics diag;
        std::optional<result<document_source>> made;
        co_await on_worker([&] { made.emplace(options_.version_1()(diag)); });
        if (!*made)
            co_return failure(made->error(), session_phase::transferring, "opening the document",
                              diag.message());
        auto outcome = co_await send_pack(std::move(room), **made, options_, observer_);
        co_return std::move(outcome);
    }

    executor executor_;
    content_source& source_;
    send_options options_;
    peer_observer& observer_;
    time_source& time_;
    continuation::offer_terms terms_;
    const session2_hello hello_{std::string{document_protocol}, own_software()};
    secret_bytes own_;
    bool waits_ = false; // with the own password

    std::shared_ptr<const document_outline> document_;
    bool listing_ = false, is_shared_ = true;
    event listed_;
    error_code list_error_;
    document_fault fault_; // of the listing

    std::vector<std::shared_ptr<asio::cancellation_signal>> services_; // of receivers that are being served
    std::uint64_t active_ = 0;
    std::uint64_t stored_ = 0;
    event changed_;
    operation_error last_failure_; // of a receiver, while the wait goes on
    operation_error fatal_;
    identity self_;
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
