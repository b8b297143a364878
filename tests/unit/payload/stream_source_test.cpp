#include <parley/payload/stream_source.hpp>

#include "unit/payload/file_size_limit.hpp"
#include "unit/payload/sample_files.hpp"
#include "unit/payload/take_document.hpp"

#include <parley/testing/seeded_random.hpp>

#include <boost/system/errc.hpp>

#include <atomic>
#include <fcntl.h>
#include <thread>
#include <unistd.h>

namespace {

using namespace parley;
using namespace parley_test;
using parley::testing::seeded_random;
namespace sys = boost::system::errc;

// A pipe whose reading end a source has.
class streamed_pipe {
public:
    explicit streamed_pipe(int flags = O_CLOEXEC)
    {
        int ends[2];
        if (::pipe2(ends, flags) != 0) throw std::runtime_error("pipe2");
        writing_ = descriptor(ends[1]);
        seeded_random random(1);
        source = *stream_source::create("stream", descriptor(ends[0]), folder.path(), random);
    }
    void put(std::string_view text) const
    {
        ASSERT_EQ(::write(writing_.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
    }
    void finish() { writing_.reset(); }
    std::string read(std::size_t most = 1000) const
    {
        byte_vector piece(most);
        const auto n = source->read(piece);
        EXPECT_TRUE(n);
        return n ? std::string(as_text(bytes_view(piece).first(*n))) : std::string();
    }

    const temporary_folder folder;
    std::unique_ptr<stream_source> source;

private:
    descriptor writing_;
};

TEST(StreamSource, OffersAStreamOfUnknownLength)
{
    const streamed_pipe pipe;
    const auto outline = *pipe.source->list();
    expect_receivers_take(*outline);
    EXPECT_EQ(outline->offer().kind, document_kind::stream);
    EXPECT_EQ(outline->offer().name, "stream");
    EXPECT_EQ(outline->offer().bytes, unknown_size);
    EXPECT_TRUE(pipe.folder.names().empty());
}

TEST(StreamSource, GivesWhatIsThere)
{
    for (const int flags : {O_CLOEXEC, O_CLOEXEC | O_NONBLOCK}) {
        streamed_pipe pipe(flags);
        ASSERT_FALSE(pipe.source->open(0, 0));
        pipe.put("one");
        EXPECT_EQ(pipe.read(), "one") << "it does not wait for more";
        pipe.put("twothree");
        EXPECT_EQ(pipe.read(3), "two");
        EXPECT_EQ(pipe.read(), "three");
        pipe.finish();
        EXPECT_EQ(pipe.read(), "");
        EXPECT_EQ(pipe.read(), "") << "the end stays the end";
        EXPECT_FALSE(pipe.source->close());
        EXPECT_EQ(pipe.source->kept_bytes(), 11u);
    }
}

TEST(StreamSource, GoesBackToWhatItHasRead)
{
    streamed_pipe pipe;
    ASSERT_FALSE(pipe.source->open(0, 0));
    pipe.put("abcdef");
    EXPECT_EQ(pipe.read(), "abcdef");
    pipe.put("ghi");
    ASSERT_FALSE(pipe.source->open(0, 4));
    EXPECT_EQ(pipe.read(1), "e");
    EXPECT_EQ(pipe.read(), "f") << "first what is kept";
    EXPECT_EQ(pipe.read(), "ghi");
    EXPECT_EQ(pipe.source->open(0, 10), sys::invalid_argument) << "nobody has read that";
    EXPECT_EQ(pipe.source->fault().reason, session_reason::internal);
    ASSERT_FALSE(pipe.source->open(0, 9));
    pipe.put("j");
    pipe.finish();
    EXPECT_EQ(pipe.read(), "j");
    EXPECT_EQ(*take_file(*pipe.source, 0), "abcdefghij") << "as a whole, when it has ended";
    EXPECT_EQ(*take_file(*pipe.source, 0, 10), "");
}

TEST(StreamSource, TakesALongStream)
{
    streamed_pipe pipe;
    const std::string content = random_text(5'000'000, 1);
    std::thread writer([&] {
        for (std::size_t at = 0; at < content.size(); at += 30'000)
            pipe.put(std::string_view(content).substr(at, 30'000));
        pipe.finish();
    });
    const auto first = take_file(*pipe.source, 0, 0, 2'000'000);
    writer.join();
    ASSERT_TRUE(first);
    EXPECT_TRUE(*first == content);
    EXPECT_TRUE(*take_file(*pipe.source, 0, 1'234'567) == content.substr(1'234'567));
}

TEST(StreamSource, TakesAFile)
{
    const temporary_folder folder;
    seeded_random random(1);
    const std::string path = folder.write("f", "content").string();
    const auto source = *stream_source::create("f", descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC)),
                                               folder.path(), random);
    EXPECT_EQ(*take_file(*source, 0), "content");
    const auto null = *stream_source::create("null", descriptor(::open("/dev/null", O_RDONLY | O_CLOEXEC)),
                                             folder.path(), random);
    EXPECT_EQ(*take_file(*null, 0), "");
}

// Whether the thread waits for something.
bool is_asleep(pid_t thread)
{
    std::ifstream file("/proc/self/task/" + std::to_string(thread) + "/stat");
    std::string number, name, state;
    file >> number >> name >> state;
    return state == "S";
}

TEST(StreamSource, StopEndsTheWait)
{
    streamed_pipe pipe;
    ASSERT_FALSE(pipe.source->open(0, 0));
    pipe.put("x");
    ASSERT_EQ(pipe.read(), "x");
    error_code error;
    std::atomic<pid_t> id = 0;
    std::thread waiting([&] {
        std::array<byte, 8> piece;
        id = ::gettid();
        error = pipe.source->read(piece).error();
    });
    while (id == 0 || !is_asleep(id)) std::this_thread::yield();
    pipe.source->stop();
    waiting.join();
    EXPECT_EQ(error, errc::cancelled);
    EXPECT_EQ(pipe.source->fault().reason, session_reason::cancelled);
    EXPECT_EQ(pipe.source->open(0, 0), errc::cancelled);
}

TEST(StreamSource, CallsAFunction)
{
    const temporary_folder folder;
    seeded_random random(1);
    int calls = 0;
    const auto source = *stream_source::create(
        "made",
        [&calls](mutable_bytes out) -> result<std::size_t> {
            if (++calls > 3) return std::size_t{0};
            out[0] = static_cast<byte>('0' + calls);
            return std::size_t{1};
        },
        folder.path(), random);
    expect_receivers_take(**source->list());
    EXPECT_EQ(calls, 0);
    EXPECT_EQ(*take_file(*source, 0), "123");
    EXPECT_EQ(*take_file(*source, 0), "123");
    EXPECT_EQ(calls, 4);
}

TEST(StreamSource, AFailureOfTheInputIsItsOwn)
{
    const temporary_folder folder;
    seeded_random random(1);
    const auto source = *stream_source::create(
        "bad", [](mutable_bytes) -> result<std::size_t> { return sys::make_error_code(sys::io_error); },
        folder.path(), random);
    EXPECT_EQ(take_file(*source, 0).error(), sys::io_error);
    EXPECT_EQ(source->fault().reason, session_reason::file_failed);
    EXPECT_EQ(source->fault().text, "'bad' cannot be read: Input/output error");
    const auto liar = *stream_source::create(
        "liar", [](mutable_bytes out) -> result<std::size_t> { return out.size() + 1; }, folder.path(),
        random);
    EXPECT_EQ(take_file(*liar, 0).error(), sys::invalid_argument);
    const auto directory =
        *stream_source::create("d", descriptor(::open("/", O_RDONLY | O_CLOEXEC)), folder.path(), random);
    EXPECT_EQ(take_file(*directory, 0).error(), sys::is_a_directory);
}

TEST(StreamSource, EndsWhereItCannotKeepMore)
{
    streamed_pipe pipe;
    ASSERT_FALSE(pipe.source->open(0, 0));
    pipe.put(std::string(6000, 'x'));
    pipe.finish();
    ASSERT_EQ(pipe.read(5000).size(), 5000u);
    byte_vector piece(5000);
    {
        const file_size_limit limit(5500);
        EXPECT_EQ(pipe.source->read(piece).error(), sys::file_too_large);
        EXPECT_EQ(pipe.source->fault().reason, session_reason::no_space);
        EXPECT_EQ(pipe.source->fault().text, "the sender cannot keep what it reads: File too large");
    }
    EXPECT_EQ(pipe.source->read(piece).error(), sys::file_too_large) << "what was read is lost";
    ASSERT_FALSE(pipe.source->open(0, 0));
    EXPECT_EQ(pipe.read(5000).size(), 5000u) << "what was kept is still there";
}

TEST(StreamSource, NeedsANameAndAFolder)
{
    const temporary_folder folder;
    seeded_random random(1);
    const auto nothing = [](mutable_bytes) -> result<std::size_t> { return std::size_t{0}; };
    diagnostics why;
    EXPECT_EQ(stream_source::create("", nothing, folder.path(), random, &why).error(), errc::hostile_name);
    EXPECT_EQ(why.message(), "receivers refuse the name \"\": it is empty");
    EXPECT_EQ(stream_source::create("x", nothing, folder / "absent", random, &why).error(),
              sys::no_such_file_or_directory);
    EXPECT_EQ(why.message(), "what is read cannot be kept in \"" + (folder / "absent").string() +
                                 "\": No such file or directory");
    EXPECT_EQ(stream_source::create("x", descriptor(), folder.path(), random).error(),
              sys::bad_file_descriptor);
    EXPECT_EQ(stream_source::create("x", stream_source::reader(), folder.path(), random).error(),
              sys::bad_file_descriptor);
}

} // namespace
