// A sender inside your own program: embed_sender RELAY PASSWORD PATH
#include <parley/crypto/random.hpp>
#include <parley/payload/folder_source.hpp>
#include <parley/transfer/send_document.hpp>

#include <boost/asio/io_context.hpp>

#include <iostream>

int main(int argc, char** argv)
{
    if (argc != 4) return 2;
    parley::diagnostics diag;
    auto source =
        parley::folder_source::create(parley::folder_options{argv[3]}, parley::system_random(), &diag);
    if (!source) {
        std::cerr << diag.message() << '\n';
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
    parley::async_send_document(context.get_executor(), std::move(password), **source, options, silent,
                                on_end);
    context.run();
    return status;
}
