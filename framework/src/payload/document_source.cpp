#include <parley/payload/document_source.hpp>

#include "payload/format/safe_name.hpp"
#include "payload/format/tree_codec.hpp"
#include "payload/out/document_walk.hpp"
#include "payload/out/file_content.hpp"
#include "payload/out/pack_writer.hpp"
#include "payload/out/sent_objects.hpp"

#include <fcntl.h>

namespace parley {
namespace {

// Files up to this size are read and hashed before they are sent, larger ones while they are sent.
constexpr std::uint64_t small_file_bytes = 256 * 1024;
// Contents up to this size are sent again instead of copied: a delta would hardly be smaller.
constexpr std::uint64_t worth_copying_bytes = 64;
constexpr std::size_t hashing_buffer_bytes = 64 * 1024;

// The last component of `path` as the user wrote it. If that is no name, the one of the directory's true
// path.
std::string offered_name(const std::filesystem::path& path)
{
    std::string text = path.native();
    while (!text.empty() && text.back() == '/') text.pop_back();
    std::string name = text.substr(text.rfind('/') + 1);
    if (name == "." || name == "..") {
        std::error_code error;
        name = std::filesystem::canonical(path, error).filename().native();
    }
    return name;
}

} // namespace

struct document_source::state {
    state(std::string document_name, source_options given)
        : options(std::move(given)),
          name(std::move(document_name)),
          writer(options.compress, options.level, options.threads)
    {
    }

    enum class step { head, file_name, file, path, root, trailer, nothing };

    // An open directory that is not sent completely.
    struct directory {
        descriptor fd;
        std::string name;
        byte_vector tree; // the entries sent so far
    };

    // The document.
    source_options options;
    std::string name;
    bool is_directory = false;
    bool in_memory = false;
    std::uint64_t files = 0;
    std::uint64_t directories = 0;
    std::uint64_t content_bytes = 0;
    document_walk walk;          // of a directory
    file_content file;           // the single file, or the large one being sent
    byte_vector bytes;           // a single file in memory, or the small one being sent
    memory_content bytes_reader; // of `bytes`, `tree` or `name`

    // The progress.
    pack_writer writer;
    step next = step::head;
    std::vector<directory> open_directories;
    sent_objects sent;
    byte_vector tree; // the directory or root being sent
    object_id top_id{};
    std::string path_name;         // last component of the path being sent
    std::uint64_t file_bytes = 0;  // size of the file being sent
    std::uint64_t file_offset = 0; // where its entry began
    bool file_on_its_way = false;  // a file of a directory, or the single one, is being sent
    bool is_copy = false;          // a delta is sent instead of the content
    bool file_is_large = false;    // its id is known only once it was sent
    std::uint64_t files_sent_bytes = 0;
    error_code failure;
    std::string error_path;

