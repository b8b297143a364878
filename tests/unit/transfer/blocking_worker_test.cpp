#include "transfer/document_read_ahead.hpp"
#include "transfer/write_behind.hpp"
#include "unit/payload/sample_files.hpp"

#include <parley/async/event.hpp>
#include <parley/testing/run_until_done.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <fstream>
#include <mutex>
#include <thread>

namespace parley::test {
namespace {

using namespace parley::detail;
using parley_test::temporary_folder;

// Passes a document from its source to a receiver, each on a thread of its own. `at_piece` is called for
// each.
awaitable<error_code> pass(executor home, document_source& source, document_receiver& receiver,
                           std::function<void()> at_piece)
{
    document_read_ahead from{home, {}, source};
    event progressed{home};
    write_behind to{home, {}, receiver, [&] { progressed.signal(); }};
    bool more = true;
    while (more) {
        const auto piece = co_await from.next(false);
        if (piece.error) co_return piece.error;
        at_piece();
        bytes_view left = piece.bytes;
        while (!left.empty()) {
            const mutable_bytes room = to.room();
            if (room.empty()) {
                co_await to.wait_for_room();
                continue;
            }
            const std::size_t n = std::min({left.size(), room.size(), max_record_content_bytes});
            std::copy_n(left.begin(), n, room.begin());
            left = left.subspan(n);
            to.append(n);
        }
        to.flush();
        more = !piece.last;
    }
    while (to.is_busy()) co_await progressed.wait();
    if (to.now().error) co_return to.now().error;
    auto stored = co_await to.commit();
    co_return stored ? error_code{} : stored.error();
}

std::string some_content(std::size_t size)
{
    std::string out(size, '\0');
    for (std::size_t i = 0; i < size; ++i) out[i] = static_cast<char>((i * i) >> (i / 100'000 % 8));
    return out;
}

TEST(blocking_worker, a_document_passes_through_two_threads)
{
    const temporary_folder from, to;
    const std::string content = some_content(5'000'000);
    auto source = document_source::open(from.write("document", content));
    receiver_options into;
    into.directory = to.path();
    auto receiver = document_receiver::create(std::move(into));
    ASSERT_TRUE(source && receiver);
    asio::io_context context{1};
    const auto error = testing::run_until_done(context, [&]() -> awaitable<error_code> {
        std::function<void()> nothing = [] {};
        auto passed = co_await pass(context.get_executor(), *source, *receiver, nothing);
        co_return passed;
    });
    EXPECT_FALSE(error) << error.message();
    std::ifstream file{to / "document", std::ios::binary};
    const std::string stored{std::istreambuf_iterator<char>{file}, {}};
    EXPECT_TRUE(stored == content);
}

// Whenever the loop goes away, the threads are waited for and nothing of the document stays.
TEST(blocking_worker, the_context_may_go_away_in_the_middle)
{
    const temporary_folder from;
    const auto path = from.write("document", some_content(6'000'000));
    for (int stop_at = 1; stop_at < 10; ++stop_at) {
        const temporary_folder to;
        {
            source_options stored;
            stored.compress = compression::never; // of twelve pieces
            auto source = document_source::open(path, stored);
            receiver_options into;
            into.directory = to.path();
            auto receiver = document_receiver::create(std::move(into));
            ASSERT_TRUE(source && receiver);
            asio::io_context context{1};
            int pieces = 0;
            asio::co_spawn(context,
                           pass(context.get_executor(), *source, *receiver,
                                [&] {
                                    if (++pieces == stop_at) context.stop();
                                }),
                           [](std::exception_ptr thrown, error_code) { EXPECT_FALSE(thrown); });
            context.run();
            EXPECT_GE(pieces, stop_at);
        }
        EXPECT_TRUE(std::filesystem::is_empty(to.path()));
    }
}

// How many bytes a text of 4 MB becomes. `late`: each piece is asked for before it is made.
std::size_t packed_bytes(bool prefer_speed, bool late)
{
    const std::string text = parley_test::wordy_text(4'000'000, 1);
    auto source = document_source::from_bytes("document", {text.begin(), text.end()});
    EXPECT_TRUE(source);
    asio::io_context home{1}, away{1};
    const auto home_work = asio::make_work_guard(home), away_work = asio::make_work_guard(away);
    document_read_ahead from{executor{home.get_executor()}, executor{away.get_executor()}, *source};
    std::size_t total = 0;
    bool done = false;
    const auto count = [&]() -> awaitable<void> {
        while (!done) {
            const auto piece = co_await from.next(prefer_speed);
            EXPECT_FALSE(piece.error);
            total += piece.bytes.size();
            done = piece.last;
        }
    };
    asio::co_spawn(home, count, asio::detached);
    while (!done) {
        if (late)
            home.poll();
        else
            away.poll();
        away.poll_one();
        home.poll_one();
    }
    return total;
}

TEST(blocking_worker, a_source_that_is_waited_for_in_haste_stores_rather_than_deflates)
{
    const std::size_t packed = packed_bytes(false, true);
    EXPECT_LT(packed, 2'000'000u);
    EXPECT_EQ(packed_bytes(true, false), packed);
    EXPECT_GT(packed_bytes(true, true), 3'900'000u);
}

TEST(blocking_worker, jobs_run_one_after_another_on_a_pool_of_many)
{
    asio::io_context context{1};
    asio::thread_pool pool{3};
    std::atomic<int> running{0};
    std::vector<int> order, ends;
    blocking_worker away{context.get_executor(), pool.get_executor()};
    for (int i = 0; i < 100; ++i)
        away.submit(
            [&, i] {
                EXPECT_EQ(running.fetch_add(1), 0);
                order.push_back(i);
                running.fetch_sub(1);
            },
            [&, i] { ends.push_back(i); });
    const auto guard = asio::make_work_guard(context);
    while (ends.size() < 100) ASSERT_GT(context.run_one_for(testing::test_patience), 0u);
    EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
    EXPECT_EQ(order, ends);
    EXPECT_EQ(order.size(), 100u);
}

TEST(blocking_worker, its_end_waits_for_a_job_and_tells_nobody)
{
    asio::io_context context{1};
    bool ended = false, told = false;
    std::mutex gate;
    std::condition_variable changed;
    bool inside = false, open = false;
    std::thread opener;
    {
        blocking_worker away{context.get_executor(), {}};
        away.submit(
            [&] {
                std::unique_lock lock{gate};
                inside = true;
                changed.notify_all();
                changed.wait(lock, [&] { return open; });
                ended = true;
            },
            [&] { told = true; });
        {
            std::unique_lock lock{gate};
            changed.wait(lock, [&] { return inside; });
        }
        opener = std::thread{[&] {
            const std::lock_guard lock{gate};
            open = true;
            changed.notify_all();
        }};
    }
    EXPECT_TRUE(ended);
    opener.join();
    context.poll();
    EXPECT_FALSE(told);
}

} // namespace
} // namespace parley::test
