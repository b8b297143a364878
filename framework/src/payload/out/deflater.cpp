#include "payload/out/deflater.hpp"

#include "payload/format/adler32.hpp"
#include "payload/out/deflate_engine.hpp"
#include "payload/out/parallel_deflater.hpp"
#include <parley/payload/randomness.hpp>

#include <boost/system/errc.hpp>

#include <algorithm>
#include <cstring>
#include <new>

namespace parley {
namespace {

constexpr std::uint64_t deflated_stretch_bytes = 1 << 20;
static_assert(deflated_stretch_bytes % parallel_deflater::block_bytes == 0);
// The least rest of a content that is cut into blocks: threads do not pay for less.
constexpr std::uint64_t least_bytes_in_blocks = 4 << 20;
constexpr std::uint64_t stored_stretch_bytes = 8 << 20;
constexpr std::uint64_t first_fast_stretch_bytes = 1 << 20;
constexpr std::size_t later_sample_bytes = 16 * 1024;
constexpr std::uint32_t max_stored_block_bytes = 65535;

using flush = deflate_engine::flush;

// Deflating is worth its time, here and at the receiver, when it saves a twentieth.
constexpr bool worth_deflating(std::uint64_t content, std::uint64_t packed) noexcept
{
    return packed < content - content / 20;
}

unsigned threads_of(unsigned given) noexcept
{
    // 0: leave one processor to the thread that seals and sends. hardware_concurrency() may be 0, too.
    if (given == 0) given = std::max(std::thread::hardware_concurrency(), 2u) - 1;
    return std::min(given, parallel_deflater::max_threads);
}

} // namespace

error_code memory_content::read(mutable_bytes out)
{
    if (out.size() > left_.size()) return errc::document_changed;
    if (!out.empty()) std::memcpy(out.data(), left_.data(), out.size());
    left_ = left_.subspan(out.size());
    return {};
}

// What only deflating needs: the library's state, the input that it has not taken yet, and the output of a
// sample. The library makes raw deflate. We write the zlib header and checksum, because stored blocks of ours
// come between its blocks.
struct deflater::engine {
    std::unique_ptr<deflate_engine> library;
    std::array<byte, sample_bytes> input;
    std::size_t input_begin = 0;
    std::size_t input_end = 0;
    // A sample's output never exceeds this: random bytes grow by a thousandth, an unlucky sample by little.
    std::array<byte, sample_bytes + 1024> output;
    std::size_t output_begin = 0;
    std::size_t output_end = 0;
    std::unique_ptr<parallel_deflater> parallel; // for long contents

