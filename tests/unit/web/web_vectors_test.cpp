// The conversations and negative cases of session2-documents.json against the sessions of a peer in a browser.
#include "peer/web/module/receiver_session.hpp"
#include "peer/web/module/sender_session.hpp"

#include <parley/testing/seeded_random.hpp>
#include <unit/proto/document_owners.hpp>
#include <unit/proto/document_vectors.hpp>

#include <gtest/gtest.h>

namespace parley::web::test {
namespace {

using nlohmann::json;
using parley::test::bytes_of;
using parley::test::document_vectors;
using parley::test::file_contents;
using parley::test::message_of;
using parley::test::messages_in;
using parley::test::receiver_in_memory;
using parley::test::whole_message;
using dm = document_message;

constexpr time_point start{std::chrono::hours{24}};

session2_machine session_of(session_role role)
{
    main_key main;
    std::fill(main.span().begin(), main.span().end(), byte{7});
    const session2_keys keys = derive_session2_keys(main, {}, cipher::aes_256_gcm);
    return session2_machine::create(role, keys, {std::string{document_protocol}, "test"}, start).value();
}

// The other side of a session, and the page around this one.
template <class Session>
struct bench {
    explicit bench(session_role mine)
        : other(session_of(mine == session_role::client ? session_role::server : session_role::client))
    {
        all.now = start;
    }

    parley::testing::seeded_random random{1};
    context all{random};
    session2_machine other;
    byte_vector heard; // the stream that the other side has read
    std::map<std::uint32_t, byte_vector> files;
    std::optional<std::uint32_t> open_file;
    std::size_t done = 0;
    std::deque<action::read> reads;

