// What a peer in a browser says of itself first (SESSION2.md section 4).
#pragma once

#include <parley/proto/document_outline.hpp>
#include <parley/proto/session2_content.hpp>

namespace parley::web {

inline session2_hello own_hello()
{
    return {std::string{document_protocol}, "parley " PARLEY_VERSION};
}

} // namespace parley::web
