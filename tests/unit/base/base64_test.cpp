#include <parley/base/base64.hpp>

#include <gtest/gtest.h>

#include <utility>

namespace parley {
namespace {

// The examples of RFC 4648 section 10, and every digit.
TEST(base64, is_padded)
{
    const std::pair<std::string_view, std::string_view> all[] = {
        {"", ""},
        {"f", "Zg=="},
        {"fo", "Zm8="},
        {"foo", "Zm9v"},
        {"foob", "Zm9vYg=="},
        {"fooba", "Zm9vYmE="},
        {"foobar", "Zm9vYmFy"},
    };
    for (const auto& [text, expected] : all) EXPECT_EQ(to_base64(as_bytes(text)), expected);
    const hex_result all_digits = from_hex("00108310518720928b30d38f41149351559761969b71d79f"
                                           "8218a39259a7a29aabb2dbafc31cb3d35db7e39ebbf3dfbf");
    EXPECT_EQ(to_base64(all_digits.bytes),
              "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");
}

} // namespace
} // namespace parley
