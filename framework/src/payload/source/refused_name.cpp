#include "payload/source/refused_name.hpp"

#include <parley/base/bytes.hpp>
#include <parley/base/safe_name.hpp>
#include <parley/base/utf8.hpp>

namespace parley {
namespace {

bool is_refused_for(std::string_view problem, std::string_view name, diagnostics* diag)
{
    if (problem.empty()) return false;
    if (diag != nullptr)
        diag->set_message("receivers refuse the name \"" + escaped(name) + "\": it " + std::string(problem));
    return true;
}

} // namespace

bool is_refused_name(std::string_view name, diagnostics* diag)
{
    return is_refused_for(document_name_problem(name), name, diag);
}

bool is_refused_title(std::string_view title, diagnostics* diag)
{
    if (title.size() > max_name_bytes) return is_refused_for("is longer than 255 bytes", title, diag);
    return is_refused_for(is_valid_utf8(title) ? "" : "is not valid UTF-8", title, diag);
}

} // namespace parley
