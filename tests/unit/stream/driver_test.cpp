#include "support/streams.hpp"

#include <parley/stream/driver.hpp>
#include <parley/testing/fault_stream.hpp>
#include <parley/testing/virtual_clock.hpp>

#include "script_machine.hpp"

namespace parley::test {
namespace {

using namespace std::chrono_literals;
using testing::run_until_done;

static_assert(Machine<script_machine>);

class driver_test : public ::testing::Test {
protected:
    driver_test() : pair(make_memory_stream_pair(context.get_executor(), 1024)) {}

    // Runs `d` while `peer` plays the other side of it on pair.second.
    template <class Peer>
    error_code run_with(driver<script_machine>& d, Peer peer)
    {
        error_code result;
        bool peer_done = false;
        asio::co_spawn(context, std::move(peer), [&](std::exception_ptr e) {
            EXPECT_FALSE(e);
            peer_done = true;
        });
        result = run_until_done(context, [&]() -> awaitable<error_code> { return d.run(); });
        run_until_done(context, [&]() -> awaitable<void> {
            while (!peer_done) co_await yield_once();
        });
        return result;
    }
    driver<script_machine>::event_handler listen()
    {
        return [this](script_machine::event event) {
            if (const auto* heard = std::get_if<script_machine::heard>(&event))
                events.push_back(heard->text);
            else
                events.push_back("(end)");
        };
    }
    auto expect_and_send(std::string expected, std::string sent)
    {
        return [this, expected = std::move(expected), sent = std::move(sent)]() -> awaitable<void> {
            auto read = co_await read_up_to(pair.second, expected.size());
            EXPECT_EQ(read.text, expected);
            auto error = co_await write_all(pair.second, sent);
            EXPECT_FALSE(error);
        };
    }

