#include "payload/in/delta.hpp"

#include <algorithm>

namespace parley {
namespace {

constexpr byte is_copy = 0x80;
constexpr unsigned argument_count = 7; // four bytes of offset, three of size
constexpr std::uint64_t size_of_zero = 0x10000;

} // namespace

error_code delta_parser::fail(std::string_view problem)
{
    problem_ = problem;
    return errc::pack_bad_delta;
}

error_code delta_parser::take_size(byte b, std::uint64_t& size, bool& done)
{
    const std::uint64_t bits = b & 0x7fu;
    if (shift_ > 63 || (bits << shift_) >> shift_ != bits) return fail("delta with a size above 64 bits");
    size |= bits << shift_;
    shift_ += 7;
    done = (b & 0x80) == 0;
    if (done) shift_ = 0;
    return {};
}

error_code delta_parser::take_arguments(bytes_view& in, delta_sink& sink)
{
    while (true) {
        while (shift_ < argument_count && (which_ >> shift_ & 1) == 0) ++shift_;
        if (shift_ == argument_count) break;
        if (in.empty()) return {};
        value_ |= static_cast<std::uint64_t>(in.front()) << (shift_ * 8);
        ++shift_;
        in = in.subspan(1);
    }
    state_ = state::instruction;
    const std::uint64_t offset = value_ & 0xffffffffu;
    const std::uint64_t length = value_ >> 32 == 0 ? size_of_zero : value_ >> 32;
    if (offset > base_bytes_ || length > base_bytes_ - offset)
        return fail("delta copies past its base's end");
    if (length > result_left_) return fail("delta makes more than it announced");
    result_left_ -= length;
    return sink.copy(offset, length);
}

error_code delta_parser::write(bytes_view in, delta_sink& sink)
{
    while (true) {
        // A copy without arguments is complete with its first byte, so handle it before testing for more
        // input.
        if (state_ == state::arguments) {
            if (const error_code error = take_arguments(in, sink)) return error;
            if (state_ == state::arguments) return {};
        }
        if (in.empty()) return {};
        switch (state_) {
        case state::base_size:
        case state::result_size: {
            const bool base = state_ == state::base_size;
            bool done = false;
            const error_code error = take_size(in.front(), base ? base_bytes_ : result_left_, done);
            if (error) return error;
            in = in.subspan(1);
            if (!done) break;
            state_ = base ? state::result_size : state::instruction;
            if (base) break;
            if (const error_code refused = sink.sizes(base_bytes_, result_left_)) return refused;
            break;
        }
        case state::instruction: {
            const byte b = in.front();
            in = in.subspan(1);
            if (b == 0) return fail("delta with the reserved instruction");
            if ((b & is_copy) != 0) {
                which_ = b;
                value_ = 0;
                shift_ = 0;
                state_ = state::arguments;
            } else {
                if (b > result_left_) return fail("delta makes more than it announced");
                inserting_ = b;
                result_left_ -= b;
                state_ = state::inserting;
            }
            break;
        }
        case state::inserting: {
            const bytes_view piece = in.first(std::min(in.size(), inserting_));
            in = in.subspan(piece.size());
            inserting_ -= piece.size();
            if (inserting_ == 0) state_ = state::instruction;
            if (const error_code error = sink.insert(piece)) return error;
            break;
        }
        case state::arguments:
            break;
        }
    }
}

error_code delta_parser::finish()
{
    if (state_ != state::instruction) return fail("delta ends inside an instruction");
    if (result_left_ != 0) return fail("delta makes less than it announced");
    return {};
}

} // namespace parley
