#include "support/pack_builder.hpp"
#include "unit/payload/push_document.hpp"

#include <boost/system/errc.hpp>

#include <gtest/gtest.h>

#include <unistd.h>

namespace parley_test {
namespace {

using parley::document_receiver;
using parley::errc;
using parley::error_code;
using parley::receiver_options;
namespace fs = std::filesystem;

// A receiver that has taken all of `stream`.
document_receiver complete_receiver(receiver_options options, const std::string& stream)
{
    auto made = document_receiver::create(std::move(options));
    EXPECT_TRUE(made) << made.error().message();
    EXPECT_FALSE(made->write(parley::as_bytes(stream))) << made->error_detail();
    return std::move(*made);
}

TEST(document_place, another_name_is_taken_if_that_is_allowed)
{
    temporary_folder folder;
    auto options = into(folder.path());
    options.allow_other_name = true;
    for (const char* name : {"f.txt", "f (1).txt", "f (2).txt"}) {
        const auto result = push(options, file_pack("f.txt", "content"));
        ASSERT_TRUE(result.document) << result.error.message();
        EXPECT_EQ(result.document->path, folder / name);
        EXPECT_EQ(result.offered_name, "f.txt");
    }
    for (const char* name : {"d.d", "d.d (1)"})
        EXPECT_EQ(push(options, directory_pack("d.d", {{"a", "1"}})).document->path, folder / name);
    options.name = "f.txt";
    EXPECT_EQ(push(options, file_pack("else", "x")).document->path, folder / "f (3).txt");
    EXPECT_EQ(folder.names().size(), 6u);
}

TEST(document_place, another_name_is_known_before_the_document_is_placed)
{
    temporary_folder folder;
    folder.write("f", "mine");
    auto options = into(folder.path());
    options.allow_other_name = true;
    auto receiver = complete_receiver(options, file_pack("f", "theirs"));
    EXPECT_EQ(receiver.other_name(), "f (1)");
    EXPECT_EQ(receiver.preview()->path, folder / "f (1)");
    folder.write("f (1)", "mine, too"); // and again it is taken meanwhile
    EXPECT_EQ(receiver.commit()->path, folder / "f (2)");
    EXPECT_EQ(receiver.other_name(), "f (2)");
    EXPECT_EQ(complete_receiver(options, file_pack("g", "x")).other_name(), "");
}

TEST(document_place, a_folder_whose_name_is_taken_is_kept)
{
    temporary_folder folder;
    folder.write("d/mine", "1");
    auto receiver = complete_receiver(into(folder.path()), directory_pack("d", {{"a", "1"}, {"b/c", "2"}}));
    EXPECT_EQ(receiver.preview()->path, folder / "d");
    EXPECT_FALSE(receiver.keep()) << "nothing has failed yet, so nothing is built";
    EXPECT_EQ(receiver.commit().error(), errc::destination_exists);
    EXPECT_EQ(receiver.error_detail(), "\"d\"");
    const auto kept = receiver.keep();
    ASSERT_TRUE(kept);
    EXPECT_EQ(*kept, folder / "d (1)");
    EXPECT_EQ(receiver.error_detail(), "\"d\"; what arrived is kept as \"" + kept->native() + "\"");
    receiver.abandon();
    EXPECT_FALSE(receiver.keep()) << "once";
    EXPECT_EQ(listing_of(folder.path()), (disk_listing{{"d", {}},
                                                       {"d/mine", bytes_of("1")},
                                                       {"d (1)", {}},
                                                       {"d (1)/a", bytes_of("1")},
                                                       {"d (1)/b", {}},
                                                       {"d (1)/b/c", bytes_of("2")}}));
}

TEST(document_place, a_file_whose_name_is_taken_meanwhile_is_kept)
{
    temporary_folder folder;
    auto receiver = complete_receiver(into(folder.path()), file_pack("f", "theirs"));
    folder.write("f", "mine");
    EXPECT_EQ(receiver.commit().error(), errc::destination_exists);
    EXPECT_EQ(receiver.keep(), folder / "f (1)");
    EXPECT_EQ(folder.names(), (std::set<std::string>{"f", "f (1)"}));
}

// The destination went away as a place for names: the staging folder stays.
TEST(document_place, what_no_name_can_be_given_to_stays_where_it_is)
{
    if (::geteuid() == 0) GTEST_SKIP() << "the superuser may write anywhere";
    temporary_folder folder;
    const fs::path kept_in = folder.make_directory("in");
    auto receiver = complete_receiver(into(kept_in), file_pack("f", "theirs"));
    fs::permissions(kept_in, fs::perms::owner_read | fs::perms::owner_exec);
    const auto error = receiver.commit().error();
    const auto kept = receiver.keep();
    fs::permissions(kept_in, fs::perms::owner_all);
    EXPECT_EQ(error, boost::system::errc::permission_denied);
    EXPECT_EQ(error.category(), parley::file_category());
    ASSERT_TRUE(kept);
    std::ifstream in(*kept);
    EXPECT_EQ(std::string(std::istreambuf_iterator<char>(in), {}), "theirs");
    // The next receiver takes it for nobody's leftovers.
    ASSERT_TRUE(document_receiver::create(into(kept_in)));
    EXPECT_TRUE(fs::exists(*kept));
}

TEST(document_place, a_folder_nobody_may_write_to_is_found_at_once)
{
    EXPECT_EQ(document_receiver::create(into("/proc")).error().category(), parley::file_category());
    temporary_folder folder;
    ASSERT_TRUE(document_receiver::create(into(folder.path())));
    EXPECT_TRUE(folder.names().empty()) << "the trial leaves nothing";
    if (::geteuid() == 0) GTEST_SKIP() << "the superuser may write anywhere";
    fs::permissions(folder.path(), fs::perms::owner_read | fs::perms::owner_exec);
    EXPECT_EQ(document_receiver::create(into(folder.path())).error(), boost::system::errc::permission_denied);
    fs::permissions(folder.path(), fs::perms::owner_all);
}

TEST(document_place, an_output_takes_the_content_in_order_and_then_the_end)
{
    temporary_folder folder;
    const std::string content = random_text(600'000, 4);
    std::string got;
    bool ended = false;
    auto options = into(folder.path());
    options.output = [&](parley::bytes_view bytes) {
        EXPECT_FALSE(ended);
        EXPECT_TRUE(folder.names().empty()) << "no name is left to remove";
        ended = bytes.empty();
        got += parley::as_text(bytes);
        return error_code{};
    };
    // Its name does not matter.
    const auto result = push(options, file_pack(".profile", content));
    ASSERT_TRUE(result.document) << result.error.message() << result.detail;
    EXPECT_EQ(result.document->path, "");
    EXPECT_TRUE(got == content);
    EXPECT_TRUE(ended);
}

TEST(document_place, an_output_that_fails_fails_the_commit)
{
    for (const std::string& content : {std::string(), std::string(10, 'x'), std::string(1'000'000, 'x')}) {
        temporary_folder folder;
        int calls = 0;
        auto options = into(folder.path());
        options.output = [&](parley::bytes_view) {
            ++calls;
            return make_error_code(boost::system::errc::broken_pipe);
        };
        auto receiver = complete_receiver(options, file_pack("f", content));
        const auto error = receiver.commit().error();
        EXPECT_EQ(error, boost::system::errc::broken_pipe);
        EXPECT_EQ(error, parley::condition::local_fault) << "no lost connection";
        EXPECT_EQ(calls, 1);
        EXPECT_FALSE(receiver.keep());
        EXPECT_EQ(receiver.commit().error(), error);
        EXPECT_TRUE(folder.names().empty());
    }
}

TEST(document_place, an_output_takes_no_directory)
{
    temporary_folder folder;
    auto options = into(folder.path());
    options.output = [](parley::bytes_view) { return error_code{}; };
    const std::string stream = directory_pack("d", {{"a", std::string(1000, 'x')}});
    auto receiver = document_receiver::create(options);
    ASSERT_TRUE(receiver);
    EXPECT_EQ(receiver->write(parley::as_bytes(stream).first(20)), errc::not_a_file) << "at its first entry";
    EXPECT_TRUE(folder.names().empty());
}

} // namespace
} // namespace parley_test
