// PACK streams made to order for tests, intact or broken in any way. They follow the description of the
// format and share only SHA-1 and bytes with the product.
#pragma once

#include <parley/base/bytes.hpp>
#include <parley/crypto/sha1.hpp>

#include <zlib.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace parley_test {

enum pack_kind : unsigned {
    root_kind = 1,
    tree_kind = 2,
    blob_kind = 3,
    name_kind = 4,
    offset_kind = 6,
    reference_kind = 7
};

using pack_id = parley::sha1_digest;

inline pack_id pack_object_id(unsigned kind, std::string_view content)
{
    static constexpr const char* names[] = {"", "commit", "tree", "blob", "tag"};
    parley::sha1 hash;
    hash.update(std::string(names[kind]) + " " + std::to_string(content.size()));
    hash.update(std::string_view("\0", 1));
    hash.update(content);
    return hash.finish();
}

inline std::string id_text(const pack_id& id)
{
    return std::string(parley::as_text(id));
}

// `content` as a zlib stream; level 0 stores.
inline std::string zlib_stream(std::string_view content, int level = 6)
{
    uLongf size = compressBound(static_cast<uLong>(content.size()));
    std::string out(size, '\0');
    if (compress2(reinterpret_cast<Bytef*>(out.data()), &size, reinterpret_cast<const Bytef*>(content.data()),
                  static_cast<uLong>(content.size()), level) != Z_OK)
        throw std::runtime_error("compress2");
    out.resize(size);
    return out;
}

// A zlib stream of `size` equal bytes, made without holding them.
inline std::string zlib_bomb(std::uint64_t size, char fill = '\0')
{
    z_stream z{};
    if (deflateInit(&z, 9) != Z_OK) throw std::runtime_error("deflateInit");
    const std::string piece(1 << 20, fill);
    std::string out;
    std::string buffer(1 << 16, '\0');
    int status = Z_OK;
    while (status != Z_STREAM_END) {
        if (z.avail_in == 0 && size > 0) {
            const std::uint64_t next = std::min<std::uint64_t>(size, piece.size());
            z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(piece.data()));
            z.avail_in = static_cast<uInt>(next);
            size -= next;
        }
        z.next_out = reinterpret_cast<Bytef*>(buffer.data());
        z.avail_out = static_cast<uInt>(buffer.size());
        status = deflate(&z, size == 0 ? Z_FINISH : Z_NO_FLUSH);
        out.append(buffer, 0, buffer.size() - z.avail_out);
    }
    deflateEnd(&z);
    return out;
}

// An entry's header: the kind and the announced size.
inline std::string entry_head(unsigned kind, std::uint64_t size)
{
    std::string out;
    auto b = static_cast<unsigned>(kind << 4 | (size & 15));
    size >>= 4;
    while (size != 0) {
        out += static_cast<char>(b | 0x80);
        b = static_cast<unsigned>(size & 0x7f);
        size >>= 7;
    }
    out += static_cast<char>(b);
    return out;
}

inline std::string distance_text(std::uint64_t distance)
{
    std::string out(1, static_cast<char>(distance & 0x7f));
    while ((distance >>= 7) != 0) {
        --distance;
        out.insert(out.begin(), static_cast<char>(0x80 | (distance & 0x7f)));
    }
    return out;
}

// A delta's instructions as given: nothing is checked.
class delta_text {
public:
    delta_text(std::uint64_t base_size, std::uint64_t result_size)
    {
        number(base_size);
        number(result_size);
    }
    delta_text& copy(std::uint64_t offset, std::uint64_t size)
    {
        std::string arguments;
        unsigned which = 0x80;
        for (unsigned i = 0; i < 4; ++i) add_argument(offset >> (8 * i) & 255, 1u << i, which, arguments);
        if (size != 0x10000)
            for (unsigned i = 0; i < 3; ++i) add_argument(size >> (8 * i) & 255, 16u << i, which, arguments);
        text_ += static_cast<char>(which);
        text_ += arguments;
        return *this;
    }
    delta_text& insert(std::string_view bytes)
    {
        while (!bytes.empty()) {
            const std::string_view piece = bytes.substr(0, 127);
            text_ += static_cast<char>(piece.size());
            text_ += piece;
            bytes.remove_prefix(piece.size());
        }
        return *this;
    }
    delta_text& raw(std::string_view bytes)
    {
        text_ += bytes;
        return *this;
    }
    const std::string& text() const { return text_; }

private:
    void number(std::uint64_t value)
    {
        for (; value > 0x7f; value >>= 7) text_ += static_cast<char>(value | 0x80);
        text_ += static_cast<char>(value);
    }
    static void add_argument(std::uint64_t value, unsigned bit, unsigned& which, std::string& arguments)
    {
        if (value == 0) return;
        which |= bit;
        arguments += static_cast<char>(value);
    }

