#include "payload/out/document_walk.hpp"

#include "payload/format/tree_codec.hpp"
#include "payload/out/directory_names.hpp"
#include "payload/out/skip_reason.hpp"

#include <parley/base/descriptor.hpp>
#include <parley/base/safe_name.hpp>

#include <algorithm>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>

namespace parley {
namespace {

// How many paths pass between two looks at the clock. A slow file system takes milliseconds for each.
constexpr std::uint64_t paths_per_clock = 16;

} // namespace

// The contents of one directory, compact and sorted. A level of the walk keeps them until all its
// subdirectories are walked.
class document_walk::walker {
public:
    walker(document_walk& out, const std::function<void(const skipped_path&)>& on_skipped,
           std::string& error_path, time_point deadline, const std::atomic<bool>* stopped)
        : out_(out), on_skipped_(on_skipped), error_path_(error_path), deadline_(deadline), stopped_(stopped)
    {
    }

    error_code run(int top)
    {
        error_code error = push(top, descriptor());
        while (!error && !levels_.empty()) {
            level& here = levels_.back();
            if (here.next == here.found.size()) {
                out_.append(walk_step::kind::end, {}, 0);
                levels_.pop_back();
                path_.resize(path_.rfind('/') == std::string::npos ? 0 : path_.rfind('/'));
                continue;
            }
            const found_path& found = here.found[here.next++];
            if (found.is_directory)
                error = descend(here, found);
            else
                error = count_file(here, found);
        }
        if (error) error_path_ = path_;
        return error;
    }

private:
    struct found_path {
        std::uint64_t size;
        std::uint32_t name_offset;
        std::uint8_t name_bytes;
        bool is_directory;
    };
    struct level {
        descriptor owned; // empty for the top, which is borrowed
        int fd = -1;
        std::string names;
        std::vector<found_path> found;
        std::size_t next = 0;

        std::string_view name(const found_path& f) const noexcept
        {
            return std::string_view(names).substr(f.name_offset, f.name_bytes);
        }
    };

    std::string path_of(std::string_view name) const
    {
        std::string path = path_;
        if (!path.empty()) path += '/';
        return path.append(name);
    }

    void skip(std::string_view name, std::string_view reason) const
    {
        if (on_skipped_) on_skipped_({path_of(name), std::string(reason)});
    }
    // After an error of the system. What is gone already is no part of the document.
    error_code skip_after(const error_code& error, std::string_view name)
    {
        if (is_exhaustion(error)) {
            path_ = path_of(name);
            return error;
        }
        if (!is_gone(error)) skip(name, skip_reason(error));
        return {};
    }

    error_code count_path(std::string_view name)
    {
        if (out_.files_ + out_.directories_ - 1 < max_walk_paths) return {};
        path_ = path_of(name);
        return errc::too_many_entries;
    }

    error_code count_file(const level& here, const found_path& found)
    {
        const std::string_view name = here.name(found);
        if (const error_code error = count_path(name)) return error;
        out_.append(walk_step::kind::file, name, found.size);
        ++out_.files_;
        out_.content_bytes_ += found.size;
        return {};
    }

