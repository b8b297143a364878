// Documents of version 2 between actors in one process: a relay, a sender and a receiver over memory streams.
#include "support/actors_world.hpp"

#include <parley/payload/bytes_source.hpp>
#include <parley/payload/folder_source.hpp>
#include <parley/payload/stream_source.hpp>

namespace parley::test {
namespace {

using namespace std::chrono_literals;

// A sink in memory that keeps what came, as a disk does.
class tree_sink final : public content_sink {
public:
    result<sink_preview> preview(std::shared_ptr<const document_outline> offered) override
    {
        document = std::move(offered);
        contents.resize(document->entries().size());
        if (refuses) {
            fault_ = *refuses;
            return errc::no_room;
        }
        return sink_preview{};
    }
    result<std::vector<kept_part>> begin() override
    {
        ++begins;
        std::vector<kept_part> out;
        for (std::uint32_t i = 0; i < contents.size(); ++i)
            if (!contents[i].empty()) out.push_back({i, contents[i].size(), hash_blake2b_256(contents[i])});
        return out;
    }
    error_code open(std::uint32_t number, std::uint64_t offset) override
    {
        open_ = number;
        contents.at(number).resize(offset);
        return {};
    }
    error_code write(bytes_view bytes) override
    {
        if (fails_at && contents[open_].size() + bytes.size() > *fails_at) {
            fault_ = {session_reason::no_space, "3 GiB needed"};
            return errc::no_room;
        }
        contents[open_].insert(contents[open_].end(), bytes.begin(), bytes.end());
        written += bytes.size();
        return {};
    }
    error_code close() override { return {}; }
    result<stored_document> commit() override
    {
        stored_document out;
        out.files = contents.size();
        return out;
    }
    void interrupt() noexcept override { ++interruptions; }
    void end(bool keep) noexcept override { kept = keep; }
    const document_fault& fault() const noexcept override { return fault_; }

    std::shared_ptr<const document_outline> document;
    std::vector<byte_vector> contents;
    std::optional<document_fault> refuses;
    std::optional<std::uint64_t> fails_at;
    std::optional<bool> kept;
    std::uint64_t written = 0;
    int begins = 0, interruptions = 0;

private:
    std::uint32_t open_ = 0;
    document_fault fault_;
};

// The observer's events of version 2.
class content_log : public peer_log {
public:
    void interrupted(const operation_error& why, duration) override
    {
        ++interruptions;
        last_break = why;
    }
    void resumed() override { ++resumptions; }
    void failed_there(const identity&, error_code why, std::string_view text) override
    {
        failures.emplace_back(why, text);
    }
    int interruptions = 0, resumptions = 0;
    operation_error last_break;
    std::vector<std::pair<error_code, std::string>> failures;
};

template <class Report>
struct content_operation {
    content_log log;
    asio::cancellation_signal cancel;
    std::optional<operation_result<Report>> result;
    bool done() const noexcept { return result.has_value(); }
    error_code error() const { return result && !*result ? result->error().code : error_code{}; }
    std::string message() const { return result && !*result ? result->error().message() : std::string{}; }
    auto token()
    {
        return asio::bind_cancellation_slot(
            cancel.slot(), [this](std::exception_ptr thrown, operation_result<Report> value) {
                EXPECT_FALSE(thrown);
                result.emplace(std::move(value));
            });
    }
};

// One sender and one receiver.
struct content_world {
    void send(content_source& source, send_options options = {}, const std::string& password = "p")
    {
        options.relay(w.address("10.0.0.1"))
            .random(&w.random)
            .time(&w.time)
            .blocking(w.context.get_executor());
        async_send_document(w.context.get_executor(), secret_bytes{password}, source, options, sender.log,
                            sender.token());
    }
    void receive(content_sink& sink, receive_options options = {}, const std::string& password = "p")
    {
        options.relay(w.address("10.0.0.2"))
            .random(&w.random)
            .time(&w.time)
            .blocking(w.context.get_executor());
        async_receive_document(w.context.get_executor(), secret_bytes{password}, sink, options, receiver.log,
                               receiver.token());
    }
    bool both_done() const { return sender.done() && receiver.done(); }
    void expect_success()
    {
        ASSERT_TRUE(w.run_until([&] { return both_done(); }, 30min));
        EXPECT_EQ(sender.message(), "");
        EXPECT_EQ(receiver.message(), "");
    }

