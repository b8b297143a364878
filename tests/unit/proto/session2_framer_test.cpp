#include <unit/proto/session2_bench.hpp>

#include <parley/proto/session2_framer.hpp>

#include <crypto/aead.hpp>

#include <deque>

namespace parley::test {
namespace {

using framed = result<std::optional<session2_record_framer::frame>>;

// Seals and opens records for a machine that does neither, as a browser does: with nothing but the key, the nonce
// and the header. Opening lags behind by up to 16 records.
class outside_cipher {
public:
    outside_cipher(cipher with, const direction_key& own, const direction_key& theirs)
        : with_{with}, own_{own}, theirs_{theirs}
    {
    }

    byte_vector seal(bytes_view unsealed)
    {
        byte_vector out;
        while (!unsealed.empty()) {
            const framed got = out_.next(unsealed);
            if (!got || !*got) {
                ADD_FAILURE() << "output is no whole records";
                break;
            }
            const auto& frame = **got;
            const auto number = own_.next();
            byte_vector body(frame.body.size()), tag(record_tag_bytes);
            EXPECT_TRUE(aead_of(own_).seal(number.nonce, frame.header, frame.body, body.data(), tag.data()));
            append_bytes(out, frame.header);
            append_bytes(out, body);
            append_bytes(out, tag);
        }
        return out;
    }

    // The unsealed records of what has come, without those that are still under way.
    byte_vector open(bytes_view sealed, std::size_t under_way)
    {
        while (!sealed.empty()) {
            const framed got = in_.next(sealed);
            if (!got || !*got) break;
            const auto& frame = **got;
            const auto number = theirs_.next();
            const std::size_t n = frame.content.size();
            byte_vector plain(frame.header.begin(), frame.header.end());
            plain.resize(plain.size() + n);
            EXPECT_FALSE(aead_of(theirs_).open(number.nonce, frame.header, frame.body.first(n),
                                               frame.body.subspan(n),
                                               plain.data() + session2_record_header_bytes));
            opened_.push_back(std::move(plain));
        }
        byte_vector out;
        for (; opened_.size() > under_way; opened_.pop_front()) append_bytes(out, opened_.front());
        return out;
    }

private:
    aead aead_of(const session2_record_numbers& numbers) const
    {
        direction_key key;
        std::ranges::copy(numbers.key(), key.data());
        return aead::create(with_, base_nonce_bytes, key).value();
    }

