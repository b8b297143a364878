// Where a sender's records end: what the reference's receivers need (docs/PROTOCOL.md section 8).
#include "support/actors_world.hpp"
#include "support/strict_receiver.hpp"
#include "transfer/document_read_ahead.hpp"
#include "unit/proto/transcript.hpp"

#include <parley/proto/client_machine.hpp>
#include <parley/proto/record_stream.hpp>
#include <parley/stream/driver.hpp>

#include <fcntl.h>
#include <sys/stat.h>

namespace parley::test {
namespace {

using records = std::vector<byte_vector>; // their contents

const spoke_key key{};

// The contents of the records in `bytes`.
records open_records(const spoke_key& with, bytes_view bytes)
{
    records out;
    auto reader = record_reader::create(cipher::aes_256_gcm, with);
    while (!bytes.empty()) {
        const auto content = reader->read(bytes);
        if (!content) throw std::runtime_error(content.error().message());
        if (!content->bytes.empty()) out.emplace_back(content->bytes.begin(), content->bytes.end());
    }
    return out;
}

// The records as a sender makes them: read ahead, in pieces, each piece sealed by itself.
records records_of(document_source& source)
{
    records out;
    asio::io_context context;
    testing::run_until_done(context, [&]() -> awaitable<void> {
        detail::document_read_ahead ahead{context.get_executor(), context.get_executor(), source};
        auto writer = record_writer::create(cipher::aes_256_gcm, record_layout::current, key);
        byte_vector sealed, all;
        bool more = true;
        while (more) {
            const auto piece = co_await ahead.next(false);
            if (piece.error) throw boost::system::system_error(piece.error);
            sealed.resize(record_writer::sealed_bytes(piece.bytes.size()));
            const auto size = writer->write(piece.bytes, sealed);
            all.insert(all.end(), sealed.begin(), sealed.begin() + static_cast<std::ptrdiff_t>(*size));
            more = !piece.last;
        }
        out = open_records(key, all);
    });
    return out;
}

std::string received(const records& all, std::string_view name)
{
    strict_receiver receiver;
    for (const byte_vector& record : all) receiver.take(record);
    EXPECT_TRUE(receiver.complete());
    EXPECT_EQ(receiver.name(), name);
    return receiver.content();
}

std::string content_of(std::size_t size, bool random)
{
    if (random) {
        const byte_vector bytes = random_bytes(size, size + 1);
        return {bytes.begin(), bytes.end()};
    }
    std::string out;
    for (std::size_t line = 0; out.size() < size; ++line) out += "line " + std::to_string(line * line) + "\n";
    out.resize(size);
    return out;
}

// Around the sizes of the reference's buffers, of records, and of what is read or compressed at a time.
std::vector<std::size_t> sizes()
{
    std::vector<std::size_t> out{0, 1, 2, 13, 100, 1000};
    for (const std::size_t unit : {2047u, 4096u, 32767u, 65535u, 65536u})
        for (const std::size_t times : {1u, 2u, 3u, 7u})
            for (std::size_t size = unit * times - 2; size <= unit * times + 2; ++size) out.push_back(size);
    for (const std::size_t around :
         {detail::document_read_ahead::piece_bytes, std::size_t{1} << 20, std::size_t{2} << 20})
        for (std::size_t size = around - 1; size <= around + 1; ++size) out.push_back(size);
    for (std::size_t size = 4096 - 64; size < 4096; size += 7) out.push_back(size); // the first piece
    return out;
}

enum class kind { memory, path, descriptor };

struct cut_case {
    const char* name;
    kind from;
    compression compress;
    bool random;
    unsigned threads = 1;
};

class every_size_is_cut : public ::testing::TestWithParam<cut_case> {
protected:
    document_source source(const std::string& content)
    {
        source_options options;
        options.compress = GetParam().compress;
        options.threads = GetParam().threads;
        if (GetParam().from == kind::memory) {
            const bytes_view bytes = as_bytes(content);
            return *document_source::from_bytes("name", {bytes.begin(), bytes.end()}, options);
        }
        const fs::path file = folder.path() / "name";
        std::ofstream{file, std::ios::binary} << content;
        if (GetParam().from == kind::path) return *document_source::open(file, options);
        return *document_source::from_descriptor("name", ::open(file.c_str(), O_RDONLY | O_CLOEXEC),
                                                 content.size(), options);
    }
    temporary_folder folder;
};

INSTANTIATE_TEST_SUITE_P(
    sources, every_size_is_cut,
    ::testing::Values(cut_case{"memory_sampled_text", kind::memory, compression::sampled, false},
                      cut_case{"memory_sampled_random", kind::memory, compression::sampled, true},
                      cut_case{"path_always_text", kind::path, compression::always, false},
                      cut_case{"path_always_random", kind::path, compression::always, true},
                      cut_case{"path_never_text", kind::path, compression::never, false},
                      cut_case{"path_threads_text", kind::path, compression::sampled, false, 2},
                      cut_case{"descriptor_never_random", kind::descriptor, compression::never, true},
                      cut_case{"descriptor_sampled_text", kind::descriptor, compression::sampled, false}),
    [](const auto& shown) { return std::string{shown.param.name}; });

TEST_P(every_size_is_cut, where_the_reference_needs_it)
{
    for (const std::size_t size : sizes()) {
        SCOPED_TRACE(size);
        const std::string content = content_of(size, GetParam().random);
        document_source document = source(content);
        std::string got;
        ASSERT_NO_THROW(got = received(records_of(document), "name"));
        ASSERT_TRUE(got == content);
    }
}

TEST(record_cut, the_longest_name_fits_the_reference_s_buffer)
{
    const std::string name(255, 'n');
    auto document = document_source::from_bytes(name, {1, 2, 3});
    ASSERT_TRUE(document);
    EXPECT_EQ(received(records_of(*document), name), "\1\2\3");
}

// Agrees with the sender by hand and gives what came in the room, opened.
records records_of_sender(world& w, send_operation& s)
{
    std::optional<agreement> agreed;
    any_stream handshake = w.connect_raw(stream_kind::handshake, "10.0.0.2");
    client_machine machine{secret_bytes{"p"}, w.random, {}};
    driver<client_machine>* driving = nullptr;
    driver<client_machine> drive{handshake,
                                 machine,
                                 [&](client_event_variant event) {
                                     if (auto* offered = std::get_if<client_event::offered>(&event))
                                         driving->input(
                                             [to = offered->server](client_machine& m) { m.accept(to); });
                                     else if (std::holds_alternative<client_event::derivation_due>(event))
                                         driving->input([](client_machine& m) { derive_now(m); });
                                     else if (auto* end = std::get_if<client_event::agreed>(&event))
                                         agreed = std::move(end->result);
                                 },
                                 {}};
    driving = &drive;
    asio::co_spawn(w.context, drive.run(), [](std::exception_ptr, error_code) {});
    if (!w.run_until([&] { return agreed.has_value(); })) return {};
    raw_peer room{w.connect_raw(stream_kind::room, "10.0.0.2")};
    room.write(std::string{agreed->peer.text()} + "\n");
    room.start_reading();
    if (!w.run_until([&] { return s.log.saw("finishing"); })) return {};
    w.settle();
    room.shutdown_send();
    if (!w.run_until([&] { return s.done(); })) return {};
    EXPECT_TRUE(room.got.starts_with("00"));
    return open_records(agreed->keys.k0, as_bytes(room.got).subspan(2));
}

TEST(record_cut, a_whole_sender_s_records_are_cut)
{
    for (const std::size_t size : {0u, 13u, 300'000u, 1'500'000u}) {
        SCOPED_TRACE(size);
        world w;
        send_operation s;
        const std::string content = content_of(size, true);
        const bytes_view bytes = as_bytes(content);
        w.send(s, bytes_source("document", {bytes.begin(), bytes.end()}), "p");
        records sent;
        ASSERT_NO_THROW(sent = records_of_sender(w, s));
        ASSERT_NO_THROW(EXPECT_TRUE(received(sent, "document") == content));
        EXPECT_TRUE(s.succeeded()) << s.message();
    }
}

// --- the recorded conversations

// Where records end, in bytes of the stream.
std::vector<std::size_t> ends_of(const records& all)
{
    std::vector<std::size_t> out;
    std::size_t at = 0;
    for (const byte_vector& record : all) out.push_back(at += record.size());
    return out;
}

byte_vector joined(const records& all)
{
    byte_vector out;
    for (const byte_vector& record : all) append(out, record);
    return out;
}

// Before which bytes of a single file's stream a record must have ended: the file's entry, the SHA-1.
std::vector<std::size_t> required_ends(bytes_view stream)
{
    std::vector<std::size_t> out;
    std::size_t at = 12;
    for (int entry = 0; entry < 2; ++entry) {
        std::size_t size = stream[at] & 0x0fu, shift = 4;
        while ((stream[at] & 0x80u) != 0) {
            size |= static_cast<std::size_t>(stream[++at] & 0x7fu) << shift;
            shift += 7;
        }
        ++at;
        z_stream z{};
        inflateInit(&z);
        byte_vector content(size + 1);
        z.next_in = const_cast<Bytef*>(stream.data() + at);
        z.avail_in = static_cast<uInt>(stream.size() - at);
        z.next_out = content.data();
        z.avail_out = static_cast<uInt>(content.size());
        EXPECT_EQ(inflate(&z, Z_FINISH), Z_STREAM_END);
        at = stream.size() - z.avail_in;
        inflateEnd(&z);
        out.push_back(at);
    }
    EXPECT_EQ(out.back() + sizeof(sha1_digest), stream.size());
    return out;
}

void expect_required_ends(const records& all)
{
    const std::vector<std::size_t> ends = ends_of(all);
    for (const std::size_t required : required_ends(joined(all)))
        EXPECT_EQ(std::count(ends.begin(), ends.end(), required), 1) << required;
    EXPECT_EQ(all.back().size(), sizeof(sha1_digest));
}

class recorded_file : public ::testing::TestWithParam<fs::path> {};

std::vector<fs::path> recorded_files()
{
    std::vector<fs::path> out;
    for (const auto& entry : fs::directory_iterator{fs::path{PARLEY_TEST_DATA} / "transcripts"})
        if (entry.path().filename().string().find("single") != std::string::npos) out.push_back(entry.path());
    return out;
}

INSTANTIATE_TEST_SUITE_P(transcripts, recorded_file, ::testing::ValuesIn(recorded_files()), name_of_file);

TEST_P(recorded_file, has_its_records_end_where_ours_do)
{
    const transcript recorded = read_transcript(GetParam());
    const auto sender = std::find_if(recorded.peers.begin(), recorded.peers.end(),
                                     [](const recorded_peer& p) { return p.sends && p.has_keys; });
    ASSERT_NE(sender, recorded.peers.end());
    const byte_vector k0_bytes = unhex(sender->k0);
    ASSERT_EQ(k0_bytes.size(), spoke_key::size());
    const spoke_key k0{std::span{k0_bytes}.first<spoke_key_bytes>()};
    const byte_vector room =
        recorded.stream(recorded.connection_of(sender->name, true), happening::from_peer);
    const auto line_end = std::find(room.begin(), room.end(), '\n');
    const records theirs =
        open_records(k0, bytes_view{room}.subspan(static_cast<std::size_t>(line_end - room.begin()) + 1));
    expect_required_ends(theirs);
    strict_receiver receiver;
    for (const byte_vector& record : theirs) ASSERT_NO_THROW(receiver.take(record));
    ASSERT_TRUE(receiver.complete());

    const bytes_view content = as_bytes(receiver.content());
    auto ours = document_source::from_bytes(receiver.name(), {content.begin(), content.end()});
    ASSERT_TRUE(ours);
    expect_required_ends(records_of(*ours));
}

} // namespace
} // namespace parley::test
