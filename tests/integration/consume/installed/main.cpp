// Says something through a stream, and checks that it arrives.
#include <parley/net.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

#include <string>

int main()
{
    boost::asio::io_context context;
    auto streams = parley::make_memory_stream_pair(context.get_executor(), 16);
    std::string heard(5, '\0');
    parley::spawn(
        context.get_executor(),
        [&]() -> parley::awaitable<void> {
            const std::string said = "hello";
            auto written = co_await boost::asio::async_write(streams.first, boost::asio::buffer(said),
                                                             parley::use_tuple);
            auto read = co_await boost::asio::async_read(streams.second, boost::asio::buffer(heard),
                                                         parley::use_tuple);
            if (std::get<0>(written) || std::get<0>(read)) heard.clear();
        },
        "conversation");
    context.run();
    return heard == "hello" ? 0 : 1;
}