    // Whether the next step begins a record (PROTOCOL.md section 8).
    bool record_ends_here() const noexcept { return next == step::file || next == step::trailer; }
    error_code advance();
    error_code advance_path();
    error_code begin_file();
    result<object_id> hash_ahead();
    error_code enter_directory();
    void leave_directory();
    void file_done();
    void begin_object(entry_kind kind, bytes_view content, const object_id& id);
    void fail(error_code error);
};

// Begins the next step of the stream.
error_code document_source::state::advance()
{
    switch (next) {
    case step::head:
        // A file and its name, or the files, the directories and the root.
        writer.begin_pack(static_cast<std::uint32_t>(is_directory ? files + directories + 1 : 2));
        next = is_directory ? step::path : step::file_name;
        return {};
    case step::file_name:
        bytes_reader = memory_content(as_bytes(name));
        writer.begin_entry(entry_kind::file_name, name.size(), bytes_reader);
        next = step::file;
        return {};
    case step::file:
        file_bytes = content_bytes;
        file_on_its_way = true;
        bytes_reader = memory_content(bytes);
        if (in_memory)
            writer.begin_entry(entry_kind::file, file_bytes, bytes_reader);
        else
            writer.begin_entry(entry_kind::file, file_bytes, file);
        next = step::trailer;
        return {};
    case step::path:
        return advance_path();
    case step::root: {
        const std::string paths = std::to_string(files + directories + 1);
        tree.assign(name.begin(), name.end());
        tree.push_back(0);
        tree.insert(tree.end(), top_id.begin(), top_id.end());
        tree.insert(tree.end(), paths.begin(), paths.end());
        bytes_reader = memory_content(tree);
        writer.begin_entry(entry_kind::root, tree.size(), bytes_reader);
        next = step::trailer;
        return {};
    }
    case step::trailer:
        writer.end_pack();
        next = step::nothing;
        return {};
    case step::nothing:
        break;
    }
    return {};
}

error_code document_source::state::advance_path()
{
    const std::optional<walk_step> path = walk.next();
    if (!path) {
        next = step::root;
        return {};
    }
    path_name = path->name;
    switch (path->what) {
    case walk_step::kind::file:
        file_bytes = path->size;
        return begin_file();
    case walk_step::kind::directory:
        return enter_directory();
    case walk_step::kind::end:
        leave_directory();
        break;
    }
    return {};
}

error_code document_source::state::begin_file()
{
    const int directory_fd = open_directories.back().fd.get();
    result<file_content> opened = file_content::open_at(directory_fd, path_name.c_str(), file_bytes);
    if (!opened) return opened.error();
    file = std::move(*opened);
    file_is_large = file_bytes > small_file_bytes;
    is_copy = false;
    file_offset = writer.position();
    file_on_its_way = true;

    if (file_is_large) {
        // Most sizes occur only once; then no equal file can have been sent.
        if (file_bytes <= max_copy_bytes && !sent.first_of_size(file_bytes)) {
            const result<object_id> id = hash_ahead();
            if (!id) return id.error();
            if (const auto base = sent.find(*id)) {
                append_tree_entry(open_directories.back().tree, false, path_name, *id);
                is_copy = true;
                writer.begin_copy(*base, file_bytes);
                return {};
            }
        }
        file.begin_id();
        writer.begin_entry(entry_kind::file, file_bytes, file);
        return {};
    }

    bytes.resize(static_cast<std::size_t>(file_bytes));
    if (const error_code error = file.read(bytes)) return error;
    const object_id id = hash_object(entry_kind::file, bytes);
    append_tree_entry(open_directories.back().tree, false, path_name, id);
    begin_object(entry_kind::file, bytes, id);
    return {};
}

// Sends an object that is in memory, or a copy of an equal one that was sent before.
void document_source::state::begin_object(entry_kind kind, bytes_view content, const object_id& id)
{
    const bool worth_it = content.size() > worth_copying_bytes && content.size() <= max_copy_bytes;
    if (worth_it) {
        if (const auto base = sent.find(id)) {
            is_copy = true;
            writer.begin_copy(*base, content.size());
            return;
        }
        sent.add(id, writer.position());
    }
    bytes_reader = memory_content(content);
    writer.begin_entry(kind, content.size(), bytes_reader);
}

// Reads the large file once before it is sent.
result<object_id> document_source::state::hash_ahead()
{
    bytes.resize(hashing_buffer_bytes);
    file.begin_id();
    for (std::uint64_t left = file_bytes; left > 0;) {
        const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(left, bytes.size()));
        if (const error_code error = file.read(mutable_bytes(bytes).first(n))) return error;
        left -= n;
    }
    const object_id id = file.finish_id();
    if (const error_code error = file.rewind()) return error;
    return id;
}

void document_source::state::file_done()
{
    file_on_its_way = false;
    files_sent_bytes += file_bytes;
    if (is_directory && file_is_large && !is_copy) {
        const object_id id = file.finish_id();
        append_tree_entry(open_directories.back().tree, false, path_name, id);
        // Two equal files can both be sent in full only if one changed in between.
        if (file_bytes <= max_copy_bytes && !sent.find(id)) sent.add(id, file_offset);
    }
    file = file_content();
}

