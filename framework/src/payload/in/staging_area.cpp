#include "payload/in/staging_area.hpp"

#include <parley/base/safe_name.hpp>

#include <boost/system/errc.hpp>

#include <algorithm>

namespace parley {
namespace {

constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyz234567"; // 32: five bits each

std::string random_name(random_source& random)
{
    std::array<byte, staging_random_letters> bytes{};
    random.fill(bytes);
    std::string name(staging_prefix);
    for (const byte b : bytes) name += letters[b % letters.size()];
    name += staging_suffix;
    return name;
}

} // namespace

staging_area::staging_area(staging_area&& other) noexcept
    : parent_(std::exchange(other.parent_, nullptr)),
      directory_(std::move(other.directory_)),
      name_(std::move(other.name_))
{
}

staging_area& staging_area::operator=(staging_area&& other) noexcept
{
    if (this == &other) return *this;
    remove();
    parent_ = std::exchange(other.parent_, nullptr);
    directory_ = std::move(other.directory_);
    name_ = std::move(other.name_);
    return *this;
}

result<staging_area> staging_area::create(const guarded_directory& parent, random_source& random)
{
    error_code error;
    for (int tries = 0; tries < 16; ++tries) {
        staging_area made;
        made.name_ = random_name(random);
        error = parent.make_empty_directory(made.name_, 0700);
        if (error == errc::destination_exists) continue;
        if (error) return error;
        // Between creation and lock, another receiver may think that the folder is stale and remove it.
        auto opened = parent.open_directory(made.name_);
        if (!opened) {
            error = opened.error();
            if (error != boost::system::errc::no_such_file_or_directory) {
                static_cast<void>(parent.remove_directory(made.name_));
                return error;
            }
            continue;
        }
        made.directory_ = std::move(*opened);
        const bool being_removed = made.directory_.lock() == guarded_directory::lock_state::held_by_another;
        if (being_removed || !made.directory_.is_named(parent, made.name_)) {
            static_cast<void>(parent.remove_empty_directory(made.name_));
            continue;
        }
        made.parent_ = &parent;
        return made;
    }
    return error ? error
                 : as_file_error(make_error_code(boost::system::errc::resource_unavailable_try_again));
}

error_code staging_area::try_out(const guarded_directory& parent, random_source& random)
{
    const auto made = create(parent, random);
    if (!made) return made.error();
    const guarded_directory& inside = made->directory();
    auto file = inside.make_file("file");
    if (!file) return file.error();
    if (const error_code error = file->append(as_bytes("content"))) return error;
    if (const error_code error = file->close()) return error;
    if (const error_code error = inside.move("file", inside, "moved file")) return error;
    if (const error_code error = inside.make_empty_directory("directory")) return error;
    return inside.move("directory", inside, "moved directory");
}

void staging_area::remove_stale(const guarded_directory& parent) noexcept
{
    const auto found = parent.names(staging_prefix, staging_suffix);
    if (!found) return;
    for (const std::string& name : *found) {
        if (name.size() != staging_prefix.size() + staging_random_letters + staging_suffix.size()) continue;
        const auto stale = parent.open_directory(name);
        if (!stale || !stale->is_private() || stale->lock() != guarded_directory::lock_state::taken) continue;
        // Remove only the folder that was locked here, not another one put in its place.
        if (stale->is_named(parent, name)) static_cast<void>(parent.remove_directory(name));
    }
}

std::string staging_area::keep() noexcept
{
    directory_.end_privacy();
    parent_ = nullptr;
    return std::move(name_);
}

void staging_area::remove() noexcept
{
    const guarded_directory* parent = std::exchange(parent_, nullptr);
    if (parent == nullptr) return;
    if (!directory_.is_replaced(*parent, name_) && parent->remove_directory(name_)) {
        directory_.remove_contents(); // there may be no descriptor left to open it
        static_cast<void>(parent->remove_empty_directory(name_));
    }
    directory_ = guarded_directory();
}

} // namespace parley
