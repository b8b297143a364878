// A second, simple reader of PACK streams that checks the output of the sending side. It works in memory,
// follows the description of the format, and shares only SHA-1 with the product. It throws for anything
// unusual.
#pragma once

#include <parley/base/bytes.hpp>
#include <parley/crypto/sha1.hpp>

#include <zlib.h>

#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace parley_test {

using parley::byte;
using parley::byte_vector;
using parley::bytes_view;

struct plain_entry {
    std::size_t offset = 0;
    unsigned kind = 0;      // as in the stream
    unsigned real_kind = 0; // of the object that a delta makes
    std::size_t base_offset = 0;
    byte_vector content; // with the delta applied
    std::size_t packed_bytes = 0;
    parley::sha1_digest id{};
};

struct plain_pack {
    std::uint32_t announced = 0;
    std::vector<plain_entry> entries;
    std::size_t stream_bytes = 0;
};

// Paths of the document, relative to the directory that it arrives in. A directory has no content.
struct plain_document {
    std::string name;
    std::string root_number; // of a directory
    std::map<std::string, std::optional<byte_vector>> paths;
};

[[noreturn]] inline void reject(const std::string& why)
{
    throw std::runtime_error(why);
}

inline parley::sha1_digest plain_id(unsigned kind, bytes_view content)
{
    static const char* const names[] = {"", "commit", "tree", "blob", "tag"};
    parley::sha1 hash;
    hash.update(std::string(names[kind]) + " " + std::to_string(content.size()));
    hash.update(std::string_view("\0", 1));
    hash.update(content);
    return hash.finish();
}

// Inflates the zlib stream at the front of `in`, and removes it from `in`.
inline byte_vector plain_inflate(bytes_view& in, std::size_t size)
{
    byte_vector out(size + 1);
    z_stream z{};
    if (inflateInit(&z) != Z_OK) reject("inflateInit");
    z.next_in = const_cast<Bytef*>(in.data());
    z.avail_in = static_cast<uInt>(in.size());
    z.next_out = out.data();
    z.avail_out = static_cast<uInt>(out.size());
    const int status = inflate(&z, Z_FINISH);
    const std::size_t made = out.size() - z.avail_out;
    in = in.subspan(in.size() - z.avail_in);
    inflateEnd(&z);
    if (status != Z_STREAM_END) reject("a bad zlib stream");
    if (made != size) reject("an entry of another size than announced");
    out.resize(size);
    return out;
}

inline std::size_t plain_varint(bytes_view& in)
{
    std::size_t value = 0;
    for (unsigned shift = 0;; shift += 7) {
        if (in.empty()) reject("a cut number");
        const byte b = in[0];
        in = in.subspan(1);
        value |= static_cast<std::size_t>(b & 0x7f) << shift;
        if ((b & 0x80) == 0) return value;
    }
}

inline byte_vector plain_apply_delta(bytes_view base, bytes_view delta)
{
    if (plain_varint(delta) != base.size()) reject("a delta for another base");
    const std::size_t size = plain_varint(delta);
    byte_vector out;
    while (!delta.empty()) {
        const byte instruction = delta[0];
        delta = delta.subspan(1);
        if ((instruction & 0x80) == 0) {
            if (instruction == 0 || delta.size() < instruction) reject("a bad insert");
            out.insert(out.end(), delta.begin(), delta.begin() + instruction);
            delta = delta.subspan(instruction);
            continue;
        }
        std::size_t parts[2] = {0, 0};
        for (unsigned bit = 0; bit < 7; ++bit) {
            if ((instruction >> bit & 1) == 0) continue;
            if (delta.empty()) reject("a cut copy");
            parts[bit < 4 ? 0 : 1] |= static_cast<std::size_t>(delta[0]) << (8 * (bit < 4 ? bit : bit - 4));
            delta = delta.subspan(1);
        }
        if (parts[1] == 0) parts[1] = 0x10000;
        if (parts[0] > base.size() || base.size() - parts[0] < parts[1]) reject("a copy outside its base");
        out.insert(out.end(), base.begin() + static_cast<std::ptrdiff_t>(parts[0]),
                   base.begin() + static_cast<std::ptrdiff_t>(parts[0] + parts[1]));
    }
    if (out.size() != size) reject("a delta of another size than announced");
    return out;
}

