#include <unit/proto/session2_support.hpp>

#include <sodium.h>

namespace parley::test {
namespace {

std::string sha256_of(bytes_view bytes)
{
    std::array<byte, crypto_hash_sha256_BYTES> out{};
    crypto_hash_sha256(out.data(), bytes.data(), bytes.size());
    return to_hex(out);
}

// Bytes of the vectors: hexadecimal, or a pattern.
byte_vector content_in(const nlohmann::json& content)
{
    if (content.is_string()) return session2_bytes(content);
    byte_vector out(content.at("pattern").get<std::size_t>());
    const auto start = content.at("start").get<std::size_t>();
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<byte>(7 * (i + start) + 3);
    EXPECT_EQ(out.size(), content.at("length"));
    EXPECT_EQ(sha256_of(out), content.at("sha256").get<std::string>());
    return out;
}

void expect_record(const byte_vector& record, const nlohmann::json& expected)
{
    if (expected.is_string()) {
        EXPECT_EQ(to_hex(record), expected.get<std::string>());
    } else {
        EXPECT_EQ(record.size(), expected.at("length"));
        EXPECT_EQ(sha256_of(record), expected.at("sha256").get<std::string>());
    }
}

using read_result = result<std::optional<session2_record_reader::record>>;

// The record that is all of `bytes`.
void expect_read(session2_record_reader& reader, bytes_view bytes, int type, const byte_vector& content)
{
    const read_result got = reader.read(bytes);
    ASSERT_TRUE(got) << got.error().message();
    ASSERT_TRUE(got->has_value());
    EXPECT_TRUE(bytes.empty());
    EXPECT_EQ(static_cast<int>((*got)->type), type);
    EXPECT_TRUE(std::ranges::equal((*got)->content, content));
}

TEST(session2_record_vectors, written_and_read_byte_for_byte)
{
    const nlohmann::json all = session2_records();
    std::optional<session2_record_writer> writer;
    std::optional<session2_record_reader> reader;
    ASSERT_FALSE(all.at("records").empty());
    for (const nlohmann::json& c : all.at("records")) {
        SCOPED_TRACE(c.dump().substr(0, 100));
        const auto started_at = c.at("started_at").get<std::uint64_t>();
        if (c.at("sequence") == started_at) { // a run begins
            const session2_keys keys = session2_keys_of(all, c.at("cipher"));
            const direction_key& key = c.at("direction") == "server" ? keys.server : keys.client;
            writer.emplace(session2_record_writer::create(keys.with, key, started_at).value());
            reader.emplace(session2_record_reader::create(keys.with, key, started_at).value());
        }
        const byte_vector content = content_in(c.at("content"));
        byte_vector record;
        ASSERT_FALSE(writer->append(static_cast<record_type>(c.at("type").get<int>()), content, record));
        expect_record(record, c.at("record"));
        EXPECT_EQ(to_hex(bytes_view{record}.last(record_tag_bytes)), c.at("tag").get<std::string>());
        expect_read(*reader, record, c.at("type"), content);
    }
}

// The cases that begin in the middle of a direction; session2_machine_test.cpp has the others.
TEST(session2_record_vectors, a_key_or_number_that_was_not_changed_is_damage)
{
    const nlohmann::json all = session2_records();
    int found = 0;
    for (const nlohmann::json& c : all.at("negatives")) {
        if (c.at("sequence") == 0) continue;
        SCOPED_TRACE(c.at("name").get<std::string>());
        ++found;
        const session2_keys keys = session2_keys_of(all, c.at("cipher"));
        auto reader = session2_record_reader::create(keys.with, keys.server, c.at("sequence")).value();
        const byte_vector bytes = session2_bytes(c.at("input"));
        bytes_view input{bytes};
        diagnostics diag;
        const read_result got = reader.read(input, &diag);
        ASSERT_FALSE(got);
        EXPECT_EQ(got.error(), errc::record_damaged);
        EXPECT_EQ(diag.message(), c.at("why").get<std::string>());
    }
    EXPECT_GE(found, 2);
}

TEST(session2_records, in_any_split_with_both_ciphers)
{
    for (const cipher with : {cipher::aes_256_gcm, cipher::chacha20_poly1305}) {
        const session2_keys keys = some_session2_keys(with);
        record_maker make{keys.server, with};
        seeded_random random{72};
        std::vector<byte_vector> contents;
        byte_vector stream;
        for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{15}, std::size_t{16},
                                       std::size_t{1000}, max_session2_content_bytes, std::size_t{3}}) {
            contents.push_back(random.bytes(size));
            append_bytes(stream, make(static_cast<int>(size % 256), contents.back()));
        }
        for (const std::size_t step : {std::size_t{1}, std::size_t{2}, std::size_t{3}, std::size_t{19},
                                       std::size_t{4096}, std::size_t{65556}, stream.size()}) {
            auto made = session2_record_reader::create(with, keys.server);
            session2_record_reader reader = std::move(*made);
            std::size_t next = 0;
            for (std::size_t at = 0; at < stream.size(); at += step) {
                // A copy of exact size lets a sanitizer see a read past its end.
                const auto first = stream.begin() + static_cast<std::ptrdiff_t>(at);
                const byte_vector piece(
                    first, first + static_cast<std::ptrdiff_t>(std::min(step, stream.size() - at)));
                bytes_view input{piece};
                while (!input.empty()) {
                    const read_result got = reader.read(input);
                    ASSERT_TRUE(got) << got.error().message();
                    if (!*got) {
                        EXPECT_TRUE(input.empty()) << "asked for more with bytes at hand";
                        continue;
                    }
                    ASSERT_LT(next, contents.size());
                    EXPECT_EQ(static_cast<std::size_t>((*got)->type), contents[next].size() % 256);
                    EXPECT_TRUE(std::ranges::equal((*got)->content, contents[next]));
                    ++next;
                }
            }
            EXPECT_EQ(next, contents.size()) << step;
        }
    }
}

