// What the user of a browser sends: files, folders or one text, as a document of SESSION2.md section 7.
#pragma once

#include "peer/web/module/actions.hpp"

#include <parley/base/result.hpp>

namespace parley::web {

// A document and the items that its entries come from.
struct offered_document {
    std::shared_ptr<const document_outline> outline;
    std::vector<std::uint32_t> items; // by entry; no_item for folders that the user did not name

    static constexpr std::uint32_t no_item = std::numeric_limits<std::uint32_t>::max();
};

// Collects items in any order, then makes the document of them:
//
//     items                          | document
//     one text                       | text
//     one file, without a folder     | file
//     all in one folder              | directory: its name is that of the folder, its paths begin below it
//     anything else                  | several items
//
// Folders above an item need not be named.
class offered_items {
public:
    // `path` is '/' between names and begins with the name of what the user chose. `modified` is in nanoseconds since
    // 1970 or unknown_time.
    void add_file(std::string path, std::uint64_t size, std::int64_t modified);
    void add_folder(std::string path, std::int64_t modified);
    void add_text(std::uint64_t size);

    // `name` replaces that of one file or folder, unless it is empty; of several items it is the title. The document's
    // id comes from `random`. Errors: not_a_document (no items, or a text beside others), hostile_name,
    // entry_not_taken, document_too_large (a text above 64 KiB); `why` says what is wrong.
    result<offered_document> make(std::string name, random_source& random, std::string& why) const;

private:
    struct item {
        entry_kind kind = entry_kind::file;
        std::string path;
        std::uint64_t size = 0;
        std::int64_t modified = unknown_time;
        std::uint32_t number = offered_document::no_item;
    };
    void add(item what);
    std::vector<item> in_order() const;
    std::string_view only_folder() const;

    std::vector<item> items_;
    std::uint32_t texts_ = 0;
};

} // namespace parley::web
