// A machine that plays a script: what the peer must send, and what it is answered.
#pragma once

#include <parley/proto/machine.hpp>

#include <string>
#include <variant>
#include <vector>

namespace parley::test {

struct script_step {
    std::string expect; // what the peer sends next
    std::string reply;  // what it gets for it
};

class script_machine {
public:
    struct heard {
        std::string text;
    };
    struct ended {};
    using event = std::variant<heard, ended>;

    // `greeting` is due at once. It finishes after the last step; a step without expect waits for decide().
    script_machine(std::string greeting, std::vector<script_step> steps)
        : output_(std::move(greeting)), steps_(std::move(steps))
    {
    }

    void receive(bytes_view& input)
    {
        EXPECT_TRUE(settled()) << "output and events are taken before the next input";
        EXPECT_FALSE(finished_);
        EXPECT_FALSE(input.empty());
        const std::string& expect = steps_[step_].expect;
        if (expect.empty()) return; // a decision is due
        while (!input.empty() && got_.size() < expect.size()) {
            got_ += static_cast<char>(input[0]);
            input = input.subspan(1);
        }
        if (!expect.starts_with(got_)) return fail(make_error_code(errc::unexpected_packet));
        if (got_.size() == expect.size()) pass();
    }
    void receive_end()
    {
        EXPECT_TRUE(settled());
        events_.push_back(ended{});
        if (!ignores_end) fail(make_error_code(errc::unexpected_end));
    }
    void stop(error_code why)
    {
        EXPECT_TRUE(settled());
        output_ += farewell;
        fail(why);
    }
    // The owner's decision, where the script has a step for it.
    void decide(const std::string& reply)
    {
        EXPECT_TRUE(settled());
        output_ += reply;
        if (steps_[step_].expect.empty()) pass();
    }

    bytes_view output() const { return as_bytes(output_); }
    void consume_output(std::size_t n) { output_.erase(0, n); }
    std::optional<event> next_event()
    {
        if (events_.empty()) return std::nullopt;
        event first = std::move(events_.front());
        events_.erase(events_.begin());
        return first;
    }
    bool finished() const { return finished_; }
    error_code error() const { return error_; }
    std::size_t steps_done() const { return step_; }

    std::string farewell;     // due to the peer when the machine is stopped
    bool ignores_end = false; // a machine that forgets to finish at the end of its stream

private:
    bool settled() const { return output_.empty() && events_.empty(); }
    void pass()
    {
        output_ += steps_[step_].reply;
        events_.push_back(heard{std::exchange(got_, {})});
        finished_ = ++step_ == steps_.size();
    }
    void fail(error_code why)
    {
        error_ = why;
        finished_ = true;
    }

    std::string output_, got_;
    std::vector<script_step> steps_;
    std::size_t step_ = 0;
    std::vector<event> events_;
    bool finished_ = false;
    error_code error_;
};

} // namespace parley::test
