#include <parley/payload/folder_source.hpp>

#include "payload/source/content_fault.hpp"
#include "payload/source/folder_listing.hpp"
#include "payload/source/offered_name.hpp"
#include "payload/source/refused_name.hpp"

#include <algorithm>

namespace parley {
namespace {

// From this size on it pays to tell the system that the file is read in order.
constexpr std::uint64_t announce_reading_bytes = 1 << 20;
// The most that one read asks for: some systems refuse more than 2 GiB.
constexpr std::uint64_t max_read_bytes = 1 << 30;

struct opened_path {
    descriptor fd;
    struct stat status{};
};

// Opens a file or directory that the user has named, through links. Errors: not_a_document, the system's own.
result<opened_path> open_named(int base, const std::filesystem::path& path)
{
    opened_path out;
    // Check the type before opening: opening a device may have effects.
    if (::fstatat(base, path.c_str(), &out.status, 0) != 0) return last_system_error();
    if (!S_ISDIR(out.status.st_mode) && !S_ISREG(out.status.st_mode)) return errc::not_a_document;
    out.fd = descriptor(::openat(base, path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
    if (!out.fd || ::fstat(out.fd.get(), &out.status) != 0) return last_system_error();
    if (!S_ISDIR(out.status.st_mode) && !S_ISREG(out.status.st_mode)) return errc::not_a_document;
    return out;
}

void explain(diagnostics* diag, const std::filesystem::path& path, const error_code& error)
{
    if (diag != nullptr) diag->set_message("\"" + escaped(path.native()) + "\": " + error.message());
}

bool is_type_error(const error_code& error)
{
    namespace sys = boost::system::errc;
    // A link; a link where a directory was; a socket.
    return error == sys::too_many_symbolic_link_levels || error == sys::not_a_directory ||
           error == sys::no_such_device_or_address;
}

} // namespace

struct folder_source::state {
    // A path that the user has named.
    struct top {
        std::filesystem::path path;
        std::string name;
        dev_t device = 0; // as it was listed
        ino_t inode = 0;
    };
    struct parent {
        std::uint32_t entry = top_entry; // or the number of a directory
        descriptor fd;
    };

    explicit state(folder_options given) : options(std::move(given)), excluded(options.excluded()) {}

    int base() const noexcept { return here ? here.get() : AT_FDCWD; }
    bool is_kind(document_kind kind) const noexcept { return outline->offer().kind == kind; }
    const top& top_named(std::string_view item) const;
    std::string path_of(std::uint32_t entry) const;

    result<opened_path> look(const top& t);
    result<std::shared_ptr<const document_outline>> list();
    error_code open(std::uint32_t entry, std::uint64_t offset);
    error_code open_file(std::uint32_t entry);
    result<int> open_directory(std::uint32_t entry);
    error_code push_directory(std::uint32_t entry);
    error_code fail_opening(int directory, std::uint32_t entry, const std::string& kind);
    error_code compare(const char* when);

    folder_options options;
    descriptor here; // the working directory of create(), to which paths may be relative
    std::string name;
    document_id id{};
    std::vector<top> tops; // sorted by name
    exclude_patterns excluded;
    std::shared_ptr<document_outline> outline;
    std::uint64_t skipped = 0;
    std::atomic<bool> stopped = false;
    document_fault fault;

    std::vector<parent> parents; // open, from the top to the directory of the last file
    std::vector<std::uint32_t> chain;
    std::string component; // of a path, with its NUL
    descriptor file;       // the open one
    std::uint32_t number = 0;
    std::uint64_t size = 0;
    std::uint64_t position = 0;
};

const folder_source::state::top& folder_source::state::top_named(std::string_view item) const
{
    if (!is_kind(document_kind::items)) return tops.front();
    return *std::lower_bound(tops.begin(), tops.end(), item,
                             [](const top& t, std::string_view wanted) { return t.name < wanted; });
}

std::string folder_source::state::path_of(std::uint32_t entry) const
{
    if (entry == top_entry || is_kind(document_kind::file)) return name;
    return outline->entries().path(entry);
}

// Opens a named path to list it.
result<opened_path> folder_source::state::look(const top& t)
{
    result<opened_path> opened = open_named(base(), t.path);
    if (!opened) return fail_reading(fault, t.name, opened.error());
    if (S_ISREG(opened->status.st_mode) && !has_true_size(opened->fd.get(), opened->status)) {
        fault = {session_reason::file_failed, quoted_path(t.name) + " has a size that is not its length"};
        return errc::not_a_document;
    }
    return opened;
}

result<std::shared_ptr<const document_outline>> folder_source::state::list()
{
    result<opened_path> opened = look(tops.front());
    if (!opened) return opened.error();
    const bool several = tops.size() > 1;
    const document_kind kind = several                           ? document_kind::items
                               : S_ISDIR(opened->status.st_mode) ? document_kind::directory
                                                                 : document_kind::file;
    std::vector<std::string> items;
    if (several)
        for (const top& t : tops) items.push_back(t.name);
    auto out = std::make_shared<document_outline>(kind, id, name, std::move(items));
    folder_listing listing(*out, excluded, options.include_links(), options.on_skipped(), stopped);
    for (top& t : tops) {
        if (&t != &tops.front()) opened = look(t);
        if (!opened) return opened.error();
        t.device = opened->status.st_dev;
        t.inode = opened->status.st_ino;
        const std::string_view path = several ? std::string_view(t.name) : std::string_view();
        error_code error;
        if (kind != document_kind::directory) error = listing.add_item(path, opened->status);
        if (!error && S_ISDIR(opened->status.st_mode)) error = listing.add_below(opened->fd.get(), path);
        if (error) {
            fault = listing.fault();
            return error;
        }
    }
    if (const std::optional<document_fault> wrong = out->complete()) {
        fault = *wrong;
        return errc::entry_not_taken;
    }
    skipped = listing.skipped();
    outline = std::move(out);
    return std::shared_ptr<const document_outline>(outline);
}

error_code folder_source::state::open(std::uint32_t entry, std::uint64_t offset)
{
    if (const error_code error = open_file(entry)) return error;
    number = entry;
    size = outline->entries().at(entry).size;
    position = offset;
    if (const error_code error = compare("after it was listed")) return error;
    if (size >= announce_reading_bytes) ::posix_fadvise(file.get(), 0, 0, POSIX_FADV_SEQUENTIAL);
    return {};
}

error_code folder_source::state::open_file(std::uint32_t entry)
{
    const entry_list::entry listed = outline->entries().at(entry);
    if (listed.parent == top_entry && !is_kind(document_kind::directory)) {
        result<opened_path> opened = open_named(base(), top_named(listed.name).path);
        if (!opened && opened.error() == errc::not_a_document)
            return fail_changed(fault, path_of(entry), "is no file any more", nullptr);
        if (!opened) return fail_reading(fault, path_of(entry), opened.error());
        file = std::move(opened->fd);
        return {};
    }
    const result<int> directory = open_directory(listed.parent);
    if (!directory) return directory.error();
    component = listed.name;
    file = descriptor(::openat(*directory, component.c_str(), read_file_flags));
    return file ? error_code() : fail_opening(*directory, entry, "file");
}

// The directory `entry` below which a file is, or the top. What is open already stays open.
result<int> folder_source::state::open_directory(std::uint32_t entry)
{
    if (parents.empty() || parents.back().entry != entry) {
        chain.clear();
        for (std::uint32_t e = entry; e != top_entry; e = outline->entries().at(e).parent) chain.push_back(e);
        if (is_kind(document_kind::directory)) chain.push_back(top_entry);
        std::reverse(chain.begin(), chain.end());
        std::size_t same = 0;
        while (same < std::min(chain.size(), parents.size()) && parents[same].entry == chain[same]) ++same;
        parents.resize(same);
        for (; same < chain.size(); ++same)
            if (const error_code error = push_directory(chain[same])) return error;
    }
    return parents.back().fd.get();
}

// Opens `entry`, which is in the innermost open directory, or is named by the user.
error_code folder_source::state::push_directory(std::uint32_t entry)
{
    const std::string_view last = entry == top_entry ? std::string_view() : outline->entries().at(entry).name;
    if (!parents.empty()) {
        component = last;
        const int directory = parents.back().fd.get();
        descriptor fd(::openat(directory, component.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
        if (!fd) return fail_opening(directory, entry, "directory");
        parents.push_back({entry, std::move(fd)});
        return {};
    }
    const top& named = top_named(last);
    result<opened_path> opened = open_named(base(), named.path);
    if (!opened && opened.error() != errc::not_a_document)
        return fail_reading(fault, named.name, opened.error());
    if (!opened || opened->status.st_dev != named.device || opened->status.st_ino != named.inode)
        return fail_changed(fault, named.name, "was replaced after it was listed", nullptr);
    parents.push_back({entry, std::move(opened->fd)});
    return {};
}

// `component` in `directory` could not be opened as a file or directory.
error_code folder_source::state::fail_opening(int directory, std::uint32_t entry, const std::string& kind)
{
    const error_code error = last_system_error();
    if (!is_type_error(error)) return fail_reading(fault, path_of(entry), error);
    struct stat now;
    const bool known = ::fstatat(directory, component.c_str(), &now, AT_SYMLINK_NOFOLLOW) == 0;
    return fail_changed(fault, path_of(entry), "is no " + kind + " any more", known ? &now : nullptr);
}

// Compares the open file with its entry.
error_code folder_source::state::compare(const char* when)
{
    struct stat now;
    if (::fstat(file.get(), &now) != 0) return fail_reading(fault, path_of(number), last_system_error());
    if (!S_ISREG(now.st_mode)) return fail_changed(fault, path_of(number), "is no file any more", &now);
    const auto size_now = static_cast<std::uint64_t>(now.st_size);
    if (size_now == size && modified_of(now) == outline->entries().at(number).modified) return {};
    std::string what = std::string("was changed ") + when;
    if (size_now != size)
        what += ", from " + std::to_string(size) + " to " + std::to_string(size_now) + " bytes";
    return fail_changed(fault, path_of(number), what, &now);
}

folder_source::folder_source(std::unique_ptr<state> s) noexcept : state_(std::move(s)) {}
folder_source::~folder_source() = default;

result<std::unique_ptr<folder_source>> folder_source::create(folder_options options, random_source& random,
                                                             diagnostics* diag)
{
    auto s = std::make_unique<state>(std::move(options));
    s->here = descriptor(::open(".", O_PATH | O_DIRECTORY | O_CLOEXEC));
    const bool several = s->options.paths().size() > 1;
    for (const std::filesystem::path& path : s->options.paths()) {
        const result<opened_path> found = open_named(s->base(), path);
        if (!found) {
            explain(diag, path, found.error());
            return as_file_error(found.error());
        }
        s->tops.push_back({path, offered_name(path)});
        if (several && is_refused_name(s->tops.back().name, diag)) return errc::hostile_name;
    }
    if (s->tops.empty()) {
        if (diag != nullptr) diag->set_message("no path is offered");
        return errc::not_a_document;
    }
    std::sort(s->tops.begin(), s->tops.end(),
              [](const state::top& a, const state::top& b) { return a.name < b.name; });
    const auto twice =
        std::adjacent_find(s->tops.begin(), s->tops.end(),
                           [](const state::top& a, const state::top& b) { return a.name == b.name; });
    if (twice != s->tops.end()) {
        if (diag != nullptr)
            diag->set_message("\"" + escaped(twice->path.native()) + "\" and \"" +
                              escaped(std::next(twice)->path.native()) + "\" have one name");
        return errc::name_collision;
    }
    s->name = s->options.name().value_or(several ? std::string() : s->tops.front().name);
    if (several ? is_refused_title(s->name, diag) : is_refused_name(s->name, diag)) return errc::hostile_name;
    random.fill(s->id);
    return std::unique_ptr<folder_source>(new folder_source(std::move(s)));
}

result<std::shared_ptr<const document_outline>> folder_source::list()
{
    return state_->list();
}

error_code folder_source::open(std::uint32_t number, std::uint64_t offset)
{
    state& s = *state_;
    s.file.reset();
    if (s.stopped) return fail_cancelled(s.fault);
    if (!s.outline || number >= s.outline->entries().size()) return fail_misused(s.fault);
    const entry_list::entry entry = s.outline->entries().at(number);
    if (entry.kind != entry_kind::file || offset > entry.size) return fail_misused(s.fault);
    const error_code error = s.open(number, offset);
    if (error) s.file.reset();
    return error;
}

result<std::size_t> folder_source::read(mutable_bytes out)
{
    state& s = *state_;
    if (s.stopped) return fail_cancelled(s.fault);
    if (!s.file) return fail_misused(s.fault);
    const auto wanted =
        static_cast<std::size_t>(std::min<std::uint64_t>({out.size(), s.size - s.position, max_read_bytes}));
    if (wanted == 0) return std::size_t{0};
    ssize_t n = 0;
    do {
        n = ::pread(s.file.get(), out.data(), wanted, static_cast<off_t>(s.position));
    } while (n < 0 && errno == EINTR);
    if (n < 0) return fail_reading(s.fault, s.path_of(s.number), last_system_error());
    if (n == 0) { // its end
        if (const error_code error = s.compare("while it was being sent")) return error;
        return fail_changed(s.fault, s.path_of(s.number), "is shorter than its size", nullptr);
    }
    s.position += static_cast<std::uint64_t>(n);
    return static_cast<std::size_t>(n);
}

error_code folder_source::close()
{
    state& s = *state_;
    if (!s.file) return fail_misused(s.fault);
    const error_code error = s.compare("while it was being sent");
    s.file.reset();
    return error;
}

std::unique_ptr<content_source> folder_source::another() const
{
    const state& from = *state_;
    if (!from.outline) return nullptr;
    auto s = std::make_unique<state>(from.options);
    if (from.here) s->here = descriptor(::fcntl(from.here.get(), F_DUPFD_CLOEXEC, 0));
    s->name = from.name;
    s->id = from.id;
    s->tops = from.tops;
    s->outline = from.outline;
    return std::unique_ptr<content_source>(new folder_source(std::move(s)));
}

void folder_source::resume() noexcept
{
    state_->stopped = false;
}

void folder_source::stop() noexcept
{
    state_->stopped = true;
}
const document_fault& folder_source::fault() const noexcept
{
    return state_->fault;
}
const std::string& folder_source::name() const noexcept
{
    return state_->name;
}
std::uint64_t folder_source::skipped() const noexcept
{
    return state_->skipped;
}

} // namespace parley
