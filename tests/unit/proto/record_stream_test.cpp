#include <parley/proto/record_stream.hpp>

#include <unit/proto/support.hpp>
#include <unit/wire/vector_files.hpp>

namespace parley::test {
namespace {

struct kind {
    parley::cipher cipher;
    record_layout layout;
};
constexpr std::array<kind, 4> kinds{{{cipher::aes_256_gcm, record_layout::current},
                                     {cipher::aes_256_gcm, record_layout::original},
                                     {cipher::aes_256_ccm, record_layout::original},
                                     {cipher::chacha20_poly1305, record_layout::original}}};

std::string name(const kind& k)
{
    return std::string{cipher_name(k.cipher)} +
           (k.layout == record_layout::current ? " current" : " original");
}

spoke_key key_of(byte seed)
{
    spoke_key key;
    seeded_random{seed}.fill(key.span());
    return key;
}

byte_vector content_of(std::size_t size)
{
    byte_vector out(size);
    seeded_random{size}.fill(out);
    return out;
}

byte_vector sealed(record_writer& writer, bytes_view content)
{
    byte_vector out(record_writer::sealed_bytes(content.size()));
    const auto n = writer.write(content, out);
    EXPECT_TRUE(n);
    EXPECT_EQ(n ? *n : 0, out.size());
    return out;
}

void append(byte_vector& to, bytes_view more)
{
    to.insert(to.end(), more.begin(), more.end());
}

using sizes = std::initializer_list<std::size_t>;

struct reading {
    byte_vector content;
    error_code error;
    bool ended = false;
};

// Reads `stream` in pieces of the sizes from `next_size`. Each piece is a separate copy, so that a sanitizer
// sees a read past its end.
template <class F>
reading read_all(record_reader& reader, bytes_view stream, F next_size)
{
    reading out;
    while (!stream.empty()) {
        const std::size_t size = std::min<std::size_t>(next_size(), stream.size());
        const byte_vector copy(stream.begin(), stream.begin() + static_cast<std::ptrdiff_t>(size));
        stream = stream.subspan(size);
        bytes_view piece{copy};
        while (!piece.empty()) {
            const auto got = reader.read(piece);
            if (!got) {
                out.error = got.error();
                return out;
            }
            append(out.content, got->bytes);
            out.ended = got->ended;
            if (!got->ended && got->bytes.empty()) {
                EXPECT_TRUE(piece.empty()) << "asked for more with bytes at hand";
            }
        }
    }
    return out;
}

reading read_whole(record_reader& reader, bytes_view stream)
{
    return read_all(reader, stream, [&] { return stream.size() + 1; });
}

TEST(record_stream, any_content_in_any_split_with_every_cipher_and_layout)
{
    for (const kind& k : kinds) {
        SCOPED_TRACE(name(k));
        const spoke_key key = key_of(1);
        auto writer = record_writer::create(k.cipher, k.layout, key);
        ASSERT_TRUE(writer);
        byte_vector content, stream;
        std::uint64_t records = 0;
        for (const std::size_t size : sizes{1, 15, 16, 17, 1000, 0x7fff, 0x8000, 100'000}) {
            const byte_vector part = content_of(size);
            append(content, part);
            append(stream, sealed(*writer, part));
            records += (size + 0x7ffe) / 0x7fff;
            EXPECT_EQ(writer->sequence(), records);
        }
        append(stream, record_end_bytes);
        append(stream, as_bytes("what follows is nobody's"));

        for (const std::size_t split : {1UL, 2UL, 3UL, 17UL, 4096UL, 0x7fffUL, 65536UL, stream.size()}) {
            auto reader = record_reader::create(k.cipher, key);
            ASSERT_TRUE(reader);
            const reading got = read_all(*reader, stream, [&] { return split; });
            EXPECT_FALSE(got.error);
            EXPECT_TRUE(got.ended);
            EXPECT_EQ(got.content, content) << split;
            EXPECT_EQ(reader->layout(), k.layout);
            EXPECT_EQ(reader->sequence(), records);
        }
        seeded_random random{7};
        for (int round = 0; round < 5; ++round) {
            auto reader = record_reader::create(k.cipher, key);
            ASSERT_TRUE(reader);
            record_reader moved = std::move(*reader);
            const reading got = read_all(moved, stream, [&] { return 1 + random.below(40'000); });
            EXPECT_EQ(got.content, content);
        }
    }
}

TEST(record_stream, the_first_record_may_be_cut_anywhere)
{
    for (const kind& k : kinds) {
        const spoke_key key = key_of(2);
        auto writer = record_writer::create(k.cipher, k.layout, key);
        const byte_vector content = content_of(40);
        byte_vector stream = sealed(*writer, content);
        append(stream, sealed(*writer, content));
        for (std::size_t cut = 1; cut < stream.size(); ++cut) {
            auto reader = record_reader::create(k.cipher, key);
            bool first = true;
            const reading got =
                read_all(*reader, stream, [&] { return std::exchange(first, false) ? cut : 1000; });
            ASSERT_EQ(got.content.size(), 80U) << name(k) << " cut at " << cut;
            ASSERT_TRUE(std::equal(content.begin(), content.end(), got.content.begin() + 40));
        }
    }
}

TEST(record_stream, the_layout_is_unknown_until_a_record_tells_it)
{
    auto gcm = record_reader::create(cipher::aes_256_gcm, key_of(3));
    EXPECT_EQ(gcm->layout(), std::nullopt);
    auto chacha = record_reader::create(cipher::chacha20_poly1305, key_of(3));
    EXPECT_EQ(chacha->layout(), record_layout::original);
    EXPECT_EQ(record_writer::create(cipher::aes_256_ccm, record_layout::current, key_of(3)).error(),
              errc::record_layout_impossible);
}

TEST(record_stream, once_told_the_layout_does_not_change)
{
    const spoke_key key = key_of(4);
    for (const auto layout : {record_layout::current, record_layout::original}) {
        const auto other =
            layout == record_layout::current ? record_layout::original : record_layout::current;
        auto writer = record_writer::create(cipher::aes_256_gcm, layout, key);
        auto stranger = record_writer::create(cipher::aes_256_gcm, other, key);
        byte_vector stream = sealed(*writer, content_of(10));
        sealed(*stranger, content_of(10));
        append(stream, sealed(*stranger, content_of(10))); // the right sequence number in the wrong layout
        auto reader = record_reader::create(cipher::aes_256_gcm, key);
        EXPECT_EQ(read_whole(*reader, stream).error, errc::record_forged);
    }
}

// One changed bit, anywhere in the second of two records.
TEST(record_stream, a_forged_record_is_refused_and_nothing_of_it_shown)
{
    for (const kind& k : kinds) {
        const spoke_key key = key_of(5);
        auto writer = record_writer::create(k.cipher, k.layout, key);
        const byte_vector content = content_of(20);
        byte_vector stream = sealed(*writer, content);
        const std::size_t second = stream.size();
        append(stream, sealed(*writer, content));
        for (std::size_t at = second; at < stream.size(); ++at) {
            for (const std::size_t split : {stream.size(), std::size_t{7}}) {
                byte_vector forged = stream;
                forged[at] ^= 0x01;
                append(forged, byte_vector(0x8000)); // in case its length has grown
                auto reader = record_reader::create(k.cipher, key);
                const reading got = read_all(*reader, forged, [&] { return split; });
                EXPECT_EQ(got.error, errc::record_forged) << name(k) << " at " << at;
                EXPECT_EQ(got.content, content);
                bytes_view more{stream};
                EXPECT_EQ(reader->read(more).error(), errc::record_forged) << "it stays failed";
            }
        }
    }
}

TEST(record_stream, a_forged_first_record_is_refused)
{
    for (const kind& k : kinds) {
        auto writer = record_writer::create(k.cipher, k.layout, key_of(6));
        const byte_vector stream = sealed(*writer, content_of(20));
        auto reader = record_reader::create(k.cipher, key_of(7));
        EXPECT_EQ(read_whole(*reader, stream).error, errc::record_forged);
    }
}

TEST(record_stream, repeated_dropped_and_swapped_records_are_forged)
{
    for (const kind& k : kinds) {
        const spoke_key key = key_of(8);
        auto writer = record_writer::create(k.cipher, k.layout, key);
        const byte_vector a = sealed(*writer, content_of(1)), b = sealed(*writer, content_of(2)),
                          c = sealed(*writer, content_of(3));
        const std::vector<std::vector<const byte_vector*>> orders{{&a, &a}, {&a, &c}, {&b}, {&a, &c, &b}};
        for (const auto& order : orders) {
            byte_vector stream;
            for (const byte_vector* record : order) append(stream, *record);
            auto reader = record_reader::create(k.cipher, key);
            EXPECT_EQ(read_whole(*reader, stream).error, errc::record_forged) << name(k);
        }
    }
}

TEST(record_stream, a_length_above_the_bound_is_refused_at_once)
{
    for (const unsigned length : {0x8000U, 0x8001U, 0xff00U, 0xfffeU}) {
        auto reader = record_reader::create(cipher::aes_256_gcm, key_of(9));
        std::array<byte, 2> header{};
        store_be(header.data(), static_cast<std::uint16_t>(length));
        EXPECT_EQ(read_all(*reader, header, [] { return 1; }).error, errc::record_too_long);
        bytes_view more = as_bytes("x");
        EXPECT_EQ(reader->read(more).error(), errc::record_too_long);
    }
}

TEST(record_stream, empty_records_are_counted_and_skipped)
{
    for (const kind& k : kinds) {
        const spoke_key key = key_of(10);
        auto cipher = record_cipher::create(k.cipher, k.layout, key);
        byte_vector stream, content = content_of(5);
        std::uint64_t sequence = 0;
        for (const bool empty : {true, false, true, true, false}) {
            byte_vector record(empty ? 18 : 23);
            ASSERT_TRUE(cipher->seal(sequence++, empty ? bytes_view{} : bytes_view{content}, record));
            append(stream, record);
        }
        for (const std::size_t split : {1UL, 5UL, stream.size()}) {
            auto reader = record_reader::create(k.cipher, key);
            const reading got = read_all(*reader, stream, [&] { return split; });
            EXPECT_FALSE(got.error);
            EXPECT_EQ(got.content.size(), 10U);
            EXPECT_EQ(reader->sequence(), 5U);
        }
        stream[3] ^= 1;
        auto reader = record_reader::create(k.cipher, key);
        EXPECT_EQ(read_whole(*reader, stream).error, errc::record_forged) << "ignored is not unchecked";
    }
}

TEST(record_stream, the_end_stays_the_end)
{
    for (const std::size_t split : sizes{1, 2, 3, 4}) {
        auto reader = record_reader::create(cipher::aes_256_gcm, key_of(11));
        const reading got = read_all(*reader, record_end_bytes, [&] { return split; });
        EXPECT_TRUE(got.ended);
        EXPECT_FALSE(got.error);
        bytes_view more = as_bytes("\x80\x00 more");
        const auto after = reader->read(more);
        ASSERT_TRUE(after);
        EXPECT_TRUE(after->ended);
        EXPECT_TRUE(more.empty());
    }
}

TEST(record_stream, a_whole_record_is_taken_where_it_stands)
{
    const spoke_key key = key_of(12);
    auto writer = record_writer::create(cipher::aes_256_gcm, record_layout::current, key);
    byte_vector stream = sealed(*writer, content_of(100));
    append(stream, sealed(*writer, content_of(100)));
    const byte_vector before = stream;
    auto reader = record_reader::create(cipher::aes_256_gcm, key);
    bytes_view input{stream};
    const auto got = reader->read(input);
    ASSERT_TRUE(got);
    EXPECT_EQ(got->bytes.size(), 100U);
    EXPECT_EQ(input.size(), 118U) << "one record a call";
    EXPECT_EQ(stream, before);
}

TEST(record_stream, a_writer_without_room_says_so_and_nothing_is_counted)
{
    auto writer = record_writer::create(cipher::aes_256_gcm, record_layout::current, key_of(13));
    byte_vector out(20);
    EXPECT_FALSE(writer->write(content_of(3), out));
    EXPECT_EQ(writer->sequence(), 0U);
    EXPECT_EQ(record_writer::sealed_bytes(0), 0U);
    EXPECT_EQ(record_writer::sealed_bytes(0x7fff), 0x7fffU + 18);
    EXPECT_EQ(record_writer::sealed_bytes(0x8000), 0x8000U + 36);
}

// Every record with number 0 in the vectors is a stream of one record.
TEST(record_stream, opens_and_writes_the_vectors)
{
    std::size_t checked = 0;
    for (const auto& file : json_files("vectors")) {
        const nlohmann::json cases = read_json(file);
        if (!cases.is_array()) continue;
        for (const auto& c : cases) {
            if (!c.is_object() || !c.contains("record") || !c.contains("plaintext") || !c.contains("seq") ||
                c.at("result") != "ok")
                continue;
            const auto& seq = c.at("seq");
            if ((seq.is_string() ? seq.get<std::string>() : seq.dump()) != "0") continue;
            const std::string cipher_text = c.at("cipher");
            const cipher with = cipher_text == "GCM"             ? cipher::aes_256_gcm
                                : cipher_text.starts_with("CCM") ? cipher::aes_256_ccm
                                                                 : cipher::chacha20_poly1305;
            const auto layout =
                c.at("layout") == "20-byte nonce" ? record_layout::current : record_layout::original;
            const byte_vector key_bytes = from_hex(c.at("key64").get<std::string>()).bytes;
            ASSERT_EQ(key_bytes.size(), spoke_key_bytes);
            const spoke_key key{std::span<const byte, spoke_key_bytes>{key_bytes}};
            const byte_vector record = from_hex(c.at("record").get<std::string>()).bytes;
            const byte_vector plaintext = from_hex(c.at("plaintext").get<std::string>()).bytes;

            auto reader = record_reader::create(with, key);
            ASSERT_TRUE(reader);
            const reading got = read_all(*reader, record, [] { return 3; });
            EXPECT_FALSE(got.error);
            EXPECT_EQ(got.content, plaintext);
            EXPECT_EQ(reader->layout(), layout);
            EXPECT_EQ(reader->sequence(), 1U);
            if (!plaintext.empty()) {
                auto writer = record_writer::create(with, layout, key);
                EXPECT_EQ(sealed(*writer, plaintext), record);
            }
            ++checked;
        }
    }
    EXPECT_GT(checked, 0U);
}

} // namespace
} // namespace parley::test
