#include <parley/base/error.hpp>

#include "unit/wire/vector_files.hpp"

#include <gtest/gtest.h>

#include <map>
#include <regex>
#include <set>

namespace parley {
namespace {

constexpr condition conditions[] = {condition::peer_fault,     condition::local_fault, condition::transport,
                                    condition::authentication, condition::cancelled,   condition::timed_out,
                                    condition::refused};

// The enumerators of errc with their values, read from the header, so that a new one cannot be forgotten
// here.
std::map<int, std::string> declared_errors()
{
    const std::string text = test::read_text(PARLEY_ERROR_HEADER);
    const std::size_t begin = text.find("enum class errc {");
    const std::string body = text.substr(begin, text.find("};", begin) - begin);
    const std::regex enumerator{R"(\n\s*([a-z_0-9]+)(\s*=\s*(\d+))?,)"};
    std::map<int, std::string> out;
    int value = 0;
    for (std::sregex_iterator at{body.begin(), body.end(), enumerator}, end; at != end; ++at) {
        value = (*at)[3].matched ? std::stoi((*at)[3]) : value + 1;
        EXPECT_TRUE(out.emplace(value, (*at)[1]).second) << "two errors have the number " << value;
    }
    return out;
}

TEST(error, every_one_is_described)
{
    const auto declared = declared_errors();
    ASSERT_GT(declared.size(), 50U);
    ASSERT_EQ(declared.at(static_cast<int>(errc::bad_uid_digit)), "bad_uid_digit");
    ASSERT_EQ(declared.at(static_cast<int>(errc::connect_failed)), "connect_failed");
    for (const auto& [value, name] : declared) {
        const error_code error{value, parley_category()};
        EXPECT_NE(error.message(), "unknown error") << name;
        EXPECT_FALSE(error.message().empty()) << name;
        int matching = 0;
        for (const condition c : conditions) matching += error == c ? 1 : 0;
        EXPECT_EQ(matching, 1) << name;
    }
}

TEST(error, no_two_say_the_same_and_no_other_number_says_anything)
{
    const auto declared = declared_errors();
    std::set<std::string> texts;
    for (int value = -1; value < 1000; ++value) {
        const error_code error{value, parley_category()};
        if (declared.contains(value)) {
            EXPECT_TRUE(texts.insert(error.message()).second) << error.message();
        } else {
            EXPECT_EQ(error.message(), "unknown error") << value;
            for (const condition c : conditions) EXPECT_FALSE(error == c) << value;
        }
    }
}

TEST(error, tells_whose_fault_it_is)
{
    const std::pair<errc, condition> all[] = {
        {errc::bad_uid_digit, condition::peer_fault},
        {errc::truncated_packet, condition::peer_fault},
        {errc::invalid_server_validator, condition::authentication},
        {errc::record_forged, condition::authentication},
        {errc::closed_by_relay, condition::refused},
        {errc::timed_out_by_relay, condition::timed_out},
        {errc::room_absent, condition::timed_out},
        {errc::refused_by_user, condition::refused},
        {errc::peer_disconnected, condition::transport},
        {errc::cancelled, condition::cancelled},
        {errc::hostile_name, condition::peer_fault},
        {errc::destination_exists, condition::local_fault},
        {errc::connect_failed, condition::transport},
    };
    for (const auto& [error, cause] : all)
        EXPECT_EQ(make_error_code(error), cause) << make_error_code(error).message();
    EXPECT_NE(make_error_code(errc::cancelled), condition::timed_out);
}

TEST(error, the_system_s_own_codes_have_a_place)
{
    namespace sys = boost::system::errc;
    const std::pair<sys::errc_t, condition> all[] = {
        {sys::operation_canceled, condition::cancelled},
        {sys::timed_out, condition::timed_out},
        {sys::connection_refused, condition::transport},
        {sys::connection_reset, condition::transport},
        {sys::broken_pipe, condition::transport},
        {sys::network_unreachable, condition::transport},
        {sys::no_such_file_or_directory, condition::local_fault},
        {sys::no_space_on_device, condition::local_fault},
        {sys::permission_denied, condition::local_fault},
        {sys::too_many_files_open, condition::local_fault},
    };
    for (const auto& [value, cause] : all) {
        const error_code generic{value, boost::system::generic_category()};
        const error_code system{value, boost::system::system_category()};
        for (const condition c : conditions) {
            EXPECT_EQ(generic == c, c == cause) << generic.message();
            EXPECT_EQ(system == c, c == cause) << system.message();
        }
    }
    EXPECT_FALSE(error_code{} == condition::cancelled);
}

TEST(error, of_a_file_is_local_whatever_the_number)
{
    namespace sys = boost::system::errc;
    for (int number = 1; number < 134; ++number) {
        const error_code plain{number, boost::system::system_category()};
        const error_code file = as_file_error(plain);
        EXPECT_EQ(file.category(), file_category());
        EXPECT_EQ(file.message(), plain.message());
        for (const condition c : conditions)
            EXPECT_EQ(file == c, c == condition::local_fault) << file.message();
    }
    EXPECT_EQ(as_file_error(sys::make_error_code(sys::no_space_on_device)), sys::no_space_on_device);
    EXPECT_EQ(as_file_error({}), error_code{});
    EXPECT_EQ(as_file_error(errc::cancelled), errc::cancelled);
}

TEST(error, categories_and_conditions_have_names)
{
    EXPECT_STREQ(file_category().name(), "parley.file");
    EXPECT_STREQ(parley_category().name(), "parley");
    EXPECT_STREQ(condition_category().name(), "parley.condition");
    std::set<std::string> texts;
    for (const condition c : conditions) texts.insert(make_error_condition(c).message());
    EXPECT_EQ(texts.size(), std::size(conditions));
    EXPECT_FALSE(texts.contains("unknown condition"));
    EXPECT_EQ(condition_category().message(99), "unknown condition");
}

} // namespace
} // namespace parley
