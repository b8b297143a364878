#include <unit/proto/document_owners.hpp>

#include <gtest/gtest.h>

namespace parley::test {
namespace {

static_assert(TimedMachine<document_sender_machine>);

using namespace std::chrono_literals;
using dm = document_message;

constexpr time_point start{};

// a: 3 bytes, b: 0 bytes, d/c: 5 bytes, and a link.
std::shared_ptr<const document_outline> sent_tree()
{
    return outline_of(document_kind::directory,
                      {an_entry(entry_kind::file, "a", 3), an_entry(entry_kind::file, "b", 0),
                       an_entry(entry_kind::directory, "d"), an_entry(entry_kind::file, "d/c", 5),
                       an_entry(entry_kind::link, "l", 0, "a")});
}

file_contents sent_contents()
{
    return {{0, {'a', 'a', 'a'}}, {1, {}}, {3, {'c', 'c', 'c', 'c', 'c'}}};
}

sender_in_memory a_sender(document_sender_options options = {})
{
    sender_in_memory s{sent_tree(), sent_contents(), options};
    s.drain();
    s.output.clear();
    return s;
}

byte_vector accept_message(std::uint32_t entry, std::uint64_t offset, std::string_view prefix)
{
    byte_vector body;
    append_number(body, entry);
    append_number(body, offset);
    append_bytes(body, hash_blake2b_256(as_bytes(prefix)));
    return message_of(dm::accept, body);
}

const byte_vector accept_end = message_of(dm::accept_end);

std::string written(const sender_in_memory& s)
{
    return names_of(messages_in(s.output));
}

void expect_rule_broken(const sender_in_memory& s, const std::string& what)
{
    EXPECT_EQ(s.machine.error(), errc::document_rule_broken) << what;
    EXPECT_TRUE(s.machine.finished()) << what;
    EXPECT_EQ(names_of({messages_in(s.output).back()}), "50:08") << what;
}

TEST(document_sender_machine, sends_a_tree)
{
    sender_in_memory s{sent_tree(), sent_contents()};
    s.drain();
    EXPECT_EQ(s.output, offer_of(*s.document));
    s.output.clear();
    s.feed(accept_end);
    EXPECT_TRUE(s.accepted);
    EXPECT_EQ(written(s), "30 31 32 30 32 30 31 32 33");
    EXPECT_EQ(s.machine.content_bytes(), 8u);
    EXPECT_TRUE(s.machine.is_sent());
    EXPECT_FALSE(s.machine.finished());
    s.feed(message_with(dm::progress, std::uint64_t{8}));
    s.feed(message_of(dm::stored));
    EXPECT_EQ(s.progress, (std::vector<std::uint64_t>{8}));
    EXPECT_TRUE(s.stored);
    EXPECT_TRUE(s.machine.finished());
    EXPECT_FALSE(s.machine.error());
    EXPECT_FALSE(s.machine.ending());
    s.machine.receive_end();
    EXPECT_FALSE(s.machine.error());
}

TEST(document_sender_machine, offers_one_message_after_the_other)
{
    std::vector<std::string> paths;
    for (int i = 0; i < 10000; ++i) paths.push_back("f" + std::to_string(10000 + i));
    std::vector<document_entry> entries;
    for (const std::string& path : paths) entries.push_back(an_entry(entry_kind::file, path, 1));
    const auto outline = outline_of(document_kind::directory, entries);
    document_sender_machine m{start, outline};
    byte_vector all;
    while (!m.output().empty()) {
        const bytes_view due = m.output();
        EXPECT_LE(due.size(), 2 * (max_document_body_bytes + document_header_bytes));
        append_bytes(all, due.first((due.size() + 1) / 2));
        m.consume_output((due.size() + 1) / 2);
    }
    byte_vector bytes;
    for (const whole_message& one : messages_in(all)) {
        if (one.type != dm::entries) continue;
        EXPECT_LE(one.body.size(), max_document_body_bytes);
        append_bytes(bytes, one.body);
    }
    EXPECT_EQ(hash_blake2b_256(bytes), outline->digest());
    EXPECT_EQ(bytes.size(), outline->entries_bytes());
    EXPECT_EQ(messages_in(all).back().type, dm::offer_end);
}

TEST(document_sender_machine, an_empty_directory_has_no_entries_message)
{
    sender_in_memory s{outline_of(document_kind::directory, {}), {}};
    s.drain();
    EXPECT_EQ(written(s), "10 12");
    s.feed(accept_end);
    EXPECT_EQ(written(s), "10 12 33");
}

TEST(document_sender_machine, any_other_message_is_answered_with_error_08)
{
    // What has been heard, and what may follow.
    const byte_vector part = accept_message(0, 1, "a");
    const std::vector<std::pair<std::vector<byte_vector>, std::vector<byte>>> states{
        {{}, {0x20, 0x21, 0x22}},
        {{message_of(dm::accept)}, {0x20, 0x21}},
        {{part}, {0x20, 0x21}},
        {{accept_end}, {0x40, 0x41}},
        {{part, accept_end, message_with(dm::progress, std::uint64_t{1})}, {0x40, 0x41}},
    };
    for (const auto& [heard, allowed] : states) {
        for (unsigned type = 0; type < 256; ++type) {
            if (type == 0x50 || std::find(allowed.begin(), allowed.end(), type) != allowed.end()) continue;
            auto s = a_sender();
            s.feed(joined(heard));
            ASSERT_FALSE(s.machine.finished());
            s.feed(bytes_view{message_of(static_cast<dm>(type), byte_vector(9))}.first(5));
            expect_rule_broken(s, std::to_string(heard.size()) + " " + std::to_string(type));
        }
        auto s = a_sender();
        s.feed(joined(heard));
        s.machine.receive_end();
        s.drain();
        expect_rule_broken(s, "the end");
    }
}

TEST(document_sender_machine, stored_comes_after_sent)
{
    sender_in_memory s{sent_tree(), sent_contents()};
    s.drain();
    s.machine.receive_end();
    s.drain();
    EXPECT_EQ(s.machine.error(), errc::document_rule_broken);

    // While a file is open, it is too early.
    document_sender_machine m{start, sent_tree()};
    while (!m.output().empty()) m.consume_output(m.output().size());
    bytes_view input = accept_end;
    m.receive(input);
    const byte_vector stored = message_of(dm::stored);
    input = stored;
    m.receive(input);
    EXPECT_EQ(m.error(), errc::document_rule_broken);
}

TEST(document_sender_machine, takes_an_early_stored_only_if_all_was_sent_before)
{
    auto first = a_sender();
    first.feed(message_of(dm::stored));
    expect_rule_broken(first, "nothing was sent before");

    document_sender_options options;
    options.was_sent = true;
    auto s = a_sender(options);
    s.feed(message_of(dm::stored));
    EXPECT_TRUE(s.stored);
    EXPECT_FALSE(s.accepted);
    EXPECT_TRUE(s.machine.finished());
    EXPECT_FALSE(s.machine.error());

    auto accepted = a_sender(options);
    accepted.feed(accept_message(0, 1, "a"));
    accepted.feed(message_of(dm::stored));
    expect_rule_broken(accepted, "it answers the offer");

    // Before the offer is complete nothing can be stored.
    document_sender_machine early{start, sent_tree(), options};
    const byte_vector stored = message_of(dm::stored);
    bytes_view input = stored;
    early.receive(input);
    EXPECT_EQ(early.error(), errc::document_rule_broken);
}

TEST(document_sender_machine, sends_what_the_receiver_does_not_have)
{
    const auto sent = [](const std::vector<byte_vector>& accepts) {
        auto s = a_sender();
        s.feed(joined(accepts));
        s.feed(accept_end);
        std::string out;
        for (const whole_message& m : messages_in(s.output)) {
            body_reader body{m.body};
            if (m.type == dm::file) {
                out += (out.empty() ? "" : ", ") + std::to_string(body.number<std::uint32_t>());
                out += " from " + std::to_string(body.number<std::uint64_t>());
            }
            if (m.type == dm::data) out += " " + std::string{as_text(m.body)};
            if (m.type == dm::sent) out += ", sum " + std::to_string(body.number<std::uint64_t>());
        }
        return out;
    };
    EXPECT_EQ(sent({}), "0 from 0 aaa, 1 from 0, 3 from 0 ccccc, sum 8");
    EXPECT_EQ(sent({accept_message(0, 1, "a")}), "0 from 1 aa, 1 from 0, 3 from 0 ccccc, sum 7");
    EXPECT_EQ(sent({accept_message(0, 3, "aaa")}), "1 from 0, 3 from 0 ccccc, sum 5") << "left out";
    EXPECT_EQ(sent({accept_message(0, 3, "aaa"), accept_message(3, 5, "ccccc")}), "1 from 0, sum 0");
    EXPECT_EQ(sent({accept_message(0, 3, "abc"), accept_message(3, 4, "dddd")}),
              "0 from 0 aaa, 1 from 0, 3 from 0 ccccc, sum 8")
        << "another content";
    EXPECT_EQ(sent({accept_message(3, 4, "cccc")}), "0 from 0 aaa, 1 from 0, 3 from 4 c, sum 4");
}

TEST(document_sender_machine, judges_what_is_accepted)
{
    const auto is_broken = [](const std::vector<byte_vector>& accepts) {
        auto s = a_sender();
        s.feed(joined(accepts));
        return s.machine.error() == errc::document_rule_broken;
    };
    EXPECT_FALSE(is_broken({accept_message(0, 3, ""), accept_message(3, 5, "")}));
    EXPECT_TRUE(is_broken({accept_message(0, 4, "")}));
    EXPECT_TRUE(is_broken({accept_message(0, 0, "")}));
    EXPECT_TRUE(is_broken({accept_message(0, unknown_size, "")}));
    EXPECT_TRUE(is_broken({accept_message(1, 1, "")})) << "an empty file";
    EXPECT_TRUE(is_broken({accept_message(2, 1, "")})) << "a directory";
    EXPECT_TRUE(is_broken({accept_message(4, 1, "")})) << "a link";
    EXPECT_TRUE(is_broken({accept_message(5, 1, "")}));
    EXPECT_TRUE(is_broken({accept_message(0, 1, ""), accept_message(0, 1, "")})) << "twice";
    EXPECT_TRUE(is_broken({accept_message(3, 1, ""), accept_message(0, 1, "")})) << "descending";
    EXPECT_TRUE(is_broken({message_of(dm::accept, byte_vector(43))}));
    EXPECT_TRUE(is_broken({message_of(dm::accept, byte_vector(45))}));
}

TEST(document_sender_machine, a_stream_is_continued_as_far_as_it_was_read)
{
    const auto outline = outline_of(document_kind::stream, {an_entry(entry_kind::file, "", unknown_size)});
    for (const std::uint64_t offset : {std::uint64_t{2}, std::uint64_t{4}, std::uint64_t{1} << 60}) {
        sender_in_memory s{outline, {{0, {'a', 'b', 'c', 'd'}}}};
        s.drain();
        s.output.clear();
        s.feed(joined({accept_message(0, offset, offset == 2 ? "ab" : "abcd"), accept_end}));
        const auto messages = messages_in(s.output);
        const std::uint64_t from = offset > 4 ? 0 : offset;
        EXPECT_EQ(messages[0], messages_in(message_with(dm::file, std::uint32_t{0}, from, byte{0}))[0]);
        EXPECT_EQ(messages.back(), messages_in(message_with(dm::sent, 4 - from))[0]);
    }
}

TEST(document_sender_machine, cuts_content_into_messages)
{
    const byte_vector content(3 * max_document_data_bytes - 1, 'x');
    sender_in_memory s{outline_of(document_kind::file, {an_entry(entry_kind::file, "", content.size())}),
                       {{0, content}}};
    s.drain();
    s.output.clear();
    s.feed(accept_end);
    EXPECT_EQ(written(s), "30 31 31 31 32 33");
}

TEST(document_sender_machine, a_file_of_another_size_has_changed)
{
    for (const std::size_t size : {0u, 2u, 4u}) {
        sender_in_memory s{sent_tree(), sent_contents()};
        s.contents[0] = byte_vector(size, 'a');
        s.drain();
        s.output.clear();
        s.feed(accept_end);
        EXPECT_EQ(s.machine.error(), errc::document_changed) << size;
        EXPECT_EQ(s.machine.ending().value().reason, session_reason::document_changed);
        EXPECT_EQ(names_of({messages_in(s.output).back()}), "50:06");
    }
}

TEST(document_sender_machine, can_give_up_between_and_inside_files)
{
    auto s = a_sender();
    s.failing[3] = {session_reason::file_failed, "d/c cannot be read"};
    s.feed(accept_end);
    EXPECT_EQ(written(s), "30 31 32 30 32 30 50:05");
    EXPECT_EQ(s.machine.ending(),
              (document_ending{session_reason::file_failed, "d/c cannot be read", false}));
    s.feed(message_of(dm::stored));
    EXPECT_FALSE(s.stored);
}

TEST(document_sender_machine, hears_refuse_and_error)
{
    auto refused = a_sender();
    refused.feed(message_with_text(dm::refuse, 1, "no, thanks"));
    EXPECT_EQ(refused.machine.error(), errc::refused_by_peer);
    EXPECT_EQ(refused.machine.ending(),
              (document_ending{session_reason::refused_by_user, "no, thanks", true}));
    EXPECT_TRUE(refused.output.empty());
    for (const auto& [reason, error] : {std::pair{3, errc::no_room_at_peer},
                                        {7, errc::entry_not_taken_by_peer},
                                        {6, errc::refused_by_peer},
                                        {200, errc::refused_by_peer}}) {
        auto other = a_sender();
        other.feed(message_with_text(dm::refuse, static_cast<byte>(reason), "why"));
        EXPECT_EQ(other.machine.error(), error) << reason;
    }

    // It may come while the offer is still being written; then nothing more is.
    document_sender_machine early{start, sent_tree()};
    const byte_vector refuse = message_with_text(dm::refuse, 3, "");
    bytes_view input = refuse;
    early.receive(input);
    EXPECT_EQ(early.error(), errc::no_room_at_peer);
    EXPECT_TRUE(early.output().empty());
    early.consume_output(0);
    EXPECT_TRUE(early.output().empty());

    auto failed = a_sender();
    failed.feed(joined({accept_end, message_with_text(dm::error, 4, "x"), message_of(dm::stored)}));
    EXPECT_EQ(failed.machine.error(), errc::destination_exists_at_peer);
    EXPECT_FALSE(failed.stored);
}

TEST(document_sender_machine, progress_rises_and_is_never_more_than_all)
{
    const auto is_broken = [](const std::vector<std::uint64_t>& values) {
        auto s = a_sender();
        s.feed(accept_end);
        for (const std::uint64_t value : values) s.feed(message_with(dm::progress, value));
        return s.machine.error() == errc::document_rule_broken;
    };
    EXPECT_FALSE(is_broken({0, 0, 3, 3, 8, 8}));
    EXPECT_TRUE(is_broken({9}));
    EXPECT_TRUE(is_broken({3, 2}));
    EXPECT_TRUE(is_broken({unknown_size}));
}

TEST(document_sender_machine, waits_an_hour_for_the_answer)
{
    document_sender_machine m{start, sent_tree()};
    EXPECT_EQ(m.next_deadline(), no_deadline) << "the offer is being written";
    m.expire(start + 5s);
    while (!m.output().empty()) m.consume_output(m.output().size());
    EXPECT_EQ(m.next_deadline(), start + 5s + 1h);
    m.expire(start + 1h);
    const byte_vector part = accept_message(0, 1, "a");
    bytes_view input = part;
    m.receive(input);
    EXPECT_EQ(m.next_deadline(), start + 2h) << "it is answering";
    m.expire(start + 2h);
    EXPECT_EQ(m.error(), errc::timed_out);
    EXPECT_TRUE(m.aborts());
    EXPECT_TRUE(m.output().empty());

    auto s = a_sender();
    s.feed(accept_end);
    EXPECT_EQ(s.machine.next_deadline(), no_deadline);
}

TEST(document_sender_machine, calls_out_of_turn_do_nothing)
{
    document_sender_machine m{start, sent_tree()};
    while (!m.output().empty()) m.consume_output(m.output().size());
    m.begin_file(content_encoding::plain);
    m.data(as_bytes("x"), 1);
    m.end_file();
    EXPECT_EQ(m.match_prefix(std::nullopt).offset, 0u);
    EXPECT_TRUE(m.output().empty());
    bytes_view input = accept_end;
    m.receive(input);
    m.data(as_bytes("x"), 1);
    m.end_file();
    EXPECT_TRUE(m.output().empty());
    m.stop(errc::cancelled);
    m.begin_file(content_encoding::plain);
    m.fail({session_reason::internal, ""}, errc::no_room);
    EXPECT_TRUE(m.output().empty());
    EXPECT_EQ(m.error(), errc::cancelled);
}

} // namespace
} // namespace parley::test