TEST(session2_records, the_key_changes_after_2_to_the_22_records)
{
    const session2_keys keys = some_session2_keys();
    const direction_key next = next_direction_key(keys.client);
    auto writer =
        session2_record_writer::create(keys.with, keys.client, session2_records_per_key - 1).value();
    byte_vector last, first;
    EXPECT_FALSE(writer.append(record_type::ping, {}, last));
    EXPECT_FALSE(writer.append(record_type::ping, {}, first));
    EXPECT_EQ(first, (record_maker{next}(record_type::ping)));

    // Two changes in one.
    auto far = session2_record_writer::create(keys.with, keys.client, 2 * session2_records_per_key).value();
    byte_vector record;
    EXPECT_FALSE(far.append(record_type::ping, {}, record));
    EXPECT_EQ(record, (record_maker{next_direction_key(next)}(record_type::ping)));
}

TEST(session2_records, an_error_stays)
{
    const session2_keys keys = some_session2_keys();
    record_maker make{keys.server};
    byte_vector damaged = make(record_type::data, as_bytes("abc"));
    damaged.back() ^= 1;
    const byte_vector good = make(record_type::data, as_bytes("def"));
    auto reader = session2_record_reader::create(keys.with, keys.server).value();
    for (const byte_vector* each : {static_cast<const byte_vector*>(&damaged), &good}) {
        bytes_view input{*each};
        const read_result got = reader.read(input);
        ASSERT_FALSE(got);
        EXPECT_EQ(got.error(), errc::record_damaged);
    }
}

TEST(session2_records, a_length_is_judged_before_its_record_comes)
{
    const session2_keys keys = some_session2_keys();
    for (const std::uint32_t n : {0U, 65538U, 0xff'ffffU}) {
        auto reader = session2_record_reader::create(keys.with, keys.server).value();
        const byte_vector bytes{static_cast<byte>(n >> 16), static_cast<byte>(n >> 8), static_cast<byte>(n)};
        bytes_view input{bytes};
        diagnostics diag;
        const read_result got = reader.read(input, &diag);
        ASSERT_FALSE(got);
        EXPECT_EQ(got.error(), errc::record_bad_length);
        EXPECT_EQ(diag.message(), "a record of " + std::to_string(n) + " bytes");
    }
}

TEST(session2_records, nothing_is_written_for_a_content_that_is_too_long)
{
    const session2_keys keys = some_session2_keys();
    auto writer = session2_record_writer::create(keys.with, keys.server).value();
    byte_vector out{1, 2, 3};
    EXPECT_EQ(writer.append(record_type::data, byte_vector(max_session2_content_bytes + 1), out),
              errc::record_too_long);
    EXPECT_EQ(out, (byte_vector{1, 2, 3}));
    const auto ccm = session2_record_writer::create(cipher::aes_256_ccm, keys.server);
    ASSERT_FALSE(ccm);
    EXPECT_EQ(ccm.error(), errc::record_layout_impossible);
}

} // namespace
} // namespace parley::test
