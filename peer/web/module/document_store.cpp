#include "peer/web/module/document_store.hpp"

#include <algorithm>
#include <utility>

namespace parley::web {

template <class Action>
void document_store::push(Action what, std::size_t bytes)
{
    waiting_.push_back(bytes);
    waiting_bytes_ += bytes;
    all_.out.push(std::move(what));
}

std::vector<kept_part>::iterator document_store::place_of(std::uint32_t entry)
{
    return std::lower_bound(complete_.begin(), complete_.end(), entry,
                            [](const kept_part& part, std::uint32_t wanted) { return part.entry < wanted; });
}

bool document_store::open(std::uint32_t entry, std::uint64_t offset)
{
    pass_block();
    if (entry != open_ && open_ != top_entry) partial_[open_] = std::exchange(now_, {});
    if (entry != open_) now_ = {};
    open_ = entry;
    if (const auto known = partial_.find(entry); known != partial_.end()) {
        now_ = known->second;
        partial_.erase(known);
    }
    if (offset == 0) {
        now_ = {};
        const auto known = place_of(entry);
        if (known != complete_.end() && known->entry == entry) complete_.erase(known);
    } else if (offset != now_.offset) {
        return false;
    }
    push(action::create{entry, offset});
    return true;
}

void document_store::append(bytes_view& bytes)
{
    while (!bytes.empty() && has_room()) {
        if (block_.capacity() == 0) {
            block_ = all_.out.space();
            block_.reserve(block_bytes);
        }
        const bytes_view part = bytes.first(std::min(bytes.size(), block_bytes - block_.size()));
        block_.insert(block_.end(), part.begin(), part.end());
        now_.hash.update(part);
        now_.offset += part.size();
        bytes = bytes.subspan(part.size());
        if (block_.size() == block_bytes) pass_block();
    }
}

void document_store::close()
{
    pass_block();
    if (now_.offset != 0)
        complete_.insert(place_of(open_), kept_part{open_, now_.offset, now_.hash.digest()});
    open_ = top_entry;
    now_ = {};
    push(action::finish{});
}

void document_store::flush()
{
    if (waiting_.empty()) pass_block();
}

void document_store::pass_block()
{
    if (block_.empty()) return;
    const std::size_t size = block_.size();
    push(action::append{std::move(block_)}, size);
    block_ = {};
}

void document_store::place()
{
    if (std::exchange(place_asked_, true)) return;
    pass_block();
    push(action::place{});
}

void document_store::interrupt()
{
    pass_block();
}

void document_store::done(std::size_t actions)
{
    for (; actions > 0 && !waiting_.empty(); --actions) {
        waiting_bytes_ -= waiting_.front();
        waiting_.pop_front();
    }
    if (place_asked_ && waiting_.empty()) is_placed_ = true;
}

std::vector<kept_part> document_store::kept() const
{
    std::vector<kept_part> out = complete_;
    const auto add = [&out](std::uint32_t entry, const partial& part) {
        if (part.offset != 0) out.push_back({entry, part.offset, part.hash.digest()});
    };
    for (const auto& [entry, part] : partial_) add(entry, part);
    if (open_ != top_entry) add(open_, now_);
    std::sort(out.begin(), out.end(),
              [](const kept_part& a, const kept_part& b) { return a.entry < b.entry; });
    return out;
}

} // namespace parley::web