error_code document_source::state::enter_directory()
{
    descriptor fd(::openat(open_directories.back().fd.get(), path_name.c_str(),
                           O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!fd) {
        if (errno == ENOENT || errno == ENOTDIR || errno == ELOOP) return errc::document_changed;
        return last_system_error();
    }
    open_directories.push_back({std::move(fd), path_name, {}});
    return {};
}

void document_source::state::leave_directory()
{
    directory done = std::move(open_directories.back());
    open_directories.pop_back();
    tree = std::move(done.tree);
    const object_id id = hash_object(entry_kind::directory, tree);
    if (open_directories.empty())
        top_id = id;
    else
        append_tree_entry(open_directories.back().tree, true, done.name, id);
    begin_object(entry_kind::directory, tree, id);
}

void document_source::state::fail(error_code error)
{
    failure = error;
    if (!is_directory) {
        error_path = name;
        return;
    }
    for (const directory& d : open_directories)
        if (!d.name.empty()) error_path += d.name + '/';
    error_path += path_name;
}

document_source::document_source(std::unique_ptr<state> s) noexcept : state_(std::move(s)) {}
document_source::document_source(document_source&&) noexcept = default;
document_source& document_source::operator=(document_source&&) noexcept = default;
document_source::~document_source() = default;

result<document_source> document_source::open(const std::filesystem::path& path, source_options options)
{
    // Check the type before opening: opening a device may have effects.
    struct stat status;
    if (::stat(path.c_str(), &status) != 0) return last_system_error();
    const bool is_directory = S_ISDIR(status.st_mode);
    if (!is_directory && !S_ISREG(status.st_mode)) return errc::not_a_document;
    std::string name = offered_name(path);
    if (!document_name_problem(name).empty()) return errc::hostile_name;

    descriptor fd(::open(path.c_str(),
                         O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC | (is_directory ? O_DIRECTORY : 0)));
    if (!fd) return last_system_error();
    auto s = std::make_unique<state>(std::move(name), std::move(options));
    s->is_directory = is_directory;
    if (is_directory) {
        result<document_walk> walk = document_walk::of(fd.get(), s->options.on_skipped, s->error_path);
        if (!walk) return walk.error();
        s->walk = std::move(*walk);
        s->files = s->walk.file_count();
        s->directories = s->walk.directory_count();
        s->content_bytes = s->walk.content_bytes();
        s->open_directories.push_back({std::move(fd), {}, {}});
    } else {
        result<file_content> file = file_content::regular(std::move(fd));
        if (!file) return file.error();
        s->file = std::move(*file);
        s->files = 1;
        s->content_bytes = s->file.size();
    }
    return document_source(std::move(s));
}

result<document_source> document_source::from_bytes(std::string name, byte_vector content,
                                                    source_options options)
{
    if (!document_name_problem(name).empty()) return errc::hostile_name;
    auto s = std::make_unique<state>(std::move(name), std::move(options));
    s->in_memory = true;
    s->bytes = std::move(content);
    s->files = 1;
    s->content_bytes = s->bytes.size();
    return document_source(std::move(s));
}

result<document_source> document_source::from_descriptor(std::string name, int fd, std::uint64_t size,
                                                         source_options options)
{
    descriptor owned(fd);
    if (!document_name_problem(name).empty()) return errc::hostile_name;
    auto s = std::make_unique<state>(std::move(name), std::move(options));
    s->file = file_content::stream(std::move(owned), size);
    s->files = 1;
    s->content_bytes = size;
    return document_source(std::move(s));
}

result<std::size_t> document_source::read(mutable_bytes out)
{
    state& s = *state_;
    if (s.failure) return s.failure;
    std::size_t done = 0;
    while (done < out.size()) {
        if (s.writer.idle()) {
            if (s.next == state::step::nothing) break;
            if (done > 0 && s.record_ends_here()) break;
            if (const error_code error = s.advance()) {
                s.fail(error);
                return error;
            }
            continue;
        }
        const result<std::size_t> n = s.writer.read(out.subspan(done));
        if (!n) {
            s.fail(n.error());
            return n.error();
        }
        done += *n;
        if (s.file_on_its_way && s.writer.idle()) s.file_done();
    }
    return done;
}

bool document_source::finished() const noexcept
{
    return state_->next == state::step::nothing && state_->writer.idle();
}

void document_source::prefer_speed(bool now) noexcept
{
    state_->writer.prefer_speed(now);
}

const std::string& document_source::error_path() const noexcept
{
    return state_->error_path;
}
const std::string& document_source::name() const noexcept
{
    return state_->name;
}
bool document_source::is_directory() const noexcept
{
    return state_->is_directory;
}
std::uint64_t document_source::file_count() const noexcept
{
    return state_->files;
}
std::uint64_t document_source::directory_count() const noexcept
{
    return state_->directories;
}
std::uint64_t document_source::content_bytes() const noexcept
{
    return state_->content_bytes;
}
std::uint64_t document_source::content_bytes_read() const noexcept
{
    const state& s = *state_;
    if (!s.file_on_its_way) return s.files_sent_bytes;
    // A copy counts as a whole, at its end.
    return s.files_sent_bytes + (s.is_copy ? 0 : s.writer.content_bytes_taken());
}

} // namespace parley
