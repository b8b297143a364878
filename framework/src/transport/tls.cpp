#include <parley/transport/tls.hpp>

#include "stream/layer/tls_layer.hpp"
#include "transport/step_report.hpp"
#include "transport/time_left.hpp"

#include <parley/async/watchdog.hpp>
#include <parley/transport/tcp.hpp>

#include <boost/asio/ip/address.hpp>
#include <boost/asio/write.hpp>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <cerrno>
#include <cstdio>

namespace parley {

struct tls_identity::state {
    detail::ssl_context_ptr context;
};

namespace {

using detail::take_openssl_error;
using detail::tls_layer;

constexpr std::string_view tls_name = "tls";
constexpr std::size_t max_certificate_list = 100 * 1024; // bytes of a server's certificates

template <class T, auto Free>
using owned = std::unique_ptr<T, detail::openssl_deleter<Free>>;

using certificate_ptr = owned<X509, &X509_free>;

// Stores the certificate that the check has refused: a failed session does not keep it.
int remember_refused(int fine, X509_STORE_CTX* check)
{
    auto* session =
        static_cast<SSL*>(X509_STORE_CTX_get_ex_data(check, SSL_get_ex_data_X509_STORE_CTX_idx()));
    auto* refused = session == nullptr ? nullptr : static_cast<certificate_ptr*>(SSL_get_ex_data(session, 0));
    X509* current = X509_STORE_CTX_get_current_cert(check);
    if (fine != 1 && refused != nullptr && current != nullptr && X509_up_ref(current) == 1)
        refused->reset(current);
    return fine;
}

std::string text_of_name(const X509_NAME* name)
{
    const owned<BIO, &BIO_free> out{BIO_new(BIO_s_mem())};
    if (!out || name == nullptr || X509_NAME_print_ex(out.get(), name, 0, XN_FLAG_RFC2253) < 0) return "?";
    char* data = nullptr;
    const long size = BIO_get_mem_data(out.get(), &data);
    return escaped({data, static_cast<std::size_t>(size)}, 200);
}

std::string text_of_time(const ASN1_TIME* time)
{
    std::tm parts{};
    if (time == nullptr || ASN1_TIME_to_tm(time, &parts) != 1) return "?";
    std::array<char, 32> text{};
    const std::size_t size = std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M UTC", &parts);
    return {text.data(), size};
}

// The names and addresses that a certificate is for.
std::string subject_names(X509* certificate)
{
    const owned<GENERAL_NAMES, &GENERAL_NAMES_free> names{
        static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr))};
    std::string out;
    const int count = names ? sk_GENERAL_NAME_num(names.get()) : 0;
    for (int i = 0; i < count && out.size() < 200; ++i) {
        const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
        std::string text;
        if (name->type == GEN_DNS) {
            const auto* data = reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.dNSName));
            text = escaped({data, static_cast<std::size_t>(ASN1_STRING_length(name->d.dNSName))}, 100);
        } else if (name->type == GEN_IPADD) {
            const unsigned char* data = ASN1_STRING_get0_data(name->d.iPAddress);
            const int size = ASN1_STRING_length(name->d.iPAddress);
            asio::ip::address_v4::bytes_type v4{};
            asio::ip::address_v6::bytes_type v6{};
            if (size == 4) {
                std::copy_n(data, 4, v4.begin());
                text = asio::ip::address_v4{v4}.to_string();
            } else if (size == 16) {
                std::copy_n(data, 16, v6.begin());
                text = asio::ip::address_v6{v6}.to_string();
            }
        }
        if (!text.empty()) out += (out.empty() ? "" : ", ") + text;
    }
    return out.empty() ? "no name at all" : out;
}

// Describes why the check refused the server's certificate.
std::string explain_certificate(long why, const certificate_ptr& certificate, const std::string& host)
{
    const std::string whose = "the certificate of " + escaped(host) + " ";
    switch (why) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
        return whose + "has expired" +
               (certificate ? " (on " + text_of_time(X509_get0_notAfter(certificate.get())) + ")" : "");
    case X509_V_ERR_CERT_NOT_YET_VALID:
        return whose + "is not valid yet" +
               (certificate ? " (before " + text_of_time(X509_get0_notBefore(certificate.get())) + ")" : "");
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
        return whose + "is for another host" +
               (certificate ? " (" + subject_names(certificate.get()) + ")" : "");
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
        return whose + "is signed by itself, and not among the authorities that are trusted here";
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
        return whose + "is signed by an issuer that is not known here" +
               (certificate ? " (" + text_of_name(X509_get_issuer_name(certificate.get())) + ")" : "");
    default:
        return whose + "does not stand the check: " + X509_verify_cert_error_string(why);
    }
}

