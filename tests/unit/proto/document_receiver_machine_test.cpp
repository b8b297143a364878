#include <unit/proto/document_owners.hpp>

#include <gtest/gtest.h>

#include <set>

namespace parley::test {
namespace {

static_assert(TimedMachine<document_receiver_machine>);

using namespace std::chrono_literals;
using dm = document_message;
constexpr time_point start{};

// a: 3 bytes, b: 0 bytes, d/c: 5 bytes, and a link.
std::shared_ptr<const document_outline> small_tree()
{
    return outline_of(document_kind::directory,
                      {an_entry(entry_kind::file, "a", 3), an_entry(entry_kind::file, "b", 0),
                       an_entry(entry_kind::directory, "d"), an_entry(entry_kind::file, "d/c", 5),
                       an_entry(entry_kind::link, "l", 0, "a")});
}

byte_vector file_message(std::uint32_t entry, std::uint64_t offset = 0, byte encoding = 0)
{
    return message_with(dm::file, entry, offset, encoding);
}

byte_vector data_message(std::string_view text)
{
    return message_of(dm::data, as_bytes(text));
}

byte_vector whole_file(std::uint32_t entry, std::string_view text)
{
    return joined({file_message(entry), data_message(text), message_of(dm::file_end)});
}

byte_vector sent_message(std::uint64_t bytes)
{
    return message_with(dm::sent, bytes);
}

const byte_vector all_content = joined({whole_file(0, "aaa"), file_message(1), message_of(dm::file_end),
                                        whole_file(3, "ccccc"), sent_message(8)});

std::string answered(const receiver_in_memory& r)
{
    return names_of(messages_in(r.output));
}

// Whether the machine ended with error 08.
void expect_broken_rule(const receiver_in_memory& r, const std::string& what)
{
    EXPECT_EQ(r.machine.error(), errc::document_rule_broken) << what;
    EXPECT_TRUE(r.machine.finished()) << what;
    EXPECT_EQ(names_of({messages_in(r.output).back()}), "50:08") << what;
    EXPECT_EQ(r.machine.ending().value().reason, session_reason::broken_rule) << what;
    EXPECT_FALSE(r.machine.ending()->by_peer) << what;
}

TEST(document_receiver_machine, receives_a_tree)
{
    const auto outline = small_tree();
    receiver_in_memory r;
    r.feed(offer_of(*outline));
    ASSERT_TRUE(r.document);
    EXPECT_EQ(r.document->offer(), outline->offer());
    EXPECT_EQ(r.document->digest(), outline->digest());
    EXPECT_FALSE(r.known);
    r.feed(all_content);
    EXPECT_EQ(answered(r), "21 40 41");
    EXPECT_EQ(r.completes, 1);
    EXPECT_EQ(as_text(r.files.at(3)), "ccccc");
    EXPECT_TRUE(r.machine.is_stored());
    EXPECT_FALSE(r.machine.finished()) << "the sender's end is still to come";
    r.machine.receive_end();
    EXPECT_TRUE(r.machine.finished());
    EXPECT_FALSE(r.machine.error());
    EXPECT_FALSE(r.machine.ending());
}

// After each message, every other one.
TEST(document_receiver_machine, any_other_message_is_answered_with_error_08)
{
    const auto outline = small_tree();
    byte_vector all = offer_of(*outline);
    append_bytes(all, all_content);
    const auto messages = messages_in(all);
    std::map<std::string, std::set<byte>> allowed{
        {"", {0x10}},         {"10", {0x11, 0x12}}, {"11", {0x11, 0x12}}, {"12", {0x30, 0x33}},
        {"30", {0x31, 0x32}}, {"31", {0x31, 0x32}}, {"32", {0x30, 0x33}},
    };
    std::string last;
    for (std::size_t n = 0; n < messages.size(); ++n) {
        for (unsigned type = 0; type < 256; ++type) {
            if (type == 0x50 || allowed.at(last).contains(static_cast<byte>(type))) continue;
            receiver_in_memory r;
            for (std::size_t i = 0; i < n; ++i) r.feed(message_of(messages[i].type, messages[i].body));
            ASSERT_FALSE(r.machine.finished()) << n;
            // The header is enough.
            r.feed(bytes_view{message_of(static_cast<dm>(type), byte_vector(9))}.first(5));
            expect_broken_rule(r, last + " " + std::to_string(type));
            const std::array number{static_cast<byte>(type)};
            EXPECT_NE(r.machine.ending()->text.find(to_hex(number)), std::string::npos);
        }
        receiver_in_memory r;
        for (std::size_t i = 0; i < n; ++i) r.feed(message_of(messages[i].type, messages[i].body));
        r.machine.receive_end();
        r.drain();
        expect_broken_rule(r, "the end after " + last);
        const std::array number{static_cast<byte>(messages[n].type)};
        last = to_hex(number);
    }
}

TEST(document_receiver_machine, nothing_but_an_error_comes_while_the_user_is_asked)
{
    for (unsigned type = 0; type < 256; ++type) {
        if (type == 0x50) continue;
        receiver_in_memory r;
        r.answers = false;
        r.feed(offer_of(*small_tree()));
        ASSERT_TRUE(r.document);
        r.feed(message_of(static_cast<dm>(type), byte_vector(9)));
        expect_broken_rule(r, std::to_string(type));
    }
}

TEST(document_receiver_machine, the_sender_may_end_once_it_has_sent_everything)
{
    receiver_in_memory r;
    r.feed(offer_of(*small_tree()));
    for (bytes_view input = all_content; !input.empty();) {
        r.machine.receive(input);
        if (input.empty()) break;
        r.drain();
    }
    r.machine.receive_end();
    EXPECT_FALSE(r.machine.finished());
    r.drain();
    EXPECT_TRUE(r.machine.finished());
    EXPECT_TRUE(r.machine.is_stored());
    EXPECT_EQ(answered(r), "21 40 41");
}

TEST(document_receiver_machine, an_end_inside_a_message_is_out_of_turn)
{
    const byte_vector offer = offer_of(*small_tree());
    for (const std::size_t cut : {1u, 5u, 6u}) {
        receiver_in_memory r;
        r.feed(bytes_view{offer}.first(cut));
        r.machine.receive_end();
        r.drain();
        expect_broken_rule(r, std::to_string(cut));
    }
}

TEST(document_receiver_machine, content_has_the_size_of_its_entry)
{
    const auto fault_after = [](const std::vector<byte_vector>& content) {
        receiver_in_memory r;
        r.feed(offer_of(*small_tree()));
        r.feed(joined(content));
        return r.machine.ending() ? r.machine.ending()->text : std::string{};
    };
    EXPECT_EQ(fault_after({file_message(0), data_message("aaa")}), "");
    EXPECT_EQ(fault_after({file_message(0), data_message("aa"), data_message("a")}), "");
    EXPECT_EQ(fault_after({file_message(0), data_message("aaaa")}), "'a' is too long");
    EXPECT_EQ(fault_after({file_message(0), data_message("aaa"), data_message("a")}), "'a' is too long");
    EXPECT_EQ(fault_after({file_message(0), data_message("aa"), message_of(dm::file_end)}),
              "'a' is too short");
    EXPECT_EQ(fault_after({file_message(0), message_of(dm::file_end)}), "'a' is too short");
    EXPECT_EQ(fault_after({whole_file(0, "aaa"), file_message(1), data_message("b")}), "'b' is too long");
    EXPECT_EQ(fault_after({whole_file(0, "aaa"), file_message(3)}), "'b' has not come");
    EXPECT_EQ(fault_after({whole_file(0, "aaa"), sent_message(3)}), "'b' has not come");
    EXPECT_EQ(fault_after({whole_file(0, "aaa"), whole_file(0, "aaa")}),
              "entry 0 is no file that may come now");
    for (const std::uint32_t entry : {2u, 4u, 5u, 0xffffffffu})
        EXPECT_NE(fault_after({whole_file(0, "aaa"), file_message(1), message_of(dm::file_end),
                               whole_file(3, "ccccc"), file_message(entry)}),
                  "")
            << entry;
    EXPECT_EQ(fault_after({file_message(0, 1)}), "a file from offset 1");
    EXPECT_EQ(fault_after({file_message(0, 3)}), "a file from offset 3");
    EXPECT_EQ(fault_after({file_message(0, 0, 2)}), "a file of encoding 2");
    for (const std::uint64_t sum : {0u, 7u, 9u})
        EXPECT_EQ(fault_after({whole_file(0, "aaa"), file_message(1), message_of(dm::file_end),
                               whole_file(3, "ccccc"), sent_message(sum)}),
                  "message 33 has a wrong sum");
}

TEST(document_receiver_machine, goes_on_with_what_was_kept)
{
    receiver_in_memory r;
    r.kept[0] = {'a', 'a', 'a'};
    r.kept[3] = {'c', 'c'};
    r.feed(offer_of(*small_tree()));
    EXPECT_EQ(answered(r), "20 21");
    byte_vector expected;
    for (const auto& [entry, bytes] : r.kept) {
        append_number(expected, entry);
        append_number(expected, std::uint64_t{bytes.size()});
        append_bytes(expected, hash_blake2b_256(bytes));
    }
    EXPECT_EQ(messages_in(r.output)[0].body, expected);
    EXPECT_EQ(r.machine.content_bytes(), 0u) << "the sender has not shown that it keeps them";
    r.feed(joined({file_message(1), message_of(dm::file_end)}));
    EXPECT_EQ(r.machine.content_bytes(), 3u);
    r.feed(joined({file_message(3, 2), data_message("ccc"), message_of(dm::file_end), sent_message(3)}));
    EXPECT_EQ(r.machine.content_bytes(), 8u);
    EXPECT_EQ(as_text(r.files.at(3)), "ccccc");
    EXPECT_TRUE(r.machine.is_stored());
}

TEST(document_receiver_machine, a_kept_file_may_start_anew_but_not_at_its_end)
{
    const auto with_kept = [](const byte_vector& content) {
        receiver_in_memory r;
        r.kept[0] = {'x', 'x', 'x'};
        r.kept[3] = {'x', 'x'};
        r.feed(offer_of(*small_tree()));
        r.feed(content);
        return r;
    };
    EXPECT_FALSE(with_kept(all_content).machine.ending());
    EXPECT_EQ(as_text(with_kept(all_content).files.at(0)), "aaa");
    expect_broken_rule(with_kept(file_message(0, 3)), "it must be left out");
    expect_broken_rule(with_kept(file_message(0, 2)), "another offset");
    const byte_vector b = joined({file_message(1), message_of(dm::file_end)});
    expect_broken_rule(with_kept(joined({b, sent_message(0)})), "only a part of d/c was kept");
    expect_broken_rule(with_kept(joined({b, file_message(3, 1)})), "another offset");
    expect_broken_rule(with_kept(joined({b, file_message(3, 5)})), "the whole of it");
}

TEST(document_receiver_machine, accepts_only_what_can_be_accepted)
{
    receiver_in_memory r;
    r.answers = false;
    document_receiver_machine& m = r.machine;
    const blake2b_256_digest digest{};
    EXPECT_FALSE(m.accept(0, 1, digest)) << "nothing is offered";
    r.feed(offer_of(*small_tree()));
    EXPECT_FALSE(m.accept(0, 0, digest));
    EXPECT_FALSE(m.accept(0, 4, digest));
    EXPECT_FALSE(m.accept(1, 1, digest)) << "an empty file";
    EXPECT_FALSE(m.accept(2, 1, digest)) << "a directory";
    EXPECT_FALSE(m.accept(4, 1, digest)) << "a link";
    EXPECT_FALSE(m.accept(5, 1, digest));
    EXPECT_TRUE(m.accept(0, 3, digest));
    EXPECT_FALSE(m.accept(0, 3, digest)) << "twice";
    EXPECT_TRUE(m.accept(3, 1, digest));
    EXPECT_FALSE(m.accept(0, 1, digest)) << "descending";
    m.accept_end();
    EXPECT_FALSE(m.accept(3, 1, digest)) << "too late";
    r.drain();
    EXPECT_EQ(answered(r), "20 21");
    EXPECT_EQ(messages_in(r.output)[0].body.size(), 2 * 44u);
}

TEST(document_receiver_machine, writes_many_accepted_parts_in_several_messages)
{
    std::vector<std::string> paths;
    for (int i = 0; i < 4000; ++i) paths.push_back("f" + std::to_string(10000 + i));
    std::vector<document_entry> entries;
    for (const std::string& path : paths) entries.push_back(an_entry(entry_kind::file, path, 1));
    document_receiver_machine m{start};
    const byte_vector offer = [&] { // entries of 4000 files need more than one message
        const auto outline = outline_of(document_kind::directory, entries);
        sender_in_memory s{outline, {}};
        s.drain();
        return s.output;
    }();
    EXPECT_GT(messages_in(offer).size(), 3u);
    for (bytes_view input = offer; !input.empty();) m.receive(input);
    for (std::uint32_t n = 0; n < entries.size(); ++n) ASSERT_TRUE(m.accept(n, 1, {}));
    m.accept_end();
    std::size_t parts = 0;
    const auto messages = messages_in(m.output());
    ASSERT_EQ(names_of(messages), "20 20 20 21");
    for (const whole_message& one : messages) parts += one.body.size() / 44;
    EXPECT_EQ(parts, entries.size());
}

TEST(document_receiver_machine, refuses_until_it_has_accepted_and_sends_errors_then)
{
    for (const auto reason : {session_reason::refused_by_user, session_reason::no_space,
                              session_reason::destination_exists, session_reason::file_failed}) {
        const bool refusal = reason != session_reason::file_failed;
        const document_fault fault{reason, "why"};
        const auto written = [&](auto prepare) {
            receiver_in_memory r;
            r.answers = false;
            prepare(r);
            r.machine.fail(fault, errc::no_room);
            r.drain();
            EXPECT_EQ(r.machine.error(), errc::no_room);
            EXPECT_EQ(r.machine.ending(), (document_ending{reason, "why", false}));
            return messages_in(r.output).back().type;
        };
        EXPECT_EQ(written([](receiver_in_memory&) {}), dm::error) << "nothing is offered";
        EXPECT_EQ(written([](receiver_in_memory& r) {
                      r.feed(message_of(dm::offer, messages_in(offer_of(*small_tree()))[0].body));
                  }),
                  refusal ? dm::refuse : dm::error);
        EXPECT_EQ(written([](receiver_in_memory& r) { r.feed(offer_of(*small_tree())); }),
                  refusal ? dm::refuse : dm::error);
        EXPECT_EQ(written([](receiver_in_memory& r) {
                      r.feed(offer_of(*small_tree()));
                      r.machine.accept(0, 1, {});
                  }),
                  dm::error);
        EXPECT_EQ(written([](receiver_in_memory& r) {
                      r.feed(offer_of(*small_tree()));
                      r.machine.accept_end();
                  }),
                  dm::error);
    }
}

TEST(document_receiver_machine, a_long_text_is_cut_between_characters)
{
    receiver_in_memory r;
    std::string text;
    while (text.size() < 300) text += "€";
    r.machine.fail({session_reason::file_failed, text}, errc::no_room);
    r.drain();
    const auto body = messages_in(r.output)[0].body;
    EXPECT_EQ(body[1], 255);
    EXPECT_TRUE(is_valid_utf8(as_text(bytes_view{body}.subspan(2))));
    text = "x" + text;
    receiver_in_memory other;
    other.machine.fail({session_reason::file_failed, text}, errc::no_room);
    other.drain();
    EXPECT_EQ(messages_in(other.output)[0].body[1], 253);
    receiver_in_memory latin;
    latin.machine.fail({session_reason::file_failed, "caf\xe9"}, errc::no_room);
    latin.drain();
    EXPECT_EQ(messages_in(latin.output), messages_in(message_with_text(dm::error, 5, "caf\\xe9")));
}

TEST(document_receiver_machine, hears_the_senders_error_at_any_time)
{
    const auto messages = messages_in(joined({offer_of(*small_tree()), all_content}));
    for (std::size_t n = 0; n < messages.size(); ++n) {
        receiver_in_memory r;
        for (std::size_t i = 0; i < n; ++i) r.feed(message_of(messages[i].type, messages[i].body));
        const std::size_t before = r.output.size();
        r.feed(message_with_text(dm::error, 6, "a has changed"));
        EXPECT_EQ(r.machine.error(), errc::document_changed_at_peer);
        EXPECT_EQ(r.machine.ending(),
                  (document_ending{session_reason::document_changed, "a has changed", true}));
        r.feed(all_content);
        EXPECT_EQ(r.output.size(), before) << "nothing but the end is written";
        EXPECT_FALSE(r.machine.aborts());
    }
    receiver_in_memory r;
    r.feed(message_with_text(dm::error, 0xcc, ""));
    EXPECT_EQ(r.machine.ending().value().reason, session_reason::internal);
    receiver_in_memory bad;
    bad.feed(message_of(dm::error, byte_vector{6, 1, 0xff}));
    expect_broken_rule(bad, "not UTF-8");
}

TEST(document_receiver_machine, has_limits)
{
    const auto outline = small_tree();
    const auto reaction = [&](document_receiver_options options) {
        receiver_in_memory r{std::move(options)};
        r.feed(offer_of(*outline));
        return answered(r) + " " + r.machine.error().message();
    };
    const std::string fine = "21 " + error_code{}.message();
    document_receiver_options options;
    options.max_entries = 5;
    EXPECT_EQ(reaction(options), fine);
    options.max_entries = 4;
    EXPECT_EQ(reaction(options), "22:03 " + error_code{errc::too_many_entries}.message());
    options = {};
    options.max_bytes = 8;
    EXPECT_EQ(reaction(options), fine);
    options.max_bytes = 7;
    EXPECT_EQ(reaction(options), "22:03 " + error_code{errc::document_too_large}.message());
    options = {};
    options.max_entries_bytes = outline->entries_bytes();
    EXPECT_EQ(reaction(options), fine);
    options.max_entries_bytes = outline->entries_bytes() - 1;
    EXPECT_EQ(reaction(options), "22:03 " + error_code{errc::too_many_entries}.message());
}

TEST(document_receiver_machine, an_offer_has_possible_counts)
{
    const auto reaction = [](document_kind kind, std::uint64_t files, std::uint64_t directories,
                             std::uint64_t bytes) {
        document_offer offer;
        offer.kind = kind;
        offer.name = "n";
        offer.files = files;
        offer.directories = directories;
        offer.bytes = bytes;
        byte_vector body;
        append_offer(body, offer);
        document_receiver_options options;
        options.max_entries = std::uint64_t{1} << 40;
        receiver_in_memory r{options};
        r.feed(message_of(dm::offer, body));
        return answered(r);
    };
    const std::uint64_t two_32 = std::uint64_t{1} << 32, two_63 = std::uint64_t{1} << 63;
    EXPECT_EQ(reaction(document_kind::directory, two_32 - 1, 0, two_63 - 1), "");
    EXPECT_EQ(reaction(document_kind::directory, two_32, 0, 0), "50:08");
    EXPECT_EQ(reaction(document_kind::directory, 0, two_32, 0), "50:08");
    EXPECT_EQ(reaction(document_kind::directory, two_32 / 2, two_32 / 2, 0), "50:08");
    EXPECT_EQ(reaction(document_kind::directory, unknown_size, 2, 0), "50:08");
    EXPECT_EQ(reaction(document_kind::directory, 1, 0, two_63), "50:08");
    EXPECT_EQ(reaction(document_kind::directory, 1, 0, unknown_size), "50:08");
    EXPECT_EQ(reaction(document_kind::stream, 1, 0, unknown_size), "");
}

TEST(document_receiver_machine, reports_progress_once_a_second_while_bytes_come)
{
    receiver_in_memory r;
    document_receiver_machine& m = r.machine;
    r.feed(offer_of(*small_tree()));
    EXPECT_EQ(m.next_deadline(), no_deadline) << "nothing has come";
    m.expire(start + 100s);
    r.feed(joined({file_message(0), data_message("a")}));
    EXPECT_EQ(m.next_deadline(), start + 1s) << "a second after accept end";
    m.expire(start + 100s);
    r.drain();
    EXPECT_EQ(answered(r), "21 40");
    EXPECT_EQ(m.next_deadline(), no_deadline) << "no more has come";
    r.feed(data_message("a"));
    EXPECT_EQ(m.next_deadline(), start + 101s);
    m.expire(start + 101s - 1ns);
    r.drain();
    EXPECT_EQ(answered(r), "21 40");
    m.expire(start + 101s);
    r.drain();
    ASSERT_EQ(answered(r), "21 40 40");
    EXPECT_EQ(messages_in(r.output)[2], messages_in(message_with(dm::progress, std::uint64_t{2}))[0]);
    r.feed(joined({data_message("a"), message_of(dm::file_end), file_message(1), message_of(dm::file_end),
                   whole_file(3, "ccccc"), sent_message(8)}));
    ASSERT_EQ(answered(r), "21 40 40 40 41");
    EXPECT_EQ(messages_in(r.output)[3], messages_in(message_with(dm::progress, std::uint64_t{8}))[0]);
}

TEST(document_receiver_machine, waits_a_minute_for_each_message_of_the_offer)
{
    receiver_in_memory r;
    document_receiver_machine& m = r.machine;
    const auto messages = messages_in(offer_of(*small_tree()));
    time_point now = start;
    r.answers = false;
    for (const whole_message& one : messages) {
        EXPECT_EQ(m.next_deadline(), now + 60s);
        now += 59s;
        m.expire(now);
        // Half a message is no message.
        const byte_vector bytes = message_of(one.type, one.body);
        r.feed(bytes_view{bytes}.first(bytes.size() / 2));
        EXPECT_EQ(m.next_deadline(), now + 1s);
        r.feed(bytes_view{bytes}.subspan(bytes.size() / 2));
    }
    EXPECT_EQ(m.next_deadline(), no_deadline) << "the user may think as long as they like";
    m.expire(now + 10h);
    EXPECT_FALSE(m.finished());

    document_receiver_machine late{start};
    late.expire(start + 60s);
    EXPECT_EQ(late.error(), errc::timed_out);
    EXPECT_TRUE(late.aborts());
    EXPECT_TRUE(late.output().empty());
    EXPECT_EQ(late.next_deadline(), no_deadline);
}

TEST(document_receiver_machine, has_succeeded_once_stored_is_written)
{
    const auto stored = [] {
        receiver_in_memory r;
        r.feed(offer_of(*small_tree()));
        r.feed(all_content);
        EXPECT_TRUE(r.machine.is_stored());
        return r;
    };
    auto alone = stored();
    EXPECT_EQ(alone.machine.next_deadline(), start + 60s);
    alone.machine.expire(start + 60s);
    EXPECT_TRUE(alone.machine.finished());
    EXPECT_FALSE(alone.machine.error());
    auto lost = stored();
    lost.machine.stop(errc::unexpected_end);
    EXPECT_TRUE(lost.machine.is_stored());
    EXPECT_EQ(lost.machine.error(), errc::unexpected_end) << "the sender may not know that it is stored";
    auto cancelled = stored();
    cancelled.machine.stop(errc::cancelled);
    EXPECT_TRUE(cancelled.machine.finished());
    EXPECT_FALSE(cancelled.machine.error());
    auto told = stored();
    told.feed(message_with_text(dm::error, 2, "too late"));
    EXPECT_FALSE(told.machine.finished());
    told.machine.fail({session_reason::internal, ""}, errc::no_room);
    told.machine.receive_end();
    EXPECT_TRUE(told.machine.finished());
    EXPECT_FALSE(told.machine.error());
}

TEST(document_receiver_machine, can_be_cancelled_and_lose_its_connection)
{
    receiver_in_memory r;
    r.answers = false;
    r.feed(offer_of(*small_tree()));
    r.machine.accept_end();
    r.machine.stop(errc::cancelled);
    EXPECT_TRUE(r.machine.finished());
    EXPECT_TRUE(r.machine.aborts());
    EXPECT_TRUE(r.machine.output().empty()) << "an abort needs no messages";
    EXPECT_EQ(r.machine.error(), errc::cancelled);
    r.machine.stop(errc::unexpected_end);
    EXPECT_EQ(r.machine.error(), errc::cancelled) << "the first reason stays";

    receiver_in_memory lost;
    lost.feed(offer_of(*small_tree()));
    lost.machine.stop(errc::unexpected_end);
    EXPECT_FALSE(lost.machine.aborts());
    EXPECT_FALSE(lost.machine.ending()) << "nobody gave up, so the transfer can be continued";
    EXPECT_EQ(lost.machine.error(), errc::unexpected_end);
}

TEST(document_receiver_machine, knows_an_offer_of_an_earlier_session)
{
    const auto outline = small_tree();
    document_receiver_options options;
    options.earlier = outline;
    receiver_in_memory r{options};
    r.feed(offer_of(*outline));
    EXPECT_TRUE(r.known);
    EXPECT_EQ(r.document, outline);
    r.feed(all_content);
    EXPECT_TRUE(r.machine.is_stored());

    options.is_stored = true;
    receiver_in_memory stored{options};
    stored.feed(offer_of(*outline));
    EXPECT_EQ(answered(stored), "41");
    stored.machine.receive_end();
    EXPECT_TRUE(stored.machine.finished());
    EXPECT_FALSE(stored.machine.error());
}

TEST(document_receiver_machine, another_offer_than_before_is_error_06)
{
    document_receiver_options options;
    options.earlier = small_tree();
    const auto reaction = [&](const byte_vector& offer) {
        receiver_in_memory r{options};
        r.feed(offer);
        EXPECT_FALSE(r.document);
        return names_of(messages_in(r.output));
    };
    const auto same = messages_in(offer_of(*options.earlier));
    for (std::size_t i = 0; i < same[0].body.size(); ++i) { // any byte of the offer, but its length
        if (i == 17 || i == 18) continue;
        auto body = same[0].body;
        body[i] ^= 1;
        EXPECT_EQ(reaction(message_of(dm::offer, body)), "50:06") << i;
    }
    // Other entries with the same counts.
    const auto other = outline_of(document_kind::directory,
                                  {an_entry(entry_kind::file, "a", 3), an_entry(entry_kind::file, "b", 0),
                                   an_entry(entry_kind::directory, "d"), an_entry(entry_kind::file, "d/c", 5),
                                   an_entry(entry_kind::link, "m", 0, "a")});
    EXPECT_EQ(reaction(offer_of(*other)), "50:06");
    const auto longer = outline_of(
        document_kind::directory, {an_entry(entry_kind::file, "a", 3), an_entry(entry_kind::file, "b", 0),
                                   an_entry(entry_kind::directory, "d"), an_entry(entry_kind::file, "d/c", 5),
                                   an_entry(entry_kind::link, "link", 0, "a")});
    EXPECT_EQ(reaction(offer_of(*longer)), "50:06");
    // What does not fit itself breaks a rule.
    auto body = same[2].body;
    body.back() ^= 1;
    EXPECT_EQ(reaction(joined({message_of(dm::offer, same[0].body), message_of(dm::entries, same[1].body),
                               message_of(dm::offer_end, body)})),
              "50:08");
    EXPECT_EQ(reaction(joined({message_of(dm::offer, same[0].body),
                               message_of(dm::entries, bytes_view{same[1].body}.first(30))})),
              "50:08");
}

} // namespace
} // namespace parley::test
