#include "relay/http_answers.hpp"

#include <gtest/gtest.h>

namespace parley::relayd {
namespace {

struct http_answers : testing::Test {
    unsigned status(std::string target, bool own_address, std::string method = "GET")
    {
        http_request request;
        request.method = std::move(method);
        request.target = std::move(target);
        last = answer_http(sources, request, own_address);
        return last ? last->status : 0;
    }
    bool ready = true;
    http_sources sources{
        {"healthz", "readyz"}, [this] { return ready; }, [] { return std::string{"m 1\n"}; }};
    std::optional<http_answer> last;
};

TEST_F(http_answers, tell_how_it_is)
{
    EXPECT_EQ(status("/healthz", false), 200u);
    EXPECT_EQ(last->body, "ok\n");
    EXPECT_EQ(status("/readyz?x", false), 200u);
    ready = false;
    EXPECT_EQ(status("/readyz", false), 503u);
    EXPECT_EQ(last->body, "draining\n");
    EXPECT_EQ(status("/healthz", false), 200u);
}

TEST_F(http_answers, give_metrics_only_where_they_may_be_seen)
{
    EXPECT_EQ(status("/metrics", false), 0u);
    EXPECT_EQ(status("/metrics", true), 200u);
    EXPECT_EQ(last->body, "m 1\n");
    EXPECT_TRUE(last->content_type.starts_with("text/plain; version=0.0.4"));
    sources.public_paths = {"metrics"};
    EXPECT_EQ(status("/metrics", false), 200u);
    EXPECT_EQ(status("/readyz", false), 0u);
    EXPECT_EQ(status("/readyz", true), 200u);
}

TEST_F(http_answers, are_for_get_and_head)
{
    EXPECT_EQ(status("/metrics", true, "HEAD"), 200u);
    EXPECT_EQ(last->body, "");
    EXPECT_EQ(status("/healthz", true, "POST"), 405u);
    for (const char* target : {"/", "", "healthz", "/healthz/", "//healthz", "/x", "*"})
        EXPECT_EQ(status(target, true), 0u) << target;
}

} // namespace
} // namespace parley::relayd
