#include "payload/in/staging_area.hpp"

#include <parley/base/safe_name.hpp>

#include <boost/system/errc.hpp>

#include <algorithm>
#include <limits>

namespace parley {
namespace {

constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyz234567"; // 32: five bits each
constexpr std::size_t document_letters = 26;
constexpr std::int64_t kept_for = std::int64_t{7} * 24 * 3600 * 1'000'000'000;

std::string staging_name(bytes_view bytes)
{
    std::string name(staging_prefix);
    for (const byte b : bytes) name += letters[b % letters.size()];
    name += staging_suffix;
    return name;
}

std::string random_name(random_source& random)
{
    std::array<byte, staging_random_letters> bytes{};
    random.fill(bytes);
    return staging_name(bytes);
}

std::string document_name(const blake2b_256_digest& document)
{
    return staging_name(bytes_view(document).first(document_letters));
}

constexpr std::size_t name_bytes(std::size_t random_letters)
{
    return staging_prefix.size() + random_letters + staging_suffix.size();
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

// Errors: destination_exists when there is something of that name; resource_unavailable_try_again when another
// receiver is removing the new folder, which it may think is stale until it is locked.
result<staging_area> staging_area::make(const guarded_directory& parent, std::string name)
{
    const error_code busy =
        as_file_error(make_error_code(boost::system::errc::resource_unavailable_try_again));
    staging_area made;
    made.name_ = std::move(name);
    if (const error_code error = parent.make_empty_directory(made.name_, 0700)) return error;
    auto opened = parent.open_directory(made.name_);
    if (!opened) {
        if (opened.error() == boost::system::errc::no_such_file_or_directory) return busy;
        static_cast<void>(parent.remove_directory(made.name_));
        return opened.error();
    }
    made.directory_ = std::move(*opened);
    const bool being_removed = made.directory_.lock() == guarded_directory::lock_state::held_by_another;
    if (being_removed || !made.directory_.is_named(parent, made.name_)) {
        static_cast<void>(parent.remove_empty_directory(made.name_));
        return busy;
    }
    made.parent_ = &parent;
    return made;
}

result<staging_area> staging_area::create(const guarded_directory& parent, random_source& random)
{
    error_code error;
    for (int tries = 0; tries < 16; ++tries) {
        auto made = make(parent, random_name(random));
        if (made) return made;
        error = made.error();
        if (error != errc::destination_exists && error != boost::system::errc::resource_unavailable_try_again)
            break;
    }
    return error;
}

staging_area staging_area::find(const guarded_directory& parent, const blake2b_256_digest& document)
{
    staging_area found;
    found.name_ = document_name(document);
    auto opened = parent.open_directory(found.name_);
    if (!opened || !opened->is_private() || opened->lock() != guarded_directory::lock_state::taken ||
        !opened->is_named(parent, found.name_))
        return {};
    found.directory_ = std::move(*opened);
    found.parent_ = &parent;
    return found;
}

result<staging_area> staging_area::open_or_create(const guarded_directory& parent,
                                                  const blake2b_256_digest& document, random_source& random)
{
    if (staging_area found = find(parent, document)) return found;
    auto made = make(parent, document_name(document));
    return made ? std::move(made) : create(parent, random);
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

void staging_area::remove_left(const guarded_directory& parent, std::size_t random_letters,
                               std::int64_t before) noexcept
{
    const auto found = parent.names(staging_prefix, staging_suffix);
    if (!found) return;
    for (const std::string& name : *found) {
        if (name.size() != name_bytes(random_letters)) continue;
        const auto left = parent.open_directory(name);
        if (!left || !left->is_private() || left->lock() != guarded_directory::lock_state::taken) continue;
        const auto touched = left->modified();
        if (!touched || *touched >= before) continue;
        // Remove only the folder that was locked here, not another one put in its place.
        if (left->is_named(parent, name)) static_cast<void>(parent.remove_directory(name));
    }
}

void staging_area::remove_stale(const guarded_directory& parent) noexcept
{
    remove_left(parent, staging_random_letters, std::numeric_limits<std::int64_t>::max());
}

void staging_area::remove_old(const guarded_directory& parent, std::int64_t now) noexcept
{
    remove_left(parent, document_letters, now - kept_for);
}

bool staging_area::may_be_found() const noexcept
{
    return parent_ != nullptr && name_.size() == name_bytes(document_letters);
}

void staging_area::leave() noexcept
{
    directory_.set_modified_now();
    parent_ = nullptr;
    directory_ = guarded_directory();
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
