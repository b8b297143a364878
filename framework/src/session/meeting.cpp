#include <parley/session/meeting.hpp>

#include "session/rendezvous.hpp"
#include "session/secure_room.hpp"

#include <parley/async/spawn.hpp>

#include <boost/asio/append.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/dispatch.hpp>

namespace parley {
namespace detail {
namespace {

// One operation, from its options to a stream that both sides have said hello on.
template <class Options>
class meeting_operation {
public:
    meeting_operation(Options options, secret_bytes password)
        : options_(std::move(options)), password_(std::move(password))
    {
    }

    awaitable<operation_result<meeting>> run()
    {
        // After a cancellation the steps still close what they have opened, so no exception may interrupt them.
        co_await asio::this_coro::throw_if_cancelled(false);
        const executor ex = co_await asio::this_coro::executor;
        co_await yield(ex);
        peer_observer nobody;
        peer_observer& observer = options_.observer() != nullptr ? *options_.observer() : nobody;
        if (!is_protocol_name(options_.hello().protocol))
            co_return failure(make_error_code(boost::system::errc::invalid_argument),
                              session_phase::preparing,
                              "the protocol '" + escaped(options_.hello().protocol) + "'");
        rendezvous meeting_point{options_, observer};
        auto entered = co_await meet(meeting_point);
        if (!entered) co_return entered.error();
        const session_role role =
            std::is_same_v<Options, offer_options> ? session_role::server : session_role::client;
        auto opened = co_await open_secure_room(*entered, role, options_.hello());
        if (!opened) co_return opened.error();
        co_return meeting{std::move(*opened), entered->agreed.self, entered->agreed.peer,
                          std::move(*entered->agreed.keys.session2)};
    }

    // Tells the owner of the options what has failed.
    void tell(const operation_error& failed) const
    {
        if (options_.diagnostics() != nullptr) options_.diagnostics()->set_message(failed.message());
        if (options_.failure() != nullptr) *options_.failure() = failed;
    }

private:
    awaitable<operation_result<entered_room>> meet(rendezvous& at)
        requires(std::is_same_v<Options, offer_options>)
    {
        public_parameters parameters;
        parameters.iterations = options_.iterations();
        parameters.cipher0 = options_.cipher();
        return at.offer(std::move(password_), parameters, session_versions::only_2);
    }
    awaitable<operation_result<entered_room>> meet(rendezvous& at)
        requires(std::is_same_v<Options, join_options>)
    {
        client_options limits;
        limits.max_iterations = options_.max_iterations();
        limits.versions = session_versions::only_2;
        return at.join(std::move(password_), limits, false);
    }

    Options options_;
    secret_bytes password_;
};

template <class Options>
void start(executor ex, secret_bytes password, Options options, meeting_handler handler)
{
    const auto operation =
        std::make_shared<meeting_operation<Options>>(std::move(options), std::move(password));
    const auto slot = handler.get_cancellation_slot();
    auto completed = [operation, handler = std::move(handler),
                      ex](std::exception_ptr thrown, operation_result<meeting> outcome) mutable {
        report_exception("meeting", thrown);
        error_code error;
        meeting met;
        if (thrown) {
            error = make_error_code(boost::system::errc::not_enough_memory); // nothing else throws there
        } else if (outcome) {
            met = std::move(*outcome);
        } else {
            error = outcome.error().code;
            operation->tell(outcome.error());
        }
        asio::dispatch(ex, asio::append(std::move(handler), error, std::move(met)));
    };
    auto work = [operation] { return operation->run(); };
    asio::co_spawn(ex, std::move(work), asio::bind_cancellation_slot(slot, std::move(completed)));
}

} // namespace

void start_offer(executor ex, secret_bytes password, offer_options options, meeting_handler handler)
{
    start(std::move(ex), std::move(password), std::move(options), std::move(handler));
}

void start_join(executor ex, secret_bytes password, join_options options, meeting_handler handler)
{
    start(std::move(ex), std::move(password), std::move(options), std::move(handler));
}

} // namespace detail

result<secret_bytes> meeting::export_key(std::string_view label, std::size_t size, bytes_view context) const
{
    secret_array<max_exported_bytes> out;
    if (size > out.size()) return make_error_code(boost::system::errc::invalid_argument);
    const mutable_bytes wanted = mutable_bytes{out.span()}.first(size);
    const error_code error = keys_.export_key(label, context, wanted);
    if (error) return error;
    return secret_bytes{bytes_view{wanted}};
}

std::string own_software()
{
    return "parley " PARLEY_VERSION;
}

} // namespace parley
