#include "session/secure_room.hpp"

namespace parley::detail {

operation_error session_failure(const secure_stream& stream, error_code error, session_phase phase,
                                std::string where)
{
    std::string detail = stream.problem();
    if (const auto& abort = stream.peer_abort(); abort && !abort->text.empty())
        detail = "the other side says: " + escaped(abort->text);
    return failure(error, phase, std::move(where), std::move(detail));
}

awaitable<operation_result<secure_stream>> open_secure_room(entered_room& room, session_role role,
                                                            const session2_hello& hello, time_source& time)
{
    const std::string where = "opening the session with " + std::string{room.agreed.peer.text()};
    auto machine = session2_machine::create(role, *room.agreed.keys.session2, hello, time.now());
    if (!machine) co_return failure(machine.error(), session_phase::entering, where);
    secure_stream stream{std::move(room.stream), std::move(*machine), time};
    const auto waited = co_await stream.async_wait_open(use_tuple);
    error_code error = std::get<0>(waited);
    const bool cancelled = co_await is_cancelled();
    if (cancelled) error = errc::cancelled;
    if (error) {
        auto failed = session_failure(stream, error, session_phase::entering, where);
        stream.close();
        co_return std::move(failed);
    }
    co_return std::move(stream);
}

} // namespace parley::detail