    std::string text_;
};

// A delta from `base` to `target` that copies their common beginning and end.
inline std::string make_delta(std::string_view base, std::string_view target)
{
    delta_text delta(base.size(), target.size());
    const std::size_t most = std::min(base.size(), target.size());
    std::size_t head = 0;
    while (head < most && base[head] == target[head]) ++head;
    std::size_t tail = 0;
    while (tail < most - head && base[base.size() - 1 - tail] == target[target.size() - 1 - tail]) ++tail;
    const auto copy = [&delta](std::size_t offset, std::size_t size) {
        while (size > 0) {
            const std::size_t piece = std::min<std::size_t>(size, 0xffffff);
            delta.copy(offset, piece);
            offset += piece;
            size -= piece;
        }
    };
    copy(0, head);
    delta.insert(target.substr(head, target.size() - head - tail));
    copy(base.size() - tail, tail);
    return delta.text();
}

// One entry of a tree, with the mode as given.
inline std::string tree_line(std::string_view mode, std::string_view name, const pack_id& id)
{
    std::string out(mode);
    out += ' ';
    out += name;
    out += '\0';
    out += id_text(id);
    return out;
}

inline std::string root_text(std::string_view name, const pack_id& top, std::string_view number = "3")
{
    std::string out(name);
    out += '\0';
    out += id_text(top);
    out += number;
    return out;
}

// Builds a pack entry by entry.
class pack_builder {
public:
    // Adds an entry and returns its number. `announced` is the size in its header, if that should be wrong.
    std::size_t add(unsigned kind, std::string_view content, std::optional<std::uint64_t> announced = {})
    {
        return add_raw(entry_head(kind, announced.value_or(content.size())) + zlib_stream(content, level));
    }
    std::size_t add_offset_delta(std::size_t base, std::string_view delta)
    {
        return add_distance_delta(offset() - offsets_.at(base), delta);
    }
    std::size_t add_distance_delta(std::uint64_t distance, std::string_view delta)
    {
        return add_raw(entry_head(offset_kind, delta.size()) + distance_text(distance) +
                       zlib_stream(delta, level));
    }
    std::size_t add_reference_delta(const pack_id& base, std::string_view delta)
    {
        return add_raw(entry_head(reference_kind, delta.size()) + id_text(base) + zlib_stream(delta, level));
    }
    // Adds the bytes of an entry as they are.
    std::size_t add_raw(std::string_view bytes)
    {
        offsets_.push_back(offset());
        body_ += bytes;
        return offsets_.size() - 1;
    }

    std::uint64_t offset() const { return 12 + body_.size(); } // of the next entry
    std::size_t entries() const { return offsets_.size(); }

    // The whole stream, with the entries of `first` (which has no offset deltas) before its own.
    std::string finish_after(const pack_builder& first) const
    {
        pack_builder both = first;
        both.body_ += body_;
        for (const std::uint64_t at : offsets_) both.offsets_.push_back(at + first.body_.size());
        return both.finish();
    }
    // The whole stream. It announces the right number of entries, or `announced`.
    std::string finish(std::optional<std::uint32_t> announced = {}) const
    {
        const std::uint32_t count = announced.value_or(static_cast<std::uint32_t>(offsets_.size()));
        parley::byte number[4];
        parley::store_be(number, count);
        std::string out("PACK\0\0\0\2", 8);
        out += parley::as_text(number);
        out += body_;
        return with_trailer(std::move(out));
    }
    static std::string with_trailer(std::string stream)
    {
        parley::sha1 hash;
        hash.update(stream);
        return stream + id_text(hash.finish());
    }

