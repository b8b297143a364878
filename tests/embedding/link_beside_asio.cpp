// Twenty transfers in a program of which another object uses Asio header-only and without the framework. Each
// transfer must be a success on both sides, which needs every comparison with asio::error::eof to hold.
#include "embedding/plain_asio.hpp"
#include "embedding/running_relay.hpp"
#include "unit/payload/sample_files.hpp"

#include <parley/transfer/receive_document.hpp>
#include <parley/transfer/send_document.hpp>

#include <iostream>

namespace parley::test {
namespace {

constexpr int transfers = 20;

// Whether both sides of one transfer reported success, and the bytes arrived.
bool transfer(const std::string& text)
{
    const parley::testing::temporary_folder scratch;
    asio::io_context context;
    running_relay relay{context};
    auto source = document_source::from_bytes("document", parley_test::bytes_of(text));
    receiver_options where;
    where.directory = scratch.path();
    auto receiver = document_receiver::create(where);
    if (!source || !receiver) return false;

    peer_observer silent;
    int ended = 0;
    int succeeded = 0;
    const auto on_end = [&](std::exception_ptr thrown, const auto& outcome) {
        if (!outcome) std::cerr << outcome.error().message() << '\n';
        if (!thrown && outcome) ++succeeded;
        if (++ended == 2) relay.stop();
    };
    async_send_document(context.get_executor(), secret_bytes{std::string_view{"word"}}, *source,
                        send_options{}.relay(relay.address), silent, on_end);
    async_receive_document(context.get_executor(), secret_bytes{std::string_view{"word"}}, *receiver,
                           receive_options{}.relay(relay.address), silent, on_end);
    context.run();
    const auto found = parley_test::paths_on_disk(scratch / "document");
    return succeeded == 2 && found.at("document") == parley_test::bytes_of(text);
}

int run()
{
    int good = 0;
    for (int i = 0; i < transfers; ++i) {
        if (!echo_with_plain_asio()) {
            std::cerr << "plain Asio: no echo\n";
            return 1;
        }
        if (transfer("document " + std::to_string(i))) ++good;
    }
    std::cout << good << " of " << transfers << " transfers succeeded\n";
    return good == transfers ? 0 : 1;
}

} // namespace
} // namespace parley::test

int main()
{
    return parley::test::run();
}
