#include "bench/benchmarks.hpp"

#include "bench/documents.hpp"
#include "bench/failure.hpp"
#include "bench/library_speed.hpp"

#include <parley/crypto/random.hpp>
#include <parley/crypto/record_cipher.hpp>
#include <parley/crypto/sha1.hpp>
#include <parley/payload/document_receiver.hpp>
#include <parley/payload/document_source.hpp>
#include <parley/proto/record_stream.hpp>
#include <parley/wire/parser.hpp>
#include <parley/wire/writer.hpp>

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <functional>

namespace parley::bench {
namespace {

constexpr std::size_t pack_bytes = 16u << 20;
constexpr std::size_t cache_missing_bytes = 64u << 20; // more than the last cache level holds
constexpr double least_seconds = 0.02;

void require(bool right, const char* what)
{
    if (!right) throw failure{std::string{what} + " failed"};
}

template <class T>
T require(result<T> got, const char* what)
{
    if (!got) throw failure{std::string{what} + ": " + got.error().message()};
    return std::move(*got);
}

// Keeps the measurements of Google Benchmark and prints nothing.
struct recorder final : benchmark::BenchmarkReporter {
    bool ReportContext(const Context&) override { return true; }
    void ReportRuns(const std::vector<Run>& runs) override
    {
        for (const Run& run : runs) {
            error = run.error_message;
            cpu_seconds = run.cpu_accumulated_time / static_cast<double>(run.iterations);
        }
    }

    std::string error;
    double cpu_seconds = 0; // per call
};

// CPU seconds per call of `work`, from as many calls as fit into `seconds`.
double cpu_seconds_a_call(double seconds, const std::function<void()>& work)
{
    benchmark::RegisterBenchmark("step", [&work](benchmark::State& state) {
        try {
            work(); // the first call pays for one-time initialisation
            for (auto unused : state) work();
        } catch (const failure& why) {
            state.SkipWithError(why.what());
        }
    })->MinTime(seconds);
    recorder got;
    benchmark::RunSpecifiedBenchmarks(&got);
    benchmark::ClearRegisteredBenchmarks();
    if (!got.error.empty()) throw failure{got.error};
    return got.cpu_seconds;
}

class measuring {
public:
    explicit measuring(session& s) : s_(s), seconds_(std::max(least_seconds, s.settings().seconds / 10)) {}

