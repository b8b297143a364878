// Whole transfers between actors in one process: over memory streams and over loopback TCP.
#include "support/actors_world.hpp"

namespace parley::test {
namespace {

class in_process : public ::testing::TestWithParam<over> {
protected:
    static bool both_done(const send_operation& s, const receive_operation& r)
    {
        return s.done() && r.done();
    }

    // Both have succeeded, and agree on who they are.
    static void expect_success(const send_operation& s, const receive_operation& r)
    {
        EXPECT_TRUE(s.succeeded()) << s.message();
        EXPECT_TRUE(r.succeeded()) << r.message();
        if (!s.succeeded() || !r.succeeded()) return;
        EXPECT_EQ((*s.result)->self, (*r.result)->peer);
        EXPECT_EQ((*s.result)->peer, (*r.result)->self);
        EXPECT_EQ((*s.result)->stream_bytes, (*r.result)->stream_bytes);
    }
};

INSTANTIATE_TEST_SUITE_P(transports, in_process,
                         ::testing::Values(over::memory, over::tcp, over::tcp_and_threads),
                         [](const auto& shown) { return name_of(shown.param); });

TEST_P(in_process, file)
{
    world w{GetParam()};
    send_operation s;
    receive_operation r;
    const byte_vector content = random_bytes(1'000'000);
    w.send(s, bytes_source("photo.jpg", content), "correct horse");
    w.receive(r, "correct horse");
    ASSERT_TRUE(w.run_until([&] { return both_done(s, r); }));
    expect_success(s, r);
    EXPECT_EQ(r.destination.names(), (std::set<std::string>{"photo.jpg"}));
    EXPECT_EQ(file_bytes(r.destination.path() / "photo.jpg"), content);
    EXPECT_EQ((*s.result)->content_bytes, content.size());
    EXPECT_EQ(s.log.last.total_content_bytes, content.size());
    EXPECT_EQ(s.log.last.content_bytes, content.size());
    EXPECT_TRUE(r.log.saw("asked"));
    EXPECT_TRUE(s.log.saw("finishing"));
    EXPECT_EQ(w.log.agreements, 1);
    EXPECT_EQ(w.log.opened, 1);
    ASSERT_TRUE(w.run_until([&] { return w.log.rooms.size() == 1; }));
    EXPECT_FALSE(w.log.rooms[0].why) << w.log.rooms[0].why.message();
    EXPECT_GT(w.log.rooms[0].server_to_client_bytes, content.size());
    EXPECT_EQ(w.log.rooms[0].client_to_server_bytes, 0u);
}

TEST_P(in_process, receiver_comes_first)
{
    world w{GetParam()};
    send_operation s;
    receive_operation r;
    w.receive(r, "first");
    ASSERT_TRUE(w.run_until([&] { return r.log.saw("waiting"); }));
    w.send(s, bytes_source("a", random_bytes(10)), "first");
    ASSERT_TRUE(w.run_until([&] { return both_done(s, r); }));
    expect_success(s, r);
}

TEST_P(in_process, empty_file)
{
    world w{GetParam()};
    send_operation s;
    receive_operation r;
    w.send(s, bytes_source("nothing", {}), "p");
    w.receive(r, "p");
    ASSERT_TRUE(w.run_until([&] { return both_done(s, r); }));
    expect_success(s, r);
    EXPECT_TRUE(fs::exists(r.destination.path() / "nothing"));
    EXPECT_EQ(fs::file_size(r.destination.path() / "nothing"), 0u);
}

TEST_P(in_process, directory)
{
    world w{GetParam()};
    temporary_folder home;
    const fs::path tree = home.path() / "tree";
    fs::create_directories(tree / "deep" / "deeper");
    fs::create_directories(tree / "empty");
    std::map<fs::path, byte_vector> files;
    for (int i = 0; i < 60; ++i) {
        const fs::path relative =
            fs::path{i % 2 == 0 ? "deep" : "deep/deeper"} / ("file" + std::to_string(i));
        files[relative] = random_bytes(static_cast<std::size_t>(i) * 997, static_cast<std::uint64_t>(i % 7));
        std::ofstream{tree / relative, std::ios::binary}.write(
            reinterpret_cast<const char*>(files[relative].data()),
            static_cast<std::streamsize>(files[relative].size()));
    }
    send_operation s;
    receive_operation r;
    auto source = document_source::open(tree);
    ASSERT_TRUE(source);
    w.send(s, std::move(*source), "forest");
    w.receive(r, "forest");
    ASSERT_TRUE(w.run_until([&] { return both_done(s, r); }));
    expect_success(s, r);
    EXPECT_EQ(r.destination.names(), (std::set<std::string>{"tree"}));
    for (const auto& [relative, content] : files)
        EXPECT_EQ(file_bytes(r.destination.path() / "tree" / relative), content) << relative;
    EXPECT_TRUE(fs::is_directory(r.destination.path() / "tree" / "empty"));
}

TEST_P(in_process, wrong_password_then_right_one)
{
    world w{GetParam()};
    send_operation s;
    receive_operation wrong, right;
    w.send(s, bytes_source("secret", random_bytes(5000)), "sesame");
    w.receive(wrong, "Sesame");
    ASSERT_TRUE(w.run_until([&] { return wrong.log.saw("rejected"); }));
    EXPECT_FALSE(s.done());
    EXPECT_FALSE(wrong.done()) << "it waits for another sender";
    EXPECT_FALSE(wrong.log.saw("asked"));
    w.receive(right, "sesame");
    ASSERT_TRUE(w.run_until([&] { return both_done(s, right); }));
    expect_success(s, right);
    EXPECT_TRUE(wrong.destination.names().empty());
    wrong.cancel.emit(asio::cancellation_type::terminal);
    ASSERT_TRUE(w.run_until([&] { return wrong.done(); }));
    EXPECT_EQ(wrong.error(), errc::cancelled);
}

awaitable<bool> answer_no(identity)
{
    co_return false;
}

TEST_P(in_process, refusal_leaves_both_waiting)
{
    world w{GetParam()};
    send_operation s;
    receive_operation no, yes;
    no.log.on_question = answer_no;
    w.send(s, bytes_source("gift", random_bytes(5000)), "p");
    w.receive(no, "p");
    ASSERT_TRUE(w.run_until([&] { return s.log.refusals == 1; }));
    EXPECT_FALSE(s.done());
    EXPECT_FALSE(no.done());
    w.receive(yes, "p");
    ASSERT_TRUE(w.run_until([&] { return both_done(s, yes); }));
    expect_success(s, yes);
    EXPECT_TRUE(no.destination.names().empty());
    no.cancel.emit(asio::cancellation_type::terminal);
    ASSERT_TRUE(w.run_until([&] { return no.done(); }));
}

TEST_P(in_process, refusal_may_end_the_receiver)
{
    world w{GetParam()};
    send_operation s;
    receive_operation r;
    r.log.on_question = answer_no;
    const auto options = receive_options{}.refusal_ends(true);
    w.send(s, bytes_source("gift", random_bytes(5000)), "p");
    w.receive(r, "p", options);
    ASSERT_TRUE(w.run_until([&] { return r.done() && s.log.refusals == 1; })) << "the sender is told";
    EXPECT_EQ(r.error(), errc::refused_by_user);
    EXPECT_EQ(r.error(), condition::refused);
    EXPECT_FALSE(s.done());
    s.cancel.emit(asio::cancellation_type::terminal);
    ASSERT_TRUE(w.run_until([&] { return s.done(); }));
    EXPECT_EQ(s.error(), errc::cancelled);
}

TEST_P(in_process, many_pairs_at_once)
{
    constexpr int pairs = 12;
    world w{GetParam()};
    std::vector<std::unique_ptr<send_operation>> senders;
    std::vector<std::unique_ptr<receive_operation>> receivers;
    std::vector<byte_vector> contents;
    for (int i = 0; i < pairs; ++i) {
        senders.push_back(std::make_unique<send_operation>());
        receivers.push_back(std::make_unique<receive_operation>());
        contents.push_back(random_bytes(static_cast<std::size_t>(i) * 20'011, static_cast<std::uint64_t>(i)));
    }
    for (int i = 0; i < pairs; ++i) {
        const auto at = static_cast<std::size_t>(i), other = static_cast<std::size_t>(pairs - 1 - i);
        w.send(*senders[at], bytes_source("document", contents[at]), "code " + std::to_string(at), {},
               "10.0.1." + std::to_string(at + 1));
        w.receive(*receivers[other], "code " + std::to_string(other), {},
                  "10.0.2." + std::to_string(other + 1));
    }
    ASSERT_TRUE(w.run_until([&] {
        return std::all_of(senders.begin(), senders.end(), [](const auto& s) { return s->done(); }) &&
               std::all_of(receivers.begin(), receivers.end(), [](const auto& r) { return r->done(); });
    }));
    for (std::size_t i = 0; i < pairs; ++i) {
        expect_success(*senders[i], *receivers[i]);
        EXPECT_EQ(file_bytes(receivers[i]->destination.path() / "document"), contents[i]);
    }
    EXPECT_EQ(w.log.agreements, pairs);
}

TEST_P(in_process, two_senders_with_one_password)
{
    world w{GetParam()};
    send_operation first, second;
    receive_operation r, rest;
    w.send(first, bytes_source("document", random_bytes(3000)), "twins", {}, "10.0.0.1");
    w.send(second, bytes_source("document", random_bytes(3000)), "twins", {}, "10.0.0.3");
    w.receive(r, "twins");
    ASSERT_TRUE(w.run_until([&] { return r.done() && (first.done() || second.done()); }));
    EXPECT_TRUE(r.succeeded()) << r.message();
    EXPECT_NE(first.done(), second.done());
    send_operation& left = first.done() ? second : first;
    w.receive(rest, "twins", {}, "10.0.0.4");
    ASSERT_TRUE(w.run_until([&] { return both_done(left, rest); }));
    expect_success(left, rest);
}

TEST_P(in_process, both_layouts_and_all_ciphers)
{
    for (const cipher c : {cipher::aes_256_gcm, cipher::aes_256_ccm, cipher::chacha20_poly1305}) {
        for (const record_layout layout : {record_layout::current, record_layout::original}) {
            world w{GetParam()};
            send_operation s;
            receive_operation r;
            w.send(s, bytes_source("document", random_bytes(100'000)), "p",
                   send_options{}.cipher0(c).layout(layout));
            const bool possible = c == cipher::aes_256_gcm || layout == record_layout::original;
            if (possible) w.receive(r, "p");
            ASSERT_TRUE(w.run_until([&] { return s.done() && (r.done() || !possible); }));
            if (possible)
                expect_success(s, r);
            else
                EXPECT_EQ(s.error(), errc::record_layout_impossible);
        }
    }
}

TEST_P(in_process, destination_exists)
{
    world w{GetParam()};
    send_operation s;
    receive_operation r;
    std::ofstream{r.destination.path() / "document"} << "mine";
    w.send(s, bytes_source("document", random_bytes(400'000)), "p");
    w.receive(r, "p");
    ASSERT_TRUE(w.run_until([&] { return both_done(s, r); }));
    EXPECT_EQ(r.error(), errc::destination_exists);
    EXPECT_EQ(s.error(), errc::peer_disconnected) << s.message();
    EXPECT_EQ(r.destination.names(), (std::set<std::string>{"document"}));
    EXPECT_EQ(fs::file_size(r.destination.path() / "document"), 4u);
}

} // namespace
} // namespace parley::test
