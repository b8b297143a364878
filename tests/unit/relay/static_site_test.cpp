#include <parley/relay/static_site.hpp>

#include <gmock/gmock.h>

namespace parley::test {
namespace {

constexpr std::string_view script_text = "const a = 1;", script_gzip = "gzip", script_br = "br";

static_site sample_site()
{
    static_file page, script;
    page.path = "/index.html";
    page.content_type = "text/html; charset=utf-8";
    page.etag = "11";
    page.identity = as_bytes("<p>");
    script.path = "/app-5QWERTY7.js";
    script.content_type = "text/javascript";
    script.etag = "22";
    script.immutable = true;
    script.identity = as_bytes(script_text);
    script.gzip = as_bytes(script_gzip);
    script.br = as_bytes(script_br);
    return static_site{{page, script}};
}

struct static_site_test : ::testing::Test {
    // The status of the answer, 0 without one.
    unsigned ask_for(std::string_view path, std::vector<std::pair<std::string, std::string>> headers = {},
                     std::string method = "GET")
    {
        http_request request;
        request.method = std::move(method);
        request.headers = std::move(headers);
        const auto answer = site.answer(request, path);
        last = answer.value_or(http_answer{0, {}});
        return last.status;
    }
    std::string header(std::string_view name) const
    {
        std::string out;
        for (const auto& [field, value] : last.headers)
            if (field == name) out += value;
        return out;
    }
    std::string_view body() const { return as_text(last.shared_body); }

    static_site site = sample_site();
    http_answer last;
};

TEST_F(static_site_test, gives_its_files)
{
    EXPECT_EQ(ask_for("/index.html"), 200u);
    EXPECT_EQ(body(), "<p>");
    EXPECT_EQ(last.content_type, "text/html; charset=utf-8");
    EXPECT_EQ(header("ETag"), "\"11\"");
    EXPECT_EQ(header("Cache-Control"), "no-cache");
    EXPECT_EQ(header("Vary"), "") << "it has no encodings";
    EXPECT_TRUE(last.keep_open);
    EXPECT_EQ(ask_for("/app-5QWERTY7.js"), 200u);
    EXPECT_EQ(body(), script_text);
    EXPECT_THAT(header("Cache-Control"), ::testing::HasSubstr("immutable"));
    EXPECT_EQ(header("Vary"), "Accept-Encoding");
    for (const char* path : {"/", "", "index.html", "/index", "/index.html/", "/Index.html", "//index.html"})
        EXPECT_EQ(ask_for(path), 0u) << path;
}

TEST_F(static_site_test, confines_its_page)
{
    ask_for("/index.html");
    for (const char* part :
         {"default-src 'none';", "script-src 'self' 'wasm-unsafe-eval';", "connect-src 'self';",
          "frame-ancestors 'none';", "require-trusted-types-for 'script';", "trusted-types parley"})
        EXPECT_THAT(header("Content-Security-Policy"), ::testing::HasSubstr(part));
    EXPECT_THAT(header("Content-Security-Policy"), ::testing::Not(::testing::HasSubstr("unsafe-inline")));
    EXPECT_EQ(header("X-Content-Type-Options"), "nosniff");
    EXPECT_EQ(header("Referrer-Policy"), "no-referrer");
    EXPECT_EQ(header("Cross-Origin-Opener-Policy"), "same-origin");
    EXPECT_EQ(header("Cross-Origin-Resource-Policy"), "same-origin");
    EXPECT_THAT(header("Permissions-Policy"), ::testing::HasSubstr("camera=()"));
}

TEST_F(static_site_test, chooses_what_is_accepted)
{
    const std::pair<const char*, std::string_view> choices[] = {
        {"gzip, deflate, br, zstd", script_br},
        {"gzip", script_gzip},
        {"GZIP;q=0.1", script_gzip},
        {"br;q=0, gzip", script_gzip},
        {"br ; Q = 0.000,gzip;q=0", script_text},
        {"br;q=0.001", script_br},
        {"*", script_br},
        {"*;q=0", script_text},
        {"br;q=0, *", script_gzip},
        {"", script_text},
        {"identity", script_text},
        {"brotli, x-br, ;q=1,,", script_text},
        {"identity;q=0", script_text},
    };
    for (const auto& [accepted, expected] : choices) {
        EXPECT_EQ(ask_for("/app-5QWERTY7.js", {{"Accept-Encoding", accepted}}), 200u);
        EXPECT_EQ(body(), expected) << accepted;
        const std::string coding = expected == script_text ? "" : std::string{expected};
        EXPECT_EQ(header("Content-Encoding"), coding) << accepted;
        EXPECT_EQ(header("ETag"), coding.empty() ? "\"22\"" : "\"22-" + coding + "\"");
    }
    ask_for("/index.html", {{"Accept-Encoding", "br, gzip"}});
    EXPECT_EQ(body(), "<p>") << "it has no encodings";
}

TEST_F(static_site_test, says_what_has_not_changed)
{
    for (const char* tags : {"\"11\"", "W/\"11\"", "\"0\", \"11\"", "*"}) {
        EXPECT_EQ(ask_for("/index.html", {{"If-None-Match", tags}}), 304u) << tags;
        EXPECT_TRUE(last.shared_body.empty());
        EXPECT_EQ(header("ETag"), "\"11\"");
        EXPECT_EQ(header("Cache-Control"), "no-cache");
        EXPECT_TRUE(last.keep_open);
    }
    for (const char* tags : {"\"22\"", "11", "", "\"11", "\"11-br\"", "w/\"11\""})
        EXPECT_EQ(ask_for("/index.html", {{"If-None-Match", tags}}), 200u) << tags;
    EXPECT_EQ(ask_for("/app-5QWERTY7.js", {{"If-None-Match", "\"22\""}, {"Accept-Encoding", "br"}}), 200u);
    EXPECT_EQ(ask_for("/app-5QWERTY7.js", {{"If-None-Match", "\"22-br\""}, {"Accept-Encoding", "br"}}), 304u);
    EXPECT_EQ(header("Content-Encoding"), "");
}

TEST_F(static_site_test, is_for_get_and_head)
{
    EXPECT_EQ(ask_for("/index.html", {}, "HEAD"), 200u);
    EXPECT_EQ(ask_for("/index.html", {}, "POST"), 405u);
    EXPECT_EQ(header("Allow"), "GET, HEAD");
    EXPECT_FALSE(last.keep_open);
    EXPECT_EQ(ask_for("/other", {}, "POST"), 0u);
}

} // namespace
} // namespace parley::test
