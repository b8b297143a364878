#include "payload/in/inflater.hpp"
#include "support/pack_builder.hpp"
#include "unit/payload/sample_files.hpp"

#include <gtest/gtest.h>

namespace parley_test {
namespace {

using parley::inflater;

struct inflated {
    std::string content;
    inflater::status last = inflater::status::more;
    std::size_t taken = 0;
};

// Each piece of input is freed before the next is offered, as with a network.
inflated run(inflater& inflate, std::string_view stream, std::size_t in_piece, std::size_t out_piece)
{
    inflated out;
    parley::byte_vector buffer(out_piece);
    while (!stream.empty() && out.last == inflater::status::more) {
        const std::string piece(stream.substr(0, in_piece));
        parley::bytes_view in = parley::as_bytes(piece);
        bool more = true;
        while (more && out.last == inflater::status::more) {
            const auto step = inflate.step(in, buffer);
            out.content += parley::as_text({buffer.data(), step.made});
            out.content += parley::as_text(step.stored);
            out.last = step.state;
            more = !in.empty() || step.made == out_piece;
        }
        inflate.keep();
        out.taken += piece.size() - in.size();
        stream.remove_prefix(piece.size());
    }
    return out;
}

TEST(Inflater, undoes_streams_one_after_another_in_any_split)
{
    inflater inflate;
    const std::string contents[] = {"", "x", wordy_text(5000, 1), random_text(5000, 2),
                                    std::string(100'000, 'z')};
    for (const std::string& content : contents) {
        for (const int level : {0, 1, 9}) {
            const std::string stream = zlib_stream(content, level);
            for (const auto& [in_piece, out_piece] :
                 {std::pair<std::size_t, std::size_t>{1, 1}, {1, 4096}, {1 << 20, 7}, {100, 1 << 20}}) {
                inflate.reset();
                const auto out = run(inflate, stream + "what follows", in_piece, out_piece);
                EXPECT_EQ(out.last, inflater::status::ended);
                EXPECT_TRUE(out.content == content);
                EXPECT_EQ(out.taken, stream.size()) << "nothing of what follows is taken";
            }
        }
    }
}

TEST(Inflater, waits_for_the_end_of_a_cut_stream)
{
    inflater inflate;
    const std::string stream = zlib_stream("some content");
    for (std::size_t cut = 0; cut < stream.size(); ++cut) {
        inflate.reset();
        EXPECT_EQ(run(inflate, stream.substr(0, cut), 100, 100).last, inflater::status::more) << cut;
    }
}

TEST(Inflater, refuses_what_is_no_zlib_stream)
{
    inflater inflate;
    EXPECT_EQ(run(inflate, "no zlib stream", 100, 100).last, inflater::status::bad);
    inflate.reset();
    std::string wrong = zlib_stream("some content");
    wrong.back() = static_cast<char>(wrong.back() ^ 1);
    EXPECT_EQ(run(inflate, wrong, 100, 100).last, inflater::status::bad) << "checksum";
    inflate.reset();
    EXPECT_EQ(run(inflate, std::string("\x78\xbb\0\0\0\1abcd", 10), 100, 100).last, inflater::status::bad)
        << "dictionary";
    inflate.reset();
    EXPECT_EQ(run(inflate, zlib_stream("usable again"), 100, 100).content, "usable again");
}

} // namespace
} // namespace parley_test
