#include "payload/source/exclude_patterns.hpp"

#include <gtest/gtest.h>

namespace {

using namespace parley;

struct exclude_case {
    const char* pattern;
    const char* path; // of a directory when it ends with a slash
    bool excluded;
};

const exclude_case exclude_cases[] = {
    // a name, at any depth
    {"*.o", "main.o", true},
    {"*.o", "src/deep/main.o", true},
    {"*.o", "main.obj", false},
    {"*.o", ".o", true},
    {"node_modules", "node_modules/", true},
    {"node_modules", "web/node_modules/", true},
    {"node_modules", "web/node_modules", true},
    {"node_modules", "node_modules2/", false},
    {"ca?he", "cache", true},
    {"[Mm]akefile", "src/makefile", true},
    {"[!a]*", "b", true},
    {"[!a]*", "a", false},
    {"a\\*", "a*", true},
    {"a\\*", "ab", false},
    {"*", "anything", true},
    {"MAIN.o", "main.o", false},
    // directories only
    {"cache/", "cache/", true},
    {"cache/", "x/cache/", true},
    {"cache/", "cache", false},
    {"cache//", "cache/", true},
    // the whole path
    {"/build", "build/", true},
    {"/build", "x/build/", false},
    {"/build/", "build", false},
    {"/*.txt", "notes.txt", true},
    {"/*.txt", "x/notes.txt", true}, // the star matches a slash
    {"build/**", "build/", false},
    {"build/**", "build/x", true},
    {"build/**", "build/x/y", true},
    {"build/**", "x/build/y", false},
    {"*/build/**", "x/build/y", true},
    {"docs/*.txt", "docs/a.txt", true},
    {"docs/*.txt", "docs/deep/a.txt", true},
    {"docs/*.txt", "a.txt", false},
    // nothing
    {"", "x", false},
    {"/", "x/", false},
    {"[", "[", true},
    {"[", "x", false},
};

TEST(ExcludePatterns, MatchNamesAndPaths)
{
    for (const exclude_case& c : exclude_cases) {
        std::string path = c.path;
        const bool is_directory = path.back() == '/';
        if (is_directory) path.pop_back();
        const std::string name = path.substr(path.rfind('/') + 1);
        const exclude_patterns patterns({c.pattern});
        EXPECT_EQ(patterns.match(name.c_str(), path.c_str(), is_directory), c.excluded)
            << c.pattern << "   " << c.path;
    }
}

TEST(ExcludePatterns, AnyOfThemIsEnough)
{
    const exclude_patterns patterns({"*.o", "cache/"});
    EXPECT_TRUE(patterns.match("a.o", "a.o", false));
    EXPECT_TRUE(patterns.match("cache", "cache", true));
    EXPECT_FALSE(patterns.match("cache", "cache", false));
    EXPECT_FALSE(exclude_patterns().match("a", "a", false));
}

} // namespace
