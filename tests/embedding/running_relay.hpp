// A relay on the loopback interface, in the process of the test.
#pragma once

#include <parley/relay/relay_server.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

namespace parley::test {

inline relay_server_options on_loopback()
{
    relay_server_options options;
    options.handshake_addresses = {listen_address{"tcp", "127.0.0.1", 0}};
    options.room_addresses = options.handshake_addresses;
    return options;
}

class running_relay {
public:
    explicit running_relay(asio::io_context& context)
        : server_(context.get_executor(), on_loopback(), observer_)
    {
        if (server_.listen()) return;
        address = relay_address{"tcp", "127.0.0.1", server_.bound_handshake_endpoints().front().port(),
                                server_.bound_room_endpoints().front().port()};
        asio::co_spawn(context, server_.run(), asio::detached);
    }
    void stop() { server_.stop(); }

    relay_address address;

private:
    relay_observer observer_;
    relay_server server_;
};

} // namespace parley::test
