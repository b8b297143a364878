#include "payload/disk/name_probe.hpp"

#include <boost/system/errc.hpp>

namespace parley {
namespace {

// A name with which no file system has a problem. It does not stay.
constexpr std::string_view probing_name = "parley-probe";

} // namespace

// File systems give different reasons for a name. A full or broken one gives none of these.
bool is_name_refused(const error_code& error, const guarded_directory& where)
{
    namespace sys = boost::system::errc;
    const bool about_a_name = error == errc::destination_exists || error == sys::invalid_argument ||
                              error == sys::illegal_byte_sequence || error == sys::filename_too_long ||
                              error == sys::no_such_file_or_directory || error == sys::permission_denied ||
                              error == sys::operation_not_permitted ||
                              error == sys::operation_not_supported || error == sys::function_not_supported ||
                              error == sys::is_a_directory || error == sys::not_a_directory;
    if (!about_a_name) return false;
    const error_code probed = where.make_empty_directory(probing_name);
    if (probed) return probed == errc::destination_exists;
    return !where.remove_directory(probing_name);
}

} // namespace parley
