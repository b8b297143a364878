// Encoding and decoding of a directory's content: Git's tree format (PROTOCOL.md section 8).
//
//     tree  = entry*, sorted bytewise by name, a directory compared as `name/`
//     entry = mode || " " || name || NUL || object id (20)
//     mode  = "40000" for a directory, "100644" for a file
//
// The parser also reads "100755" as a file. Every other mode (a link, a submodule, anything unknown) is an
// error.
#pragma once

#include "payload/format/object_id.hpp"

#include <parley/base/bytes.hpp>
#include <parley/base/error.hpp>

#include <string>
#include <string_view>

namespace parley {

// The length of one entry in a tree.
constexpr std::size_t tree_entry_bytes(bool is_directory, std::size_t name_bytes) noexcept
{
    return (is_directory ? 5 : 6) + 1 + name_bytes + 1 + sha1_bytes;
}

// Appends one entry to `out`.
void append_tree_entry(byte_vector& out, bool is_directory, std::string_view name, const object_id& id);

// Whether the first entry comes before the second in a tree.
bool tree_order(std::string_view first, bool first_is_directory, std::string_view second,
                bool second_is_directory) noexcept;

struct tree_entry {
    bool is_directory = false;
    std::string_view name; // any bytes but NUL: check it with component_problem()
    object_id id{};
};

// Reads a tree from pieces of any size. Keeps at most one entry. Not thread-safe.
class tree_parser {
public:
    enum class status { more, entry, bad };

    // Takes bytes from the front of `in` (which shrinks) up to the end of one entry. `more`: it took all
    // bytes and no entry is complete. `entry`: entry() is valid until the next call. `bad`: a mode that is
    // not allowed or a name above 255 bytes; problem() says which.
    status next(bytes_view& in);
    const tree_entry& entry() const noexcept { return entry_; }

    // Whether the tree may end here: false inside an entry.
    bool at_boundary() const noexcept { return state_ == state::mode && text_.empty(); }
    // What is wrong, after `bad`.
    std::string_view problem() const noexcept { return problem_; }
    // The name read so far, for a message. It may be cut after `bad`.
    std::string_view partial_name() const noexcept
    {
        return state_ == state::mode ? std::string_view() : text_;
    }
    // Begins another tree.
    void reset() noexcept;

private:
    enum class state { mode, name, id };

    tree_entry entry_;
    std::string text_; // the mode, then the name
    std::string_view problem_;
    state state_ = state::mode;
    std::size_t id_bytes_ = 0;
    bool delivered_ = false;
};

} // namespace parley
