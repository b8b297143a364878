#include "payload/in/staging_area.hpp"
#include "unit/payload/push_document.hpp"

#include <parley/base/safe_name.hpp>

#include <gtest/gtest.h>

namespace parley_test {
namespace {

using parley::guarded_directory;
using parley::staging_area;
namespace fs = std::filesystem;

// Returns the same bytes `times` times, then counts up.
class stuttering_random final : public parley::random_source {
public:
    explicit stuttering_random(int times) : left_(times) {}
    void fill(parley::mutable_bytes out) noexcept override
    {
        const int value = left_ > 0 ? 0 : 1 - left_;
        --left_;
        for (parley::byte& b : out) b = static_cast<parley::byte>(value);
    }

private:
    int left_;
};

class staging : public ::testing::Test {
protected:
    staging() : parent(*guarded_directory::open(folder.path())) {}

    temporary_folder folder;
    guarded_directory parent;
    stuttering_random random{0};
};

TEST_F(staging, is_made_private_named_and_removed)
{
    {
        auto area = staging_area::create(parent, random);
        ASSERT_TRUE(area);
        ASSERT_TRUE(area->directory().make_file("3"));
        const auto listing = listing_of(folder.path());
        ASSERT_EQ(listing.size(), 2u);
        const std::string name = listing.begin()->first;
        EXPECT_TRUE(parley::is_staging_name(name));
        EXPECT_EQ(name.size(), parley::staging_prefix.size() + parley::staging_random_letters +
                                   parley::staging_suffix.size());
        EXPECT_EQ(fs::status(folder / name).permissions(), fs::perms::owner_all);
        staging_area moved = std::move(*area);
        EXPECT_FALSE(*area);
        EXPECT_TRUE(moved);
        EXPECT_EQ(listing_of(folder.path()).size(), 2u);
    }
    EXPECT_TRUE(listing_of(folder.path()).empty());
}

TEST_F(staging, takes_another_name_when_one_is_taken)
{
    stuttering_random twice(2);
    auto first = staging_area::create(parent, twice);
    auto second = staging_area::create(parent, twice);
    ASSERT_TRUE(first);
    ASSERT_TRUE(second);
    EXPECT_EQ(listing_of(folder.path()).size(), 2u);
    stuttering_random always(1000);
    EXPECT_EQ(staging_area::create(parent, always).error(), parley::errc::destination_exists);
    first->remove();
    first->remove();
    EXPECT_EQ(listing_of(folder.path()).size(), 1u);
}

TEST_F(staging, leaves_alone_what_took_its_place)
{
    auto area = staging_area::create(parent, random);
    ASSERT_TRUE(area);
    const std::string name = listing_of(folder.path()).begin()->first;
    fs::rename(folder / name, folder / "moved away");
    folder.write(fs::path(name) / "precious", "mine");
    area->remove();
    EXPECT_TRUE(fs::exists(folder / name / "precious"));
}

TEST_F(staging, in_use_is_not_stale)
{
    auto area = staging_area::create(parent, random);
    ASSERT_TRUE(area);
    staging_area::remove_stale(parent);
    EXPECT_EQ(listing_of(folder.path()).size(), 1u);
    fs::create_directory(folder / ".parley-zzzzzzzzzzzzzzzz.part");
    fs::permissions(folder / ".parley-zzzzzzzzzzzzzzzz.part", fs::perms::owner_all);
    staging_area::remove_stale(parent);
    EXPECT_EQ(listing_of(folder.path()).size(), 1u);
}

TEST_F(staging, of_a_document_is_found_again)
{
    const parley::blake2b_256_digest one{1}, other{2};
    EXPECT_FALSE(staging_area::find(parent, one));
    auto area = staging_area::open_or_create(parent, one, random);
    ASSERT_TRUE(area);
    EXPECT_TRUE(area->may_be_found());
    EXPECT_TRUE(parley::is_staging_name(area->name()));
    EXPECT_FALSE(staging_area::find(parent, one)) << "it is in use";
    auto second = staging_area::open_or_create(parent, one, random);
    ASSERT_TRUE(second);
    EXPECT_FALSE(second->may_be_found());
    second->remove();
    ASSERT_TRUE(area->directory().make_file("x"));
    const std::string name = area->name();
    area->leave();
    EXPECT_FALSE(*area);
    staging_area::remove_stale(parent);
    EXPECT_FALSE(staging_area::find(parent, other));
    auto again = staging_area::find(parent, one);
    ASSERT_TRUE(again);
    EXPECT_EQ(again.name(), name);
    again.remove();
    EXPECT_TRUE(listing_of(folder.path()).empty());
    fs::create_directory(folder / "elsewhere");
    fs::permissions(folder / "elsewhere", fs::perms::owner_all);
    fs::create_directory_symlink("elsewhere", folder / name);
    EXPECT_FALSE(staging_area::find(parent, one)) << "never through a link";
    EXPECT_FALSE(staging_area::open_or_create(parent, one, random)->may_be_found());
}

} // namespace
} // namespace parley_test
