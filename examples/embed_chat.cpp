// Two people who talk, line by line, and are who the other one expects: embed_chat RELAY PASSWORD offer|join
#include <parley/async/spawn.hpp>
#include <parley/session/meeting.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>

#include <iostream>
#include <unistd.h>

// Passes lines on, up to the end of `from`.
parley::awaitable<void> pass_lines(auto& from, auto& to)
{
    std::string lines;
    for (;;) {
        auto read = co_await boost::asio::async_read_until(from, boost::asio::dynamic_buffer(lines), '\n',
                                                           parley::use_tuple);
        const auto [error, size] = read;
        if (error) co_return;
        co_await boost::asio::async_write(to, boost::asio::buffer(lines, size), parley::use_tuple);
        lines.erase(0, size);
    }
}

parley::awaitable<void> chat(std::string relay, std::string password, std::string role)
{
    constexpr boost::asio::use_awaitable_t<parley::executor> await;
    const auto executor = co_await boost::asio::this_coro::executor;
    auto address = parley::relay_address::parse(relay).value();
    parley::secret_bytes secret{password};
    parley::meeting meeting;
    const auto offer = parley::offer_options{}.protocol("chat");
    const auto join = parley::join_options{}.protocol("chat");
    if (role == "offer")
        meeting = co_await parley::async_offer(std::move(address), std::move(secret), offer, await);
    else
        meeting = co_await parley::async_join(std::move(address), std::move(secret), join, await);
    std::cerr << "talking to " << meeting.peer.text() << std::endl;

    boost::asio::posix::stream_descriptor input{executor, ::dup(STDIN_FILENO)};
    boost::asio::posix::stream_descriptor output{executor, ::dup(STDOUT_FILENO)};
    const auto say = [&]() -> parley::awaitable<void> {
        co_await pass_lines(input, meeting.stream);
        co_await meeting.stream.async_shutdown_send(parley::use_tuple); // the other side still talks
    };
    parley::spawn(executor, say, "say");
    co_await pass_lines(meeting.stream, output);
    const auto ended = co_await meeting.stream.async_wait_finished(parley::use_tuple);
    if (std::get<0>(ended)) std::cerr << std::get<0>(ended).message() << std::endl;
}

int main(int argc, char** argv)
{
    if (argc != 4) return 2;
    boost::asio::io_context context{1};
    parley::spawn(context.get_executor(), chat(argv[1], argv[2], argv[3]), "chat");
    context.run();
}
