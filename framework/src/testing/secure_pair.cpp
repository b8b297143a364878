#include <parley/testing/secure_pair.hpp>

#include <parley/stream/memory_stream.hpp>
#include <parley/testing/seeded_random.hpp>

#include <utility>

namespace parley::testing {

secure_pair make_secure_pair(executor ex, secure_pair_options options)
{
    if (!options.server_below || !options.client_below) {
        auto below = make_memory_stream_pair(std::move(ex), options.capacity_bytes);
        options.server_below = std::move(below.first);
        options.client_below = std::move(below.second);
    }
    seeded_random random{options.seed};
    main_key main;
    random.fill(main.span());
    public_packet_bytes shared{};
    const session2_keys keys = derive_session2_keys(main, shared, options.with);
    time_source& time = options.time != nullptr ? *options.time : real_time();
    auto server = session2_machine::create(session_role::server, keys, {options.server_protocol, "testing"},
                                           time.now());
    auto client = session2_machine::create(session_role::client, keys, {options.client_protocol, "testing"},
                                           time.now());
    return {secure_stream{std::move(options.server_below), std::move(server).value(), time},
            secure_stream{std::move(options.client_below), std::move(client).value(), time}};
}

} // namespace parley::testing
