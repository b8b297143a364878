// What the peer in a browser wants done: the outputs of web_peer.
#pragma once

#include <parley/base/error.hpp>
#include <parley/base/random.hpp>
#include <parley/base/time.hpp>
#include <parley/proto/document_outline.hpp>

#include <deque>
#include <optional>
#include <string>
#include <variant>

namespace parley::web {

// The peer's number of a connection. None is used twice.
enum class connection : std::uint32_t {};
// Which stream of PROTOCOL.md section 9 a connection carries.
enum class channel : byte { handshake, room };

// In which phase a run has failed.
enum class phase : byte { preparing, connecting, handshake, entering, transferring };

struct failure {
    error_code code;
    phase when = phase::preparing;
    std::string text; // what the other side said, or which entry; safe to print; may be empty
};

namespace action {

// --- connections

// Open a WebSocket to the relay, with the subprotocol of `to` and this seat (32 hexadecimal digits).
struct open {
    connection which{};
    channel to = channel::handshake;
    std::string seat;
};
// Send the bytes, in the order of the actions. When they have left the page's memory, call sent().
struct send {
    connection to{};
    byte_vector bytes;
};
// Close when all is sent: with code 1000 if `in_order`, else with 4000. The peer hears no more of it.
struct close {
    connection which{};
    bool in_order = true;
};

// --- the document that is sent

// Read `size` bytes, at least 1, of this item from `offset` on, and answer by content() or content_failed(). Fewer
// bytes are right only at the item's end. A reader has one read under way at a time.
struct read {
    std::uint32_t reader = 0; // one for each receiver that is served
    std::uint32_t item = 0;   // in the order of add_item()
    std::uint64_t offset = 0;
    std::uint32_t size = 0;
};

// --- the document that comes. Each action is answered by stored(), in order; or storing has failed, and the rest is
// --- not answered.

// The bytes of this file follow, from `offset` on. Drop what is there from that byte on.
struct create {
    std::uint32_t entry = 0;
    std::uint64_t offset = 0;
};
struct append {
    byte_vector bytes;
};
// The open file is complete.
struct finish {};
// All files are here: put the document into its place.
struct place {};

// --- for the page

// Connected to the relay; nobody with the code has come yet.
struct waiting {};
// Somebody knows the code.
struct meeting {};
// The whole offer has come. Ask the user, then call accept() or refuse().
struct offer {
    std::shared_ptr<const document_outline> document;
};
// The sender may begin; of a receiver that continues, with `kept` bytes.
struct receiving {
    std::uint64_t kept = 0;
};
struct progress {
    std::uint32_t receiver = 0; // 1 for the first; of a receiver 0
    std::uint64_t bytes = 0;
    std::uint64_t total = unknown_size;
};
// The connection is lost. Both sides come back by themselves; this one tries it after the pause.
struct interrupted {
    duration pause{};
};
// Both sides are back.
struct resumed {};
// Sender: this receiver has stored the document.
struct delivered {
    std::uint32_t receiver = 0;
};
// Not fatal. The page has a sentence for each `id`.
struct note {
    std::string_view id;  // static
    std::string_view key; // of `value` in that sentence; static
    std::string value;    // safe to print
};
// The last action, after a failure and after a success.
struct failed {
    failure why;
};
struct finished {};

} // namespace action

using action_variant =
    std::variant<action::open, action::send, action::close, action::read, action::create, action::append,
                 action::finish, action::place, action::waiting, action::meeting, action::offer,
                 action::receiving, action::progress, action::interrupted, action::resumed, action::delivered,
                 action::note, action::failed, action::finished>;

// The queue of actions. Its buffers go round: recycle() takes those whose action is done.
class outbox {
public:
    template <class Action>
    void push(Action what)
    {
        actions_.emplace_back(std::move(what));
    }
    std::optional<action_variant> pop()
    {
        if (actions_.empty()) return std::nullopt;
        std::optional<action_variant> first{std::move(actions_.front())};
        actions_.pop_front();
        return first;
    }
    bool empty() const noexcept { return actions_.empty(); }

    connection open(channel to, std::string seat)
    {
        const connection which{++last_connection_};
        push(action::open{which, to, std::move(seat)});
        return which;
    }

    byte_vector space() noexcept
    {
        byte_vector out;
        if (!spare_.empty()) {
            out = std::move(spare_.back());
            spare_.pop_back();
        }
        return out;
    }
    void recycle(byte_vector bytes)
    {
        bytes.clear();
        if (spare_.size() < max_spare && bytes.capacity() != 0) spare_.push_back(std::move(bytes));
    }

private:
    static constexpr std::size_t max_spare = 4;

    std::deque<action_variant> actions_;
    std::vector<byte_vector> spare_;
    std::uint32_t last_connection_ = 0;
};

// What the parts of a peer share.
struct context {
    explicit context(random_source& from) : random(from) {}

    random_source& random;
    time_point now{};
    outbox out;
};

} // namespace parley::web
