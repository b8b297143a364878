// A receiver inside your own program, which Ctrl-C ends cleanly: embed_receiver RELAY PASSWORD DIRECTORY
#include <parley/payload/folder_sink.hpp>
#include <parley/transfer/receive_document.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include <csignal>
#include <iostream>

// This function is a coroutine; the library offers awaitables, too.
parley::awaitable<int> receive(const char* relay, const char* password, parley::content_sink& into)
{
    parley::peer_observer says_yes;
    const auto address = parley::relay_address::parse(relay).value();
    auto received = co_await parley::receive_document(parley::secret_bytes{std::string_view{password}}, into,
                                                      parley::receive_options{}.relay(address), says_yes);
    if (received)
        std::cout << received->stored.path.string() << '\n';
    else
        std::cerr << received.error().message() << '\n';
    co_return received ? 0 : 1;
}

int main(int argc, char** argv)
{
    if (argc != 4) return 2;
    parley::folder_sink into{parley::folder_sink_options{}.directory(argv[3])};
    boost::asio::io_context context{1};
    boost::asio::cancellation_signal stop;
    boost::asio::signal_set signals{context, SIGINT, SIGTERM};
    signals.async_wait([&](parley::error_code error, int) {
        if (!error) stop.emit(boost::asio::cancellation_type::terminal);
    });
    int status = 1;
    const auto on_end = [&](std::exception_ptr, int result) {
        status = result;
        signals.cancel();
    };
    boost::asio::co_spawn(context, receive(argv[1], argv[2], into),
                          boost::asio::bind_cancellation_slot(stop.slot(), on_end));
    context.run();
    return status;
}