    int level = 6; // zlib's; 0 stores

private:
    std::string body_;
    std::vector<std::uint64_t> offsets_;
};

// A single file's pack.
inline std::string file_pack(std::string_view name, std::string_view content)
{
    pack_builder pack;
    pack.add(name_kind, name);
    pack.add(blob_kind, content);
    return pack.finish();
}

// A directory as a map of paths ("a/b.txt") to contents; a path that ends in "/" is an empty directory.
using file_map = std::map<std::string, std::string>;

struct pack_object {
    unsigned kind = 0;
    std::string content;
    pack_id id{};
};

// The objects of a directory called `name`, each once: first the files, then the directories from the inside
// out, then the root.
inline std::vector<pack_object> directory_objects(std::string_view name, const file_map& files)
{
    struct node {
        std::map<std::string, node> directories;
        std::map<std::string, pack_id> files;
    };
    std::vector<pack_object> out;
    std::map<pack_id, bool> known;
    const auto keep = [&](unsigned kind, std::string content) {
        const pack_id id = pack_object_id(kind, content);
        if (!known.emplace(id, true).second) return id;
        out.push_back({kind, std::move(content), id});
        return id;
    };
    node top;
    for (const auto& [path, content] : files) {
        node* at = &top;
        std::size_t begin = 0;
        for (std::size_t slash = 0; (slash = path.find('/', begin)) != path.npos; begin = slash + 1)
            at = &at->directories[path.substr(begin, slash - begin)];
        if (begin < path.size()) at->files[path.substr(begin)] = keep(blob_kind, content);
    }
    const auto write = [&keep](const auto& self, const node& from) -> pack_id {
        std::map<std::string, std::string> lines; // by the key that trees are sorted by
        for (const auto& [child, below] : from.directories)
            lines[child + "/"] = tree_line("40000", child, self(self, below));
        for (const auto& [child, id] : from.files) lines[child] = tree_line("100644", child, id);
        std::string text;
        for (const auto& line : lines) text += line.second;
        return keep(tree_kind, std::move(text));
    };
    const pack_id id = write(write, top);
    keep(root_kind, root_text(name, id, std::to_string(files.size() + 2)));
    return out;
}

inline std::string pack_of(const std::vector<pack_object>& objects, int level = 6)
{
    pack_builder pack;
    pack.level = level;
    for (const pack_object& object : objects) pack.add(object.kind, object.content);
    return pack.finish();
}

inline std::string directory_pack(std::string_view name, const file_map& files)
{
    return pack_of(directory_objects(name, files));
}

// The same objects in an order and with deltas of both kinds, chosen by `random`. A reference delta may come
// before its base, which may itself be a delta.
template <class Random>
std::string shuffled_pack(std::vector<pack_object> objects, Random& random)
{
    std::shuffle(objects.begin(), objects.end(), random);
    pack_builder pack;
    pack.level = random() % 2 == 0 ? 0 : 6;
    const std::size_t count = objects.size();
    // A delta's base always has a lower rank than its result, whatever their positions, so there is no loop.
    std::vector<std::size_t> rank(count);
    for (std::size_t i = 0; i < count; ++i) rank[i] = i;
    std::shuffle(rank.begin(), rank.end(), random);
    for (std::size_t i = 0; i < count; ++i) {
        const pack_object& object = objects[i];
        std::optional<std::size_t> base;
        if (object.kind != root_kind && random() % 3 != 0) {
            const std::size_t start = random() % count;
            for (std::size_t k = 0; k < count && !base; ++k) {
                const std::size_t other = (start + k) % count;
                if (objects[other].kind == object.kind && rank[other] < rank[i]) base = other;
            }
        }
        if (!base) {
            pack.add(object.kind, object.content);
            continue;
        }
        const std::string delta = make_delta(objects[*base].content, object.content);
        if (*base < i && random() % 2 == 0)
            pack.add_offset_delta(*base, delta);
        else
            pack.add_reference_delta(objects[*base].id, delta);
    }
    return pack.finish();
}

} // namespace parley_test