inline plain_pack read_plain_pack(bytes_view stream)
{
    if (stream.size() < 32 || parley::as_text(stream.first(4)) != "PACK") reject("no pack");
    if (parley::load_be<std::uint32_t>(stream.data() + 4) != 2) reject("another version");
    parley::sha1 hash;
    hash.update(stream.first(stream.size() - 20));
    const auto trailer = hash.finish();
    if (!std::equal(trailer.begin(), trailer.end(), stream.end() - 20)) reject("a wrong trailer");

    plain_pack pack;
    pack.stream_bytes = stream.size();
    pack.announced = parley::load_be<std::uint32_t>(stream.data() + 8);
    bytes_view in = stream.subspan(12, stream.size() - 32);
    const byte* const begin = stream.data();
    while (!in.empty()) {
        plain_entry e;
        e.offset = static_cast<std::size_t>(in.data() - begin);
        byte b = in[0];
        in = in.subspan(1);
        e.kind = b >> 4 & 7;
        std::size_t size = b & 15;
        for (unsigned shift = 4; (b & 0x80) != 0; shift += 7) {
            if (in.empty()) reject("a cut header");
            b = in[0];
            in = in.subspan(1);
            size |= static_cast<std::size_t>(b & 0x7f) << shift;
        }
        const plain_entry* base = nullptr;
        if (e.kind == 6) {
            std::size_t distance = 0;
            for (bool more = true, first = true; more; first = false) {
                if (in.empty()) reject("a cut distance");
                if (!first) ++distance;
                distance = distance << 7 | (in[0] & 0x7fu);
                more = (in[0] & 0x80) != 0;
                in = in.subspan(1);
            }
            for (const plain_entry& earlier : pack.entries)
                if (earlier.offset == e.offset - distance) base = &earlier;
            if (base == nullptr) reject("a delta without a base");
        } else if (e.kind < 1 || e.kind > 4) {
            reject("an unknown kind");
        }
        byte_vector inflated = plain_inflate(in, size);
        e.packed_bytes = static_cast<std::size_t>(in.data() - begin) - e.offset;
        e.real_kind = base != nullptr ? base->real_kind : e.kind;
        e.base_offset = base != nullptr ? base->offset : 0;
        e.content = base != nullptr ? plain_apply_delta(base->content, inflated) : std::move(inflated);
        e.id = plain_id(e.real_kind, e.content);
        pack.entries.push_back(std::move(e));
    }
    if (pack.entries.size() != pack.announced) reject("another number of entries than announced");
    return pack;
}

inline void unpack_tree(const std::map<parley::sha1_digest, const plain_entry*>& objects,
                        const plain_entry& tree, const std::string& path, plain_document& out)
{
    std::string_view text = parley::as_text(tree.content);
    std::string previous;
    while (!text.empty()) {
        const std::size_t space = text.find(' ');
        const std::size_t nul = text.find('\0');
        if (space == text.npos || nul == text.npos || text.size() - nul < 21) reject("a bad tree");
        const std::string_view mode = text.substr(0, space);
        const std::string name(text.substr(space + 1, nul - space - 1));
        if (mode != "40000" && mode != "100644") reject("an odd mode");
        parley::sha1_digest id;
        const bytes_view raw = parley::as_bytes(text.substr(nul + 1, 20));
        std::copy(raw.begin(), raw.end(), id.begin());
        text.remove_prefix(nul + 21);

        const std::string sort_key = mode == "40000" ? name + "/" : name;
        if (!previous.empty() && !(previous < sort_key)) reject("a tree out of order");
        previous = sort_key;
        const auto object = objects.find(id);
        if (object == objects.end()) reject("a name whose object is missing");
        if (mode == "40000") {
            if (object->second->real_kind != 2) reject("a directory that is none");
            out.paths[path + name] = std::nullopt;
            unpack_tree(objects, *object->second, path + name + "/", out);
        } else {
            if (object->second->real_kind != 3) reject("a file that is none");
            out.paths[path + name] = object->second->content;
        }
    }
}

// The document in the pack, as a receiver would write it.
inline plain_document unpack(const plain_pack& pack)
{
    plain_document out;
    if (pack.entries.empty()) reject("an empty pack");
    if (pack.entries[0].kind == 4) {
        if (pack.entries.size() != 2 || pack.entries[1].kind != 3) reject("a file is two entries");
        out.name = parley::as_text(pack.entries[0].content);
        out.paths[out.name] = pack.entries[1].content;
        return out;
    }
    std::map<parley::sha1_digest, const plain_entry*> objects;
    const plain_entry* root = nullptr;
    for (const plain_entry& e : pack.entries) {
        objects.emplace(e.id, &e);
        if (e.real_kind != 1) continue;
        if (root != nullptr) reject("two roots");
        root = &e;
    }
    if (root == nullptr) reject("no root");
    const std::string_view text = parley::as_text(root->content);
    const std::size_t nul = text.find('\0');
    if (nul == text.npos || text.size() < nul + 22) reject("a bad root");
    out.name = text.substr(0, nul);
    out.root_number = text.substr(nul + 21);
    parley::sha1_digest id;
    const bytes_view raw = parley::as_bytes(text.substr(nul + 1, 20));
    std::copy(raw.begin(), raw.end(), id.begin());
    const auto top = objects.find(id);
    if (top == objects.end()) reject("no top directory");
    out.paths[out.name] = std::nullopt;
    unpack_tree(objects, *top->second, out.name + "/", out);
    return out;
}

} // namespace parley_test
