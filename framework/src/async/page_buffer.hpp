// Memory for socket and file contents that the system copies. Private to the framework.
#pragma once

#include <parley/base/bytes.hpp>

#include <cstddef>
#include <memory>
#include <new>

namespace parley::detail {

// The system copies mostly from the beginning of a page. A plain allocation of many pages begins sixteen
// bytes into one, and a copy between such different offsets takes five times as long on some processors
// (docs/performance.md).
inline constexpr std::align_val_t page_alignment{4096};

struct page_buffer_deleter {
    void operator()(byte* bytes) const noexcept { ::operator delete[](bytes, page_alignment); }
};
using page_buffer = std::unique_ptr<byte[], page_buffer_deleter>;

// `size` bytes, not initialised. Throws std::bad_alloc.
inline page_buffer make_page_buffer(std::size_t size)
{
    return page_buffer(static_cast<byte*>(::operator new[](size, page_alignment)));
}

} // namespace parley::detail