    error_code descend(const level& here, const found_path& found)
    {
        const std::string_view name = here.name(found);
        descriptor fd(::openat(here.fd, here.names.c_str() + found.name_offset,
                               O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
        if (!fd) return skip_after(last_system_error(), name);
        const bool too_deep = levels_.size() >= max_walk_depth;
        const error_code error = count_path(name);
        if (error) return error;
        path_ = path_of(name);
        if (too_deep) return errc::tree_too_deep;
        out_.append(walk_step::kind::directory, name, 0);
        ++out_.directories_;
        const int number = fd.get();
        return push(number, std::move(fd));
    }

    // Reads the whole directory at once, so that no directory stream stays open during the walk below it.
    error_code push(int fd, descriptor owned)
    {
        level& here = levels_.emplace_back();
        here.owned = std::move(owned);
        here.fd = fd;

        result<directory_names> names = directory_names::of(fd);
        if (!names) return names.error();
        for (;;) {
            const result<const char*> name = names->next();
            if (!name) {
                if (levels_.size() == 1 || is_exhaustion(name.error())) return name.error();
                // Some of the directory cannot be listed. The rest travels.
                if (on_skipped_) on_skipped_({path_, skip_reason_of_part(name.error())});
                break;
            }
            if (*name == nullptr) break;
            if (stopped_ != nullptr && *stopped_) return errc::cancelled;
            if (examined_++ % paths_per_clock == 0 && deadline_ != no_deadline && clock::now() >= deadline_)
                return errc::timed_out;
            if (const error_code error = examine(here, *name)) return error;
        }
        std::sort(here.found.begin(), here.found.end(), [&here](const found_path& a, const found_path& b) {
            return tree_order(here.name(a), a.is_directory, here.name(b), b.is_directory);
        });
        return {};
    }

    error_code examine(level& here, const char* name)
    {
        struct stat status;
        if (::fstatat(here.fd, name, &status, AT_SYMLINK_NOFOLLOW) != 0)
            return skip_after(last_system_error(), name);
        const bool is_directory = S_ISDIR(status.st_mode);
        if (!is_directory && !S_ISREG(status.st_mode)) {
            skip(name, kind_that_does_not_travel(status.st_mode));
            return {};
        }
        if (const std::string_view problem = component_problem(name); !problem.empty()) {
            skip(name, "its name " + std::string(problem));
            return {};
        }
        // For a directory the open call shows it.
        if (!is_directory && ::faccessat(here.fd, name, R_OK, 0) != 0)
            return skip_after(last_system_error(), name);
        const std::size_t length = std::strlen(name);
        // 4 GiB of names in one directory, which is far more than the paths that may travel.
        if (here.names.size() + length + 1 > UINT32_MAX || here.found.size() >= max_walk_paths) {
            path_ = path_of(name);
            return errc::too_many_entries;
        }
        here.found.push_back({.size = is_directory ? 0 : static_cast<std::uint64_t>(status.st_size),
                              .name_offset = static_cast<std::uint32_t>(here.names.size()),
                              .name_bytes = static_cast<std::uint8_t>(length),
                              .is_directory = is_directory});
        here.names.append(name, length + 1);
        return {};
    }

    document_walk& out_;
    const std::function<void(const skipped_path&)>& on_skipped_;
    std::string& error_path_;
    const time_point deadline_;
    const std::atomic<bool>* const stopped_;
    std::uint64_t examined_ = 0;
    std::vector<level> levels_;
    std::string path_; // of the directory being walked, relative to the top
};

result<document_walk> document_walk::of(int top, const std::function<void(const skipped_path&)>& on_skipped,
                                        std::string& error_path, time_point deadline,
                                        const std::atomic<bool>* stopped)
{
    document_walk out;
    walker walk(out, on_skipped, error_path, deadline, stopped);
    if (const error_code error = walk.run(top)) return error;
    return out;
}

// In the arena: the kind; then, except for an end, the length of the name and the name; then, for a file, its
// size in groups of seven bits, least significant first, with bit 7 set if more follow. No path crosses two
// chunks.
void document_walk::append(walk_step::kind what, std::string_view name, std::uint64_t size)
{
    constexpr std::size_t most = 2 + max_name_bytes + 10;
    if (chunks_.empty() || chunk_bytes - chunks_.back().used < most)
        chunks_.push_back({std::make_unique_for_overwrite<byte[]>(chunk_bytes), 0});
    chunk& c = chunks_.back();
    byte* out = c.bytes.get() + c.used;
    *out++ = static_cast<byte>(what);
    if (what != walk_step::kind::end) {
        *out++ = static_cast<byte>(name.size());
        std::memcpy(out, name.data(), name.size());
        out += name.size();
    }
    if (what == walk_step::kind::file) {
        for (; size >= 0x80; size >>= 7) *out++ = static_cast<byte>(size | 0x80);
        *out++ = static_cast<byte>(size);
    }
    c.used = static_cast<std::size_t>(out - c.bytes.get());
}

std::optional<walk_step> document_walk::next() noexcept
{
    if (chunk_ < chunks_.size() && offset_ == chunks_[chunk_].used) {
        ++chunk_;
        offset_ = 0;
    }
    if (chunk_ == chunks_.size()) return std::nullopt;
    const byte* in = chunks_[chunk_].bytes.get() + offset_;
    const byte* const begin = in;
    walk_step step{.what = static_cast<walk_step::kind>(*in++), .name = {}, .size = 0};
    if (step.what != walk_step::kind::end) {
        const std::size_t length = *in++;
        step.name = as_text({in, length});
        in += length;
    }
    if (step.what == walk_step::kind::file) {
        for (unsigned shift = 0;; shift += 7) {
            step.size |= static_cast<std::uint64_t>(*in & 0x7f) << shift;
            if ((*in++ & 0x80) == 0) break;
        }
    }
    offset_ += static_cast<std::size_t>(in - begin);
    return step;
}

std::size_t document_walk::arena_bytes() const noexcept
{
    return chunks_.size() * (chunk_bytes + sizeof(chunk));
}

} // namespace parley
