// A relay inside your own program: embed_relay [ADDR:PORT [ROOM_ADDR:PORT]]
#include <parley/relay/relay_server.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include <csignal>
#include <iostream>

int main(int argc, char** argv)
{
    parley::relay_server_options options;
    options.handshake_addresses = {
        parley::listen_address::parse(argc > 1 ? argv[1] : "127.0.0.1:9000").value()};
    options.room_addresses = {parley::listen_address::parse(argc > 2 ? argv[2] : "127.0.0.1:9001").value()};
    boost::asio::io_context context{1};
    parley::relay_observer silent;
    parley::relay_server relay{context.get_executor(), options, silent};
    parley::diagnostics diag;
    if (const auto error = relay.listen(&diag)) {
        std::cerr << diag.message() << ": " << error.message() << '\n';
        return 1;
    }
    std::cout << parley::to_text(relay.bound_handshake_endpoints().front()) << ','
              << relay.bound_room_endpoints().front().port() << std::endl;
    boost::asio::signal_set signals{context, SIGINT, SIGTERM};
    signals.async_wait([&](parley::error_code error, int) {
        if (!error) relay.stop(); // tells the peers, closes in order
    });
    boost::asio::co_spawn(context, relay.run(),
                          [&](std::exception_ptr, parley::error_code) { signals.cancel(); });
    context.run();
}
