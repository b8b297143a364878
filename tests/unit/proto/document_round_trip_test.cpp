// The two machines of a document's transfer against each other: random documents, kept parts and splits.
#include <unit/proto/document_owners.hpp>

#include <parley/testing/seeded_random.hpp>

#include <gtest/gtest.h>

namespace parley::test {
namespace {

using parley::testing::seeded_random;

struct random_document {
    std::shared_ptr<const document_outline> outline;
    file_contents contents;
};

// Adds the entries of one folder, in order.
void add_folder(document_outline& outline, file_contents& contents, const std::string& folder, int depth,
                seeded_random& random)
{
    std::string names = "!-0AZaz~";
    for (const char name : names) {
        if (random.below(3) != 0) continue;
        const std::string path = folder + std::string(1 + random.below(3), name);
        const auto number = static_cast<std::uint32_t>(outline.entries().size());
        switch (random.below(depth > 3 ? 2 : 3)) {
        case 0: {
            const std::uint64_t size = random.below(2) == 0 ? random.below(4) : random.below(40000);
            ASSERT_FALSE(outline.add(an_entry(entry_kind::file, path, size)));
            contents[number] = random.below(2) == 0 ? random.bytes(size) : byte_vector(size, 'x');
            break;
        }
        case 1:
            ASSERT_FALSE(outline.add(an_entry(entry_kind::link, path, 0, "some/where")));
            break;
        default:
            ASSERT_FALSE(outline.add(an_entry(entry_kind::directory, path)));
            add_folder(outline, contents, path + "/", depth + 1, random);
            break;
        }
    }
}

random_document some_document(seeded_random& random)
{
    random_document out;
    auto outline = std::make_shared<document_outline>(document_kind::directory, document_id{}, "d");
    add_folder(*outline, out.contents, "", 0, random);
    out.outline = std::move(outline);
    return out;
}

// Carries bytes both ways in random pieces until both are finished or stand still.
void talk(sender_in_memory& s, receiver_in_memory& r, seeded_random& random)
{
    std::size_t to_receiver = 0, to_sender = 0;
    s.drain();
    while (to_receiver < s.output.size() || to_sender < r.output.size()) {
        const std::size_t most = std::size_t{1} << random.below(18);
        if (to_receiver < s.output.size()) {
            const std::size_t n = std::min(most, s.output.size() - to_receiver);
            r.feed(bytes_view{s.output}.subspan(to_receiver, n));
            to_receiver += n;
        }
        if (to_sender < r.output.size()) {
            const std::size_t n = std::min(most, r.output.size() - to_sender);
            s.feed(bytes_view{r.output}.subspan(to_sender, n));
            to_sender += n;
        }
    }
    if (s.machine.finished()) r.machine.receive_end();
}

TEST(document_round_trip, random_documents_arrive)
{
    seeded_random random{11};
    for (int round = 0; round < 150; ++round) {
        const random_document document = some_document(random);
        sender_in_memory s{document.outline, document.contents};
        if (random.below(2) == 0)
            s.encode = [&](std::uint32_t entry, std::uint64_t offset) {
                const byte_vector frame = zstd_frame(bytes_view{document.contents.at(entry)}.subspan(offset));
                std::vector<byte_vector> pieces;
                for (bytes_view left = frame; !left.empty();) {
                    const std::size_t n = std::min<std::size_t>(left.size(), 1 + random.below(5000));
                    pieces.emplace_back(left.begin(), left.begin() + static_cast<std::ptrdiff_t>(n));
                    left = left.subspan(n);
                }
                return pieces;
            };
        receiver_in_memory r;
        std::uint64_t kept = 0;
        for (const auto& [entry, bytes] : document.contents) {
            if (bytes.empty() || random.below(3) == 0) continue;
            r.kept[entry] = first_bytes(bytes, 1 + random.below(bytes.size()));
            const bool right = random.below(3) != 0;
            if (right)
                kept += r.kept[entry].size();
            else
                r.kept[entry].back() ^= 1;
        }
        talk(s, r, random);
        ASSERT_TRUE(s.stored) << round << ": " << (s.machine.ending() ? s.machine.ending()->text : "");
        EXPECT_TRUE(r.machine.is_stored());
        EXPECT_FALSE(r.machine.error());
        EXPECT_EQ(r.files, document.contents) << round;
        EXPECT_EQ(s.machine.content_bytes() + kept, document.outline->offer().bytes);
        EXPECT_EQ(r.machine.content_bytes(), document.outline->offer().bytes);
    }
}

TEST(document_round_trip, a_broken_transfer_is_continued)
{
    seeded_random random{12};
    for (int round = 0; round < 30; ++round) {
        const random_document document = some_document(random);
        receiver_in_memory first;
        sender_in_memory s1{document.outline, document.contents};
        s1.drain();
        first.feed(s1.output);
        s1.feed(first.output);
        const std::size_t offer_bytes = offer_of(*document.outline).size();
        const std::size_t cut = random.below(s1.output.size() - offer_bytes + 1);
        first.feed(bytes_view{s1.output}.subspan(offer_bytes, cut));
        first.machine.stop(errc::unexpected_end);

        document_receiver_options options;
        options.earlier = first.document;
        receiver_in_memory second{options};
        second.kept = first.files;
        std::erase_if(second.kept, [](const auto& file) { return file.second.empty(); });
        sender_in_memory s2{document.outline, document.contents};
        talk(s2, second, random);
        ASSERT_TRUE(s2.stored) << round;
        EXPECT_TRUE(second.known);
        EXPECT_EQ(second.files, document.contents);
    }
}

TEST(document_round_trip, a_refusal_arrives)
{
    seeded_random random{13};
    const random_document document = some_document(random);
    sender_in_memory s{document.outline, document.contents};
    receiver_in_memory r;
    r.refusal = document_fault{session_reason::no_space, "1 GiB is missing"};
    talk(s, r, random);
    EXPECT_EQ(s.machine.error(), errc::no_room_at_peer);
    EXPECT_EQ(s.machine.ending().value().text, "1 GiB is missing");
    EXPECT_TRUE(r.machine.finished());
}

} // namespace
} // namespace parley::test
