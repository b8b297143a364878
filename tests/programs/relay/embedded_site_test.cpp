#include "relay/embedded_site.hpp"

#include <gtest/gtest.h>

namespace parley::relayd {
namespace {

// What tests/programs/relay/site holds, as parley_site() has read it.
struct embedded_site_test : testing::Test {
    http_answer file(std::string_view path, const std::string& accepted = {})
    {
        http_request request;
        request.method = "GET";
        request.headers.emplace_back("Accept-Encoding", accepted);
        return embedded_site()->answer(request, path).value_or(http_answer{0, {}});
    }
    static std::string of(const http_answer& answer, std::string_view name)
    {
        for (const auto& [field, value] : answer.headers)
            if (field == name) return value;
        return {};
    }
};

TEST_F(embedded_site_test, holds_the_files_of_a_folder)
{
    ASSERT_TRUE(embedded_site());
    const http_answer page = file("/index.html");
    EXPECT_EQ(page.status, 200u);
    EXPECT_EQ(page.content_type, "text/html; charset=utf-8");
    EXPECT_TRUE(as_text(page.shared_body).starts_with("<!doctype html>"));
    EXPECT_EQ(of(page, "ETag").size(), 34u);
    const http_answer module = file("/module.0123abcd.wasm");
    EXPECT_EQ(module.content_type, "application/wasm");
    EXPECT_EQ(to_hex(module.shared_body), "0061736d01000000");
    EXPECT_EQ(file("/icon-of-parley.svg").content_type, "image/svg+xml");
    const http_answer empty = file("/empty.txt");
    EXPECT_EQ(empty.status, 200u);
    EXPECT_TRUE(empty.shared_body.empty());
    for (const char* path : {"/", "/app-5QWERTY7.js.gz", "/index.html.br", "/index.htm"})
        EXPECT_EQ(file(path).status, 0u) << path;
}

TEST_F(embedded_site_test, holds_their_encodings)
{
    EXPECT_EQ(as_text(file("/app-5QWERTY7.js").shared_body), "const hello = \"hello\";\n");
    EXPECT_EQ(as_text(file("/app-5QWERTY7.js", "gzip").shared_body), "stands for the script in gzip\n");
    EXPECT_EQ(as_text(file("/app-5QWERTY7.js", "br").shared_body), "stands for the script in br\n");
    EXPECT_EQ(as_text(file("/index.html", "br").shared_body), "stands for index.html in br\n");
    EXPECT_TRUE(as_text(file("/index.html", "gzip").shared_body).starts_with("<!doctype html>"));
}

TEST_F(embedded_site_test, knows_by_their_names_what_never_changes)
{
    for (const char* path : {"/app-5QWERTY7.js", "/module.0123abcd.wasm"})
        EXPECT_NE(of(file(path), "Cache-Control").find("immutable"), std::string::npos) << path;
    for (const char* path : {"/index.html", "/icon-of-parley.svg", "/empty.txt"})
        EXPECT_EQ(of(file(path), "Cache-Control"), "no-cache") << path;
}

} // namespace
} // namespace parley::relayd