    asio::io_context context;
    memory_stream_pair pair;
    std::vector<std::string> events;
};

TEST_F(driver_test, carries_a_conversation_to_its_end)
{
    script_machine machine{"hello", {{"who?", "me"}, {"fine", "bye"}}};
    driver<script_machine> d{pair.first, machine, listen()};
    const auto result = run_with(d, [&]() -> awaitable<void> {
        auto read = co_await read_up_to(pair.second, 5);
        EXPECT_EQ(read.text, "hello");
        auto error = co_await write_all(pair.second, "who?");
        EXPECT_FALSE(error);
        read = co_await read_up_to(pair.second, 2);
        EXPECT_EQ(read.text, "me");
        error = co_await write_all(pair.second, "fine");
        EXPECT_FALSE(error);
        read = co_await read_up_to(pair.second, 3);
        EXPECT_EQ(read.text, "bye");
    });
    EXPECT_FALSE(result) << result.message();
    EXPECT_THAT(events, ::testing::ElementsAre("who?", "fine"));
    EXPECT_TRUE(pair.first.is_open());
    EXPECT_EQ(d.bytes_read(), 8U);
    EXPECT_EQ(d.bytes_written(), 10U);
}

TEST_F(driver_test, several_packets_in_one_read_are_taken_one_by_one)
{
    script_machine machine{"", {{"a", "1"}, {"bb", "2"}, {"ccc", "3"}}};
    driver<script_machine> d{pair.first, machine, listen()};
    const auto result = run_with(d, [&]() -> awaitable<void> {
        auto error = co_await write_all(pair.second, "abbccc");
        EXPECT_FALSE(error);
        auto read = co_await read_up_to(pair.second, 3);
        EXPECT_EQ(read.text, "123");
    });
    EXPECT_FALSE(result);
    EXPECT_THAT(events, ::testing::ElementsAre("a", "bb", "ccc"));
}

TEST_F(driver_test, any_split_of_the_stream_is_the_same_conversation)
{
    for (std::uint64_t seed = 1; seed <= 50; ++seed) {
        pair = make_memory_stream_pair(context.get_executor(), 1 + seed % 5);
        testing::fault_options faults;
        faults.seed = seed;
        faults.max_read_bytes = 1 + seed % 3;
        faults.max_write_bytes = 1 + seed % 4;
        any_stream split = make_fault_stream(std::move(pair.first), faults);
        script_machine machine{"greetings", {{"question", "an answer"}, {"thanks", "goodbye"}}};
        driver<script_machine> d{split, machine, {}};
        std::string seen;
        const auto result = run_with(d, [&]() -> awaitable<void> {
            auto read = co_await read_up_to(pair.second, 9);
            seen = read.text;
            auto error = co_await write_all(pair.second, "question");
            EXPECT_FALSE(error);
            read = co_await read_up_to(pair.second, 9);
            seen += read.text;
            error = co_await write_all(pair.second, "thanks");
            EXPECT_FALSE(error);
            read = co_await read_up_to(pair.second, 7);
            seen += read.text;
        });
        EXPECT_FALSE(result) << seed;
        EXPECT_EQ(seen, "greetingsan answergoodbye") << seed;
    }
}

TEST_F(driver_test, what_comes_after_the_end_is_kept)
{
    script_machine machine{"", {{"00", ""}}};
    driver<script_machine> d{pair.first, machine, {}};
    const auto result = run_with(d, expect_and_send("", "00the room's first bytes"));
    EXPECT_FALSE(result);
    EXPECT_EQ(as_text(d.leftover()), "the room's first bytes");
    run_until_done(context, [&]() -> awaitable<void> {
        auto error = co_await write_all(pair.second, " and more");
        EXPECT_FALSE(error);
        auto read = co_await read_up_to(pair.first, 9);
        EXPECT_EQ(read.text, " and more") << "the stream goes on where the driver left it";
    });
}

TEST_F(driver_test, a_machine_that_has_finished_already_only_flushes)
{
    script_machine machine{"last words", {{"x", ""}}};
    machine.consume_output(0);
    driver<script_machine> d{pair.first, machine, {}};
    d.stop(make_error_code(errc::cancelled));
    const auto result = run_with(d, expect_and_send("last words", ""));
    EXPECT_EQ(result, errc::cancelled);
}

TEST_F(driver_test, output_is_written_even_when_the_machine_has_failed)
{
    script_machine machine{"", {{"x", ""}}};
    machine.farewell = "sorry";
    driver<script_machine> d{pair.first, machine, {}};
    d.stop(make_error_code(errc::timed_out));
    const auto result = run_with(d, expect_and_send("sorry", ""));
    EXPECT_EQ(result, errc::timed_out);
}

TEST_F(driver_test, the_end_of_the_stream_reaches_the_machine)
{
    script_machine machine{"", {{"abc", ""}}};
    driver<script_machine> d{pair.first, machine, listen()};
    const auto result = run_with(d, [&]() -> awaitable<void> {
        auto error = co_await write_all(pair.second, "ab");
        EXPECT_FALSE(error);
        pair.second.close();
    });
    EXPECT_EQ(result, errc::unexpected_end);
    EXPECT_THAT(events, ::testing::ElementsAre("(end)"));
}

TEST_F(driver_test, a_machine_that_ignores_the_end_is_ended)
{
    script_machine machine{"", {{"abc", ""}}};
    machine.ignores_end = true;
    driver<script_machine> d{pair.first, machine, {}};
    pair.second.close();
    const auto result = run_with(d, []() -> awaitable<void> { co_return; });
    EXPECT_EQ(result, errc::unexpected_end);
}

TEST_F(driver_test, a_reset_is_told_as_it_is)
{
    script_machine machine{"", {{"abc", ""}}};
    driver<script_machine> d{pair.first, machine, listen()};
    const auto result = run_with(d, [&]() -> awaitable<void> {
        pair.second.reset_on_close(true);
        pair.second.close();
        co_return;
    });
    EXPECT_EQ(result, asio::error::connection_reset);
    EXPECT_TRUE(events.empty());
}

TEST_F(driver_test, the_peers_last_words_are_heard_though_it_no_longer_reads)
{
    script_machine machine{"hello", {{"full", ""}}};
    driver<script_machine> d{pair.first, machine, listen()};
    run_until_done(context, [&]() -> awaitable<void> {
        auto error = co_await write_all(pair.second, "full");
        EXPECT_FALSE(error);
        pair.second.close();
    });
    const auto result = run_with(d, []() -> awaitable<void> { co_return; });
    EXPECT_FALSE(result) << result.message();
    EXPECT_THAT(events, ::testing::ElementsAre("full"));
}

TEST_F(driver_test, an_input_is_written_while_a_read_is_pending)
{
    script_machine machine{"", {{"", "decided"}, {"ok", ""}}};
    driver<script_machine> d{pair.first, machine, listen()};
    const auto result = run_with(d, [&]() -> awaitable<void> {
        co_await yield_once();
        co_await yield_once();
        d.input([](script_machine& m) { m.decide("(yes)"); });
        auto read = co_await read_up_to(pair.second, 12);
        EXPECT_EQ(read.text, "(yes)decided");
        auto error = co_await write_all(pair.second, "ok");
        EXPECT_FALSE(error);
    });
    EXPECT_FALSE(result);
    EXPECT_THAT(events, ::testing::ElementsAre("", "ok"));
}

TEST_F(driver_test, inputs_while_a_write_is_under_way_are_merged_in_order)
{
    pair = make_memory_stream_pair(context.get_executor(), 3);
    script_machine machine{"0123456789", {{"end", ""}}};
    driver<script_machine> d{pair.first, machine, {}};
    const auto result = run_with(d, [&]() -> awaitable<void> {
        co_await yield_once();
        d.input([](script_machine& m) { m.decide("aaa"); });
        d.input([](script_machine& m) { m.decide("bbb"); });
        co_await yield_once();
        d.input([](script_machine& m) { m.decide("ccc"); });
        auto read = co_await read_up_to(pair.second, 19);
        EXPECT_EQ(read.text, "0123456789aaabbbccc");
        auto error = co_await write_all(pair.second, "end");
        EXPECT_FALSE(error);
    });
    EXPECT_FALSE(result);
}

TEST_F(driver_test, an_event_may_cause_an_input)
{
    script_machine machine{"", {{"may I?", ""}, {"", "go"}, {"thanks", ""}}};
    driver<script_machine>* self = nullptr;
    driver<script_machine> d{pair.first, machine, [&](script_machine::event event) {
                                 const auto* heard = std::get_if<script_machine::heard>(&event);
                                 if (heard != nullptr && heard->text == "may I?")
                                     self->input([](script_machine& m) { m.decide("yes: "); });
                             }};
    self = &d;
    const auto result = run_with(d, [&]() -> awaitable<void> {
        auto error = co_await write_all(pair.second, "may I?thanks");
        EXPECT_FALSE(error);
        auto read = co_await read_up_to(pair.second, 7);
        EXPECT_EQ(read.text, "yes: go");
    });
    EXPECT_FALSE(result) << result.message();
}

TEST_F(driver_test, input_that_the_machine_does_not_take_waits_for_a_decision)
{
    script_machine machine{"", {{"", "go"}, {"early", ""}}};
    driver<script_machine> d{pair.first, machine, {}};
    const auto result = run_with(d, [&]() -> awaitable<void> {
        auto error = co_await write_all(pair.second, "early");
        EXPECT_FALSE(error);
        for (int i = 0; i < 20; ++i) co_await yield_once();
        EXPECT_EQ(machine.steps_done(), 0U);
        d.input([](script_machine& m) { m.decide(""); });
    });
    EXPECT_FALSE(result);
    EXPECT_EQ(machine.steps_done(), 2U);
}

TEST_F(driver_test, an_input_may_finish_the_machine_and_the_pending_read_loses_nothing)
{
    script_machine machine{"", {{"", "done"}}};
    driver<script_machine> d{pair.first, machine, {}};
    const auto result = run_with(d, [&]() -> awaitable<void> {
        for (int i = 0; i < 5; ++i) co_await yield_once();
        d.input([](script_machine& m) { m.decide(""); });
        d.input([](script_machine& m) { m.decide("never: it has finished"); });
        auto read = co_await read_up_to(pair.second, 4);
        EXPECT_EQ(read.text, "done");
        auto error = co_await write_all(pair.second, "kept");
        EXPECT_FALSE(error);
    });
    EXPECT_FALSE(result);
    auto read =
        run_until_done(context, [&]() -> awaitable<read_result> { return read_up_to(pair.first, 4); });
    EXPECT_EQ(read.text, "kept");
}

TEST_F(driver_test, stop_ends_it_with_the_reason)
{
    script_machine machine{"", {{"x", ""}}};
    machine.farewell = "bye";
    driver<script_machine> d{pair.first, machine, {}};
    const auto result = run_with(d, [&]() -> awaitable<void> {
        co_await yield_once();
        co_await yield_once();
        d.stop(make_error_code(errc::refused_by_user));
        d.stop(make_error_code(errc::cancelled));
        auto read = co_await read_up_to(pair.second, 3);
        EXPECT_EQ(read.text, "bye");
    });
    EXPECT_EQ(result, errc::refused_by_user);
}

TEST_F(driver_test, time_runs_out)
{
    script_machine machine{"", {{"x", ""}}};
    machine.farewell = "late";
    driver_options options;
    options.timeout = 1ms;
    driver<script_machine> d{pair.first, machine, {}, options};
    const auto result = run_with(d, expect_and_send("late", ""));
    EXPECT_EQ(result, errc::timed_out);
}

TEST_F(driver_test, the_deadline_can_be_moved_while_it_runs)
{
    script_machine machine{"", {{"x", ""}}};
    driver_options options;
    options.timeout = 1h;
    driver<script_machine> d{pair.first, machine, {}, options};
    const auto result = run_with(d, [&]() -> awaitable<void> {
        co_await yield_once();
        d.set_timeout(duration::max());
        d.set_timeout(1ms);
    });
    EXPECT_EQ(result, errc::timed_out);
}

TEST_F(driver_test, a_peer_that_never_reads_is_dropped_at_last)
{
    pair = make_memory_stream_pair(context.get_executor(), 2);
    script_machine machine{"more than fits", {{"x", ""}}};
    driver_options options;
    options.timeout = 1ms;
    options.flush_timeout = 1ms;
    driver<script_machine> d{pair.first, machine, {}, options};
    const auto result = run_with(d, []() -> awaitable<void> { co_return; });
    EXPECT_EQ(result, errc::timed_out);
    EXPECT_FALSE(pair.first.is_open());
}

TEST_F(driver_test, nothing_is_read_while_output_waits)
{
    pair = make_memory_stream_pair(context.get_executor(), 64);
    const std::string big(5000, 'o');
    script_machine machine{"", {{"a", big}, {"b", big}, {"c", big}, {"d", ""}}};
    driver<script_machine> d{pair.first, machine, {}};
    const auto result = run_with(d, [&]() -> awaitable<void> {
        auto error = co_await write_all(pair.second, "abcd");
        EXPECT_FALSE(error);
        for (int i = 0; i < 20; ++i) co_await yield_once();
        EXPECT_EQ(machine.steps_done(), 1U) << "the first answer is not read yet";
        auto read = co_await read_up_to(pair.second, 3 * big.size());
        EXPECT_EQ(read.text.size(), 3 * big.size());
    });
    EXPECT_FALSE(result);
}

// Says "tick" each second, and finishes with the third. Hears how late it is before everything else.
class ticking_machine : public script_machine {
public:
    using script_machine::script_machine;

