#include <parley/transport/tls.hpp>

#include "stream_laws.hpp"

#include <parley/async/spawn.hpp>
#include <parley/testing/temporary_folder.hpp>

namespace parley::test {
namespace {

// An authority and some certificates, made once by the openssl program.
class certificates {
public:
    static const certificates& get()
    {
        static const certificates made;
        return made;
    }
    std::string file(const std::string& name) const { return (folder_ / name).string(); }

private:
    certificates()
    {
        authority("ca", "/CN=Test authority");
        authority("other", "/CN=Other authority");
        server("good", "DNS:relay.example,IP:127.0.0.1,IP:::1", "-days 2");
        server("expired", "DNS:relay.example", "-days -1");
    }

    void run(const std::string& command) const
    {
        const std::string whole =
            "cd '" + folder_.path().string() + "' && openssl " + command + " >/dev/null 2>&1";
        if (std::system(whole.c_str()) != 0) ADD_FAILURE() << whole;
    }
    void authority(const std::string& name, const std::string& subject) const
    {
        run("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -keyout " + name +
            ".key -out " + name + ".pem -subj '" + subject + "' -addext basicConstraints=critical,CA:TRUE");
    }
    void server(const std::string& name, const std::string& names, const std::string& days) const
    {
        std::ofstream{file(name + ".ext")} << "subjectAltName=" << names << "\n";
        run("req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout " + name + ".key -out " + name +
            ".csr -subj /CN=relay");
        run("x509 -req -in " + name + ".csr -CA ca.pem -CAkey ca.key -CAcreateserial -out " + name + ".pem " +
            days + " -extfile " + name + ".ext");
    }