// Describes why the handshake failed.
std::string explain_handshake(const SSL* session, const certificate_ptr& refused, const std::string& host)
{
    const long verified = SSL_get_verify_result(session);
    if (verified != X509_V_OK) return explain_certificate(verified, refused, host);
    const unsigned long code = ERR_peek_error();
    if (ERR_GET_REASON(code) == SSL_R_WRONG_VERSION_NUMBER) return "what answers there does not speak TLS";
    const std::string reason = take_openssl_error();
    return reason.empty() ? "the TLS handshake failed" : "the TLS handshake failed: " + reason;
}

error_code fail(diagnostics* diag, error_code code, std::string what)
{
    if (diag != nullptr) diag->set_message(std::move(what));
    return code;
}

result<detail::ssl_context_ptr> make_client_context(const tls_client_options& options, diagnostics* diag)
{
    auto made = detail::make_ssl_context(TLS_client_method());
    if (!made) return made;
    SSL_CTX* context = made->get();
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, &remember_refused);
    SSL_CTX_set_max_cert_list(context, max_certificate_list);
    const bool loaded = options.ca_file.empty()
                            ? SSL_CTX_set_default_verify_paths(context) == 1
                            : SSL_CTX_load_verify_file(context, options.ca_file.c_str()) == 1;
    if (loaded) return made;
    take_openssl_error();
    return fail(diag, errc::tls_failed,
                options.ca_file.empty()
                    ? "the system's certificate authorities cannot be read"
                    : "no certificate authorities can be read from " + escaped(options.ca_file));
}

// Sets the name to check and, for a name, to send as SNI.
bool expect_host(SSL* session, const std::string& host)
{
    error_code error;
    const std::string plain = host.substr(0, host.find('%')); // a zone is local
    asio::ip::make_address(plain, error);
    if (!error) return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session), plain.c_str()) == 1;
    SSL_set_hostflags(session, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    std::string name = host;
    if (name.ends_with('.')) name.pop_back();
    // This is the macro SSL_set_tlsext_host_name without its old-style cast.
    return SSL_set1_host(session, name.c_str()) == 1 &&
           SSL_ctrl(session, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, name.data()) == 1;
}

awaitable<error_code> flush(any_stream& stream, tls_layer& layer)
{
    byte_vector out;
    out.swap(layer.output());
    if (out.empty()) co_return error_code{};
    const auto written = co_await asio::async_write(stream, asio::buffer(out.data(), out.size()), use_tuple);
    co_return std::get<0>(written);
}

// Performs the handshake; then `stream` becomes the TLS stream. `host` is empty for a server.
awaitable<error_code> handshake(any_stream& stream, std::unique_ptr<tls_layer> layer, SSL* raw,
                                std::string host, diagnostics* diag)
{
    certificate_ptr refused;
    SSL_set_ex_data(raw, 0, &refused);
    error_code error = asio::error::would_block;
    std::string what;
    while (error == asio::error::would_block) {
        error = layer->handshake(stream);
        if (error == errc::tls_failed) what = explain_handshake(raw, refused, host);
        if (error == asio::error::connection_reset) what = "the connection ended in the TLS handshake";
        take_openssl_error();
        const auto failed = co_await flush(stream, *layer);
        if (failed && (!error || error == asio::error::would_block)) error = failed; // the first one counts
        if (error != asio::error::would_block) break;
        const auto waited = co_await stream.async_wait_readable(use_tuple);
        const auto wait_error = std::get<0>(waited);
        if (wait_error) error = wait_error;
    }
    SSL_set_ex_data(raw, 0, nullptr);
    if (error) {
        if (diag != nullptr && !what.empty()) diag->set_message(std::move(what));
        stream.close();
        co_return error;
    }
    stream = detail::make_layered_stream(std::move(stream), std::move(layer), {tls_name, std::nullopt});
    co_return error;
}

