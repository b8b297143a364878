#include <parley/payload/document_source.hpp>

#include "payload/format/tree_codec.hpp"
#include "payload/out/document_walk.hpp"
#include "payload/out/file_content.hpp"
#include "payload/out/pack_writer.hpp"
#include "payload/out/sent_objects.hpp"
#include "payload/out/skip_reason.hpp"
#include "payload/source/offered_name.hpp"
#include "payload/source/refused_name.hpp"

#include <boost/unordered/unordered_flat_set.hpp>

#include <algorithm>
#include <atomic>
#include <fcntl.h>

namespace parley {
namespace {

// Files up to this size are read to their end and hashed before they are sent, larger ones while they are sent.
constexpr std::uint64_t small_file_bytes = 256 * 1024;
// The most that is read of a file whose size says that it is small.
constexpr std::size_t longest_small_file_bytes = 16u << 20;
// Contents up to this size are sent again instead of copied: a delta would hardly be smaller.
constexpr std::uint64_t worth_copying_bytes = 64;
constexpr std::size_t hashing_buffer_bytes = 64 * 1024;
// read() looks at the clock after so many bytes.
constexpr std::size_t bytes_per_clock = 64 * 1024;
// What read() has goes out after this part of the longest silence.
constexpr int handed_out_part = 10;

} // namespace

struct document_source::state {
    state(std::string document_name, source_options given)
        : options(std::move(given)),
          name(std::move(document_name)),
          writer(options.compress, options.level, options.threads)
    {
    }

    enum class origin { path, memory, stream };
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
    origin from = origin::path;
    std::filesystem::path path;
    descriptor here; // the working directory of open(), to which `path` may be relative
    bool is_directory = false;
    std::uint64_t files = 0;
    std::uint64_t directories = 0;
    std::uint64_t content_bytes = 0;
    std::uint64_t skipped = 0;
    boost::unordered_flat_set<std::size_t> reported; // hashes of the paths and reasons
    document_walk walk;                              // of a directory
    file_content file;                               // the single file, or the large one being sent
    byte_vector bytes;           // a single file that is not large, or the small one being sent
    memory_content bytes_reader; // of `bytes`, `tree` or `name`

    // The progress.
    pack_writer writer;
    step next = step::head;
    time_point silent_until; // of the read() under way: something should go out by then
    std::atomic<bool> stopped = false;
    std::vector<directory> open_directories;
    sent_objects sent;
    byte_vector tree; // the directory or root being sent
    object_id top_id{};
    std::string path_name;         // last component of the path being sent
    std::uint64_t file_bytes = 0;  // size of the file being sent
    std::uint64_t file_offset = 0; // where its entry began
    bool file_on_its_way = false;  // a file of a directory, or the single one, is being sent
    bool is_copy = false;          // a delta is sent instead of the content
    bool file_is_large = false;    // it is not in `bytes`, and its id is known only once it was sent
    std::uint64_t fillers = 0;     // announced entries whose paths do not travel
    std::uint64_t files_sent_bytes = 0;
    error_code failure;
    std::string error_path;
    std::string error_when;

