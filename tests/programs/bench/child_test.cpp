#include "bench/child.hpp"

#include "bench/failure.hpp"
#include "bench/machine.hpp"
#include "bench/session.hpp"

#include <parley/base/bytes.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <fstream>
#include <memory>

namespace parley::bench {
namespace {

using namespace std::chrono_literals;

TEST(Child, LinesStatusAndComplaints)
{
    child running{{"/bin/sh", "-c", "echo one; echo ready $WORD; echo oops >&2; exit 3"},
                  child_output::standard,
                  {{"WORD", "now"}}};
    EXPECT_EQ(running.wait_line("ready", 5min), "ready now");
    EXPECT_EQ(running.wait(5min), 3);
    EXPECT_EQ(running.complaints(), "oops");
    EXPECT_FALSE(running.running());
}

TEST(Child, ItCanReadEverything)
{
    child running{{"/bin/sh", "-c", "echo oops >&2"}, child_output::everything};
    std::string line;
    EXPECT_TRUE(running.read_line(line, 5min));
    EXPECT_EQ(line, "oops");
    EXPECT_FALSE(running.read_line(line, 5min));
}

TEST(Child, OutputThatNobodyReadsIsKeptAndStopsNothing)
{
    // More than a pipe holds.
    child running{{"/bin/sh", "-c", "yes | head -c 200000; echo one; echo two >&2; exit 4"},
                  child_output::none};
    EXPECT_EQ(running.wait(5min), 4);
    EXPECT_EQ(running.status(), 4);
    EXPECT_THAT(running.complaints(), ::testing::EndsWith(escaped("y\none\ntwo")));
}

TEST(Child, WhatIsMissedIsSaid)
{
    EXPECT_THROW((child{{"/nonexistent/program"}}), failure);
    EXPECT_THROW((child{{"no-such-program-anywhere", "/bin/true"}}), failure);
    const testing::temporary_folder folder;
    const std::filesystem::path text = folder.path() / "text";
    std::ofstream{text} << "no program";
    std::filesystem::permissions(text, std::filesystem::perms::owner_all);
    EXPECT_THROW((child{{text.string()}}), failure);
    EXPECT_EQ((child{{"/bin/true"}, child_output::none, {}, "/nonexistent"}.wait(5min)), 127);
    EXPECT_EQ((child{{"/bin/cat", "text"}, child_output::none, {}, folder.path()}.wait(5min)), 0);
    child silent{{"/bin/sh", "-c", "echo no >&2"}};
    EXPECT_THROW(silent.wait_line("yes", 5min), failure);
    child asleep{{"/bin/sleep", "600"}};
    EXPECT_THROW(asleep.wait(1ms), failure);
}

TEST(Child, EndingIsByIdAndFinal)
{
    auto stubborn = std::make_unique<child>(
        std::vector<std::string>{"/bin/sh", "-c", "trap '' TERM; echo here; while :; do sleep 1; done"});
    stubborn->wait_line("here", 5min);
    const pid_t pid = stubborn->pid();
    EXPECT_EQ(::kill(pid, 0), 0);
    stubborn.reset();
    EXPECT_EQ(::kill(pid, 0), -1);
}

TEST(Child, CpuTimeAndMemoryCoverDescendants)
{
    // The shell waits while a child of its own computes.
    child busy{{"/bin/sh", "-c", "sh -c 'while :; do :; done' & echo on; wait"}};
    busy.wait_line("on", 5min);
    const auto limit = std::chrono::steady_clock::now() + 5min;
    while (cpu_time_ns({busy.pid()}) < 50'000'000 && std::chrono::steady_clock::now() < limit) {
    }
    EXPECT_GE(cpu_time_ns({busy.pid()}), 50'000'000);
    EXPECT_GT(resident_bytes({busy.pid()}), 100'000);
    EXPECT_GT(resident_bytes({::getpid()}), 1'000'000);
    EXPECT_EQ(cpu_time_ns({}), 0);
    EXPECT_GT(own_cpu_ns(), 0);
    // The inner shell outlives a SIGTERM to the outer one; it is ended by its own id.
    child pids{{"/bin/cat",
                "/proc/" + std::to_string(busy.pid()) + "/task/" + std::to_string(busy.pid()) + "/children"}};
    std::string line;
    ASSERT_TRUE(pids.read_line(line, 5min));
    ::kill(static_cast<pid_t>(std::stol(line)), SIGKILL);
}

TEST(FindProgram, InThePathOrByItsOwnPath)
{
    EXPECT_THAT(find_program("sh"), ::testing::EndsWith("/sh"));
    EXPECT_EQ(find_program("/bin/sh"), "/bin/sh");
    EXPECT_EQ(find_program("no-such-program-anywhere"), "");
    EXPECT_EQ(find_program("/no/such"), "");
}

TEST(Machine, EveryKeyHasAValue)
{
    for (const auto& [key, value] : describe_machine()) EXPECT_NE(text_of(value), "") << key;
    const auto versions = describe_versions({"no-such-program-anywhere"});
    EXPECT_EQ(versions.at("no-such-program-anywhere"), "absent");
    for (const auto& [key, value] : versions) EXPECT_NE(value, "") << key;
}

} // namespace
} // namespace parley::bench