    // Gives the bytes to the session as what the other side has sent, and takes all that comes of it.
    void say(Session& session, bytes_view stream, std::size_t most)
    {
        do {
            const std::size_t taken = other.write(stream);
            stream = stream.subspan(taken);
            exchange(session, most);
        } while (!stream.empty() && !other.finished() && other.is_writable());
    }
    void exchange(Session& session, std::size_t most)
    {
        for (bool moved = true; moved;) {
            moved = false;
            while (auto what = all.out.pop()) {
                moved = true;
                std::visit([&](auto& a) { take(a); }, *what);
            }
            byte_vector bytes;
            other.take_output(bytes);
            for (bytes_view left = bytes; !left.empty();) {
                moved = true;
                bytes_view piece = left.first(std::min(most, left.size()));
                left = left.subspan(piece.size());
                session.receive(piece);
                while (!piece.empty()) { // the storage was full
                    while (auto what = all.out.pop()) std::visit([&](auto& a) { take(a); }, *what);
                    on_done();
                    session.receive(piece);
                }
            }
            if (done != 0) on_done();
            session.go_on();
        }
    }
    std::function<void()> on_done = [] {};

private:
    void take(action::send& a)
    {
        for (bytes_view left = a.bytes; !left.empty() && !other.finished();) {
            other.receive(left);
            append_bytes(heard, other.received());
            other.consume_received(other.received().size());
        }
    }
    void take(const action::create& a)
    {
        files[a.entry].resize(a.offset);
        open_file = a.entry;
        ++done;
    }
    void take(const action::append& a)
    {
        append_bytes(files.at(open_file.value()), a.bytes);
        ++done;
    }
    void take(const action::finish&)
    {
        open_file.reset();
        ++done;
    }
    void take(const action::place&) { ++done; }
    void take(const action::read& a) { reads.push_back(a); }
    template <class Other>
    void take(const Other&)
    {
    }
};

std::vector<whole_message> without_progress(std::vector<whole_message> messages)
{
    std::erase_if(messages, [](const whole_message& m) { return m.type == dm::progress; });
    return messages;
}

struct received {
    std::vector<whole_message> said;
    std::map<std::uint32_t, byte_vector> files;
    bool stored = false;
    std::optional<document_ending> ending;
    bool is_over = false;
};

struct receiver_plan {
    file_contents kept;
    std::map<std::uint32_t, std::uint64_t> sizes;
    bool was_stored = false;
    std::optional<document_fault> refusal;
};

received receive(const std::vector<byte_vector>& messages, const receiver_plan& plan, std::size_t most)
{
    bench<receiver_session> b{session_role::client};
    receiving_run run{b.all};
    for (const auto& [entry, bytes] : plan.kept) {
        bytes_view left = bytes;
        EXPECT_TRUE(run.store.open(entry, 0));
        run.store.append(left);
        if (plan.sizes.at(entry) == bytes.size()) run.store.close();
    }
    run.store.interrupt();
    run.is_stored = plan.was_stored;
    run.is_answered = true;
    if (plan.refusal) run.refused = receiving_run::refusal{*plan.refusal, errc::refused_by_user};
    receiver_session session{b.all, connection{1}, session_of(session_role::client), run};
    b.on_done = [&] {
        run.store.done(std::exchange(b.done, 0));
        if (run.store.is_placed()) run.is_stored = true;
    };
    b.exchange(session, most);
    for (const byte_vector& each : messages) b.say(session, each, most);
    received out;
    out.ending = session.end().ending;
    b.other.end();
    b.exchange(session, most);
    session.closed(true); // a side that gave up waits for that
    session.go_on();
    out.said = without_progress(messages_in(b.heard));
    out.files = b.files;
    out.stored = run.is_stored;
    out.is_over = session.is_over();
    return out;
}

TEST(web_vectors, a_receiver_replays_every_conversation)
{
    std::size_t count = 0;
    for (const json& c : document_vectors().at("conversations")) {
        SCOPED_TRACE(c.at("name"));
        receiver_plan plan;
        std::vector<byte_vector> from_sender;
        std::vector<whole_message> expected;
        bool accepted = false;
        for (const json& m : c.at("messages")) {
            const auto type = static_cast<dm>(m.at("type").get<int>());
            const byte_vector body = bytes_of(m.at("body"));
            if (m.at("from") == "sender") {
                from_sender.push_back(message_of(type, body));
                continue;
            }
            if (type != dm::progress) expected.push_back({type, body});
            accepted = accepted || type == dm::accept_end;
            if (type != dm::refuse) continue;
            body_reader reader{body};
            const auto reason = to_session_reason(reader.number<byte>());
            plan.refusal = document_fault{reason, std::string{reader.text<byte>()}};
        }
        plan.was_stored = !accepted && expected.back().type == dm::stored;
        std::map<std::uint32_t, std::string> paths;
        for (const json& e : c.at("entries")) {
            const auto number = static_cast<std::uint32_t>(paths.size());
            plan.sizes[number] = e.at("size").get<std::uint64_t>();
            paths[number] = e.at("path").get<std::string>();
        }
        for (const auto& [entry, content] : c.at("kept_by_the_receiver").items())
            plan.kept[static_cast<std::uint32_t>(std::stoul(entry))] = bytes_of(content);
        for (const std::size_t most :
             {std::size_t{1} << 20, std::size_t{1000}, std::size_t{7}, std::size_t{1}}) {
            const received got = receive(from_sender, plan, most);
            EXPECT_EQ(got.said, expected);
            EXPECT_EQ(got.stored, c.at("stored").get<bool>());
            EXPECT_TRUE(got.is_over);
            std::map<std::string, byte_vector> has, should;
            for (const auto& [entry, bytes] : got.files) has[paths.at(entry)] = bytes;
            for (const auto& [path, bytes] : c.at("receiver_has").items()) should[path] = bytes_of(bytes);
            EXPECT_TRUE(has == should);
        }
        ++count;
    }
    EXPECT_GE(count, 22U);
}

TEST(web_vectors, a_receiver_takes_nothing_of_the_negatives)
{
    std::size_t count = 0;
    for (const json& n : document_vectors().at("negatives")) {
        if (n.at("against") != "receiver") continue;
        SCOPED_TRACE(n.at("name").get<std::string>() + ": " + n.at("why").get<std::string>());
        std::vector<byte_vector> messages;
        for (const json& m : n.at("messages")) messages.push_back(bytes_of(m));
        for (const std::size_t most : {std::size_t{1} << 20, std::size_t{3}}) {
            const received got = receive(messages, {}, most);
            const auto reaction = n.at("reaction").get<std::string>();
            std::string did = "none";
            if (got.ending && got.ending->by_peer)
                did = "closes";
            else if (got.ending && !got.said.empty())
                did = (got.said.back().type == dm::error ? "error " : "refuse ") +
                      to_hex(bytes_view{got.said.back().body}.first(1));
            EXPECT_EQ(did, reaction);
            EXPECT_FALSE(got.stored);
        }
        ++count;
    }
    EXPECT_GE(count, 60U);
}

TEST(web_vectors, a_sender_gives_every_document_of_the_conversations)
{
    std::size_t count = 0;
    for (const json& c : document_vectors().at("conversations")) {
        const json& offer = c.at("offer");
        const auto kind = static_cast<document_kind>(offer.at("kind").get<int>());
        bool gives_up = false;
        for (const json& m : c.at("messages")) {
            const auto type = static_cast<dm>(m.at("type").get<int>());
            gives_up = gives_up || type == dm::error || type == dm::refuse;
        }
        if (kind == document_kind::stream || gives_up) continue; // no page sends streams
        SCOPED_TRACE(c.at("name"));
        document_id id{};
        auto outline = std::make_shared<document_outline>(kind, id, offer.at("name").get<std::string>());
        offered_document document;
        std::map<std::string, byte_vector> contents;
        for (const json& e : c.at("entries")) {
            document_entry entry;
            const auto path = e.at("path").get<std::string>(), target = e.at("target").get<std::string>();
            entry.kind = static_cast<entry_kind>(e.at("kind").get<int>());
            entry.path = path;
            entry.mode = e.at("mode").get<std::uint16_t>();
            entry.modified = e.at("modified").get<std::int64_t>();
            entry.size = e.at("size").get<std::uint64_t>();
            entry.target = target;
            ASSERT_FALSE(outline->add(entry));
            document.items.push_back(static_cast<std::uint32_t>(document.items.size()));
            if (entry.kind == entry_kind::file) contents[path] = bytes_of(e.at("content"));
        }
        document.outline = outline;

        bench<sender_session> b{session_role::server};
        sending_receiver receiver;
        sender_session session{b.all, connection{1}, session_of(session_role::server), document, receiver};
        receiver_in_memory r;
        for (const auto& [entry, content] : c.at("kept_by_the_receiver").items())
            r.kept[static_cast<std::uint32_t>(std::stoul(entry))] = bytes_of(content);
        b.exchange(session, 1000);
        for (std::size_t fed = 0, told = 0, turn = 0; turn < 1000 && !r.machine.is_stored(); ++turn) {
            r.feed(bytes_view{b.heard}.subspan(fed));
            fed = b.heard.size();
            b.say(session, bytes_view{r.output}.subspan(told), 1000);
            told = r.output.size();
            while (!b.reads.empty()) {
                const action::read want = b.reads.front();
                b.reads.pop_front();
                const byte_vector& content = contents.at(outline->entries().path(want.item));
                session.content(bytes_view{content}.subspan(want.offset, want.size));
                session.go_on();
                b.exchange(session, 1000);
            }
        }
        EXPECT_TRUE(r.machine.is_stored());
        std::map<std::string, byte_vector> has;
        for (const auto& [entry, bytes] : r.files) has[outline->entries().path(entry)] = bytes;
        EXPECT_TRUE(has == contents);
        ++count;
    }
    EXPECT_GE(count, 10U);
}

} // namespace
} // namespace parley::web::test