error_code check_readable(const std::string& file)
{
    std::FILE* opened = std::fopen(file.c_str(), "re");
    if (opened == nullptr) return {errno, boost::system::system_category()};
    std::fclose(opened);
    return {};
}

} // namespace

tls_identity::tls_identity() = default;
tls_identity::~tls_identity() = default;

error_code tls_identity::load(const std::string& certificate_file, const std::string& key_file,
                              diagnostics* diag)
{
    for (const std::string& file : {certificate_file, key_file})
        if (const error_code error = check_readable(file))
            return fail(diag, error, "cannot read " + escaped(file) + ": " + error.message());
    auto made = detail::make_ssl_context(TLS_server_method());
    if (!made) return fail(diag, made.error(), made.error().message());
    SSL_CTX* context = made->get();
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_options(context, SSL_OP_CIPHER_SERVER_PREFERENCE);
    if (SSL_CTX_use_certificate_chain_file(context, certificate_file.c_str()) != 1)
        return fail(diag, errc::tls_failed,
                    "no certificate chain in " + escaped(certificate_file) + ": " + take_openssl_error());
    if (SSL_CTX_use_PrivateKey_file(context, key_file.c_str(), SSL_FILETYPE_PEM) != 1)
        return fail(diag, errc::tls_failed,
                    "no private key of that certificate in " + escaped(key_file) + ": " +
                        take_openssl_error());
    if (SSL_CTX_check_private_key(context) != 1)
        return fail(diag, errc::tls_failed,
                    escaped(key_file) + " is not the key of " + escaped(certificate_file));
    auto loaded = std::make_shared<state>();
    loaded->context = std::move(*made);
    state_ = std::move(loaded);
    return {};
}

awaitable<error_code> open_tls(any_stream& stream, std::string host, tls_client_options options,
                               diagnostics* diag)
{
    auto context = make_client_context(options, diag);
    detail::ssl_ptr session{context ? SSL_new(context->get()) : nullptr};
    if (!session || !expect_host(session.get(), host)) {
        stream.close();
        co_return make_error_code(errc::tls_failed);
    }
    SSL* const raw = session.get();
    SSL_set_connect_state(raw);
    auto layer = std::make_unique<tls_layer>(std::move(session));
    auto error = co_await handshake(stream, std::move(layer), raw, std::move(host), diag);
    co_return error;
}

awaitable<error_code> accept_tls(any_stream& stream, std::shared_ptr<const tls_identity> shown,
                                 std::size_t max_handshake_bytes, diagnostics* diag)
{
    const auto loaded = shown ? shown->current() : nullptr;
    detail::ssl_ptr session{loaded ? SSL_new(loaded->context.get()) : nullptr};
    if (!session) {
        stream.close();
        co_return make_error_code(errc::tls_failed);
    }
    SSL* const raw = session.get();
    SSL_set_accept_state(raw);
    std::string host;
    auto layer = std::make_unique<tls_layer>(std::move(session));
    if (max_handshake_bytes != 0) layer->bound_handshake(max_handshake_bytes);
    auto error = co_await handshake(stream, std::move(layer), raw, std::move(host), diag);
    co_return error;
}

namespace {

awaitable<connect_outcome> connect_over_tls(connect_request request)
{
    const time_point start = clock::now();
    const relay_address address = request.address;
    const connect_options options = request.options;
    auto out = co_await tcp_transport().connect(std::move(request));
    if (out.error) co_return std::move(out);
    const watchdog bound{out.stream, detail::time_left(start, options.timeout)};
    const detail::step_report step{options, connect_step::tls};
    diagnostics diag;
    const error_code error = co_await open_tls(out.stream, address.host, options.tls, &diag);
    out.detail = diag.message();
    out.error = bound.explain(error);
    step.done(out.error, out.detail);
    co_return std::move(out);
}

} // namespace

const transport& tls_transport() noexcept
{
    static constexpr transport value{"tls",       9443,  9444, &connect_over_tls,
                                     &listen_tcp, false, true, {false, true, true, false}};
    return value;
}

} // namespace parley
