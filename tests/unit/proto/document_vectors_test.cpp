// The conversations and negative cases of session2-documents.json, in both roles and in many splits.
#include <unit/proto/document_owners.hpp>
#include <unit/proto/document_vectors.hpp>

#include <gtest/gtest.h>

#include <set>

namespace parley::test {
namespace {

using nlohmann::json;
using dm = document_message;

struct known_document {
    std::shared_ptr<const document_outline> outline;
    file_contents contents;
};

known_document document_of(document_kind kind, const document_id& id, const std::string& name,
                           const json& entries)
{
    known_document out;
    auto outline = std::make_shared<document_outline>(kind, id, name);
    EXPECT_FALSE(document_outline::check(kind, name));
    std::uint32_t number = 0;
    for (const json& e : entries) {
        document_entry entry;
        const auto path = e.at("path").get<std::string>(), target = e.at("target").get<std::string>();
        entry.kind = static_cast<entry_kind>(e.at("kind").get<int>());
        entry.path = path;
        entry.mode = e.at("mode").get<std::uint16_t>();
        entry.modified = e.at("modified").get<std::int64_t>();
        entry.size = e.at("size").get<std::uint64_t>();
        entry.target = target;
        const auto fault = outline->add(entry);
        EXPECT_FALSE(fault) << path << ": " << fault->text;
        if (entry.kind == entry_kind::file) out.contents[number] = bytes_of(e.at("content"));
        ++number;
    }
    EXPECT_FALSE(outline->complete());
    out.outline = std::move(outline);
    return out;
}

known_document document_of(const json& conversation)
{
    const json& offer = conversation.at("offer");
    document_id id{};
    const byte_vector bytes = bytes_of(offer.at("id"));
    std::copy_n(bytes.begin(), id.size(), id.begin());
    auto out = document_of(static_cast<document_kind>(offer.at("kind").get<int>()), id,
                           offer.at("name").get<std::string>(), conversation.at("entries"));
    EXPECT_EQ(out.outline->offer().files, offer.at("files").get<std::uint64_t>());
    EXPECT_EQ(out.outline->offer().directories, offer.at("directories").get<std::uint64_t>());
    EXPECT_EQ(out.outline->offer().bytes, offer.at("bytes").get<std::uint64_t>());
    return out;
}

struct side_message {
    bool from_sender;
    whole_message message;
};

std::vector<side_message> messages_of(const json& conversation)
{
    std::vector<side_message> out;
    for (const json& m : conversation.at("messages"))
        out.push_back(
            {m.at("from") == "sender", {static_cast<dm>(m.at("type").get<int>()), bytes_of(m.at("body"))}});
    return out;
}

// What one side says, without progress, whose times are free.
std::vector<whole_message> said_by(const std::vector<side_message>& messages, bool sender)
{
    std::vector<whole_message> out;
    for (const side_message& m : messages)
        if (m.from_sender == sender && m.message.type != dm::progress) out.push_back(m.message);
    return out;
}

std::vector<whole_message> without_progress(std::vector<whole_message> messages)
{
    std::erase_if(messages, [](const whole_message& m) { return m.type == dm::progress; });
    return messages;
}

bool was_stored_before(const std::vector<side_message>& messages)
{
    bool accepted = false;
    for (const side_message& m : messages) accepted = accepted || m.message.type == dm::accept_end;
    return !accepted && messages.back().message.type == dm::stored;
}

file_contents kept_in(const json& conversation)
{
    file_contents out;
    for (const auto& [entry, content] : conversation.at("kept_by_the_receiver").items())
        out[static_cast<std::uint32_t>(std::stoul(entry))] = bytes_of(content);
    return out;
}

// Feeds the bytes of one message in pieces.
using splitter = std::function<void(const byte_vector& bytes, const std::function<void(bytes_view)>& feed)>;

void whole(const byte_vector& bytes, const std::function<void(bytes_view)>& feed)
{
    feed(bytes);
}

splitter pieces_of(std::size_t most)
{
    return [most](const byte_vector& bytes, const std::function<void(bytes_view)>& feed) {
        for (bytes_view left = bytes; !left.empty();) {
            const std::size_t n = std::min(most, left.size());
            feed(left.first(n));
            left = left.subspan(n);
        }
    };
}

void replay_receiver(const json& conversation, const splitter& split)
{
    const auto messages = messages_of(conversation);
    const known_document document = document_of(conversation);
    document_receiver_options options;
    options.is_stored = was_stored_before(messages);
    receiver_in_memory r{options};
    r.kept = kept_in(conversation);
    for (const side_message& m : messages)
        if (!m.from_sender && m.message.type == dm::refuse) {
            body_reader body{m.message.body};
            const auto reason = to_session_reason(body.number<byte>());
            r.refusal = document_fault{reason, std::string{body.text<byte>()}};
        }
    for (const side_message& m : messages)
        if (m.from_sender)
            split(message_of(m.message.type, m.message.body), [&](bytes_view piece) { r.feed(piece); });

    EXPECT_EQ(without_progress(messages_in(r.output)), said_by(messages, false));
    const bool stored = conversation.at("stored").get<bool>();
    EXPECT_EQ(r.machine.is_stored(), stored);
    if (r.document) {
        EXPECT_EQ(r.document->offer(), document.outline->offer());
        EXPECT_EQ(r.document->digest(), document.outline->digest());
    }
    std::map<std::string, byte_vector> has, expected;
    for (const auto& [entry, bytes] : r.files) has[document.outline->entries().path(entry)] = bytes;
    if (r.open_file) has[document.outline->entries().path(*r.open_file)] = r.current;
    for (const auto& [path, bytes] : conversation.at("receiver_has").items())
        expected[path] = bytes_of(bytes);
    EXPECT_TRUE(has == expected);
    for (const json& result : conversation.at("result")) {
        if (result[0] != "receiver") continue;
        if (result[1] == "error") {
            EXPECT_EQ(r.machine.ending(), (document_ending{to_session_reason(result[2].get<byte>()),
                                                           result[3].get<std::string>(), true}));
        } else {
            EXPECT_EQ(result[1], "stored");
        }
    }
    r.machine.receive_end();
    EXPECT_TRUE(r.machine.finished());
    EXPECT_EQ(!r.machine.error(), stored);
    r.drain();
    EXPECT_EQ(without_progress(messages_in(r.output)), said_by(messages, false)) << "nothing after the end";
}

void replay_sender(const json& conversation, const splitter& split)
{
    const auto messages = messages_of(conversation);
    const known_document document = document_of(conversation);
    document_sender_options options;
    options.was_sent = was_stored_before(messages);
    sender_in_memory s{document.outline, document.contents, options};
    s.has_read_stream = false;

    // How the content was cut into messages, and where the sender failed.
    std::map<std::uint32_t, std::vector<byte_vector>> pieces;
    std::uint32_t current = 0;
    for (const whole_message& m : said_by(messages, true)) {
        body_reader body{m.body};
        if (m.type == dm::file) current = body.number<std::uint32_t>();
        if (m.type == dm::data) pieces[current].push_back(m.body);
        if (m.type == dm::error) {
            const auto reason = to_session_reason(body.number<byte>());
            s.failing[current] = {reason, std::string{body.text<byte>()}};
        }
    }
    if (conversation.at("compress").get<bool>())
        s.encode = [&](std::uint32_t entry, std::uint64_t) { return pieces[entry]; };
    s.drain();
    std::vector<std::uint64_t> progress;
    for (const side_message& m : messages) {
        if (m.from_sender) continue;
        if (m.message.type == dm::progress) progress.push_back(load_be<std::uint64_t>(m.message.body.data()));
        split(message_of(m.message.type, m.message.body), [&](bytes_view piece) { s.feed(piece); });
    }

    const auto joined_data = [](const std::vector<whole_message>& all) {
        std::vector<whole_message> out;
        for (const whole_message& m : all) {
            if (m.type == dm::data && !out.empty() && out.back().type == dm::data)
                append_bytes(out.back().body, m.body);
            else
                out.push_back(m);
        }
        return out;
    };
    EXPECT_TRUE(joined_data(messages_in(s.output)) == joined_data(said_by(messages, true)));
    for (const json& result : conversation.at("result")) {
        if (result[0] != "sender") continue;
        if (result[1] == "accepted") {
            EXPECT_TRUE(s.accepted);
        } else if (result[1] == "stored") {
            EXPECT_TRUE(s.stored);
            EXPECT_TRUE(s.machine.finished());
            EXPECT_FALSE(s.machine.error());
        } else {
            EXPECT_EQ(result[1], "refused");
            EXPECT_EQ(s.machine.ending(), (document_ending{to_session_reason(result[2].get<byte>()),
                                                           result[3].get<std::string>(), true}));
        }
    }
    EXPECT_EQ(s.stored, conversation.at("stored").get<bool>());
    if (s.machine.finished() && !s.stored) return; // nothing more was heard
    EXPECT_EQ(s.progress, progress);
}

TEST(document_vectors, conversations_are_many)
{
    EXPECT_GE(document_vectors().at("conversations").size(), 22u);
    EXPECT_GE(document_vectors().at("negatives").size(), 132u);
}

TEST(document_vectors, receiver_replays_every_conversation)
{
    for (const json& c : document_vectors().at("conversations")) {
        SCOPED_TRACE(c.at("name"));
        replay_receiver(c, whole);
        for (const std::size_t most : {1000u, 7u, 5u, 1u}) replay_receiver(c, pieces_of(most));
    }
}

TEST(document_vectors, sender_replays_every_conversation)
{
    for (const json& c : document_vectors().at("conversations")) {
        SCOPED_TRACE(c.at("name"));
        replay_sender(c, whole);
        for (const std::size_t most : {1000u, 7u, 5u, 1u}) replay_sender(c, pieces_of(most));
    }
}

// --- negative cases ------------------------------------------------------------------------------

std::string reaction_of(const std::vector<whole_message>& said, bool finished, bool by_peer)
{
    if (!finished) return "none";
    if (by_peer) return "closes";
    if (said.empty()) return "finished without a word";
    const whole_message& last = said.back();
    const std::string how = last.type == dm::error    ? "error "
                            : last.type == dm::refuse ? "refuse "
                                                      : "finished after ";
    return how + to_hex(bytes_view{last.body}.first(1));
}

std::string react_as_receiver(const std::vector<byte_vector>& pieces)
{
    receiver_in_memory r;
    for (const byte_vector& piece : pieces) r.feed(piece);
    EXPECT_EQ(r.completes, 0);
    return reaction_of(messages_in(r.output), r.machine.finished(),
                       r.machine.ending() && r.machine.ending()->by_peer);
}

std::string react_as_sender(const std::vector<byte_vector>& pieces)
{
    static const known_document tree =
        document_of(document_kind::directory, {}, "dir", document_vectors().at("tree_of_the_negatives").at("entries"));
    sender_in_memory s{tree.outline, tree.contents};
    s.drain();
    for (const byte_vector& piece : pieces) s.feed(piece);
    EXPECT_FALSE(s.stored);
    return reaction_of(messages_in(s.output), s.machine.finished(),
                       s.machine.ending() && s.machine.ending()->by_peer);
}

TEST(document_vectors, negatives_have_their_reaction)
{
    for (const json& n : document_vectors().at("negatives")) {
        SCOPED_TRACE(n.at("name").get<std::string>() + ": " + n.at("why").get<std::string>());
        const auto reaction = n.at("reaction").get<std::string>();
        const auto react = n.at("against") == "receiver" ? react_as_receiver : react_as_sender;
        byte_vector all;
        std::vector<byte_vector> messages;
        for (const json& m : n.at("messages")) {
            messages.push_back(bytes_of(m));
            append_bytes(all, messages.back());
        }
        EXPECT_EQ(react(messages), reaction);
        EXPECT_EQ(react({all}), reaction);
        std::vector<byte_vector> bytes;
        for (const byte b : all) bytes.push_back({b});
        EXPECT_EQ(react(bytes), reaction) << "byte by byte";
        if (all.size() > 700) continue;
        for (std::size_t cut = 1; cut < all.size(); ++cut) {
            const auto middle = all.begin() + static_cast<std::ptrdiff_t>(cut);
            ASSERT_EQ(react({{all.begin(), middle}, {middle, all.end()}}), reaction) << "cut at " << cut;
        }
    }
}

// The text of an error says what is wrong, for people on the other side.
TEST(document_vectors, faults_are_told_in_words)
{
    std::set<std::string> texts;
    for (const json& n : document_vectors().at("negatives")) {
        if (n.at("against") != "receiver") continue;
        receiver_in_memory r;
        for (const json& m : n.at("messages")) r.feed(bytes_of(m));
        if (!r.machine.ending() || r.machine.ending()->by_peer) continue;
        const std::string& text = r.machine.ending()->text;
        texts.insert(text);
        EXPECT_FALSE(text.empty()) << n.at("name");
        EXPECT_TRUE(is_valid_utf8(text)) << n.at("name");
        EXPECT_LE(text.size(), max_reason_text_bytes) << n.at("name");
    }
    EXPECT_GT(texts.size(), 40u);
}

} // namespace
} // namespace parley::test
