#include <parley/payload/bytes_source.hpp>

#include "unit/payload/take_document.hpp"

#include <parley/testing/seeded_random.hpp>

#include <boost/system/errc.hpp>

namespace {

using namespace parley;
using namespace parley_test;
using parley::testing::seeded_random;
namespace sys = boost::system::errc;

TEST(BytesSource, OffersAFile)
{
    seeded_random random(1);
    const std::string content = random_text(100'000, 1);
    const auto source = *bytes_source::file("notes.txt", bytes_of(content), random);
    const auto outline = *source->list();
    expect_receivers_take(*outline);
    EXPECT_EQ(outline->offer().kind, document_kind::file);
    EXPECT_EQ(outline->offer().name, "notes.txt");
    EXPECT_EQ(outline->offer().bytes, content.size());
    EXPECT_NE(outline->offer().id, document_id{});
    EXPECT_TRUE(*take_file(*source, 0) == content);
    EXPECT_TRUE(*take_file(*source, 0, 99'999) == content.substr(99'999));
    EXPECT_EQ(*take_file(*source, 0, 100'000), "");
    const auto empty = *bytes_source::file("empty", {}, random);
    expect_receivers_take(**empty->list());
    EXPECT_EQ(*take_file(*empty, 0), "");
    EXPECT_NE((*empty->list())->offer().id, outline->offer().id);
}

TEST(BytesSource, OffersAText)
{
    seeded_random random(1);
    const std::string longest = wordy_text(max_document_text_bytes, 1);
    for (const std::string& text : {std::string(), std::string("hello\n"), longest}) {
        const auto source = *bytes_source::text(text, "greeting", random);
        const auto outline = *source->list();
        expect_receivers_take(*outline);
        EXPECT_EQ(outline->offer().kind, document_kind::text);
        EXPECT_EQ(outline->offer().name, "greeting");
        EXPECT_TRUE(*take_file(*source, 0) == text);
    }
    EXPECT_EQ(bytes_source::text(longest + "x", {}, random).error(), errc::document_too_large);
    EXPECT_TRUE(bytes_source::text("x", {}, random));
}

TEST(BytesSource, RefusesNames)
{
    seeded_random random(1);
    diagnostics why;
    EXPECT_EQ(bytes_source::file("a/b", {}, random, &why).error(), errc::hostile_name);
    EXPECT_EQ(why.message(), "receivers refuse the name \"a/b\": it holds a path separator");
    EXPECT_EQ(bytes_source::text("x", "\xff", random).error(), errc::hostile_name);
}

TEST(BytesSource, IsAskedOnlyForWhatItHas)
{
    seeded_random random(1);
    const auto source = *bytes_source::file("f", bytes_of("12"), random);
    std::array<byte, 4> piece;
    EXPECT_EQ(source->read(piece).error(), sys::invalid_argument);
    EXPECT_EQ(source->close(), sys::invalid_argument);
    EXPECT_EQ(source->open(1, 0), sys::invalid_argument);
    EXPECT_EQ(source->open(0, 3), sys::invalid_argument);
    EXPECT_EQ(source->fault().reason, session_reason::internal);
    ASSERT_FALSE(source->open(0, 1));
    source->stop();
    EXPECT_EQ(source->read(piece).error(), errc::cancelled);
    EXPECT_EQ(source->open(0, 0), errc::cancelled);
}

} // namespace
