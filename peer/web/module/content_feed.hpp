// Gives the content of a document to document_sender_machine: asks for it piece by piece, hashes what the receiver has
// already, and encodes the rest (SESSION2.md section 8).
#pragma once

#include "peer/web/module/offered_items.hpp"

#include <parley/payload/zstd_encoder.hpp>
#include <parley/proto/document_sender_machine.hpp>

namespace parley::web {

// How far a file was hashed. A transfer that is continued goes on from there.
struct hashed_prefix {
    std::uint32_t entry = top_entry;
    std::uint64_t offset = 0;
    blake2b_256 hash;
};

// One read of at most 256 KiB is under way at a time. Holds no content: the machine's output does.
class content_feed {
public:
    // All must outlive it. `reader` names it in action::read.
    content_feed(context& all, const offered_document& document, document_sender_machine& machine,
                 hashed_prefix& hashed, std::uint32_t reader);

    // The machine's event: this file is next.
    void open(const document_sender_event::open_file& file);
    // Asks for more if the machine has little to write. True when it has sent a file without asking.
    bool go_on();
    // The answers to a read. No bytes: the item is shorter than it was.
    void content(bytes_view bytes);
    void content_failed(session_reason reason);

private:
    enum class stage : byte { idle, hashing, first_bytes, plain, encoding };

    void hash(bytes_view bytes);
    void begin_file(std::uint64_t offset);
    void begin_content(bytes_view first);
    void send(bytes_view bytes);
    void encode(bytes_view bytes);
    void end_file();
    void change();
    std::string path() const;

    context& all_;
    const offered_document& document_;
    document_sender_machine& machine_;
    hashed_prefix& hashed_;
    const std::uint32_t reader_;

    stage stage_ = stage::idle;
    bool is_reading_ = false;
    std::uint32_t entry_ = 0;
    std::uint64_t end_ = 0;    // of the bytes that are read now
    std::uint64_t offset_ = 0; // of the next one
    byte_vector encoded_;
    std::optional<zstd_encoder> encoder_;
};

} // namespace parley::web