    static relay_server_options in_virtual_time()
    {
        relay_server_options out = announcing_at_once();
        out.time = nullptr;
        return out;
    }

    world w{over::memory, in_virtual_time()};
    content_operation<send_report> sender;
    content_operation<receive_report> receiver;
};

std::unique_ptr<parley::bytes_source> file_of(content_world& c, std::size_t size,
                                              const std::string& name = "photo.jpg")
{
    auto out = parley::bytes_source::file(name, random_bytes(size), c.w.random);
    EXPECT_TRUE(out);
    return std::move(*out);
}

TEST(content_transfer, a_file)
{
    content_world c;
    const auto source = file_of(c, 3'000'000);
    tree_sink sink;
    c.send(*source);
    c.receive(sink);
    c.expect_success();
    ASSERT_EQ(sink.contents.size(), 1u);
    EXPECT_EQ(sink.contents[0], random_bytes(3'000'000));
    EXPECT_EQ(sink.document->offer().name, "photo.jpg");
    ASSERT_EQ(c.receiver.log.documents.size(), 1u);
    EXPECT_EQ(c.receiver.log.documents[0].content_bytes, 3'000'000u);
    EXPECT_EQ(c.sender.log.last.total_content_bytes, 3'000'000u);
    EXPECT_EQ(c.sender.log.last.content_bytes, 3'000'000u) << "what the receiver has";
    EXPECT_EQ((*c.sender.result)->content_bytes, 3'000'000u);
    EXPECT_FALSE(c.receiver.log.saw("asked")) << "the user is asked about the document only";
}

TEST(content_transfer, a_tree_that_compresses)
{
    content_world c;
    temporary_folder folder;
    fs::create_directories(folder.path() / "top/empty/deeper");
    std::map<std::string, byte_vector> expected;
    testing::seeded_random random{3};
    for (int i = 0; i < 300; ++i) {
        const std::string name = "file" + std::to_string(i);
        const std::string text(random.below(20'000), static_cast<char>('a' + i % 26));
        std::ofstream{folder.path() / "top" / name} << text;
        expected[name] = byte_vector(text.begin(), text.end());
    }
    const std::string large(5'000'000, 'y');
    std::ofstream{folder.path() / "top/large"} << large;
    expected["large"] = byte_vector(large.begin(), large.end());
    auto source = folder_source::create(folder_options{folder.path() / "top"}, c.w.random);
    ASSERT_TRUE(source);
    tree_sink sink;
    c.send(**source);
    c.receive(sink);
    c.expect_success();
    const entry_list& entries = sink.document->entries();
    for (std::uint32_t i = 0; i < entries.size(); ++i) {
        const std::string path = entries.path(i);
        if (entries.at(i).kind != entry_kind::file) continue;
        EXPECT_EQ(sink.contents[i], expected[path]) << path;
    }
    EXPECT_EQ(entries.size(), expected.size() + 2);
    EXPECT_LT(c.w.log.rooms.at(0).server_to_client_bytes, 1'000'000u) << "it was compressed";
}

TEST(content_transfer, a_text_and_an_empty_file)
{
    content_world c;
    auto source = parley::bytes_source::text("hello", "a title", c.w.random);
    tree_sink sink;
    c.send(**source);
    c.receive(sink);
    c.expect_success();
    EXPECT_EQ(as_text(sink.contents.at(0)), "hello");
    EXPECT_EQ(c.receiver.log.documents.at(0).kind, document_kind::text);

    content_world empty;
    const auto nothing = file_of(empty, 0);
    tree_sink other;
    empty.send(*nothing);
    empty.receive(other);
    empty.expect_success();
    EXPECT_EQ(other.contents.at(0).size(), 0u);
}

// Every room is cut after some bytes; both come back by themselves, and nothing is sent twice.
TEST(content_transfer, broken_connections_are_continued)
{
    content_world c;
    const auto source = file_of(c, 5'000'000);
    tree_sink sink;
    int rooms = 0;
    c.w.wrap = [&](any_stream stream, stream_kind kind, const std::string& host) {
        if (kind != stream_kind::room || host != "10.0.0.1" || ++rooms > 5) return stream;
        testing::fault_options faults;
        faults.failing_operation = 30 + static_cast<std::size_t>(rooms);
        faults.max_write_bytes = 60'000;
        return testing::make_fault_stream(std::move(stream), faults);
    };
    c.send(*source);
    c.receive(sink);
    c.expect_success();
    EXPECT_EQ(sink.contents.at(0), random_bytes(5'000'000));
    EXPECT_EQ(rooms, 6);
    EXPECT_EQ(sink.begins, 6);
    EXPECT_EQ(c.sender.log.resumptions, 5);
    EXPECT_EQ(c.receiver.log.resumptions, 5);
    EXPECT_EQ(c.receiver.log.documents.size(), 1u) << "the user is asked once";
    EXPECT_EQ(sink.written, 5'000'000u) << "nothing came twice";
}

// The connection breaks at each operation of the first room in turn, at the side `host`.
void fail_every_operation_once(const std::string& host)
{
    std::size_t operations = 1;
    for (std::size_t step = 0; step <= operations; ++step) {
        SCOPED_TRACE(step);
        const std::size_t failing = step == 0 ? testing::never_fails : step - 1;
        content_world c;
        const auto source = file_of(c, 200'000);
        tree_sink sink;
        int rooms = 0;
        std::size_t count = 0;
        c.w.wrap = [&](any_stream stream, stream_kind kind, const std::string& from) {
            if (kind != stream_kind::room || from != host || ++rooms > 1) return stream;
            testing::fault_options faults;
            faults.failing_operation = failing;
            return testing::make_fault_stream(std::move(stream), faults, &count);
        };
        c.send(*source);
        c.receive(sink);
        c.expect_success();
        EXPECT_EQ(sink.contents.at(0), random_bytes(200'000));
        EXPECT_EQ(sink.written, 200'000u) << "nothing came twice";
        if (step == 0) operations = count;
    }
    EXPECT_GT(operations, 5u);
}

TEST(content_transfer, every_operation_of_the_sender_in_the_room_fails_once)
{
    fail_every_operation_once("10.0.0.1");
}

TEST(content_transfer, every_operation_of_the_receiver_in_the_room_fails_once)
{
    fail_every_operation_once("10.0.0.2");
}

TEST(content_transfer, a_stream_of_unknown_length_is_continued)
{
    content_world c;
    temporary_folder folder;
    const byte_vector content = random_bytes(2'000'000);
    std::size_t given = 0;
    auto source = stream_source::create(
        "dump",
        [&](mutable_bytes out) -> result<std::size_t> {
            const std::size_t n = std::min({out.size(), content.size() - given, std::size_t{50'000}});
            std::copy_n(content.begin() + static_cast<std::ptrdiff_t>(given), n, out.begin());
            given += n;
            return n;
        },
        folder.path(), c.w.random);
    ASSERT_TRUE(source);
    tree_sink sink;
    int rooms = 0;
    c.w.wrap = [&](any_stream stream, stream_kind kind, const std::string& host) {
        if (kind != stream_kind::room || host != "10.0.0.1" || ++rooms > 1) return stream;
        testing::fault_options faults;
        faults.failing_operation = 20;
        return testing::make_fault_stream(std::move(stream), faults);
    };
    c.send(**source);
    c.receive(sink);
    c.expect_success();
    EXPECT_EQ(sink.contents.at(0), content);
    EXPECT_EQ(c.receiver.log.documents.at(0).content_bytes, unknown_size);
}

TEST(content_transfer, a_stream_above_the_receivers_limit_is_refused_as_it_comes)
{
    content_world c;
    temporary_folder folder;
    auto source = stream_source::create(
        "zeros",
        [](mutable_bytes out) -> result<std::size_t> {
            std::ranges::fill(out, byte{0});
            return out.size();
        },
        folder.path(), c.w.random);
    ASSERT_TRUE(source);
    tree_sink sink;
    receive_options options;
    options.max_bytes(1'000'000);
    c.send(**source);
    c.receive(sink, options);
    ASSERT_TRUE(c.w.run_until([&] { return c.receiver.done(); }));
    EXPECT_EQ(c.receiver.error(), errc::document_too_large);
    EXPECT_LE(sink.written, 1'000'000u);
    ASSERT_TRUE(c.w.run_until([&] { return !c.sender.log.failures.empty(); }));
    EXPECT_EQ(c.sender.log.failures[0].first, errc::no_room_at_peer);
    c.sender.cancel.emit(asio::cancellation_type::terminal);
    ASSERT_TRUE(c.w.run_until([&] { return c.sender.done(); }));
}

TEST(content_transfer, a_refusal_does_not_end_the_senders_wait)
{
    content_world c;
    const auto source = file_of(c, 1000);
    tree_sink sink;
    c.receiver.log.on_document = [](offered_document) -> awaitable<bool> { co_return false; };
    c.send(*source);
    c.receive(sink);
    ASSERT_TRUE(c.w.run_until([&] { return c.receiver.done(); }));
    EXPECT_EQ(c.receiver.error(), errc::refused_by_user);
    c.w.settle();
    EXPECT_FALSE(c.sender.done());
    EXPECT_EQ(c.sender.log.refusals, 1);
    EXPECT_EQ(sink.kept, true) << "of an earlier run";

    content_operation<receive_report> second;
    tree_sink other;
    receive_options options;
    options.relay(c.w.address("10.0.0.3"))
        .random(&c.w.random)
        .time(&c.w.time)
        .blocking(c.w.context.get_executor());
    async_receive_document(c.w.context.get_executor(), secret_bytes{"p"}, other, options, second.log,
                           second.token());
    ASSERT_TRUE(c.w.run_until([&] { return c.sender.done() && second.done(); }, 5min));
    EXPECT_EQ(c.sender.message(), "");
    EXPECT_EQ(second.message(), "");
    EXPECT_EQ(other.contents.at(0), random_bytes(1000));
}

TEST(content_transfer, the_sender_is_told_that_there_is_no_space)
{
    for (const bool at_once : {true, false}) {
        content_world c;
        const auto source = file_of(c, 1'000'000);
        tree_sink sink;
        if (at_once)
            sink.refuses = document_fault{session_reason::no_space, "3 GiB needed"};
        else
            sink.fails_at = 500'000;
        c.send(*source);
        c.receive(sink);
        ASSERT_TRUE(c.w.run_until([&] { return c.receiver.done(); }));
        EXPECT_EQ(c.receiver.error(), errc::no_room);
        ASSERT_TRUE(c.w.run_until([&] { return !c.sender.log.failures.empty(); }));
        EXPECT_EQ(c.sender.log.failures,
                  (std::vector<std::pair<error_code, std::string>>{{errc::no_room_at_peer, "3 GiB needed"}}));
        c.w.settle();
        EXPECT_FALSE(c.sender.done()) << "it waits for another receiver";
        c.sender.cancel.emit(asio::cancellation_type::terminal);
        ASSERT_TRUE(c.w.run_until([&] { return c.sender.done(); }));
    }
}

TEST(content_transfer, a_cancelled_side_tells_the_other_one)
{
    for (const bool by_sender : {true, false}) {
        content_world c;
        const auto source = file_of(c, 20'000'000);
        tree_sink sink;
        bool cancelled = false;
        c.receiver.log.on_phase = [&](const std::string& phase) {
            if (phase != "progress" || std::exchange(cancelled, true)) return;
            (by_sender ? c.sender.cancel : c.receiver.cancel).emit(asio::cancellation_type::terminal);
        };
        c.send(*source);
        c.receive(sink);
        ASSERT_TRUE(c.w.run_until([&] { return c.both_done(); }, 5min));
        EXPECT_EQ(by_sender ? c.sender.error() : c.receiver.error(), errc::cancelled);
        EXPECT_EQ(by_sender ? c.receiver.error() : c.sender.error(), errc::aborted_by_peer);
        EXPECT_EQ(sink.kept, true);
    }
}

// A receiver that was killed is started anew, with the code. The sender takes it for a new one, and sends what it lacks.
TEST(content_transfer, a_receiver_that_was_started_again_continues)
{
    content_world c;
    const auto source = file_of(c, 5'000'000);
    tree_sink sink;
    bool killed = false;
    c.w.fail_connection = [&](stream_kind, const std::string& host) {
        return killed && host == "10.0.0.2" ? make_error_code(errc::connect_failed) : error_code{};
    };
    std::size_t operations = 0;
    c.w.wrap = [&](any_stream stream, stream_kind kind, const std::string& host) {
        if (kind != stream_kind::room || host != "10.0.0.2") return stream;
        testing::fault_options faults;
        faults.failing_operation = 60;
        return testing::make_fault_stream(std::move(stream), faults, &operations);
    };
    c.send(*source);
    c.receive(sink);
    ASSERT_TRUE(c.w.run_until([&] { return operations > 50; }));
    killed = true;
    ASSERT_TRUE(c.w.run_until([&] { return c.sender.log.interruptions > 0; }));

    tree_sink again;
    again.contents = sink.contents;
    const std::size_t kept = again.contents.at(0).size();
    EXPECT_GT(kept, 0u);
    content_operation<receive_report> second;
    receive_options options;
    options.relay(c.w.address("10.0.0.3"))
        .random(&c.w.random)
        .time(&c.w.time)
        .blocking(c.w.context.get_executor());
    async_receive_document(c.w.context.get_executor(), secret_bytes{"p"}, again, options, second.log,
                           second.token());
    const time_point began = c.w.time.now();
    ASSERT_TRUE(c.w.run_until([&] { return c.sender.done() && second.done(); }, 5min));
    EXPECT_GE(c.w.time.now() - began, 29s);
    EXPECT_EQ(c.sender.message(), "");
    EXPECT_EQ(second.message(), "");
    EXPECT_EQ(again.contents.at(0), random_bytes(5'000'000));
    EXPECT_EQ(again.written, 5'000'000u - kept);
    EXPECT_EQ(second.log.documents.size(), 1u) << "its user is asked";
    ASSERT_TRUE(c.w.run_until([&] { return c.receiver.done(); }, 15min));
}

TEST(content_transfer, both_give_up_after_ten_minutes)
{
    content_world c;
    const auto source = file_of(c, 5'000'000);
    tree_sink sink;
    bool cut = false;
    c.w.fail_connection = [&](stream_kind, const std::string&) {
        return cut ? make_error_code(errc::connect_failed) : error_code{};
    };
    std::size_t writes = 0;
    c.w.wrap = [&](any_stream stream, stream_kind kind, const std::string& host) {
        if (kind != stream_kind::room || host != "10.0.0.1") return stream;
        testing::fault_options faults;
        faults.failing_operation = 40;
        return testing::make_fault_stream(std::move(stream), faults, &writes);
    };
    c.send(*source);
    c.receive(sink);
    ASSERT_TRUE(c.w.run_until([&] { return writes > 30; }));
    cut = true;
    const time_point began = c.w.time.now();
    ASSERT_TRUE(c.w.run_until([&] { return c.both_done(); }, 30min));
    EXPECT_GE(c.w.time.now() - began, 10min);
    EXPECT_LE(c.w.time.now() - began, 12min);
    EXPECT_TRUE(c.sender.error());
    EXPECT_TRUE(c.receiver.error());
    EXPECT_EQ(sink.kept, true);
    EXPECT_GT(c.receiver.log.interruptions, 15);
}

} // namespace
} // namespace parley::test
