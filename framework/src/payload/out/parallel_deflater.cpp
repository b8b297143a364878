#include "payload/out/parallel_deflater.hpp"

#include <algorithm>
#include <cstring>
#include <exception>
#include <functional>
#include <new>

namespace parley {
namespace {

constexpr std::size_t max_stored_bytes = 65535;
constexpr std::size_t stored_header_bytes = 5;
constexpr std::size_t max_packed_bytes =
    parallel_deflater::block_bytes +
    stored_header_bytes * ((parallel_deflater::block_bytes + max_stored_bytes - 1) / max_stored_bytes);

} // namespace

struct parallel_deflater::block {
    std::array<byte, window_bytes + block_bytes> input; // the window ends where the content begins
    std::size_t window_size = 0;
    std::size_t size = 0;
    bool last = false;
    std::array<byte, max_packed_bytes> output;
    std::size_t packed = 0;
    std::size_t read = 0;
    bool deflated = false;

    bytes_view content() const noexcept { return bytes_view(input).subspan(window_bytes, size); }
    void set_window(const byte* from, std::size_t bytes) noexcept
    {
        if (bytes > 0) std::memmove(input.data() + window_bytes - bytes, from, bytes);
        window_size = bytes;
    }

    void deflate(deflate_engine& engine) noexcept
    {
        engine.restart(bytes_view(input).subspan(window_bytes - window_size, window_size));
        bytes_view in = content();
        mutable_bytes out(output);
        using flush = deflate_engine::flush;
        if (engine.step(in, out, last ? flush::finish : flush::sync))
            packed = output.size() - out.size();
        else
            store();
    }

    // The block did not shrink.
    void store() noexcept
    {
        packed = 0;
        for (bytes_view left = content(); !left.empty();) {
            const bytes_view piece = left.first(std::min(left.size(), max_stored_bytes));
            left = left.subspan(piece.size());
            const auto length = static_cast<std::uint16_t>(piece.size());
            const auto inverse = static_cast<std::uint16_t>(~length);
            const std::array header{static_cast<byte>(last && left.empty() ? 1 : 0),
                                    static_cast<byte>(length & 0xff), static_cast<byte>(length >> 8),
                                    static_cast<byte>(inverse & 0xff), static_cast<byte>(inverse >> 8)};
            static_assert(header.size() == stored_header_bytes);
            std::memcpy(output.data() + packed, header.data(), header.size());
            std::memcpy(output.data() + packed + header.size(), piece.data(), piece.size());
            packed += header.size() + piece.size();
        }
    }
};

parallel_deflater::parallel_deflater(deflate_engine& own, unsigned slots) noexcept : own_(own), slots_(slots)
{
}

std::unique_ptr<parallel_deflater> parallel_deflater::create(int level, unsigned threads,
                                                             deflate_engine& own) noexcept
{
    const unsigned wanted = threads > 1 ? std::min(threads, max_threads) : 0;
    std::unique_ptr<parallel_deflater> made(new (std::nothrow) parallel_deflater(own, wanted + 1));
    if (!made) return nullptr;
    for (unsigned i = 0; i < made->slots_; ++i) {
        made->blocks_[i].reset(new (std::nothrow) block);
        if (!made->blocks_[i]) return nullptr;
    }
    for (unsigned& i = made->threads_; i < wanted; ++i) {
        made->engines_[i] = deflate_engine::create(level);
        if (!made->engines_[i]) return nullptr;
        try {
            made->handles_[i] =
                std::thread(&parallel_deflater::work, made.get(), std::ref(*made->engines_[i]));
        } catch (const std::exception&) {
            break; // with as many as there are
        }
    }
    return made;
}

parallel_deflater::~parallel_deflater()
{
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    added_one_.notify_all();
    for (unsigned i = 0; i < threads_; ++i) handles_[i].join();
}

void parallel_deflater::begin(bytes_view window) noexcept
{
    {
        std::unique_lock lock(mutex_);
        started_ = added_;
        deflated_one_.wait(lock, [this] { return under_way_ == 0; });
        added_ = started_ = 0;
    }
    taken_ = 0;
    content_bytes_ = 0;
    at(0).set_window(window.data(), window.size());
}

mutable_bytes parallel_deflater::next_block() noexcept
{
    block& next = at(added_);
    if (added_ > 0) {
        // The last block still holds its content, even when it is the same slot.
        const bytes_view before = at(added_ - 1).content();
        next.set_window(before.data() + before.size() - window_bytes, window_bytes);
    }
    return mutable_bytes(next.input).subspan(window_bytes);
}

void parallel_deflater::add(std::size_t size, bool last) noexcept
{
    block& b = at(added_);
    b.size = size;
    b.last = last;
    b.read = 0;
    b.deflated = threads_ == 0;
    content_bytes_ += size;
    if (threads_ == 0) {
        b.deflate(own_);
        ++added_;
        return;
    }
    {
        const std::lock_guard lock(mutex_);
        ++added_;
    }
    added_one_.notify_one();
}

std::size_t parallel_deflater::packed_bytes_before() const noexcept
{
    return added_ < max_blocks ? 0 : packed_bytes_[added_ % max_blocks];
}

bytes_view parallel_deflater::front() noexcept
{
    const block& b = at(taken_);
    if (threads_ > 0) {
        std::unique_lock lock(mutex_);
        deflated_one_.wait(lock, [&] { return b.deflated; });
    }
    return bytes_view(b.output).first(b.packed).subspan(b.read);
}

void parallel_deflater::take(std::size_t size) noexcept
{
    block& b = at(taken_);
    b.read += size;
    if (b.read < b.packed) return;
    content_bytes_ -= b.size;
    packed_bytes_[taken_ % max_blocks] = b.packed;
    ++taken_;
}

void parallel_deflater::work(deflate_engine& engine) noexcept
{
    std::unique_lock lock(mutex_);
    for (;;) {
        added_one_.wait(lock, [this] { return stopping_ || started_ < added_; });
        if (stopping_) return;
        block& b = at(started_++);
        ++under_way_;
        lock.unlock();
        b.deflate(engine);
        lock.lock();
        --under_way_;
        b.deflated = true;
        deflated_one_.notify_one();
    }
}

} // namespace parley
