// The receiver of version 2: from the password to the stored document.
#include "session/continuation.hpp"
#include "session/secure_room.hpp"
#include "transfer/pack_transfer.hpp"
#include "transfer/receiver_session.hpp"

#include <parley/session/meeting.hpp>

namespace parley {
namespace {

using namespace detail;

// How long a receiver tries to tell the sender that the document is stored.
constexpr duration max_telling = std::chrono::minutes{1};

// Whether what has come may be of use to a later run.
bool is_worth_keeping(const error_code& error) noexcept
{
    return error != errc::document_changed_at_peer && error != errc::document_differs &&
           error != errc::document_rule_broken;
}

class content_receiving {
public:
    content_receiving(const executor& ex, content_sink& sink, receive_options options,
                      peer_observer& observer)
        : executor_(ex),
          options_(std::move(options)),
          observer_(observer),
          time_(options_.time() != nullptr ? *options_.time() : real_time()),
          run_(ex, options_.blocking(), sink, observer, time_)
    {
        limits_.max_iterations = options_.max_iterations();
        limits_.versions = options_.version_1() ? session_versions::both : session_versions::only_2;
        run_.limits.max_entries = options_.max_entries();
        run_.limits.max_bytes = options_.max_bytes();
    }

    awaitable<operation_result<receive_report>> run(secret_bytes password)
    {
        auto outcome = co_await receive(std::move(password));
        co_await run_.end_question();
        const bool keep = !outcome && is_worth_keeping(outcome.error().code);
        co_await run_.store.run([this, keep] { run_.sink.end(keep); });
        co_return std::move(outcome);
    }

private:
    awaitable<operation_result<receive_report>> receive(secret_bytes password)
    {
        rendezvous meeting{options_, observer_};
        auto entered = co_await meeting.join(std::move(password), limits_, options_.refusal_ends());
        const bool cancelled = co_await is_cancelled();
        if (cancelled) co_return failure(errc::cancelled, session_phase::transferring, "receiving");
        if (entered && entered->agreed.keys.version() == 1) {
            auto outcome = co_await receive_version_1(std::move(*entered));
            co_return std::move(outcome);
        }
        if (!entered && (!meeting.agreed() || meeting.agreed()->keys.version() == 1 ||
                         entered.error().code == errc::room_denied))
            co_return entered.error();
        const agreement& first = entered ? entered->agreed : *meeting.agreed();
        report_.version = 2;
        report_.self = first.self;
        report_.peer = first.peer;
        const secret_bytes reconnection = first.keys.session2->reconnection_password();

        const std::string where = "receiving from " + std::string{first.peer.text()};
        const time_point began = time_.now();
        continuation back{options_, observer_};
        bool returned = false;
        for (;;) {
            operation_error failed;
            bool moved = false;
            if (entered) {
                auto opened = co_await open_secure_room(*entered, session_role::client, hello_, time_);
                if (opened) {
                    if (returned) observer_.resumed();
                    run_.limits.earlier = run_.document;
                    run_.limits.is_stored = run_.stored.has_value();
                    receiver_session session{executor_, *opened, run_, report_.peer};
                    auto end = co_await session.run();
                    report_.stream_bytes += end.content;
                    if (run_.stored && report_.transfer_time == duration{})
                        report_.transfer_time = time_.now() - began;
                    if (!end.is_broken()) {
                        if (run_.stored) co_return report();
                        co_return failure_of(end, where);
                    }
                    failed = failure_of(end, where);
                    moved = end.moved;
                    co_await run_.store.run([this] { run_.sink.interrupt(); });
                    run_.store.reset();
                } else {
                    failed = opened.error();
                    if (failed.code != condition::transport && !run_.stored) co_return std::move(failed);
                }
            } else {
                failed = entered.error();
            }
            back.broke(moved);
            if (run_.stored) {
                if (!telling_ends_) telling_ends_ = time_.now() + max_telling;
                back.limit(*telling_ends_ - time_.now());
            }
            entered = co_await back.join(reconnection, limits_, failed);
            if (!entered) {
                report_.sender_lost = true;
                if (run_.stored) co_return report();
                co_return entered.error();
            }
            returned = true;
        }
    }

    receive_report report()
    {
        report_.stored = *run_.stored;
        return std::move(report_);
    }

    awaitable<operation_result<receive_report>> receive_version_1(entered_room room)
    {
        diagnostics diag;
        std::optional<result<document_receiver>> receiver;
        co_await run_.store.run([&] { receiver.emplace(options_.version_1()(diag)); });
        if (!*receiver)
            co_return failure(receiver->error(), session_phase::transferring, "preparing to receive",
                              diag.message());
        auto outcome = co_await receive_pack(std::move(room), **receiver, options_, observer_);
        co_return std::move(outcome);
    }

    executor executor_;
    receive_options options_;
    peer_observer& observer_;
    time_source& time_;
    client_options limits_;
    const session2_hello hello_{std::string{document_protocol}, own_software()};
    receive_report report_;
    std::optional<time_point> telling_ends_; // the document is stored, and the sender may not know
    receiving_run run_;
};

} // namespace

awaitable<operation_result<receive_report>> receive_document(secret_bytes password, content_sink& sink,
                                                             receive_options options, peer_observer& observer)
{
    // After a cancellation the steps still close what they have opened, so no exception may interrupt them.
    const bool throws = co_await asio::this_coro::throw_if_cancelled();
    co_await asio::this_coro::throw_if_cancelled(false);
    const executor ex = co_await asio::this_coro::executor;
    co_await yield(ex);
    content_receiving work{ex, sink, std::move(options), observer};
    auto outcome = co_await work.run(std::move(password));
    co_await asio::this_coro::throw_if_cancelled(throws);
    co_return std::move(outcome);
}

} // namespace parley
