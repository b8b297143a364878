#include "transfer/document_read_ahead.hpp"

namespace parley::detail {

document_read_ahead::document_read_ahead(const executor& home, executor away, document_source& source)
    : source_(source), filled_(home), away_(home, std::move(away))
{
    for (slot& s : slots_) s.bytes = make_page_buffer(piece_bytes);
    for (slot& s : slots_) fill(s, &s == &slots_.front() ? first_piece_bytes : piece_bytes);
}

void document_read_ahead::fill(slot& s, std::size_t wanted)
{
    s.ready = false;
    const auto work = [this, &s, wanted] {
        try {
            s.content = {};
            source_.prefer_speed(prefer_speed_);
            const auto size = source_.read({s.bytes.get(), wanted});
            if (size) {
                s.content.bytes = {s.bytes.get(), *size};
                s.content.last = source_.finished();
            } else {
                s.content.error = size.error();
                s.content.error_detail = escaped(source_.error_path());
                if (!source_.error_when().empty()) s.content.error_detail += ", " + source_.error_when();
            }
            s.content.content_bytes = source_.content_bytes_read();
            s.content.total_content_bytes = source_.content_bytes();
        } catch (...) { // out of memory: rethrown on the home executor
            s.thrown = std::current_exception();
        }
    };
    away_.submit(work, [this, &s] {
        s.ready = true;
        filled_.signal();
    });
}

awaitable<document_read_ahead::piece> document_read_ahead::next(bool prefer_speed)
{
    if (std::exchange(given_out_, true)) fill(slots_[current_], piece_bytes);
    current_ = (current_ + 1) % pieces;
    slot& s = slots_[current_];
    waiting_ = true;
    prefer_speed_ = prefer_speed && !s.ready;
    while (!s.ready) co_await filled_.wait();
    waiting_ = false;
    if (s.thrown) std::rethrow_exception(s.thrown);
    co_return std::move(s.content);
}

} // namespace parley::detail
