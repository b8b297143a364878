// A sender inside your own program: embed_sender RELAY PASSWORD PATH
#include <parley/transfer/send_document.hpp>

#include <boost/asio/io_context.hpp>

#include <iostream>

int main(int argc, char** argv)
{
    if (argc != 4) return 2;
    auto source = parley::document_source::open(argv[3]);
    if (!source) {
        std::cerr << argv[3] << ": " << source.error().message() << '\n';
        return 1;
    }
    const auto options = parley::send_options{}.relay(parley::relay_address::parse(argv[1]).value());
    parley::secret_bytes password{std::string_view{argv[2]}};
    parley::peer_observer silent;
    boost::asio::io_context context{1};
    int status = 1;
    const auto on_end = [&](std::exception_ptr thrown, parley::operation_result<parley::send_report> sent) {
        if (thrown) std::rethrow_exception(thrown);
        if (sent)
            std::cout << "stored by " << sent->peer.text() << '\n';
        else
            std::cerr << sent.error().message() << '\n';
        status = sent ? 0 : 1;
    };
    parley::async_send_document(context.get_executor(), std::move(password), *source, options, silent,
                                on_end);
    context.run();
    return status;
}
