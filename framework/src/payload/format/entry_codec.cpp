#include "payload/format/entry_codec.hpp"

#include <algorithm>

namespace parley {
namespace {

constexpr byte pack_signature[] = {'P', 'A', 'C', 'K'};
constexpr std::uint32_t pack_version = 2;
constexpr byte continues = 0x80;

bool is_known(unsigned kind)
{
    return (kind >= 1 && kind <= 4) || kind == 6 || kind == 7;
}

} // namespace

std::array<byte, pack_head_bytes> encode_pack_head(std::uint32_t entries) noexcept
{
    std::array<byte, pack_head_bytes> head{};
    std::copy(std::begin(pack_signature), std::end(pack_signature), head.begin());
    store_be(head.data() + 4, pack_version);
    store_be(head.data() + 8, entries);
    return head;
}

pack_head decode_pack_head(std::span<const byte, pack_head_bytes> head) noexcept
{
    if (!std::equal(std::begin(pack_signature), std::end(pack_signature), head.begin()))
        return {errc::pack_bad_signature, 0};
    if (load_be<std::uint32_t>(head.data() + 4) != pack_version) return {errc::pack_bad_version, 0};
    return {{}, load_be<std::uint32_t>(head.data() + 8)};
}

std::size_t encode_entry_header(pack_entry_kind kind, std::uint64_t size, byte* out) noexcept
{
    std::size_t length = 0;
    auto current = static_cast<byte>(static_cast<unsigned>(kind) << 4 | (size & 0x0f));
    size >>= 4;
    while (size != 0) {
        out[length++] = static_cast<byte>(current | continues);
        current = static_cast<byte>(size & 0x7f);
        size >>= 7;
    }
    out[length++] = current;
    return length;
}

std::size_t encode_base_distance(std::uint64_t distance, byte* out) noexcept
{
    std::array<byte, max_base_distance_bytes> reversed{};
    std::size_t length = 0;
    reversed[length++] = static_cast<byte>(distance & 0x7f);
    while ((distance >>= 7) != 0) {
        --distance;
        reversed[length++] = static_cast<byte>(continues | (distance & 0x7f));
    }
    std::reverse_copy(reversed.begin(), reversed.begin() + static_cast<std::ptrdiff_t>(length), out);
    return length;
}

entry_header_parser::status entry_header_parser::after_size() noexcept
{
    shift_ = 0;
    switch (header_.kind) {
    case pack_entry_kind::offset_delta:
        state_ = state::distance;
        return status::more;
    case pack_entry_kind::reference_delta:
        state_ = state::base_id;
        return status::more;
    default:
        state_ = state::kind;
        return status::done;
    }
}

entry_header_parser::status entry_header_parser::push(byte b) noexcept
{
    switch (state_) {
    case state::kind: {
        const unsigned kind = (b >> 4) & 7u;
        if (!is_known(kind)) return status::bad;
        header_ = entry_header{};
        header_.kind = static_cast<pack_entry_kind>(kind);
        header_.size = b & 0x0fu;
        if ((b & continues) == 0) return after_size();
        shift_ = 4;
        state_ = state::size;
        return status::more;
    }
    case state::size: {
        const std::uint64_t bits = b & 0x7fu;
        if (shift_ > 63 || (bits << shift_) >> shift_ != bits) return status::bad;
        header_.size |= bits << shift_;
        shift_ += 7;
        return (b & continues) == 0 ? after_size() : status::more;
    }
    case state::distance: {
        std::uint64_t& distance = header_.base_distance;
        if (shift_ != 0) {
            if (distance >= (UINT64_MAX >> 7) - 1) return status::bad;
            distance = (distance + 1) << 7;
        }
        ++shift_;
        distance |= b & 0x7fu;
        if ((b & continues) != 0) return status::more;
        state_ = state::kind;
        return distance == 0 ? status::bad : status::done;
    }
    case state::base_id:
        header_.base_id[shift_++] = b;
        if (shift_ < sha1_bytes) return status::more;
        state_ = state::kind;
        return status::done;
    }
    return status::bad;
}

} // namespace parley
