// Hands the document that comes to the page's storage, and knows what is there (SESSION2.md section 9, "in one run").
#pragma once

#include "peer/web/module/actions.hpp"

#include <map>

namespace parley::web {

// A file of which the first bytes are stored.
struct kept_part {
    std::uint32_t entry = 0;
    std::uint64_t offset = 0;
    blake2b_256_digest digest{};
};

// Gathers bytes into blocks of 256 KiB. At most 2 MiB and 512 actions wait for the page. One run has one store: it
// outlives the sessions.
class document_store {
public:
    explicit document_store(context& all) : all_(all) {}

    // Whether open(), append() and close() may be called.
    bool has_room() const noexcept
    {
        return waiting_bytes_ < max_waiting_bytes && waiting_.size() < max_waiting;
    }

    // `offset` is 0 or that of kept(). False, and nothing happens, for another one.
    bool open(std::uint32_t entry, std::uint64_t offset);
    // Takes bytes from the front of `bytes`, as many as there is room for.
    void append(bytes_view& bytes);
    void close();
    // Passes on what was gathered if the page has nothing else to do.
    void flush();
    // After the last file.
    void place();
    // The connection is gone: what has come stays.
    void interrupt();

    // The page has done its next `actions`.
    void done(std::size_t actions);
    bool is_placing() const noexcept { return place_asked_ && !is_placed_; }
    bool is_placed() const noexcept { return is_placed_; }

    // What is here, with ascending entries.
    std::vector<kept_part> kept() const;

private:
    static constexpr std::size_t block_bytes = 256 * 1024;
    static constexpr std::size_t max_waiting_bytes = 2 * 1024 * 1024;
    static constexpr std::size_t max_waiting = 512;

    template <class Action>
    void push(Action what, std::size_t bytes = 0);
    void pass_block();
    std::vector<kept_part>::iterator place_of(std::uint32_t entry);
    struct partial {
        std::uint64_t offset = 0;
        blake2b_256 hash;
    };

    context& all_;
    std::deque<std::size_t> waiting_; // the bytes of each action that the page has not done
    std::size_t waiting_bytes_ = 0;
    byte_vector block_;
    std::vector<kept_part> complete_;          // ascending
    std::map<std::uint32_t, partial> partial_; // others than the open one, mostly none
    std::uint32_t open_ = top_entry;           // also while the connection is gone
    partial now_;                              // of the open file
    bool place_asked_ = false, is_placed_ = false;
};

} // namespace parley::web
