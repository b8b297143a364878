#include "proto/document/document_message.hpp"

#include <parley/proto/document_outline.hpp>

#include <algorithm>

namespace parley {
namespace {

// How an entry is stored: u8 kind, u32 parent, u8 length of the name, the name, i64 modified; of a file u16 mode
// and u64 size; of a directory u16 mode; of a link u16 length of the target, the target.
constexpr std::size_t stored_fixed_bytes = 1 + 4 + 1 + 8;

std::size_t stored_bytes(const entry_list::entry& e) noexcept
{
    const std::size_t rest = e.kind == entry_kind::file        ? 2 + 8
                             : e.kind == entry_kind::directory ? 2
                                                               : 2 + e.target.size();
    return stored_fixed_bytes + e.name.size() + rest;
}

class stored_writer {
public:
    explicit stored_writer(byte* out) noexcept : out_{out} {}
    template <class Integer>
    void number(Integer value) noexcept
    {
        store_be(out_, value);
        out_ += sizeof value;
    }
    void text(std::string_view text) noexcept { out_ = std::copy(text.begin(), text.end(), out_); }

private:
    byte* out_;
};

class stored_reader {
public:
    explicit stored_reader(const byte* in) noexcept : in_{in} {}
    template <class Integer>
    Integer number() noexcept
    {
        const auto value = load_be<Integer>(in_);
        in_ += sizeof value;
        return value;
    }
    std::string_view text(std::size_t size) noexcept
    {
        const std::string_view out = as_text({in_, size});
        in_ += size;
        return out;
    }

private:
    const byte* in_;
};

} // namespace

bool entry_list::append(const entry& e)
{
    const std::size_t size = stored_bytes(e);
    if (size > page_bytes || places_.size() == top_entry) return false;
    if (size > page_bytes - used_) {
        if (pages_.size() == std::size_t{1} << (32 - page_bits)) return false;
        pages_.push_back(std::unique_ptr<byte[]>{new byte[page_bytes]});
        used_ = 0;
    }
    places_.push_back(static_cast<std::uint32_t>((pages_.size() - 1) << page_bits | used_));
    stored_writer out{pages_.back().get() + used_};
    out.number(static_cast<byte>(e.kind));
    out.number(e.parent);
    out.number(static_cast<byte>(e.name.size()));
    out.text(e.name);
    out.number(static_cast<std::uint64_t>(e.modified));
    if (e.kind == entry_kind::link) {
        out.number(static_cast<std::uint16_t>(e.target.size()));
        out.text(e.target);
    } else {
        out.number(e.mode);
        if (e.kind == entry_kind::file) out.number(e.size);
    }
    used_ += size;
    return true;
}

entry_list::entry entry_list::at(std::uint32_t number) const noexcept
{
    const std::uint32_t place = places_[number];
    stored_reader in{pages_[place >> page_bits].get() + (place & (page_bytes - 1))};
    entry out;
    out.kind = static_cast<entry_kind>(in.number<byte>());
    out.parent = in.number<std::uint32_t>();
    out.name = in.text(in.number<byte>());
    out.modified = static_cast<std::int64_t>(in.number<std::uint64_t>());
    if (out.kind == entry_kind::link) {
        out.target = in.text(in.number<std::uint16_t>());
    } else {
        out.mode = in.number<std::uint16_t>();
        if (out.kind == entry_kind::file) out.size = in.number<std::uint64_t>();
    }
    return out;
}

std::string entry_list::path(std::uint32_t number) const
{
    // From the last component to the first, then turned round.
    std::vector<std::string_view> components;
    while (number != top_entry) {
        const entry e = at(number);
        components.push_back(e.name);
        number = e.parent;
    }
    std::string out;
    for (auto component = components.rbegin(); component != components.rend(); ++component) {
        if (component != components.rbegin()) out += '/';
        out += *component;
    }
    return out;
}

} // namespace parley
