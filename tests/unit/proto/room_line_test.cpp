#include <parley/proto/room_line.hpp>

#include <unit/proto/support.hpp>

namespace parley::test {
namespace {

static_assert(Machine<room_entry_machine>);

const std::string longest(max_identity_bytes, 'a');

TEST(room_answer, is_two_digits)
{
    EXPECT_EQ(as_text(encode(room_answer::joined)), "00");
    EXPECT_EQ(as_text(encode(room_answer::absent)), "01");
    EXPECT_EQ(as_text(encode(room_answer::denied)), "02");
}

TEST(room_line_parser, takes_a_line_in_any_split_and_leaves_the_rest)
{
    for (const std::string& name : {std::string{"127.0.0.1:45934"}, std::string{"[::1]:1"}, longest}) {
        const std::string stream = name + "\nrest";
        for (std::size_t cut = 0; cut <= stream.size(); ++cut) {
            room_line_parser parser;
            std::optional<identity> found;
            bytes_view pieces[] = {as_bytes(stream).first(cut), as_bytes(stream).subspan(cut)};
            std::size_t left = 0;
            for (bytes_view& piece : pieces) {
                if (!found) {
                    const auto got = parser.parse(piece);
                    ASSERT_TRUE(got);
                    found = *got;
                    EXPECT_TRUE(found || piece.empty());
                }
                left += piece.size();
            }
            ASSERT_TRUE(found);
            EXPECT_EQ(found->text(), name);
            EXPECT_EQ(left, 4U);
        }
    }
}

TEST(room_line_parser, refuses_what_is_no_identity_as_soon_as_it_is_seen)
{
    const std::vector<std::pair<std::string, errc>> cases{
        {"\n", errc::identity_empty},
        {" ", errc::identity_bad_character},
        {std::string(1, '\0'), errc::identity_bad_character},
        {"127.0.0.1:1\r", errc::identity_bad_character},
        {"a\x7f", errc::identity_bad_character},
        {"a\xff", errc::identity_bad_character},
        {longest + "a", errc::identity_unterminated},
    };
    for (const auto& [text, expected] : cases) {
        room_line_parser parser;
        bytes_view input = as_bytes(text);
        const auto got = parser.parse(input);
        ASSERT_FALSE(got) << escaped(text);
        EXPECT_EQ(got.error(), expected) << escaped(text);
        bytes_view more = as_bytes("a:1\n");
        EXPECT_EQ(parser.parse(more).error(), expected) << "it stays failed";
    }
}

std::string drain(room_entry_machine& m)
{
    const std::string out{as_text(m.output())};
    m.consume_output(out.size());
    return out;
}

room_entry_machine answered(std::string_view answer)
{
    room_entry_machine m{named("a:1")};
    drain(m);
    for (const char& c : answer) {
        bytes_view one = as_bytes({&c, 1});
        m.receive(one);
    }
    return m;
}

TEST(room_entry_machine, writes_the_line_and_reads_the_answer)
{
    for (const std::string& name : {std::string{"127.0.0.1:45934"}, longest}) {
        room_entry_machine m{named(name)};
        EXPECT_EQ(drain(m), name + "\n");
        EXPECT_EQ(drain(m), "");
        EXPECT_LT(name.size() + 1, max_room_line_bytes);
        bytes_view input = as_bytes("00\x7f\xffrecord");
        m.receive(input);
        EXPECT_EQ(input.size(), 8U) << "the room's bytes are left";
        EXPECT_TRUE(m.finished());
        EXPECT_FALSE(m.error());
        EXPECT_TRUE(m.next_event());
        EXPECT_FALSE(m.next_event());
        m.receive(input);
        m.receive_end();
        m.stop(errc::timed_out);
        EXPECT_EQ(input.size(), 8U);
        EXPECT_FALSE(m.error());
    }
}

TEST(room_entry_machine, output_may_be_taken_in_pieces)
{
    room_entry_machine m{named("a:1")};
    m.consume_output(1);
    EXPECT_EQ(as_text(m.output()), ":1\n");
    m.consume_output(100);
    EXPECT_TRUE(m.output().empty());
}

TEST(room_entry_machine, every_other_answer_is_an_error)
{
    EXPECT_FALSE(answered("00").error());
    EXPECT_EQ(answered("01").error(), errc::room_absent);
    EXPECT_EQ(answered("02").error(), errc::room_denied);
    for (const char* bad : {"03", "10", "0a", "  ", "ff"})
        EXPECT_EQ(answered(bad).error(), errc::room_bad_answer);
    for (const char* any : {"01", "02", "03"}) {
        auto m = answered(any);
        EXPECT_TRUE(m.finished());
        EXPECT_FALSE(m.next_event());
    }
}

TEST(room_entry_machine, each_step_can_fail)
{
    for (const char* so_far : {"", "0"}) {
        auto ended = answered(so_far);
        ended.receive_end();
        EXPECT_EQ(ended.error(), errc::unexpected_end);
        auto late = answered(so_far);
        late.stop(errc::timed_out);
        EXPECT_EQ(late.error(), errc::timed_out);
        for (auto* m : {&ended, &late}) {
            EXPECT_TRUE(m->finished());
            bytes_view input = as_bytes("00");
            m->receive(input);
            EXPECT_EQ(input.size(), 2U);
            EXPECT_FALSE(m->next_event());
        }
    }
}

} // namespace
} // namespace parley::test