    void restart() noexcept
    {
        library->restart({});
        input_begin = input_end = output_begin = output_end = 0;
    }
};

deflater::deflater(compression method, int level, unsigned threads)
    : method_(method),
      level_(std::clamp(level, 1, 9)),
      threads_(threads),
      fast_stretch_(first_fast_stretch_bytes)
{
}
deflater::deflater(deflater&&) noexcept = default;
deflater& deflater::operator=(deflater&&) noexcept = default;
deflater::~deflater() = default;

void deflater::start(std::uint64_t size) noexcept
{
    size_ = left_ = size;
    adler_ = 1;
    block_left_ = 0;
    stretch_left_ = 0;
    first_sample_ = true;
    stored_next_ = blocks_next_ = false;
    small_begin_ = small_end_ = 0;
    if (engine_) engine_->input_begin = engine_->input_end = engine_->output_begin = engine_->output_end = 0;
    if (method_ == compression::never) {
        hold_header(false);
        start_stored();
    } else {
        phase_ = phase::choosing;
    }
}

bool deflater::finished() const noexcept
{
    return phase_ == phase::done && small_begin_ == small_end_;
}

void deflater::hold(bytes_view bytes) noexcept
{
    // read() hands out what small_ holds before it takes another step, so it is free here.
    std::memcpy(small_.data(), bytes.data(), bytes.size());
    small_begin_ = 0;
    small_end_ = bytes.size();
}

// The two bytes at the start: deflate with a window of 32 KiB, the effort, and a check of both.
void deflater::hold_header(bool deflated) noexcept
{
    const unsigned effort = !deflated || level_ == 1 ? 0u : level_ < 6 ? 1u : level_ == 6 ? 2u : 3u;
    unsigned header = 0x7800u | effort << 6;
    header += 31 - header % 31;
    hold(std::array{static_cast<byte>(header >> 8), static_cast<byte>(header)});
}

error_code deflater::ensure_engine()
{
    if (engine_) return {};
    std::unique_ptr<engine> made(new (std::nothrow) engine);
    if (made) made->library = deflate_engine::create(level_);
    if (!made || !made->library)
        return boost::system::errc::make_error_code(boost::system::errc::not_enough_memory);
    engine_ = std::move(made);
    return {};
}

error_code deflater::take(mutable_bytes out, content_reader& content)
{
    if (const error_code error = content.read(out)) return error;
    adler_ = adler32(adler_, out);
    left_ -= out.size();
    return {};
}

// Takes a sample, deflates it, and decides how to go on with it and with what follows.
error_code deflater::choose(content_reader& content)
{
    const bool first = first_sample_;
    first_sample_ = false;
    if (may_store_for_speed()) {
        if (first) hold_header(false);
        start_stored();
        return {};
    }
    if (const error_code error = ensure_engine()) return error;
    engine& e = *engine_;
    e.restart();

    if (method_ == compression::always) {
        hold_header(true);
        if (left_ >= least_bytes_in_blocks) return begin_blocks({});
        stretch_left_ = UINT64_MAX;
        phase_ = phase::deflating;
        return {};
    }

    const auto wanted =
        static_cast<std::size_t>(std::min<std::uint64_t>(left_, first ? sample_bytes : later_sample_bytes));
    if (const error_code error = take(mutable_bytes(e.input).first(wanted), content)) return error;
    const bool whole = left_ == 0;
    bytes_view in = bytes_view(e.input).first(wanted);
    mutable_bytes out(e.output);
    bool keep = false;
    if (!is_incompressible(in)) {
        // A sync flush shows how small the sample becomes. It costs five bytes.
        const bool complete = e.library->step(in, out, whole ? flush::finish : flush::sync);
        const std::size_t made = e.output.size() - out.size();
        keep = complete && (whole && first ? made < wanted + 5 : worth_deflating(wanted, made));
    }
    const std::size_t packed = e.output.size() - out.size();
    if (first) hold_header(keep);
    if (!keep) {
        e.input_end = wanted;
        start_stored();
        return {};
    }
    e.output_end = packed;
    stretch_left_ = deflated_stretch_bytes;
    stretch_in_ = stretch_out_ = 0;
    phase_ = whole ? phase::checksum : phase::deflating;
    return {};
}

void deflater::start_stored() noexcept
{
    phase_ = phase::stored_header;
    if (may_store_for_speed()) {
        // The first of these stretches are short, because buffers on the path may make it seem fast.
        stretch_left_ = fast_stretch_;
        if (left_ > fast_stretch_) fast_stretch_ = std::min(2 * fast_stretch_, stored_stretch_bytes);
    } else {
        stretch_left_ = method_ == compression::never ? UINT64_MAX : stored_stretch_bytes;
    }
}

// Runs until there is output or the end. The library always gets the same room, because its output depends on
// that, and the stream must not depend on how it is read.
error_code deflater::deflate_some(content_reader& content)
{
    engine& e = *engine_;
    e.output_begin = e.output_end = 0;
    while (e.output_end == 0) {
        const bool flushing = stored_next_ || blocks_next_;
        if (e.input_begin == e.input_end && !flushing && left_ > 0) {
            if (may_store_for_speed()) {
                stored_next_ = true;
                continue;
            }
            if (stretch_left_ == 0) {
                // Judge by the output so far, which covers all but one block.
                stored_next_ = !worth_deflating(stretch_in_, stretch_out_);
                blocks_next_ = !stored_next_ && left_ >= least_bytes_in_blocks;
                stretch_in_ = stretch_out_ = 0;
                stretch_left_ = deflated_stretch_bytes;
                continue;
            }
            const auto n =
                static_cast<std::size_t>(std::min<std::uint64_t>({left_, stretch_left_, e.input.size()}));
            if (const error_code error = take(mutable_bytes(e.input).first(n), content)) return error;
            if (stretch_left_ != UINT64_MAX) stretch_left_ -= n;
            e.input_begin = 0;
            e.input_end = n;
        }
        bytes_view in = bytes_view(e.input).subspan(e.input_begin, e.input_end - e.input_begin);
        mutable_bytes out(e.output);
        const bool complete = e.library->step(in, out,
                                              flushing     ? flush::sync
                                              : left_ == 0 ? flush::finish
                                                           : flush::none);
        e.output_end = e.output.size() - out.size();
        stretch_in_ += e.input_end - e.input_begin - in.size();
        stretch_out_ += e.output_end;
        e.input_begin = e.input_end - in.size();
        if (!complete) continue;
        if (stored_next_) {
            stored_next_ = false;
            start_stored();
            return {};
        }
        if (blocks_next_) {
            blocks_next_ = false;
            const bytes_view window = bytes_view(e.input).first(e.input_end);
            return begin_blocks(window.last(std::min(window.size(), parallel_deflater::window_bytes)));
        }
        if (left_ == 0) {
            phase_ = phase::checksum;
            return {};
        }
    }
    return {};
}

error_code deflater::begin_blocks(bytes_view window)
{
    engine& e = *engine_;
    if (!e.parallel) e.parallel = parallel_deflater::create(level_, threads_of(threads_), *e.library);
    if (!e.parallel) return boost::system::errc::make_error_code(boost::system::errc::not_enough_memory);
    e.parallel->begin(window);
    stretch_in_ = stretch_out_ = 0;
    phase_ = phase::deflating_blocks;
    return {};
}

// Adds as many blocks as fit, then waits for the first of them.
result<std::size_t> deflater::deflate_blocks(mutable_bytes out, content_reader& content)
{
    parallel_deflater& parallel = *engine_->parallel;
    while (left_ > 0 && !stored_next_ && !may_store_for_speed() && !parallel.full()) {
        // This block has left already, whatever the number of threads.
        if (const std::size_t packed = parallel.packed_bytes_before();
            packed > 0 && method_ != compression::always) {
            stretch_in_ += parallel_deflater::block_bytes;
            stretch_out_ += packed;
            if (stretch_in_ == deflated_stretch_bytes) {
                stored_next_ = !worth_deflating(stretch_in_, stretch_out_);
                stretch_in_ = stretch_out_ = 0;
                if (stored_next_) break;
            }
        }
        const auto n =
            static_cast<std::size_t>(std::min<std::uint64_t>(left_, parallel_deflater::block_bytes));
        if (const error_code error = take(parallel.next_block().first(n), content)) return error;
        parallel.add(n, left_ == 0);
    }
    if (parallel.empty()) {
        stored_next_ = false;
        if (left_ == 0)
            phase_ = phase::checksum;
        else
            start_stored();
        return 0;
    }
    const bytes_view front = parallel.front();
    const std::size_t n = std::min(out.size(), front.size());
    std::memcpy(out.data(), front.data(), n);
    parallel.take(n);
    return n;
}

std::uint64_t deflater::content_bytes_taken() const noexcept
{
    const std::size_t inside = phase_ == phase::deflating_blocks ? engine_->parallel->content_bytes() : 0;
    return size_ - left_ - inside;
}

result<std::size_t> deflater::read(mutable_bytes out, content_reader& content)
{
    std::size_t done = 0;
    const std::uint64_t left_before = left_;
    while (done < out.size() && (done == 0 || left_before - left_ < content_bytes_per_read)) {
        const mutable_bytes room = out.subspan(done);
        if (small_begin_ < small_end_) {
            const std::size_t n = std::min(room.size(), small_end_ - small_begin_);
            std::memcpy(room.data(), small_.data() + small_begin_, n);
            small_begin_ += n;
            done += n;
            continue;
        }
        if (engine_ && engine_->output_begin < engine_->output_end) {
            engine& e = *engine_;
            const std::size_t n = std::min(room.size(), e.output_end - e.output_begin);
            std::memcpy(room.data(), e.output.data() + e.output_begin, n);
            e.output_begin += n;
            done += n;
            continue;
        }
        // Input of a sample that goes into stored blocks.
        const std::size_t sampled = engine_ ? engine_->input_end - engine_->input_begin : 0;

        switch (phase_) {
        case phase::choosing: {
            if (const error_code error = choose(content)) return error;
            break;
        }
        case phase::deflating: {
            if (const error_code error = deflate_some(content)) return error;
            break;
        }
        case phase::deflating_blocks: {
            const result<std::size_t> n = deflate_blocks(room, content);
            if (!n) return n.error();
            done += *n;
            break;
        }
        case phase::stored_header: {
            if (sampled == 0 && left_ > 0 && stretch_left_ == 0) {
                phase_ = phase::choosing;
                break;
            }
            const std::uint64_t remaining = sampled + left_;
            block_left_ = static_cast<std::uint32_t>(std::min<std::uint64_t>(
                {remaining, std::max<std::uint64_t>(stretch_left_, sampled), max_stored_block_bytes}));
            last_block_ = block_left_ == remaining;
            const auto length = static_cast<std::uint16_t>(block_left_);
            const auto inverse = static_cast<std::uint16_t>(~length);
            hold(std::array{static_cast<byte>(last_block_ ? 1 : 0), static_cast<byte>(length & 0xff),
                            static_cast<byte>(length >> 8), static_cast<byte>(inverse & 0xff),
                            static_cast<byte>(inverse >> 8)});
            phase_ = block_left_ > 0 ? phase::stored_data : phase::checksum;
            break;
        }
        case phase::stored_data: {
            std::size_t n = std::min<std::size_t>(room.size(), block_left_);
            if (sampled > 0) {
                n = std::min(n, sampled);
                std::memcpy(room.data(), engine_->input.data() + engine_->input_begin, n);
                engine_->input_begin += n;
            } else if (const error_code error = take(room.first(n), content)) {
                return error;
            }
            done += n;
            block_left_ -= static_cast<std::uint32_t>(n);
            if (stretch_left_ != UINT64_MAX) stretch_left_ -= std::min<std::uint64_t>(stretch_left_, n);
            if (block_left_ == 0) phase_ = last_block_ ? phase::checksum : phase::stored_header;
            break;
        }
        case phase::checksum: {
            std::array<byte, 4> sum;
            store_be(sum.data(), adler_);
            hold(sum);
            phase_ = phase::done;
            break;
        }
        case phase::done:
            return done;
        }
    }
    return done;
}

} // namespace parley
