#include <parley/transport/tls.hpp>

#include "stream/layer/tls_layer.hpp"
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

// A TLS peer of bare OpenSSL, for what a stream of this library never sends.
class bare_tls {
public:
    bare_tls(any_stream stream, bool is_server, int max_version)
        : stream_(std::move(stream)),
          context_(SSL_CTX_new(is_server ? TLS_server_method() : TLS_client_method())),
          in_(BIO_new(BIO_s_mem())),
          out_(BIO_new(BIO_s_mem()))
    {
        SSL_CTX_set_max_proto_version(context_.get(), max_version);
        if (is_server) {
            const auto& files = certificates::get();
            SSL_CTX_use_certificate_chain_file(context_.get(), files.file("good.pem").c_str());
            SSL_CTX_use_PrivateKey_file(context_.get(), files.file("good.key").c_str(), SSL_FILETYPE_PEM);
        }
        ssl_.reset(SSL_new(context_.get()));
        SSL_set_bio(ssl_.get(), in_, out_);
        if (is_server)
            SSL_set_accept_state(ssl_.get());
        else
            SSL_set_connect_state(ssl_.get());
    }

    SSL* ssl() const noexcept { return ssl_.get(); }
    any_stream& below() noexcept { return stream_; }

    awaitable<bool> handshake()
    {
        for (;;) {
            const int done = SSL_do_handshake(ssl_.get());
            const bool waits = done != 1 && SSL_get_error(ssl_.get(), done) == SSL_ERROR_WANT_READ;
            auto failed = co_await flush();
            if (failed || done == 1 || !waits) co_return done == 1;
            std::array<char, 4096> chunk{};
            auto read = co_await stream_.async_read_some(asio::buffer(chunk), use_tuple);
            if (std::get<0>(read)) co_return false;
            BIO_write(in_, chunk.data(), static_cast<int>(std::get<1>(read)));
        }
    }

    // What OpenSSL has put out goes to the stream.
    awaitable<error_code> flush()
    {
        std::string bytes(BIO_ctrl_pending(out_), '\0');
        if (!bytes.empty()) BIO_read(out_, bytes.data(), static_cast<int>(bytes.size()));
        auto error = co_await write_all(stream_, std::move(bytes));
        co_return error;
    }

    void update_keys(int times)
    {
        for (int i = 0; i < times; ++i) {
            SSL_key_update(ssl_.get(), SSL_KEY_UPDATE_REQUESTED);
            SSL_do_handshake(ssl_.get());
        }
    }

    // From now on every record is as long as it may be.
    void pad_records()
    {
        SSL_set_record_padding_callback(ssl_.get(),
                                        [](SSL*, int, std::size_t, void*) -> std::size_t { return 16384; });
    }

    void write(std::string_view text) { SSL_write(ssl_.get(), text.data(), static_cast<int>(text.size())); }

    void renegotiate()
    {
        SSL_renegotiate(ssl_.get());
        SSL_do_handshake(ssl_.get());
    }

private:
    any_stream stream_;
    detail::ssl_context_ptr context_;
    BIO *in_, *out_; // ssl_'s
    detail::ssl_ptr ssl_;
};

struct bare_session {
    any_stream stream; // this library's
    std::unique_ptr<bare_tls> other;
};

bare_session meet_bare(asio::io_context& context, bool other_is_server, int max_version = TLS1_3_VERSION)
{
    auto pair = make_memory_stream_pair(context.get_executor(), 1u << 20);
    bare_session out;
    out.stream = std::move(pair.first);
    out.other = std::make_unique<bare_tls>(std::move(pair.second), other_is_server, max_version);
    testing::run_until_done(context, [&]() -> awaitable<void> {
        bool done = false;
        spawn(
            context.get_executor(),
            [&]() -> awaitable<void> {
                auto fine = co_await out.other->handshake();
                EXPECT_TRUE(fine);
                done = true;
            },
            "bare");
        error_code error;
        tls_client_options options;
        options.ca_file = certificates::get().file("ca.pem");
        if (other_is_server)
            error = co_await open_tls(out.stream, "relay.example", options);
        else
            error = co_await accept_tls(out.stream, shown("good"));
        EXPECT_FALSE(error);
        while (!done) co_await yield_once();
    });
    return out;
}

class tls_abuse_test : public ::testing::TestWithParam<bool> {
protected:
    asio::io_context context;
};
INSTANTIATE_TEST_SUITE_P(by, tls_abuse_test, ::testing::Bool(),
                         [](const auto& at) { return at.param ? "server" : "client"; });

TEST_P(tls_abuse_test, some_key_updates_pass)
{
    bare_session s = meet_bare(context, GetParam());
    testing::run_until_done(context, [&]() -> awaitable<void> {
        for (int i = 0; i < 3; ++i) {
            s.other->update_keys(10);
            s.other->write("abc");
            auto failed = co_await s.other->flush();
            EXPECT_FALSE(failed);
            auto got = co_await read_up_to(s.stream, 3);
            EXPECT_EQ(got.text, "abc") << i << " " << got.error.message();
        }
    });
}