    testing::temporary_folder folder_;
};

std::shared_ptr<tls_identity> shown(const std::string& name)
{
    auto out = std::make_shared<tls_identity>();
    diagnostics diag;
    EXPECT_FALSE(
        out->load(certificates::get().file(name + ".pem"), certificates::get().file(name + ".key"), &diag))
        << diag.message();
    return out;
}

struct session {
    any_stream client, server;
    error_code client_error, server_error;
    diagnostics diag;
};

session meet(asio::io_context& context, const std::string& host = "relay.example",
             const std::string& certificate = "good", const std::string& authority = "ca",
             kind below = kind::tcp)
{
    session out;
    auto pair = make_pair_of(context, below);
    out.client = std::move(pair.first);
    out.server = std::move(pair.second);
    const auto identity = shown(certificate);
    bool served = false;
    testing::run_until_done(context, [&]() -> awaitable<void> {
        spawn(
            context.get_executor(),
            [&]() -> awaitable<void> {
                out.server_error = co_await accept_tls(out.server, identity);
                served = true;
            },
            "server");
        tls_client_options options;
        options.ca_file = certificates::get().file(authority + ".pem");
        out.client_error = co_await open_tls(out.client, host, options, &out.diag);
        while (!served) co_await yield_once();
    });
    return out;
}

class tls_stream_test : public ::testing::TestWithParam<kind> {};
INSTANTIATE_TEST_SUITE_P(below, tls_stream_test, ::testing::Values(kind::memory, kind::tcp),
                         [](const auto& at) { return name_of(at.param); });

TEST_P(tls_stream_test, carries_bytes_and_each_side_ends_by_itself)
{
    asio::io_context context;
    session s = meet(context, "relay.example", "good", "ca", GetParam());
    ASSERT_FALSE(s.client_error) << s.diag.message();
    ASSERT_FALSE(s.server_error);
    EXPECT_EQ(s.client.transport_name(), "tls");
    expect_each_side_ends_by_itself(context, s.client, s.server);
}

TEST_P(tls_stream_test, an_end_without_close_notify_is_a_reset)
{
    asio::io_context context;
    session s = meet(context, "relay.example", "good", "ca", GetParam());
    testing::run_until_done(context, [&]() -> awaitable<void> {
        s.client = any_stream{}; // destroyed: closed below, with nothing said
        auto got = co_await read_to_end(s.server);
        EXPECT_EQ(got.error, asio::error::connection_reset);
    });
}

TEST(tls_test, an_abort_is_a_reset)
{
    asio::io_context context;
    session s = meet(context);
    testing::run_until_done(context, [&]() -> awaitable<void> {
        s.client.reset_on_close(true);
        s.client.close();
        auto got = co_await read_to_end(s.server);
        EXPECT_EQ(got.error, asio::error::connection_reset);
    });
}

TEST(tls_test, a_cancelled_read_loses_nothing)
{
    asio::io_context context;
    session s = meet(context);
    testing::run_until_done(context, [&]() -> awaitable<void> {
        std::array<char, 16> buffer{};
        asio::cancellation_signal cancel;
        error_code cancelled;
        s.server.async_read_some(
            asio::buffer(buffer),
            asio::bind_cancellation_slot(cancel.slot(), [&](error_code e, std::size_t) { cancelled = e; }));
        co_await yield_once();
        cancel.emit(asio::cancellation_type::total);
        while (!cancelled) co_await yield_once();
        auto failed = co_await write_all(s.client, "abc");
        EXPECT_FALSE(failed);
        auto got = co_await read_up_to(s.server, 3);
        EXPECT_EQ(got.text, "abc");
        s.client.close();
        s.server.close();
    });
}

TEST(tls_test, an_address_is_checked_like_a_name)
{
    asio::io_context context;
    EXPECT_FALSE(meet(context, "127.0.0.1").client_error);
    EXPECT_FALSE(meet(context, "::1").client_error);
    const session s = meet(context, "127.0.0.2");
    EXPECT_EQ(s.client_error, errc::tls_failed);
    EXPECT_EQ(s.diag.message(),
              "the certificate of 127.0.0.2 is for another host (relay.example, 127.0.0.1, ::1)");
}

TEST(tls_test, says_what_is_wrong_with_a_certificate)
{
    asio::io_context context;
    session s = meet(context, "wrong.example");
    EXPECT_EQ(s.client_error, errc::tls_failed);
    EXPECT_THAT(s.diag.message(), ::testing::HasSubstr("is for another host (relay.example"));
    s = meet(context, "relay.example", "expired");
    EXPECT_EQ(s.client_error, errc::tls_failed);
    EXPECT_THAT(s.diag.message(), ::testing::HasSubstr("has expired (on "));
    s = meet(context, "relay.example", "good", "other");
    EXPECT_EQ(s.client_error, errc::tls_failed);
    EXPECT_THAT(s.diag.message(),
                ::testing::HasSubstr("an issuer that is not known here (CN=Test authority)"));
    EXPECT_FALSE(s.client.is_open());
    EXPECT_TRUE(s.server_error);
}

TEST(tls_test, tells_what_is_no_tls)
{
    asio::io_context context;
    auto pair = make_pair_of(context, kind::memory);
    diagnostics diag;
    testing::run_until_done(context, [&]() -> awaitable<void> {
        auto failed = co_await write_all(pair.second, "HTTP/1.1 400 Bad Request\r\n\r\n");
        EXPECT_FALSE(failed);
        tls_client_options options;
        options.ca_file = certificates::get().file("ca.pem");
        auto error = co_await open_tls(pair.first, "relay.example", options, &diag);
        EXPECT_EQ(error, errc::tls_failed);
    });
    EXPECT_EQ(diag.message(), "what answers there does not speak TLS");
}

TEST(tls_identity_test, keeps_what_it_has_when_a_load_fails)
{
    const auto& files = certificates::get();
    tls_identity shown;
    diagnostics diag;
    EXPECT_EQ(shown.load("/nowhere", files.file("good.key"), &diag),
              boost::system::errc::no_such_file_or_directory);
    EXPECT_THAT(diag.message(), ::testing::HasSubstr("/nowhere"));
    EXPECT_EQ(shown.current(), nullptr);
    EXPECT_FALSE(shown.load(files.file("good.pem"), files.file("good.key")));
    const auto before = shown.current();
    EXPECT_EQ(shown.load(files.file("good.pem"), files.file("ca.key"), &diag), errc::tls_failed);
    EXPECT_EQ(shown.current(), before);
    EXPECT_FALSE(shown.load(files.file("expired.pem"), files.file("expired.key"))) << "a reload";
    EXPECT_NE(shown.current(), before);
}

} // namespace
} // namespace parley::test
