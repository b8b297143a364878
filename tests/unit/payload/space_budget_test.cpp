#include "payload/in/space_budget.hpp"
#include "unit/payload/sample_files.hpp"

#include <gtest/gtest.h>

#include <regex>

namespace parley_test {
namespace {

using parley::errc;
using parley::error_code;
using parley::guarded_directory;
using parley::receiver_limits;
using parley::space_budget;

space_budget budget_of(std::uint64_t most_bytes, std::uint64_t reserve_bytes, double reserve_share = 1)
{
    receiver_limits limits;
    limits.max_document_bytes = most_bytes;
    limits.free_space_reserve_bytes = reserve_bytes;
    limits.free_space_reserve_share = reserve_share;
    return space_budget(limits);
}

class budget_test : public ::testing::Test {
protected:
    budget_test() : where(*guarded_directory::open(folder.path())) {}

    temporary_folder folder;
    guarded_directory where;
};

TEST_F(budget_test, bounds_the_sum)
{
    space_budget budget = budget_of(100, 0);
    EXPECT_EQ(budget.claim(60, where), error_code());
    EXPECT_EQ(budget.claim(41, where), errc::document_too_large);
    EXPECT_EQ(budget.claim(40, where), error_code());
    EXPECT_EQ(budget.claim(0, where), error_code());
    EXPECT_EQ(budget.claim(1, where), errc::document_too_large);
    budget.release(10);
    EXPECT_EQ(budget.claim(10, where), error_code());
    EXPECT_EQ(budget.claim(1, where), errc::document_too_large);
}

TEST_F(budget_test, keeps_a_reserve_of_what_is_free)
{
    space_budget none = budget_of(UINT64_MAX, UINT64_MAX);
    EXPECT_EQ(none.claim(0, where), errc::no_room) << "a file takes a block even when it is empty";
    const auto free = where.free_space();
    // Other programs use the disk meanwhile, so the margin is wide.
    space_budget some = budget_of(UINT64_MAX, free.free_bytes / 2);
    EXPECT_EQ(some.claim(free.free_bytes / 4 * 3, where), errc::no_room);
    EXPECT_TRUE(std::regex_match(
        some.problem(),
        std::regex{R"(it needs [\d.]+ \wiB; [\d.]+ \wiB are free, of which [\d.]+ \wiB stay free)"}))
        << some.problem();
    EXPECT_EQ(some.claim(free.free_bytes / 8, where), error_code());
}

// A disk of 32 MiB is not all reserve.
TEST_F(budget_test, keeps_no_more_than_a_share)
{
    const auto free = where.free_space();
    space_budget little = budget_of(UINT64_MAX, UINT64_MAX, 1e-6);
    EXPECT_EQ(little.claim(free.free_bytes / 2, where), error_code());
    space_budget nothing = budget_of(UINT64_MAX, UINT64_MAX, 0);
    EXPECT_EQ(nothing.claim(free.free_bytes / 2, where), error_code());
    EXPECT_EQ(nothing.claim(UINT64_MAX / 2, where), errc::no_room);
    EXPECT_EQ(nothing.problem().find("stay free"), std::string::npos) << nothing.problem();
}

TEST_F(budget_test, huge_claims_do_not_wrap)
{
    space_budget budget = budget_of(UINT64_MAX, 0);
    for (const std::uint64_t size :
         std::vector<std::uint64_t>{UINT64_MAX, UINT64_MAX - 1, UINT64_MAX - 8191, 1ull << 63})
        EXPECT_EQ(budget.claim(size, where), errc::no_room);
    budget.release(UINT64_MAX);
    EXPECT_EQ(budget.claim(1, where), error_code());
}

} // namespace
} // namespace parley_test
