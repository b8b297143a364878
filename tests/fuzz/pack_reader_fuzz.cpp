// The whole receiver under a hostile stream, in a folder of its own in memory where there is one. The first
// byte of an input says how the rest is meant:
//     0  a stream as it is
//     1  a stream whose trailer is made to fit, so that the rest of the receiver is reached
//     2  a program that builds a pack entry by entry, with checksums and ids that fit (see build())
// The second byte is how the stream is cut. Whatever comes, at the end the folder holds the received document
// or nothing, and beside it there is nothing at all.
#include "support/pack_builder.hpp"

#include <parley/payload/document_receiver.hpp>

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <random>

namespace {

namespace fs = std::filesystem;
using namespace parley_test;

struct fuzz_folder {
    fs::path outside;
    fs::path into;

    fuzz_folder()
    {
        const char* base = ::access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
        std::string pattern = std::string(base) + "/parley-fuzz-XXXXXX";
        if (::mkdtemp(pattern.data()) == nullptr) std::abort();
        outside = pattern;
        into = outside / "into";
        fs::create_directory(into);
    }
    ~fuzz_folder()
    {
        std::error_code ignored;
        fs::remove_all(outside, ignored);
    }
};

[[noreturn]] void found(const char* what)
{
    std::fprintf(stderr, "the receiver broke a promise: %s\n", what);
    std::abort();
}

std::size_t count(const fs::path& folder)
{
    std::size_t n = 0;
    for (auto at = fs::directory_iterator(folder); at != fs::directory_iterator(); ++at) ++n;
    return n;
}

// Takes an input apart; when it is used up, everything is 0.
class tape {
public:
    explicit tape(std::string_view bytes) : bytes_(bytes) {}
    bool empty() const { return bytes_.empty(); }
    unsigned byte()
    {
        if (bytes_.empty()) return 0;
        const auto b = static_cast<unsigned char>(bytes_[0]);
        bytes_.remove_prefix(1);
        return b;
    }
    std::string text(std::size_t length)
    {
        const std::string out(bytes_.substr(0, length));
        bytes_.remove_prefix(out.size());
        return out;
    }

private:
    std::string_view bytes_;
};

std::string name_from(tape& in)
{
    static const char* const usual[] = {"a", "b", "A", "..", "a/b", "d", "nul", "\xc3\xa9", "e\xcc\x81"};
    const unsigned which = in.byte();
    return which < std::size(usual) ? usual[which] : in.text(which % 16);
}

std::string build(tape& in)
{
    struct object {
        unsigned kind;
        std::string content;
        pack_id id;
    };
    std::vector<object> objects;
    pack_builder early; // reference deltas that stand before their bases
    pack_builder pack;
    pack.level = 0;
    const auto chosen = [&](unsigned which) -> const object* {
        return objects.empty() ? nullptr : &objects[which % objects.size()];
    };
    const auto keep = [&](unsigned kind, std::string content) {
        const pack_id id = pack_object_id(kind, content);
        objects.push_back({kind, std::move(content), id});
    };
    while (!in.empty() && pack.entries() < 64) {
        switch (in.byte() % 9) {
        case 0: { // a file
            const std::string content = in.text(in.byte());
            pack.add(blob_kind, content);
            keep(blob_kind, content);
            break;
        }
        case 1: { // a directory
            std::string lines;
            for (unsigned n = in.byte() % 12; n > 0; --n) {
                const unsigned how = in.byte();
                const object* below = chosen(in.byte());
                const bool is_tree = below != nullptr && below->kind == tree_kind;
                static const char* const modes[] = {"40000", "100644", "100755", "120000"};
                const char* mode = how < 240 ? (is_tree ? "40000" : "100644") : modes[how % 4];
                lines += tree_line(mode, name_from(in), below != nullptr ? below->id : pack_id{});
            }
            pack.add(tree_kind, lines);
            keep(tree_kind, lines);
            break;
        }
        case 2: { // the root
            const object* top = chosen(in.byte());
            pack.add(root_kind, root_text(name_from(in), top != nullptr ? top->id : pack_id{}));
            break;
        }
        case 3:
            pack.add(name_kind, name_from(in));
            break;
        case 4: { // an offset delta of any instructions
            const std::size_t back = in.byte();
            if (pack.entries() != 0) pack.add_offset_delta(back % pack.entries(), in.text(in.byte()));
            break;
        }
        case 5: { // a delta whose sizes fit, of any instructions
            const object* base = chosen(in.byte());
            if (base == nullptr) break;
            delta_text delta(base->content.size(), in.byte() * 16ull);
            delta.raw(in.text(in.byte()));
            pack.add_reference_delta(base->id, delta.text());
            break;
        }
        case 6: { // a delta that fits, after or before its base
            const object* base = chosen(in.byte());
            if (base == nullptr) break;
            const unsigned where = in.byte();
            std::string target = base->content + in.text(in.byte() % 64);
            const std::string delta = make_delta(base->content, target);
            const object from = *base;
            if (where % 2 == 0)
                pack.add_reference_delta(from.id, delta);
            else
                early.add_reference_delta(from.id, delta);
            keep(from.kind, std::move(target));
            break;
        }
        case 7: { // a lie about a size
            const unsigned kind = 1 + in.byte() % 4;
            const std::uint64_t announced = static_cast<std::uint64_t>(in.byte()) << in.byte() % 57;
            pack.add(kind, in.text(in.byte() % 64), announced);
            break;
        }
        case 8:
            pack.add_raw(in.text(in.byte() % 32));
            break;
        }
    }
    return early.entries() == 0 ? pack.finish() : pack.finish_after(early);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    static const fuzz_folder folder;
    if (size < 2) return 0;
    const unsigned way = data[0] % 3;
    const unsigned cut = data[1];
    std::string stream(reinterpret_cast<const char*>(data) + 2, size - 2);
    if (way == 1) stream = pack_builder::with_trailer(std::move(stream));
    if (way == 2) {
        const std::string program = std::move(stream);
        tape in(program);
        stream = build(in);
    }

    parley::receiver_options options;
    options.directory = folder.into;
    options.limits.free_space_reserve_bytes = 0;
    options.limits.max_document_bytes = 1 << 20;
    options.limits.max_entries = 200;
    options.limits.max_depth = 8;
    options.limits.max_delta_depth = 16;
    {
        auto receiver = parley::document_receiver::create(options);
        if (!receiver) found("it does not begin");
        std::minstd_rand random(cut);
        std::string_view left = stream;
        parley::error_code error;
        while (!left.empty() && !error) {
            const std::size_t piece = cut == 0 ? left.size() : cut < 8 ? cut : 1 + random() % 400;
            const std::string_view next = left.substr(0, piece);
            error = receiver->write(parley::as_bytes(next));
            left.remove_prefix(next.size());
        }
        if (error && count(folder.into) != 0) found("something is left after an error");
        const auto document = receiver->commit();
        if (document && error) found("a document in spite of an error");
        if (document) {
            if (document->path.parent_path() != folder.into) found("a document in another place");
            std::uint64_t files = 0;
            std::uint64_t directories = document->is_directory ? 1 : 0;
            if (document->is_directory) {
                for (const auto& entry : fs::recursive_directory_iterator(document->path)) {
                    if (entry.is_symlink()) found("a link");
                    ++(entry.is_directory() ? directories : files);
                }
            } else {
                files = fs::is_regular_file(fs::symlink_status(document->path)) ? 1 : 0;
            }
            if (files != document->files || directories != document->directories) found("it counts wrong");
            if (count(folder.into) != 1) found("something beside the document");
            fs::remove_all(document->path);
        }
    }
    if (count(folder.into) != 0) found("something is left");
    if (count(folder.outside) != 1) found("something outside the folder");
    return 0;
}
