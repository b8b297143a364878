// The private parts of the machines: fifo, index_list, output_buffer, deadline_after.
#include <proto/deadline.hpp>
#include <proto/fifo.hpp>
#include <proto/index_list.hpp>
#include <proto/output_buffer.hpp>

#include <unit/proto/support.hpp>

#include <memory>

namespace parley::test {
namespace {

TEST(fifo, gives_in_order_and_moves)
{
    fifo<std::unique_ptr<int>> queue;
    EXPECT_FALSE(queue.pop());
    for (int i = 0; i < 3; ++i) queue.push(std::make_unique<int>(i));
    EXPECT_EQ(**queue.pop(), 0);
    queue.push(std::make_unique<int>(3));
    for (int i = 1; i < 4; ++i) EXPECT_EQ(**queue.pop(), i);
    EXPECT_FALSE(queue.pop());
    queue.push(std::make_unique<int>(4));
    EXPECT_EQ(**queue.pop(), 4);
}

TEST(fifo, does_not_stay_large_after_a_burst)
{
    fifo<int> queue;
    for (int i = 0; i < 100'000; ++i) queue.push(i);
    for (int i = 0; i < 100'000; ++i) ASSERT_EQ(queue.pop(), i);
    EXPECT_FALSE(queue.pop());
    EXPECT_LE(queue.capacity(), fifo<int>::max_kept_items);
    queue.push(1);
    queue.pop();
    EXPECT_GT(queue.capacity(), 0U) << "a small one is kept";
}

struct item {
    index_links links;
};
using list = index_list<item, &item::links>;

std::vector<std::uint32_t> all(const list& l, const std::vector<item>& items)
{
    std::vector<std::uint32_t> out;
    for (std::uint32_t at = l.first(); at != no_index; at = next_of(items, &item::links, at))
        out.push_back(at);
    return out;
}

TEST(index_list, keeps_order_and_loses_any)
{
    using indices = std::vector<std::uint32_t>;
    for (const std::uint32_t lost : {0U, 1U, 2U}) {
        std::vector<item> items(5);
        list l;
        EXPECT_TRUE(l.empty());
        l.push_back(items, 1);
        l.push_back(items, 2);
        l.push_front(items, 0);
        EXPECT_EQ(all(l, items), (indices{0, 1, 2}));
        l.erase(items, lost);
        indices rest{0, 1, 2};
        std::erase(rest, lost);
        EXPECT_EQ(all(l, items), rest);
        l.push_back(items, 4);
        rest.push_back(4);
        EXPECT_EQ(all(l, items), rest);
        EXPECT_EQ(l.last(), 4U);
        for (const std::uint32_t at : rest) l.erase(items, at);
        EXPECT_TRUE(l.empty());
        EXPECT_EQ(l.last(), no_index);
    }
}

TEST(output_buffer, gives_what_was_put_in_pieces)
{
    output_buffer out;
    EXPECT_TRUE(out.view().empty());
    out.put(uid{1}, packet::agreement{});
    out.consume(4);
    out.put(uid{2}, packet::accepted{});
    EXPECT_EQ(as_text(out.view()), "0800020a");
    out.consume(1000);
    EXPECT_TRUE(out.view().empty());
    out.put(uid{3}, packet::refused{});
    EXPECT_EQ(as_text(out.view()), "00030b");
}

TEST(deadline_after, never_passes_the_end_of_time)
{
    using namespace std::chrono_literals;
    const time_point now{5h};
    EXPECT_EQ(deadline_after(now, 1s), now + 1s);
    EXPECT_EQ(deadline_after(now, 0s), now);
    EXPECT_EQ(deadline_after(now, duration::max()), no_deadline);
    EXPECT_EQ(deadline_after(now, no_deadline - now), no_deadline);
    EXPECT_EQ(deadline_after(time_point{-5h}, 1s), time_point{-5h} + 1s);
}

} // namespace
} // namespace parley::test