TEST_P(tls_abuse_test, key_updates_without_end_end_the_connection)
{
    bare_session s = meet_bare(context, GetParam());
    testing::run_until_done(context, [&]() -> awaitable<void> {
        s.other->update_keys(1000);
        s.other->write("abc");
        auto failed = co_await s.other->flush();
        EXPECT_FALSE(failed);
        auto got = co_await read_up_to(s.stream, 3);
        EXPECT_EQ(got.text, "");
        EXPECT_EQ(got.error, errc::bad_framing);
        failed = co_await write_all(s.stream, "abc");
        EXPECT_EQ(failed, asio::error::broken_pipe);
    });
}

// Between them comes a byte of data, so that nothing looks like one flood.
TEST_P(tls_abuse_test, key_updates_between_data_end_the_connection)
{
    bare_session s = meet_bare(context, GetParam());
    testing::run_until_done(context, [&]() -> awaitable<void> {
        for (int i = 0; i < 100; ++i) {
            s.other->update_keys(30);
            s.other->write("a");
        }
        auto failed = co_await s.other->flush();
        EXPECT_FALSE(failed);
        auto got = co_await read_up_to(s.stream, 100);
        EXPECT_LE(got.text.size(), 4u);
        EXPECT_EQ(got.error, errc::bad_framing);
    });
}

TEST_P(tls_abuse_test, a_renegotiation_ends_the_connection)
{
    bare_session s = meet_bare(context, GetParam(), TLS1_2_VERSION);
    testing::run_until_done(context, [&]() -> awaitable<void> {
        s.other->write("abc");
        s.other->renegotiate();
        auto failed = co_await s.other->flush();
        EXPECT_FALSE(failed);
        auto got = co_await read_up_to(s.stream, 4);
        EXPECT_EQ(got.text, "abc");
        EXPECT_EQ(got.error, errc::bad_framing);
    });
}

// Long records: a turn ends by their bytes. The rest is in the stream's own hands then, not below it.
TEST_P(tls_abuse_test, a_turn_ends_after_64_KiB_and_another_one_follows)
{
    bare_session s = meet_bare(context, GetParam());
    testing::run_until_done(context, [&]() -> awaitable<void> {
        std::array<byte, 16> buffer{};
        error_code error;
        EXPECT_EQ(s.stream.try_read_some(buffer, error), 0u); // a server's tickets
        s.other->pad_records();
        for (int i = 0; i < 3; ++i) {
            s.other->update_keys(4);
            s.other->write("abc");
            auto failed = co_await s.other->flush();
            EXPECT_FALSE(failed);
            EXPECT_EQ(s.stream.try_read_some(buffer, error), 0u);
            EXPECT_EQ(error, asio::error::would_block);
            if (i == 1) {
                auto waited = co_await s.stream.async_wait_readable(use_tuple);
                EXPECT_FALSE(std::get<0>(waited));
                EXPECT_EQ(s.stream.try_read_some(buffer, error), 3u);
            } else {
                auto got = co_await read_up_to(s.stream, 3);
                EXPECT_EQ(got.text, "abc");
            }
        }
        EXPECT_EQ(s.stream.try_read_some(buffer, error), 0u);
        EXPECT_EQ(error, asio::error::would_block);
    });
}

// A ClientHello of 16000 bytes, one byte a record.
TEST(tls_test, a_handshake_in_many_records_takes_many_turns)
{
    asio::io_context context;
    auto pair = make_memory_stream_pair(context.get_executor(), 1u << 20);
    testing::run_until_done(context, [&]() -> awaitable<void> {
        const std::string message = std::string("\x01\x00\x3e\x80", 4) + std::string(16'000, '\0');
        std::string flood;
        for (const char each : message) {
            flood += std::string("\x16\x03\x01\x00\x01", 5);
            flood += each;
        }
        auto failed = co_await write_all(pair.first, flood);
        EXPECT_FALSE(failed);
        bool over = false;
        spawn(
            context.get_executor(),
            [&]() -> awaitable<void> {
                co_await accept_tls(pair.second, shown("good"));
                over = true;
            },
            "accepts");
        for (int turns = 0; turns < 10; ++turns) co_await yield_once();
        EXPECT_FALSE(over);
        EXPECT_LT(pair.first.delivery()->acknowledged, flood.size() / 2);
        for (int turns = 0; turns < 1000 && !over; ++turns) co_await yield_once();
        EXPECT_TRUE(over) << "it comes to its end, which is an error";
        pair.first.close();
        while (!over) co_await yield_once();
    });
}

} // namespace
} // namespace parley::test