    void time(const char* step, const char* system, const std::function<void()>& work)
    {
        if (!s_.settings().wanted(system)) return;
        s_.add({"primitives", system, {{"step", step}}, "CPU time", "us", better::less, {}, {}},
               cpu_seconds_a_call(seconds_, work) * 1e6);
    }
    void ratio(const char* step, const std::string& system, double value)
    {
        if (!s_.settings().wanted(system)) return;
        s_.add({"primitives", system, {{"step", step}}, "ratio", "to 1", better::more, {}, {}}, value);
    }
    void rate(const char* step, const std::string& system, std::size_t bytes,
              const std::function<void()>& work)
    {
        if (!s_.settings().wanted(system)) return;
        s_.add({"primitives", system, {{"step", step}}, "rate of one core", "MB/s", better::more, {}, {}},
               static_cast<double>(bytes) / 1e6 / cpu_seconds_a_call(seconds_, work));
    }

private:
    session& s_;
    double seconds_;
};

void packets(measuring& m)
{
    const packet_variant body = packet::y_and_server_validator{};
    const encoded_packet encoded = encode(uid{7}, body);
    m.time("write a packet", "parley", [&] {
        const encoded_packet out = encode(uid{7}, body);
        benchmark::DoNotOptimize(out);
    });
    packet_parser parser;
    m.time("parse a packet", "parley", [&] {
        bytes_view input = encoded.view();
        const auto got = parser.parse(input);
        benchmark::DoNotOptimize(got);
    });
    encoded_packet copy;
    for (const char* step : {"write a packet", "parse a packet"})
        m.time(step, "memcpy", [&] {
            std::memcpy(&copy, &encoded, sizeof copy);
            benchmark::DoNotOptimize(copy);
        });
}

void key_agreement(measuring& m)
{
    const bytes_view password = as_bytes("a password");
    const public_parameters shown;
    const spoke_server server = require(spoke_server::create(password, shown), "key agreement");
    const secret_scalar x = random_scalar(system_random()), y = random_scalar(system_random());
    const spoke_client client =
        require(spoke_client::create(password, server.public_packet(), x), "key agreement");
    const identity a = *identity::from_text("127.0.0.1:10001"), b = *identity::from_text("127.0.0.1:10002");
    const spoke_server_session answer = require(server.compute(a, b, client.x(), y), "key agreement");

    m.time("server's keys from the password", "parley",
           [&] { require(spoke_server::create(password, shown).has_value(), "key agreement"); });
    m.time("server's side of an agreement", "parley",
           [&] { require(server.compute(a, b, client.x(), y).has_value(), "key agreement"); });
    m.time("client's side of an agreement", "parley", [&] {
        const auto mine = spoke_client::create(password, server.public_packet(), x);
        require(mine && mine->finish(a, b, answer.y(), answer.server_validator()), "key agreement");
    });
    m.time("server's keys from the password", "libsodium",
           [] { require(sodium_server_derivation(), "libsodium"); });
    m.time("server's side of an agreement", "libsodium",
           [] { require(sodium_server_agreement(), "libsodium"); });
    m.time("client's side of an agreement", "libsodium",
           [] { require(sodium_client_agreement(), "libsodium"); });
}

void records(measuring& m)
{
    constexpr std::size_t size = max_record_content_bytes;
    const byte_vector content = random_bytes(size, 1);
    byte_vector sealed(max_record_bytes), opened(size);
    const spoke_key key;
    record_cipher cipher =
        require(record_cipher::create(cipher::aes_256_gcm, record_layout::current, key), "the record cipher");
    m.rate("seal", "parley", size, [&] { require(cipher.seal(1, content, sealed).has_value(), "seal"); });
    sha1 hash;
    m.rate("hash and seal", "parley", size, [&] {
        hash.update(content);
        require(cipher.seal(1, content, sealed).has_value(), "seal");
    });
    const std::size_t whole = require(cipher.seal(1, content, sealed), "seal");
    m.rate("open", "parley", size, [&] {
        const bytes_view record{sealed.data() + record_header_bytes, whole - record_header_bytes};
        require(cipher.open(1, record, opened).has_value(), "open");
    });
    m.rate("hash", "parley", size, [&] { hash.update(content); });

    openssl_gcm gcm;
    m.rate("seal", "openssl", size, [&] { gcm.seal(content, sealed); });
    m.rate("hash and seal", "openssl", size, [&] {
        openssl_sha1(content);
        gcm.seal(content, sealed);
    });
    m.rate("open", "openssl", size, [&] { require(gcm.open({sealed.data(), size + 16}, opened), "open"); });
    m.rate("hash", "openssl", size, [&] { openssl_sha1(content); });
}

// What one core must do for a document that is stored and not deflated: zlib's checksum of the content, the
// SHA-1 of the stream, and the sealing and framing of its records. The bytes are in the cache.
void seal_hash_and_frame(measuring& m)
{
    constexpr std::size_t size = 8 * max_record_content_bytes;
    const byte_vector content = random_bytes(size, 1);
    byte_vector out(record_writer::sealed_bytes(size));
    record_writer writer = require(
        record_writer::create(cipher::aes_256_gcm, record_layout::current, spoke_key{}), "the record writer");
    sha1 hash;
    m.rate("seal, hash and frame", "parley", size, [&] {
        const std::uint32_t sum = library_adler32(1, content);
        benchmark::DoNotOptimize(sum);
        hash.update(content);
        require(writer.write(content, out).has_value(), "seal");
    });
    openssl_gcm gcm;
    m.rate("seal, hash and frame", "openssl", size, [&] {
        const std::uint32_t sum = library_adler32(1, content);
        benchmark::DoNotOptimize(sum);
        openssl_sha1(content);
        for (std::size_t at = 0; at < size; at += max_record_content_bytes)
            gcm.seal(bytes_view(content).subspan(at, max_record_content_bytes),
                     mutable_bytes(out).subspan(at));
    });
    sha1 other;
    m.rate("hash two streams", "parley", size, [&] { sha1::update_both(hash, content, other, content); });
    m.rate("hash two streams", "openssl", size, [&] {
        openssl_sha1(content);
        openssl_sha1(content);
    });
}

void compression_libraries(measuring& m, const byte_vector& text)
{
    constexpr const char *packing = "deflate text", *unpacking = "inflate text";
    const auto compare = [&](const std::string& system, const auto& deflate, const auto& inflate) {
        const byte_vector packed = deflate();
        if (packed.empty()) return;
        m.rate(packing, system, text.size(), [&] { benchmark::DoNotOptimize(deflate().data()); });
        m.ratio(packing, system, static_cast<double>(text.size()) / static_cast<double>(packed.size()));
        m.rate(unpacking, system, text.size(),
               [&] { require(inflate(packed).size() == text.size(), "inflate"); });
    };
    for (const int level : {1, 4, 6})
        compare(
            "zlib " + std::to_string(level), [&] { return zlib_deflate(text, level); },
            [&](const byte_vector& packed) { return zlib_inflate(packed, text.size()); });
    for (const int level : {1, 2, 3})
        compare(
            "isal " + std::to_string(level), [&] { return isal_deflate(text, level); },
            [&](const byte_vector& packed) { return isal_inflate(packed, text.size()); });
}

// Reads it in pieces, as a sender does, and gives each piece to `take`.
void write_pack(const std::filesystem::path& path, const std::function<void(bytes_view)>& take)
{
    document_source source = require(document_source::open(path), "the document");
    byte_vector piece(8 * max_record_content_bytes);
    for (;;) {
        const std::size_t size = require(source.read(piece), "the document");
        if (size == 0) return;
        take(bytes_view(piece).first(size));
    }
}

byte_vector pack_of(const std::filesystem::path& path)
{
    byte_vector out;
    write_pack(path, [&](bytes_view piece) { out.insert(out.end(), piece.begin(), piece.end()); });
    return out;
}

void read_pack(session& s, const byte_vector& pack)
{
    const std::filesystem::path folder = s.fresh("pack");
    std::filesystem::create_directory(folder);
    receiver_options into;
    into.directory = folder;
    document_receiver receiver = require(document_receiver::create(std::move(into)), "the receiver");
    error_code error;
    constexpr std::size_t most = 8 * max_record_content_bytes; // as a receiver does
    for (bytes_view rest = pack; !rest.empty() && !error; rest = rest.subspan(std::min(rest.size(), most)))
        error = receiver.write(rest.first(std::min(rest.size(), most)));
    require(!error && receiver.commit().has_value(), "the receiver");
    std::filesystem::remove_all(folder);
}

void documents(session& s, measuring& m)
{
    const byte_vector random = random_bytes(pack_bytes, 2), text = compressible_bytes(pack_bytes, 3);
    const auto file_of = [&](const char* name, const byte_vector& content) {
        const std::filesystem::path path = s.fresh(name);
        std::ofstream{path, std::ios::binary}.write(reinterpret_cast<const char*>(content.data()),
                                                    static_cast<std::streamsize>(content.size()));
        return path;
    };
    const std::filesystem::path random_file = file_of("random", random), text_file = file_of("text", text);
    const byte_vector random_pack = pack_of(random_file), text_pack = pack_of(text_file);
    const byte_vector deflated = zlib_deflate(text, 4);
    const auto look = [](bytes_view piece) { benchmark::DoNotOptimize(piece.data()); };
    m.rate("write a PACK of random bytes", "parley", pack_bytes, [&] { write_pack(random_file, look); });
    m.rate("write a PACK of text", "parley", pack_bytes, [&] { write_pack(text_file, look); });
    m.rate("read a PACK of random bytes", "parley", pack_bytes, [&] { read_pack(s, random_pack); });
    m.rate("read a PACK of text", "parley", pack_bytes, [&] { read_pack(s, text_pack); });
    // A PACK hashes both its stream and its objects.
    m.rate("write a PACK of random bytes", "openssl sha1", pack_bytes, [&] { openssl_sha1(random); });
    m.rate("read a PACK of random bytes", "openssl sha1", pack_bytes, [&] { openssl_sha1(random); });
    m.rate("write a PACK of text", "zlib", pack_bytes,
           [&] { benchmark::DoNotOptimize(zlib_deflate(text, 4).data()); });
    m.rate("read a PACK of text", "zlib", pack_bytes,
           [&] { benchmark::DoNotOptimize(zlib_inflate(deflated, pack_bytes).data()); });
    compression_libraries(m, text);
    std::filesystem::remove(random_file);
    std::filesystem::remove(text_file);
    byte_vector from(cache_missing_bytes, 1), to(cache_missing_bytes);
    m.rate("copy memory", "memcpy", cache_missing_bytes, [&] {
        std::memcpy(to.data(), from.data(), to.size());
        benchmark::DoNotOptimize(to.data());
    });
}

} // namespace

void run_primitive_benchmark(session& s)
{
    measuring m{s};
    for (int run = 0; run < s.settings().runs; ++run) {
        s.attempt("primitives: packets", [&] { packets(m); });
        s.attempt("primitives: key agreement", [&] { key_agreement(m); });
        s.attempt("primitives: records", [&] { records(m); });
        s.attempt("primitives: seal, hash and frame", [&] { seal_hash_and_frame(m); });
        s.attempt("primitives: documents", [&] { documents(s, m); });
    }
}

} // namespace parley::bench