    // Whether the next step begins a record (PROTOCOL.md section 8).
    bool record_ends_here() const noexcept { return next == step::file || next == step::trailer; }
    error_code look(time_point deadline);
    error_code list(descriptor fd, time_point deadline);
    error_code load(result<file_content> opened);
    error_code open_listed_file();
    error_code advance();
    error_code advance_path();
    error_code begin_file(std::uint64_t listed_bytes);
    bool may_equal_another();
    std::optional<object_id> hash_ahead();
    error_code enter_directory();
    void leave_directory();
    error_code leave_out(error_code error);
    error_code leave_out_directory(error_code error);
    void report(const skipped_path& left);
    void file_done();
    void begin_object(pack_entry_kind kind, bytes_view content, const object_id& id);
    std::string current_path() const;
    error_code fail(error_code error);
};

// Looks at a document that has a path: lists the directory, or opens the file.
error_code document_source::state::look(time_point deadline)
{
    const int base = here ? here.get() : AT_FDCWD;
    // Check the type before opening: opening a device may have effects.
    struct stat status;
    if (::fstatat(base, path.c_str(), &status, 0) != 0) return last_system_error();
    const bool found_directory = S_ISDIR(status.st_mode);
    if (!found_directory && !S_ISREG(status.st_mode)) return errc::not_a_document;
    descriptor fd(
        ::openat(base, path.c_str(),
                 O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC | (found_directory ? O_DIRECTORY : 0)));
    if (!fd) return last_system_error();
    if (found_directory) return list(std::move(fd), is_directory ? deadline : no_deadline);
    if (const error_code error = load(file_content::regular(std::move(fd)))) return error;
    is_directory = false;
    files = 1;
    directories = skipped = 0;
    content_bytes = file_bytes;
    return {};
}

// If the deadline passes, the last list stays.
error_code document_source::state::list(descriptor fd, time_point deadline)
{
    std::uint64_t found = 0;
    const auto on_skipped = [this, &found](const skipped_path& left) {
        ++found;
        report(left);
    };
    result<document_walk> listed = document_walk::of(fd.get(), on_skipped, error_path, deadline, &stopped);
    if (listed) {
        walk = std::move(*listed);
        skipped = found;
    } else if (listed.error() == errc::timed_out) {
        error_path.clear();
    } else {
        return listed.error();
    }
    is_directory = true;
    files = walk.file_count();
    directories = walk.directory_count();
    content_bytes = walk.content_bytes();
    open_directories.clear();
    open_directories.push_back({std::move(fd), {}, {}});
    return {};
}

// Takes over an open file. Reads it to its end if it is small: then nothing can change while it is sent, and
// its size need not be its length.
error_code document_source::state::load(result<file_content> opened)
{
    if (!opened) return opened.error();
    file = std::move(*opened);
    file_bytes = file.size();
    file_is_large = file_bytes > small_file_bytes;
    if (file_is_large) return {};
    const error_code error = file.read_to_end(bytes, longest_small_file_bytes);
    file = file_content();
    file_bytes = bytes.size();
    return error;
}

// Begins the next step of the stream.
error_code document_source::state::advance()
{
    switch (next) {
    case step::head:
        if (from == origin::path)
            if (const error_code error = look(silent_until)) return error;
        // A file and its name, or the files, the directories and the root.
        writer.begin_pack(static_cast<std::uint32_t>(is_directory ? files + directories + 1 : 2));
        next = is_directory ? step::path : step::file_name;
        return {};
    case step::file_name:
        bytes_reader = memory_content(as_bytes(name));
        writer.begin_entry(pack_entry_kind::file_name, name.size(), bytes_reader);
        next = step::file;
        return {};
    case step::file:
        file_on_its_way = true;
        bytes_reader = memory_content(bytes);
        if (file_is_large)
            writer.begin_entry(pack_entry_kind::file, file_bytes, file);
        else
            writer.begin_entry(pack_entry_kind::file, file_bytes, bytes_reader);
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
        writer.begin_entry(pack_entry_kind::root, tree.size(), bytes_reader);
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
    if (fillers > 0) {
        --fillers;
        bytes_reader = memory_content();
        writer.begin_entry(pack_entry_kind::file, 0, bytes_reader);
        return {};
    }
    const std::optional<walk_step> path_step = walk.next();
    if (!path_step) {
        next = step::root;
        return {};
    }
    path_name = path_step->name;
    switch (path_step->what) {
    case walk_step::kind::file:
        return begin_file(path_step->size);
    case walk_step::kind::directory:
        return enter_directory();
    case walk_step::kind::end:
        leave_directory();
        break;
    }
    return {};
}

error_code document_source::state::open_listed_file()
{
    return load(file_content::open_at(open_directories.back().fd.get(), path_name.c_str()));
}

// The file is sent as it is now, whatever it was when it was listed.
error_code document_source::state::begin_file(std::uint64_t listed_bytes)
{
    content_bytes -= listed_bytes;
    is_copy = false;
    error_code error = open_listed_file();
    if (!error && file_is_large && may_equal_another()) {
        const std::optional<object_id> id = hash_ahead();
        const auto base = id ? sent.find(*id) : std::nullopt;
        if (base) {
            append_tree_entry(open_directories.back().tree, false, path_name, *id);
            is_copy = true;
            writer.begin_copy(*base, file_bytes);
        } else {
            error = open_listed_file(); // from its beginning again
        }
    }
    if (error) {
        --files;
        return leave_out(error);
    }
    content_bytes += file_bytes;
    file_offset = writer.position();
    file_on_its_way = true;
    if (is_copy) return {};
    if (file_is_large) {
        file.begin_id();
        writer.begin_entry(pack_entry_kind::file, file_bytes, file);
        return {};
    }
    const object_id id = hash_object(pack_entry_kind::file, bytes);
    append_tree_entry(open_directories.back().tree, false, path_name, id);
    begin_object(pack_entry_kind::file, bytes, id);
    return {};
}

// Sends an object that is in memory, or a copy of an equal one that was sent before.
void document_source::state::begin_object(pack_entry_kind kind, bytes_view content, const object_id& id)
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

// Whether a file of this size was sent that began like the large one. Most sizes occur only once, and files of
// one size differ as a rule at the beginning.
bool document_source::state::may_equal_another()
{
    bytes.resize(hashing_buffer_bytes);
    const result<std::size_t> n = file.peek(bytes);
    if (!n || file_bytes > max_copy_bytes) return false;
    return !sent.first_that_begins(file_bytes,
                                   hash_object(pack_entry_kind::file, bytes_view(bytes).first(*n)));
}

// Reads the large file once before it is sent. Nothing goes out meanwhile, so it gives up when that takes long.
std::optional<object_id> document_source::state::hash_ahead()
{
    bytes.resize(hashing_buffer_bytes);
    file.begin_id();
    for (std::uint64_t left = file_bytes; left > 0;) {
        if (stopped || clock::now() >= silent_until) return std::nullopt;
        const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(left, bytes.size()));
        if (file.read(mutable_bytes(bytes).first(n))) return std::nullopt;
        left -= n;
    }
    return file.finish_id();
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
    if (!fd) return leave_out_directory(last_system_error());
    open_directories.push_back({std::move(fd), path_name, {}});
    return {};
}

void document_source::state::leave_directory()
{
    directory done = std::move(open_directories.back());
    open_directories.pop_back();
    tree = std::move(done.tree);
    const object_id id = hash_object(pack_entry_kind::directory, tree);
    if (open_directories.empty())
        top_id = id;
    else
        append_tree_entry(open_directories.back().tree, true, done.name, id);
    begin_object(pack_entry_kind::directory, tree, id);
}

// Leaves the listed path out of the document. The head has announced an entry for it: an empty one to which no
// directory refers.
error_code document_source::state::leave_out(error_code error)
{
    if (is_exhaustion(error)) return error;
    file = file_content();
    ++fillers;
    ++skipped;
    report({current_path(), skip_reason(error)});
    return {};
}

error_code document_source::state::leave_out_directory(error_code error)
{
    if (const error_code fatal = leave_out(error)) return fatal;
    --directories;
    for (std::size_t depth = 1; depth > 0;) {
        const std::optional<walk_step> below = walk.next();
        if (!below) break;
        switch (below->what) {
        case walk_step::kind::file:
            --files;
            content_bytes -= below->size;
            ++fillers;
            break;
        case walk_step::kind::directory:
            --directories;
            ++fillers;
            ++depth;
            break;
        case walk_step::kind::end:
            --depth;
            break;
        }
    }
    return {};
}

// Tells each path and reason once, although the document is looked at twice.
void document_source::state::report(const skipped_path& left)
{
    if (!options.on_skipped) return;
    const std::size_t hash = std::hash<std::string>{}(left.path + '\0' + left.reason);
    if (reported.insert(hash).second) options.on_skipped(left);
}

// Of the path being sent, relative to the document.
std::string document_source::state::current_path() const
{
    std::string out;
    for (const directory& d : open_directories)
        if (!d.name.empty()) out += d.name + '/';
    return out + path_name;
}

error_code document_source::state::fail(error_code error)
{
    failure = as_file_error(error);
    if (error_path.empty() && is_directory) error_path = current_path();
    if (error_path.empty()) error_path = name;
    if (file_on_its_way)
        error_when = "after " + std::to_string(writer.content_bytes_taken()) + " of " +
                     std::to_string(file_bytes) + " bytes";
    return failure;
}

document_source::document_source(std::unique_ptr<state> s) noexcept : state_(std::move(s)) {}
document_source::document_source(document_source&&) noexcept = default;
document_source& document_source::operator=(document_source&&) noexcept = default;
document_source::~document_source() = default;

result<document_source> document_source::open(const std::filesystem::path& path, source_options options,
                                              diagnostics* diag)
{
    struct stat status;
    if (::stat(path.c_str(), &status) != 0) return last_system_error();
    std::string name = options.name ? *options.name : offered_name(path);
    if (is_refused_name(name, diag)) return errc::hostile_name;
    auto s = std::make_unique<state>(std::move(name), std::move(options));
    s->path = path;
    s->here = descriptor(::open(".", O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (const error_code error = s->look(no_deadline)) {
        if (diag != nullptr && !s->error_path.empty())
            diag->set_message(error.message() + " (\"" + escaped(s->error_path) + "\")");
        return error;
    }
    // The document is opened again when it is read: it may be replaced before.
    s->file = file_content();
    s->bytes = {};
    s->open_directories.clear();
    return document_source(std::move(s));
}

result<document_source> document_source::from_bytes(std::string name, byte_vector content,
                                                    source_options options, diagnostics* diag)
{
    if (is_refused_name(name, diag)) return errc::hostile_name;
    auto s = std::make_unique<state>(std::move(name), std::move(options));
    s->from = state::origin::memory;
    s->bytes = std::move(content);
    s->files = 1;
    s->content_bytes = s->file_bytes = s->bytes.size();
    return document_source(std::move(s));
}

result<document_source> document_source::from_descriptor(std::string name, int fd, std::uint64_t size,
                                                         source_options options, diagnostics* diag)
{
    descriptor owned(fd);
    if (is_refused_name(name, diag)) return errc::hostile_name;
    auto s = std::make_unique<state>(std::move(name), std::move(options));
    s->from = state::origin::stream;
    s->file = file_content::stream(std::move(owned), size);
    s->file_is_large = true;
    s->files = 1;
    s->content_bytes = s->file_bytes = size;
    return document_source(std::move(s));
}

result<std::size_t> document_source::read(mutable_bytes out)
{
    state& s = *state_;
    if (s.failure) return s.failure;
    const time_point begun = clock::now();
    s.silent_until = begun + s.options.longest_silence;
    const time_point handed_out = begun + s.options.longest_silence / handed_out_part;
    std::size_t done = 0;
    while (done < out.size() && (done == 0 || clock::now() < handed_out)) {
        if (s.stopped) return s.fail(errc::cancelled);
        if (s.writer.idle()) {
            if (s.next == state::step::nothing) break;
            if (done > 0 && s.record_ends_here()) break;
            if (const error_code error = s.advance()) return s.fail(error);
            continue;
        }
        const result<std::size_t> n =
            s.writer.read(out.subspan(done, std::min(out.size() - done, bytes_per_clock)));
        if (!n) return s.fail(n.error());
        done += *n;
        if (s.file_on_its_way && s.writer.idle()) s.file_done();
    }
    return done;
}

void document_source::stop() noexcept
{
    state_->stopped = true;
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
const std::string& document_source::error_when() const noexcept
{
    return state_->error_when;
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
std::uint64_t document_source::skipped_count() const noexcept
{
    return state_->skipped;
}
std::uint64_t document_source::content_bytes_read() const noexcept
{
    const state& s = *state_;
    if (!s.file_on_its_way) return s.files_sent_bytes;
    // A copy counts as a whole, at its end.
    return s.files_sent_bytes + (s.is_copy ? 0 : s.writer.content_bytes_taken());
}

} // namespace parley