    cipher with_;
    session2_record_framer in_, out_{0};
    session2_record_numbers own_, theirs_;
    std::deque<byte_vector> opened_;
};

TEST(session2_framer, cuts_records_in_any_split)
{
    seeded_random random{81};
    for (const std::size_t tag_bytes : {std::size_t{0}, record_tag_bytes}) {
        std::vector<byte_vector> records;
        byte_vector stream;
        for (const std::size_t n : {std::size_t{1}, std::size_t{2}, std::size_t{300}, std::size_t{65537}}) {
            byte_vector& record = records.emplace_back(random.bytes(3 + n + tag_bytes));
            record[0] = static_cast<byte>(n >> 16);
            store_be(record.data() + 1, static_cast<std::uint16_t>(n));
            append_bytes(stream, record);
        }
        for (const std::size_t step : {std::size_t{1}, std::size_t{3}, std::size_t{1000}, stream.size()}) {
            session2_record_framer framer{tag_bytes};
            std::size_t next = 0;
            for (std::size_t at = 0; at < stream.size(); at += step) {
                const bytes_view rest = bytes_view{stream}.subspan(at);
                const byte_vector piece(
                    rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(std::min(step, rest.size())));
                for (bytes_view input{piece}; !input.empty();) {
                    const framed got = framer.next(input);
                    ASSERT_TRUE(got);
                    if (!*got) continue;
                    ASSERT_LT(next, records.size());
                    const bytes_view expected{records[next++]};
                    EXPECT_TRUE(std::ranges::equal((*got)->header, expected.first(3)));
                    EXPECT_TRUE(std::ranges::equal((*got)->body, expected.subspan(3)));
                    EXPECT_EQ((*got)->content.size(), expected.size() - 3 - tag_bytes);
                }
            }
            EXPECT_EQ(next, records.size()) << step;
        }
    }
}

TEST(session2_framer, a_body_that_is_whole_is_not_copied)
{
    const byte_vector record{0, 0, 2, 7, 8};
    session2_record_framer framer{0};
    bytes_view input{record};
    const framed got = framer.next(input);
    ASSERT_TRUE(got && *got);
    EXPECT_EQ((*got)->body.data(), record.data() + 3);
}

TEST(session2_framer, an_error_stays)
{
    for (const byte_vector& bytes : {byte_vector{0, 0, 0}, byte_vector{1, 0, 2}}) {
        session2_record_framer framer;
        bytes_view input{bytes};
        const framed wrong = framer.next(input);
        ASSERT_FALSE(wrong);
        EXPECT_EQ(wrong.error(), errc::record_bad_length);
        const byte_vector good{0, 0, 1, 5};
        input = good;
        const framed after = framer.next(input);
        ASSERT_FALSE(after);
        EXPECT_EQ(after.error(), errc::record_bad_length);
    }
    session2_record_framer framer;
    EXPECT_EQ(framer.fail(errc::record_damaged), errc::record_damaged);
    bytes_view nothing;
    EXPECT_EQ(framer.next(nothing).error(), errc::record_damaged);
}

TEST(session2_numbers, change_the_key_after_2_to_the_22_records)
{
    const session2_keys keys = some_session2_keys();
    const direction_key second = next_direction_key(keys.client);
    session2_record_numbers numbers{keys.client};
    EXPECT_TRUE(numbers.next().is_first_of_key);
    std::size_t first = 0;
    for (std::uint64_t i = 1; i < session2_records_per_key; ++i) first += numbers.next().is_first_of_key;
    EXPECT_EQ(first, 0U);
    EXPECT_TRUE(std::ranges::equal(numbers.key(), keys.client.view().first(cipher_key_bytes)));
    const auto number = numbers.next();
    EXPECT_TRUE(number.is_first_of_key);
    EXPECT_EQ(number.nonce, record_nonce(second, 0));
    EXPECT_TRUE(std::ranges::equal(numbers.key(), second.view().first(cipher_key_bytes)));
    EXPECT_EQ(numbers.next().nonce, record_nonce(second, 1));
}

TEST(session2_numbers, seal_the_records_of_the_vectors)
{
    const nlohmann::json all = session2_records();
    std::size_t checked = 0;
    for (const int cipher0 : {0, 2}) {
        const session2_keys keys = session2_keys_of(all, cipher0);
        outside_cipher server{keys.with, keys.server, keys.client};
        for (const nlohmann::json& c : all.at("records")) {
            if (c.at("cipher") != cipher0 || c.at("direction") != "server" || c.at("started_at") != 0)
                continue;
            if (!c.at("content").is_string() || !c.at("record").is_string()) continue;
            const byte_vector content = session2_bytes(c.at("content"));
            byte_vector plain;
            auto writer = session2_record_writer::unsealed();
            ASSERT_FALSE(writer.append(static_cast<record_type>(c.at("type").get<int>()), content, plain));
            if (c.at("sequence") != checked) break; // a long one came between
            EXPECT_EQ(to_hex(server.seal(plain)), c.at("record").get<std::string>());
            ++checked;
        }
        EXPECT_GT(checked, 0U);
        checked = 0;
    }
}

// One side has its own cipher, the other an outside one.
TEST(session2_framer, a_machine_that_is_unsealed_meets_one_that_is_not)
{
    for (const cipher with : {cipher::aes_256_gcm, cipher::chacha20_poly1305}) {
        const session2_keys keys = some_session2_keys(with);
        session2_side server{session_role::server, keys};
        session2_side client{session_role::client, keys};
        client.machine = session2_machine::create_unsealed({"test", "outside"}, session2_start).value();
        outside_cipher outside{with, keys.client, keys.server};

        seeded_random random{82};
        const byte_vector down = random.bytes(3'000'000), up = random.bytes(700'000);
        std::size_t down_at = 0, up_at = 0;
        bool ended = false;
        byte_vector left; // opened, and not taken yet
        for (int round = 0; round < 1000 && !(server.machine.finished() && client.machine.finished());
             ++round) {
            down_at += server.machine.write(bytes_view{down}.subspan(down_at));
            up_at += client.machine.write(bytes_view{up}.subspan(up_at));
            if (down_at == down.size() && up_at == up.size() && !ended) {
                server.machine.end();
                client.machine.end();
                ended = true;
            }
            append_bytes(left, outside.open(server.take_output(), ended ? 0 : 16));
            const bytes_view untaken = client.feed(left, 1 + random.below(100'000));
            EXPECT_TRUE(untaken.empty());
            left.clear();
            server.feed(outside.seal(client.take_output()));
            if (round == 0) append_bytes(left, outside.open({}, 0)); // the hello is alone
        }
        EXPECT_TRUE(server.machine.finished() && !server.machine.error());
        EXPECT_TRUE(client.machine.finished() && !client.machine.error());
        EXPECT_EQ(client.data, down);
        EXPECT_EQ(server.data, up);
        EXPECT_EQ(client.said.front(), "hello test us");
        EXPECT_EQ(server.said.front(), "hello test outside");
    }
}

TEST(session2_framer, an_unsealed_machine_fails_for_its_owner)
{
    EXPECT_FALSE(session2_machine::create_unsealed({"No Name", ""}, session2_start));
    auto machine = session2_machine::create_unsealed({"test", "us"}, session2_start).value();
    machine.stop(errc::record_damaged);
    EXPECT_TRUE(machine.finished());
    EXPECT_EQ(machine.error(), errc::record_damaged);
    EXPECT_TRUE(machine.output().empty());
}

} // namespace
} // namespace parley::test
