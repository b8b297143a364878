// Files and directories on the disk as a document of session version 2 (SESSION2.md sections 7 and 8).
#pragma once

#include <parley/base/diagnostics.hpp>
#include <parley/base/random.hpp>
#include <parley/payload/content_source.hpp>
#include <parley/payload/skipped_path.hpp>

#include <filesystem>
#include <functional>
#include <optional>
#include <vector>

namespace parley {

// The most that a document holds: what our own receiver takes.
inline constexpr std::uint64_t max_listed_entries = 1'000'000;
inline constexpr std::uint64_t max_listed_bytes = std::uint64_t{256}
                                                  << 20; // of the entries, as they are sent

// What a folder_source offers. Every setter returns the object, so that calls chain.
class folder_options {
public:
    // One path of a file or directory: it is the document. Several paths: each is an item of it.
    explicit folder_options(std::filesystem::path path) { paths_.push_back(std::move(path)); }
    explicit folder_options(std::vector<std::filesystem::path> paths) : paths_(std::move(paths)) {}

    // The name that receivers see. By default that of the file or directory. Of several items it is a title that
    // is only shown, by default empty.
    folder_options& name(std::string value)
    {
        name_ = std::move(value);
        return *this;
    }
    // Leaves out what matches `pattern`, and all that is below it. May be called several times. A pattern is one
    // of fnmatch(3), in which `*`, `?` and `[...]` match a slash, too. It is compared with the last component of a
    // path, and with the whole path in the document (of several items this begins with the item's name):
    //
    //   *.o           every path whose name ends in ".o"
    //   node_modules  every file or directory of this name
    //   cache/        every directory of this name; the slash at the end is not compared
    //   /build        only "build" at the top of the document; the slash at the beginning is not compared
    //   build/**      all that is below "build" at the top, but not "build" itself
    //
    // The paths that the user names are never left out. What is left out is not reported.
    folder_options& exclude(std::string pattern)
    {
        excluded_.push_back(std::move(pattern));
        return *this;
    }
    // Whether symbolic links below the paths are in the document, as links; true by default. If not, they are
    // skipped. Links whose targets break the rules of SESSION2.md section 7 are always skipped.
    folder_options& include_links(bool value)
    {
        include_links_ = value;
        return *this;
    }
    // Called by list() for each path that is skipped. Paths below a skipped directory are not reported.
    folder_options& on_skipped(std::function<void(const skipped_path&)> value)
    {
        on_skipped_ = std::move(value);
        return *this;
    }

    const std::vector<std::filesystem::path>& paths() const noexcept { return paths_; }
    const std::optional<std::string>& name() const noexcept { return name_; }
    const std::vector<std::string>& excluded() const noexcept { return excluded_; }
    bool include_links() const noexcept { return include_links_; }
    const std::function<void(const skipped_path&)>& on_skipped() const noexcept { return on_skipped_; }

private:
    std::vector<std::filesystem::path> paths_;
    std::optional<std::string> name_;
    std::vector<std::string> excluded_;
    bool include_links_ = true;
    std::function<void(const skipped_path&)> on_skipped_;
};

// Offers files and directories. A path that the user names may be a link; below it, no link is followed, neither
// to list nor to read. Beside the outline it keeps one open file and its parent directories, at most 130
// descriptors.
//
// list() skips what cannot travel: sockets and devices, what cannot be read, names and paths that break the rules, links
// that leave the document, files whose size is not their length (procfs). What vanishes meanwhile is no part of the
// document. A path that the user has named is never skipped: it is an error. Errors of list():
//
//   too_many_entries     more than max_listed_entries, or max_listed_bytes; fault() names the path
//   not_a_document       a named path is no file or directory any more, or has no true size
//   cancelled            after stop()
//   the system's own     a named path cannot be read
//
// open(), read() and close() compare a file with its entry. Another type, size or time of modification is
// document_changed, with reason 06, and fault() says when that happened. What has vanished or cannot be read is an
// error of the system in file_category(), with reason 05. A change that leaves size and time as they were is not
// seen.
//
// Not thread-safe, but for stop().
class folder_source final : public content_source {
public:
    // Looks at the paths, and lists nothing. The document's id comes from `random`. Errors: not_a_document (neither
    // a file nor a directory, or no path at all), hostile_name (receivers refuse a name), name_collision (two items have
    // one name), the system's own. `diag` says which path.
    static result<std::unique_ptr<folder_source>> create(folder_options options, random_source& random,
                                                         diagnostics* diag = nullptr);
    ~folder_source() override;

    result<std::shared_ptr<const document_outline>> list() override;
    error_code open(std::uint32_t number, std::uint64_t offset) override;
    result<std::size_t> read(mutable_bytes out) override;
    error_code close() override;
    void stop() noexcept override;
    void resume() noexcept override;
    std::unique_ptr<content_source> another() const override;
    const document_fault& fault() const noexcept override;

    // The document's name, or the title of several items.
    const std::string& name() const noexcept;
    // How many paths list() has skipped.
    std::uint64_t skipped() const noexcept;

private:
    struct state;
    explicit folder_source(std::unique_ptr<state> s) noexcept;
    std::unique_ptr<state> state_;
};

} // namespace parley
