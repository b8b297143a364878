#include "payload/source/content_fault.hpp"

#include <parley/base/utf8.hpp>

#include <boost/system/errc.hpp>
#include <gtest/gtest.h>

namespace {

using namespace parley;
namespace sys = boost::system::errc;

TEST(ContentFault, ALongPathIsShownByItsEnd)
{
    EXPECT_EQ(quoted_path("a/b"), "'a/b'");
    EXPECT_EQ(quoted_path(""), "''");
    const std::string last(120, 'x');
    EXPECT_EQ(quoted_path(last), "'" + last + "'");
    EXPECT_EQ(quoted_path("d/" + last), "'…" + last + "'");
    // No character is cut in two.
    for (std::size_t n = 100; n < 140; ++n) {
        std::string path(n, 'a');
        for (int i = 0; i < 70; ++i) path += "ä🦜";
        const std::string shown = quoted_path(path);
        EXPECT_TRUE(is_valid_utf8(shown)) << shown;
        EXPECT_LE(shown.size(), 125u);
        EXPECT_TRUE(shown.ends_with("ä🦜'"));
    }
}

TEST(ContentFault, HasReasonAndCode)
{
    document_fault fault;
    EXPECT_EQ(fail_reading(fault, "a/b", sys::make_error_code(sys::permission_denied)),
              sys::permission_denied);
    EXPECT_EQ(fault.reason, session_reason::file_failed);
    EXPECT_EQ(fault.text, "'a/b' cannot be read: Permission denied");
    const error_code error = fail_reading(fault, "f", {ETIMEDOUT, boost::system::system_category()});
    EXPECT_EQ(&error.category(), &file_category());

    struct stat now{};
    now.st_ctim = {1'000'000'000, 5};
    EXPECT_EQ(fail_changed(fault, "f", "was changed", &now), errc::document_changed);
    EXPECT_EQ(fault.reason, session_reason::document_changed);
    EXPECT_EQ(fault.text, "'f' was changed (2001-09-09 01:46:40 UTC)");
    fail_changed(fault, "f", "was changed", nullptr);
    EXPECT_EQ(fault.text, "'f' was changed");

    EXPECT_EQ(fail_cancelled(fault), errc::cancelled);
    EXPECT_EQ(fault.reason, session_reason::cancelled);
    EXPECT_EQ(fail_misused(fault), sys::invalid_argument);
    EXPECT_EQ(fault.reason, session_reason::internal);
}

} // namespace