    void expire(time_point now)
    {
        told.push_back(now);
        if (next_ == no_deadline) next_ = now + 1s;
        for (; next_ <= now && !finished(); next_ += 1s) decide("tick");
    }
    time_point next_deadline() const { return next_; }

    std::vector<time_point> told;

private:
    time_point next_ = no_deadline;
};

TEST_F(driver_test, a_machine_is_told_the_time_at_its_deadlines_and_before_its_inputs)
{
    testing::virtual_clock time;
    const time_point start = time.now();
    ticking_machine machine{"", {{"in", "out"}, {"", ""}, {"", ""}, {"", ""}}};
    driver_options options;
    options.time = &time;
    driver<ticking_machine> d{pair.first, machine, {}, options};
    std::optional<error_code> result;
    d.async_run([&](error_code error) { result = error; });
    context.poll();
    EXPECT_EQ(time.next_deadline(), start + 1s);
    time.advance(500ms);
    run_until_done(context, [&]() -> awaitable<void> {
        auto error = co_await write_all(pair.second, "in");
        EXPECT_FALSE(error);
        auto read = co_await read_up_to(pair.second, 3);
        EXPECT_EQ(read.text, "out");
    });
    EXPECT_EQ(machine.told.back(), start + 500ms);
    for (int tick = 1; tick <= 3; ++tick) {
        EXPECT_FALSE(result);
        EXPECT_EQ(time.next_deadline(), start + tick * 1s);
        time.advance_to(time.next_deadline());
        context.restart();
        context.poll();
    }
    EXPECT_EQ(result, error_code{});
    auto read =
        run_until_done(context, [&]() -> awaitable<read_result> { return read_up_to(pair.second, 12); });
    EXPECT_EQ(read.text, "tickticktick");
    EXPECT_EQ(time.next_deadline(), no_deadline) << "no timer is left";
}

TEST_F(driver_test, cancelling_the_coroutine_stops_the_machine)
{
    script_machine machine{"", {{"x", ""}}};
    driver<script_machine> d{pair.first, machine, {}};
    asio::cancellation_signal signal;
    error_code result;
    asio::co_spawn(
        context,
        [&]() -> awaitable<void> {
            auto error = co_await d.run();
            result = error;
        },
        asio::bind_cancellation_slot(signal.slot(), [](std::exception_ptr e) { EXPECT_FALSE(e); }));
    context.poll();
    signal.emit(asio::cancellation_type::terminal);
    EXPECT_TRUE(testing::drain(context));
    EXPECT_EQ(result, errc::cancelled);
    EXPECT_EQ(machine.error(), errc::cancelled);
}

TEST_F(driver_test, closing_the_stream_ends_it)
{
    script_machine machine{"", {{"x", ""}}};
    driver<script_machine> d{pair.first, machine, {}};
    const auto result = run_with(d, [&]() -> awaitable<void> {
        for (int i = 0; i < 5; ++i) co_await yield_once();
        pair.first.close();
    });
    EXPECT_EQ(result, asio::error::operation_aborted);
    EXPECT_EQ(result, condition::cancelled);
}

// The whole conversation once more for each of its operations, which fails: every time the run ends, with the
// error, unless all had been said already.
TEST_F(driver_test, each_operation_fails_in_turn)
{
    std::size_t operations = 0;
    const auto converse = [&](std::size_t failing) {
        pair = make_memory_stream_pair(context.get_executor(), 1024);
        testing::fault_options faults;
        faults.max_read_bytes = 2;
        faults.max_write_bytes = 3;
        faults.failing_operation = failing;
        operations = 0;
        any_stream faulty = make_fault_stream(std::move(pair.first), faults, &operations);
        script_machine machine{"hello", {{"who?", "me"}, {"fine", "bye"}}};
        driver<script_machine> d{faulty, machine, {}};
        const auto result = run_with(d, [&]() -> awaitable<void> {
            auto error = co_await write_all(pair.second, "who?fine");
            auto read = co_await read_up_to(pair.second, 10);
            EXPECT_TRUE(read.error || read.text == "hellomebye");
            EXPECT_TRUE(failing != testing::never_fails || !error);
        });
        EXPECT_EQ(result, machine.error());
        if (machine.steps_done() == 2)
            EXPECT_FALSE(result);
        else
            EXPECT_EQ(result, asio::error::connection_reset) << failing;
        return machine.steps_done();
    };
    EXPECT_EQ(converse(testing::never_fails), 2U);
    const std::size_t count = operations;
    EXPECT_GT(count, 8U);
    std::size_t failures = 0;
    for (std::size_t i = 0; i < count; ++i) failures += converse(i) != 2 ? 1U : 0U;
    EXPECT_GT(failures, 4U);
}

TEST_F(driver_test, a_context_that_dies_takes_the_run_along)
{
    auto witness = std::make_shared<int>(0);
    std::weak_ptr<int> seen = witness;
    {
        asio::io_context other;
        asio::co_spawn(
            other,
            [&other, witness = std::move(witness)]() -> awaitable<void> {
                auto streams = make_memory_stream_pair(other.get_executor(), 16);
                script_machine machine{"", {{"x", ""}}};
                driver_options options;
                options.timeout = 1h;
                driver<script_machine> d{streams.first, machine, {}, options};
                auto result = co_await d.run();
                EXPECT_TRUE(false) << "nothing ever comes: " << result << *witness;
            },
            [](std::exception_ptr) {});
        other.poll();
        EXPECT_FALSE(seen.expired());
    }
    EXPECT_TRUE(seen.expired());
}

TEST_F(driver_test, takes_any_completion_token)
{
    script_machine machine{"", {{"x", ""}}};
    driver<script_machine> d{pair.first, machine, {}};
    error_code result = asio::error::would_block;
    d.async_run([&](error_code error) { result = error; });
    run_until_done(context, [&]() -> awaitable<void> {
        auto error = co_await write_all(pair.second, "x");
        EXPECT_FALSE(error);
    });
    EXPECT_TRUE(testing::drain(context));
    EXPECT_FALSE(result);
}

} // namespace
} // namespace parley::test
