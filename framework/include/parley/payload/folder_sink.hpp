// A sink that puts a document into a folder (SESSION2.md sections 7 to 9). It goes on with what an earlier run has
// left there.
#pragma once

#include <parley/base/random.hpp>
#include <parley/payload/content_sink.hpp>

#include <optional>

namespace parley {

// What happens when the place of a document is taken.
enum class taken_action : byte {
    refuse,
    // The document, or each of several items, gets the next free name: "report (1).txt", "folder (1)".
    rename,
    // A file replaces the file or link of its name, atomically. A directory is merged with the one that is there: its
    // files replace those of their names, others stay. A directory never replaces anything else, nor the reverse.
    overwrite,
    // Of several items, those are placed whose names are free. Names that the file system cannot hold or takes for
    // another one's are left out, with what is below them. commit() then fails, and fault() says what is missing.
    keep_going,
};

class folder_sink_options {
public:
    folder_sink_options() = default;

    // An existing folder for the document; the current one by default.
    folder_sink_options& directory(std::filesystem::path value)
    {
        directory_ = std::move(value);
        return *this;
    }
    // The document's name there, instead of the offered one (same rules). The offered one may then begin with a dot.
    // Several items go into a new folder of this name.
    folder_sink_options& name(std::string value)
    {
        name_ = std::move(value);
        return *this;
    }
    // Whether offered names may begin with a dot (".ssh", ".bashrc"). A file or folder of such a name can change what
    // other programs do. False by default. It restricts neither name() nor names inside a directory.
    folder_sink_options& allow_dot_name(bool value)
    {
        allow_dot_name_ = value;
        return *this;
    }
    folder_sink_options& when_taken(taken_action value)
    {
        when_taken_ = value;
        return *this;
    }
    // Whether what has come stays for a later run when the document does not become complete. True by default.
    folder_sink_options& keep(bool value)
    {
        keep_ = value;
        return *this;
    }
    // Whether commit() waits until the document is on the disk, so that it survives a loss of power. False by default:
    // on a busy disk that can take minutes.
    folder_sink_options& sync(bool value)
    {
        sync_ = value;
        return *this;
    }
    // What stays free: so many bytes, but no more than this share of the file system. 64 MiB and 1/64 by default.
    folder_sink_options& free_space_reserve(std::uint64_t bytes, double share)
    {
        reserve_bytes_ = bytes;
        reserve_share_ = share;
        return *this;
    }
    // The source of names for folders that no later run finds. It outlives the sink; the system's by default.
    folder_sink_options& random(random_source& value)
    {
        random_ = &value;
        return *this;
    }

    const std::filesystem::path& directory() const noexcept { return directory_; }
    const std::optional<std::string>& name() const noexcept { return name_; }
    bool allow_dot_name() const noexcept { return allow_dot_name_; }
    taken_action when_taken() const noexcept { return when_taken_; }
    bool keep() const noexcept { return keep_; }
    bool sync() const noexcept { return sync_; }
    std::uint64_t reserve_bytes() const noexcept { return reserve_bytes_; }
    double reserve_share() const noexcept { return reserve_share_; }
    random_source* random() const noexcept { return random_; }

private:
    std::filesystem::path directory_ = ".";
    std::optional<std::string> name_;
    bool allow_dot_name_ = false;
    taken_action when_taken_ = taken_action::refuse;
    bool keep_ = true;
    bool sync_ = false;
    std::uint64_t reserve_bytes_ = 64ull << 20;
    double reserve_share_ = 1.0 / 64;
    random_source* random_ = nullptr;
};

// Puts documents of all kinds but `text` together in a hidden folder beside the destination, and moves them to their
// place at the end. Nothing incomplete ever stands there, whenever the program ends.
//
// The hidden folder's name comes from the document's kind, name and entries, so a later run in the same directory finds
// it. Such folders are removed by the first preview() after seven days without use. A folder that another process
// uses is left alone: then a second one is made, which is not found again.
//
// Errors, with the reason of fault():
//   no_room, ENOSPC, EDQUOT  no_space
//   destination_exists       destination_exists
//   refused_by_user          refused_by_user: a name that begins with a dot, or a document of kind `text`
//   hostile_name             bad_entry: options.name
//   entry_not_placed          bad_entry: a name that this file system cannot hold, or takes for another one's
//   the system's own         file_failed, in file_category()
//
// When commit() finds the place taken, what has come stays where fault() says, and the same document is taken
// from there once the place is free. commit() may also be repeated. A path of this side in fault() is relative to the
// destination. The destructor does what end(true) does. Not thread-safe.
class folder_sink final : public content_sink {
public:
    explicit folder_sink(folder_sink_options options);
    folder_sink(folder_sink&&) noexcept;
    folder_sink& operator=(folder_sink&&) noexcept;
    ~folder_sink() override;

    result<sink_preview> preview(std::shared_ptr<const document_outline> document) override;
    result<std::vector<kept_part>> begin() override;
    error_code open(std::uint32_t number, std::uint64_t offset) override;
    error_code write(bytes_view bytes) override;
    error_code close() override;
    result<stored_document> commit() override;
    void interrupt() noexcept override;
    void end(bool keep) noexcept override;
    const document_fault& fault() const noexcept override;

private:
    struct state;
    std::unique_ptr<state> state_;
};

} // namespace parley
