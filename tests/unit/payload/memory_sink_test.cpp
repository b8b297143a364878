#include "unit/payload/sample_document.hpp"

#include <parley/payload/memory_sink.hpp>

#include <boost/system/errc.hpp>

#include <gtest/gtest.h>

namespace parley_test {
namespace {

using parley::document_kind;
using parley::errc;
using parley::error_code;
using parley::memory_sink;
using parley::session_reason;

sample_document text_of(const std::string& content)
{
    return make_sample(document_kind::text, "", {sample_file("", content)});
}

TEST(memory_sinks, keep_a_text)
{
    for (const std::string& content : {std::string(), std::string("hello"), random_text(65536, 1)}) {
        const auto document = text_of(content);
        memory_sink sink;
        ASSERT_TRUE(sink.preview(document.outline));
        ASSERT_FALSE(deliver(sink, document, content.size() / 2).error);
        sink.interrupt();
        const auto rest = deliver(sink, document);
        EXPECT_EQ(rest.sent, content.size() - content.size() / 2);
        const auto stored = sink.commit();
        ASSERT_TRUE(stored);
        EXPECT_EQ(stored->content_bytes, content.size());
        EXPECT_TRUE(stored->path.empty());
        sink.end(false);
        EXPECT_EQ(sink.content(), bytes_of(content));
    }
}

TEST(memory_sinks, start_anew_with_another_content)
{
    memory_sink sink(200);
    const auto document = sample_single("f", std::string(150, 'a'));
    ASSERT_TRUE(sink.preview(document.outline));
    ASSERT_FALSE(deliver(sink, document, 100).error);
    const auto other = sample_single("f", std::string(150, 'b'));
    EXPECT_EQ(deliver(sink, other).sent, 150u);
    EXPECT_TRUE(sink.commit());
    EXPECT_EQ(sink.content(), bytes_of(std::string(150, 'b')));
}

TEST(memory_sinks, are_bounded)
{
    memory_sink small(9);
    EXPECT_EQ(small.preview(sample_single("f", "0123456789").outline).error(), errc::document_too_large);
    EXPECT_EQ(small.fault().reason, session_reason::no_space);
    const auto stream = make_sample(document_kind::stream, "s", {sample_file("", "0123456789")});
    memory_sink sink(9);
    ASSERT_TRUE(sink.preview(stream.outline));
    EXPECT_EQ(deliver(sink, stream).error, errc::document_too_large);
    sink.end(true);
    EXPECT_TRUE(sink.content().empty());
}

TEST(memory_sinks, take_one_file_only)
{
    memory_sink sink;
    EXPECT_EQ(sink.preview(sample_tree({}).outline).error(), errc::not_a_file);
    EXPECT_EQ(sink.fault().reason, session_reason::refused_by_user);
    EXPECT_EQ(sink.preview(sample_items({sample_file("a", "")}).outline).error(), errc::not_a_file);
}

TEST(memory_sinks, hand_content_on_once)
{
    const auto document = sample_single("f", random_text(500'000, 2));
    std::string got;
    int ends = 0;
    memory_sink sink([&](parley::bytes_view bytes) {
        got += parley::as_text(bytes);
        ends += bytes.empty();
        return error_code();
    });
    ASSERT_TRUE(sink.preview(document.outline));
    ASSERT_FALSE(deliver(sink, document, 123'456).error);
    sink.interrupt();
    EXPECT_EQ(deliver(sink, document).sent, 500'000u - 123'456u);
    EXPECT_EQ(ends, 0);
    EXPECT_TRUE(sink.commit());
    EXPECT_EQ(ends, 1);
    EXPECT_TRUE(got == document.contents[0]);
    EXPECT_TRUE(sink.content().empty());
}

TEST(memory_sinks, cannot_take_back_what_was_handed_on)
{
    const auto document = sample_single("f", random_text(1000, 3));
    memory_sink sink([](parley::bytes_view) { return error_code(); });
    ASSERT_TRUE(sink.preview(document.outline));
    ASSERT_FALSE(deliver(sink, document, 100).error);
    sink.interrupt();
    EXPECT_EQ(deliver(sink, sample_single("f", random_text(1000, 4))).error, errc::document_changed);
    EXPECT_EQ(sink.fault().reason, session_reason::document_changed);
}

TEST(memory_sinks, pass_on_an_error_of_the_callback)
{
    const auto document = sample_single("f", "content");
    memory_sink sink([](parley::bytes_view) { return make_error_code(boost::system::errc::broken_pipe); });
    ASSERT_TRUE(sink.preview(document.outline));
    const auto error = deliver(sink, document).error;
    EXPECT_EQ(error, boost::system::errc::broken_pipe);
    EXPECT_EQ(error, parley::condition::local_fault);
    EXPECT_EQ(sink.fault().reason, session_reason::file_failed);
    EXPECT_EQ(sink.commit().error(), boost::system::errc::broken_pipe);
}

} // namespace
} // namespace parley_test
