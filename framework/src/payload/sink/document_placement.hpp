// Where a document of session version 2 goes in its directory, and how it gets there.
#pragma once

#include "payload/sink/staged_document.hpp"

#include <parley/payload/folder_sink.hpp>

namespace parley {

// Not thread-safe. problem() has the words of the last error.
class document_placement {
public:
    // `destination` outlives it.
    document_placement(std::shared_ptr<const document_outline> document, const folder_sink_options& options,
                       const guarded_directory& destination);

    // Whether the document could be placed now. Chooses another name if that is allowed. Errors: destination_exists,
    // the system's own.
    error_code check();
    // Tries the names at the destination, and a link if the document has any, in `trial`, an empty directory of its file
    // system. Errors: entry_not_placed, the system's own.
    error_code try_names(const guarded_directory& trial);

    // Moves the complete document from `folder` to its place. Errors: destination_exists, and everything is in `folder`
    // as before; the system's own.
    error_code place(staged_document& staged, const guarded_directory& folder);

    // The name at the destination if it is another one than wanted, of a document that is no several items.
    std::string other_name() const;
    // Names at the destination, of what place() has placed, or of all before.
    std::vector<std::string> names() const;
    // Whether the document has one name at the destination.
    bool is_whole() const noexcept { return is_whole_; }
    // With taken_action::keep_going: the items that place() has not placed because something has their names.
    const std::vector<std::string>& taken_items() const noexcept { return taken_; }
    const std::string& problem() const noexcept { return problem_; }

private:
    struct piece {
        std::uint32_t entry; // of an item; top_entry for the whole document
        bool is_directory;
        std::string wanted;
        std::string name;
        unsigned other_number = 0;
        bool placed = false;
    };

    error_code fail(error_code error, std::string_view name, std::string_view what);
    bool choose_other_name(piece& each) const;
    error_code check_piece(piece& each);
    error_code check_overwrite(const piece& each);
    error_code try_link(const guarded_directory& trial);
    error_code check_merge(const guarded_directory& root, std::uint32_t first, std::uint32_t end);
    error_code place_piece(piece& each, const guarded_directory& from, std::string_view staged_name);
    error_code overwrite(const piece& each, staged_document& staged, const guarded_directory& folder);
    error_code merge(staged_document& staged, const guarded_directory& root, std::uint32_t first,
                     std::uint32_t end);
    void move_back(const guarded_directory& to);
    std::uint32_t end_of(std::uint32_t entry) const;

    const entry_list& entries() const noexcept { return document_->entries(); }

    std::shared_ptr<const document_outline> document_;
    taken_action when_taken_;
    const guarded_directory* destination_;
    bool is_whole_;
    std::vector<piece> pieces_;
    std::vector<std::string> taken_;
    std::string problem_;
};

} // namespace parley
