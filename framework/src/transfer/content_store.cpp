#include "transfer/content_store.hpp"

#include <parley/async/spawn.hpp>

#include <algorithm>
#include <cstring>

namespace parley::detail {

content_store::content_store(const executor& home, executor away, content_sink& sink,
                             std::function<void()> on_failed)
    : sink_(sink), on_failed_(std::move(on_failed)), freed_(home), ran_(home), away_(home, std::move(away))
{
}

void content_store::open(std::uint32_t entry, std::uint64_t offset)
{
    add({step::kind::open, entry, offset, 0});
}

void content_store::close()
{
    add({step::kind::close, 0, 0, 0});
}

void content_store::append(bytes_view& bytes)
{
    block& b = blocks_[current_];
    if (!b.space) b.space = make_page_buffer(block_bytes);
    const std::size_t size = std::min(bytes.size(), block_bytes - b.used);
    std::memcpy(b.space.get() + b.used, bytes.data(), size);
    bytes = bytes.subspan(size);
    b.used += size;
    const bool grows = !b.steps.empty() && b.steps.back().what == step::kind::bytes;
    if (grows) {
        b.steps.back().size += size;
        if (b.used == block_bytes) submit();
    } else {
        add({step::kind::bytes, 0, b.used - size, size});
    }
}

void content_store::add(const step& s)
{
    block& b = blocks_[current_];
    b.steps.push_back(s);
    if (b.used == block_bytes || b.steps.size() == max_steps) submit();
}

void content_store::flush()
{
    if (under_way_ == 0 && !blocks_[current_].steps.empty()) submit();
}

void content_store::submit()
{
    block& b = blocks_[current_];
    current_ = (current_ + 1) % blocks;
    b.under_way = true;
    ++under_way_;
    away_.submit([this, &b] { write(b); }, [this, &b] { written(b); });
}

void content_store::write(block& b)
{
    b.error = {};
    if (failed_) return;
    try {
        for (const step& s : b.steps) {
            if (s.what == step::kind::open)
                b.error = sink_.open(s.entry, s.offset);
            else if (s.what == step::kind::close)
                b.error = sink_.close();
            else
                b.error = sink_.write({b.space.get() + s.offset, s.size});
            if (b.error) break;
        }
        if (b.error) b.fault = sink_.fault();
    } catch (...) { // memory has run out: nothing else throws there
        report_exception("content_store", std::current_exception());
        b.error = make_error_code(boost::system::errc::not_enough_memory);
        b.fault = {session_reason::internal, "memory has run out"};
    }
    failed_ = static_cast<bool>(b.error);
}

void content_store::written(block& b)
{
    b.under_way = false;
    b.used = 0;
    b.steps.clear();
    --under_way_;
    const bool fails = b.error && !error_;
    if (fails) {
        error_ = b.error;
        fault_ = std::move(b.fault);
    }
    flush();
    freed_.signal();
    if (fails) on_failed_();
}

awaitable<void> content_store::run(std::function<void()> work)
{
    if (!blocks_[current_].steps.empty() && has_room()) submit();
    const auto done = std::make_shared<bool>(false);
    away_.submit(std::move(work), [this, done] {
        *done = true;
        ran_.signal();
    });
    while (!*done) co_await ran_.wait();
}

void content_store::reset()
{
    failed_ = false;
    error_ = {};
    fault_ = {};
}

} // namespace parley::detail
