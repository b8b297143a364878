#include "payload/in/space_budget.hpp"
#include "unit/payload/sample_files.hpp"

#include <gtest/gtest.h>

namespace parley_test {
namespace {

using parley::errc;
using parley::error_code;
using parley::guarded_directory;
using parley::space_budget;

class budget_test : public ::testing::Test {
protected:
    budget_test() : where(*guarded_directory::open(folder.path())) {}

    temporary_folder folder;
    guarded_directory where;
};

TEST_F(budget_test, bounds_the_sum)
{
    space_budget budget(100, 0);
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
    space_budget none(UINT64_MAX, UINT64_MAX);
    EXPECT_EQ(none.claim(0, where), errc::document_too_large) << "a file takes a block even when it is empty";
    const auto free = where.free_space();
    ASSERT_TRUE(free);
    // Other programs use the disk meanwhile, so the margin is wide.
    space_budget some(UINT64_MAX, free->free_bytes / 2);
    EXPECT_EQ(some.claim(free->free_bytes / 4 * 3, where), errc::document_too_large);
    EXPECT_EQ(some.claim(free->free_bytes / 8, where), error_code());
}

TEST_F(budget_test, huge_claims_do_not_wrap)
{
    space_budget budget(UINT64_MAX, 0);
    for (const std::uint64_t size :
         std::vector<std::uint64_t>{UINT64_MAX, UINT64_MAX - 1, UINT64_MAX - 8191, 1ull << 63})
        EXPECT_EQ(budget.claim(size, where), errc::document_too_large);
    budget.release(UINT64_MAX);
    EXPECT_EQ(budget.claim(1, where), error_code());
}

} // namespace
} // namespace parley_test
