// The contents of records that have a form. An input is one content, and is read as a hello and as an abort:
// no crash, and what was read is written as it was.
#include "require.hpp"

#include <parley/base/utf8.hpp>
#include <parley/proto/session2_content.hpp>

namespace {

using namespace parley;
using fuzz::require;

// Reads a copy of exact size, so that the sanitizer sees a read past its end.
template <class Parse>
auto read_copy(bytes_view content, Parse parse)
{
    const byte_vector copy(content.begin(), content.end());
    diagnostics diag;
    auto out = parse(bytes_view{copy}, &diag);
    require(out.has_value() == diag.empty(), "a fault has words");
    require(out.has_value() || out.error() == errc::bad_record, "a fault is the peer's");
    return out;
}

template <class Parse>
void require_whole(bytes_view content, Parse parse)
{
    for (std::size_t size = 0; size < content.size() && size < 300; ++size)
        require(!read_copy(content.first(size), parse), "a cut content is no content");
    byte_vector longer(content.begin(), content.end());
    longer.push_back(0);
    require(!read_copy(longer, parse), "a longer content is no content");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const bytes_view content{data, size};
    if (const auto hello = read_copy(content, parse_hello)) {
        require(is_protocol_name(hello->protocol), "a protocol has a name");
        require(hello->software.size() <= max_software_bytes && is_valid_utf8(hello->software),
                "a software name is text within its bound");
        require(content.size() <= 2 + 2 * 64 + 1 + max_extensions_bytes, "a hello has a bound");
        require(parse_hello(encode(*hello)).value() == *hello, "a hello is written as it was read");
        require_whole(content, parse_hello);
    }
    if (const auto abort = read_copy(content, parse_abort)) {
        require(is_valid_utf8(abort->text), "a text is UTF-8");
        require(parse_abort(encode(*abort)).value() == *abort, "an abort is written as it was read");
        require_whole(content, parse_abort);
    }
    return 0;
}
