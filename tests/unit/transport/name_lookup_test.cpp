#include "transport/name_lookup.hpp"

#include "support/streams.hpp"

#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>

#include <condition_variable>
#include <mutex>
#include <thread>

namespace parley::test {
namespace {

using lookup_result = result<std::vector<tcp_endpoint>>;

// Look-ups that take until the test releases them.
class slow_names {
public:
    detail::blocking_lookup get() const
    {
        return [s = state_](const std::string&, std::uint16_t port) -> lookup_result {
            std::unique_lock lock{s->mutex};
            ++s->started;
            s->most_running = std::max(s->most_running, ++s->running);
            s->changed.notify_all();
            s->changed.wait(lock, [&] { return s->released; });
            --s->running;
            s->changed.notify_all();
            if (s->error) return *s->error;
            return std::vector<tcp_endpoint>{{loopback, port}};
        };
    }
    void fail_with(error_code error) { state_->error = error; } // before the first look-up

    void wait_for_start(std::size_t count)
    {
        std::unique_lock lock{state_->mutex};
        state_->changed.wait(lock, [&] { return state_->started >= count; });
    }
    void release()
    {
        const std::lock_guard lock{state_->mutex};
        state_->released = true;
        state_->changed.notify_all();
    }
    void wait_for_end()
    {
        std::unique_lock lock{state_->mutex};
        state_->changed.wait(lock, [&] { return state_->running == 0; });
    }
    std::size_t started() const { return state_->started; }
    std::size_t most_running() const { return state_->most_running; }

private:
    struct state {
        std::mutex mutex;
        std::condition_variable changed;
        std::size_t started = 0, running = 0, most_running = 0;
        bool released = false;
        std::optional<error_code> error;
    };
    std::shared_ptr<state> state_ = std::make_shared<state>();
};

// Starts a look-up on `ex`, and stores its result.
struct pending_lookup {
    // Holds `ex` while it is bound. A strand must not outlive its context: reset it before start().
    std::optional<asio::cancellation_signal> cancel{std::in_place};
    std::optional<lookup_result> result;

    void start(const executor& ex, const slow_names& names, duration timeout = duration::max())
    {
        asio::co_spawn(
            ex,
            [look_up = names.get(), timeout]() -> awaitable<lookup_result> {
                return detail::look_up_on_thread(look_up, "slow.example", 7, timeout);
            },
            asio::bind_cancellation_slot(cancel ? cancel->slot() : asio::cancellation_slot{},
                                         [this](std::exception_ptr thrown, lookup_result value) {
                                             EXPECT_FALSE(thrown);
                                             result.emplace(std::move(value));
                                         }));
    }
    error_code error() const { return result && !*result ? result->error() : error_code{}; }
};

TEST(name_lookup_test, gives_what_the_look_up_gives)
{
    asio::io_context context;
    slow_names names, failing;
    failing.fail_with(errc::names_unavailable);
    pending_lookup found, failed;
    found.start(context.get_executor(), names);
    failed.start(context.get_executor(), failing);
    names.release();
    failing.release();
    EXPECT_TRUE(testing::drain(context));
    ASSERT_TRUE(found.result && *found.result);
    EXPECT_EQ(**found.result, (std::vector<tcp_endpoint>{{loopback, 7}}));
    EXPECT_EQ(failed.error(), errc::names_unavailable);
}

TEST(name_lookup_test, a_timeout_waits_for_nobody)
{
    slow_names names;
    {
        asio::io_context context;
        pending_lookup lookup;
        lookup.start(context.get_executor(), names, std::chrono::milliseconds{1});
        EXPECT_TRUE(testing::drain(context)) << "run() ends while the look-up goes on";
        EXPECT_EQ(lookup.error(), errc::timed_out);
    }
    names.release();
    names.wait_for_end();
}

TEST(name_lookup_test, a_cancellation_waits_for_nobody)
{
    slow_names names;
    {
        asio::io_context context;
        pending_lookup lookup;
        lookup.start(context.get_executor(), names);
        context.poll();
        names.wait_for_start(1);
        lookup.cancel->emit(asio::cancellation_type::terminal);
        EXPECT_TRUE(testing::drain(context));
        EXPECT_EQ(lookup.error(), errc::cancelled);
    }
    names.release();
    names.wait_for_end();
}

TEST(name_lookup_test, a_context_is_destroyed_in_the_middle_of_a_look_up)
{
    slow_names names;
    pending_lookup lookup, on_strand;
    {
        asio::io_context context;
        lookup.start(context.get_executor(), names);
        on_strand.cancel.reset();
        on_strand.start(asio::make_strand(context.get_executor()), names);
        context.poll();
        names.wait_for_start(2);
    }
    EXPECT_FALSE(lookup.result || on_strand.result);
    names.release();
    names.wait_for_end();
}

// Answers arrive while their context is destroyed.
TEST(name_lookup_test, a_context_is_destroyed_as_the_answers_come)
{
    for (int round = 0; round < 50; ++round) {
        slow_names names;
        std::vector<std::unique_ptr<pending_lookup>> all;
        auto context = std::make_unique<asio::io_context>();
        for (int i = 0; i < 4; ++i) {
            all.push_back(std::make_unique<pending_lookup>());
            all.back()->start(context->get_executor(), names);
        }
        context->poll();
        names.wait_for_start(4);
        std::thread releases{[&names] { names.release(); }};
        context.reset();
        releases.join();
        names.wait_for_end();
    }
}

TEST(name_lookup_test, only_so_many_run_at_the_same_time)
{
    asio::io_context context;
    slow_names names;
    std::vector<std::unique_ptr<pending_lookup>> all;
    for (std::size_t i = 0; i < detail::max_lookup_threads + 4; ++i) {
        all.push_back(std::make_unique<pending_lookup>());
        all.back()->start(context.get_executor(), names);
    }
    context.poll();
    names.wait_for_start(detail::max_lookup_threads);
    all.back()->cancel->emit(asio::cancellation_type::terminal);
    context.poll();
    EXPECT_EQ(all.back()->error(), errc::cancelled) << "one that waits for a thread ends at once, too";
    names.release();
    EXPECT_TRUE(testing::drain(context));
    all.pop_back();
    for (const auto& each : all) EXPECT_TRUE(each->result && *each->result);
    names.wait_for_end();
    EXPECT_EQ(names.most_running(), detail::max_lookup_threads);
    EXPECT_EQ(names.started(), all.size()) << "nobody waits for the cancelled one, so it never runs";
}

TEST(name_lookup_test, a_pool_of_threads_may_wait_for_answers)
{
    slow_names names;
    asio::thread_pool pool{3};
    std::vector<std::unique_ptr<pending_lookup>> all;
    for (int i = 0; i < 40; ++i) {
        all.push_back(std::make_unique<pending_lookup>());
        all.back()->start(asio::make_strand(pool.get_executor()), names);
    }
    names.release();
    pool.join();
    for (const auto& each : all) EXPECT_TRUE(each->result && *each->result);
}

TEST(name_lookup_test, the_system_tells_a_name_that_cannot_exist)
{
    for (const std::string& name : {std::string(64, 'x'), "a." + std::string(64, 'x') + ".example"}) {
        const auto found = detail::look_up_by_system(name, 7);
        ASSERT_FALSE(found);
        EXPECT_EQ(found.error(), errc::name_not_resolved) << name;
    }
}

} // namespace
} // namespace parley::test
