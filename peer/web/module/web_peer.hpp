// The peer in a browser, without its browser: it sends or receives one document over WebSockets, and does no I/O.
//
//     page ──▶ send(), receive(), accept() ...  ──▶  web_peer  ──▶ next_action() ──▶ page: sockets, files, words
//
// It keeps the order of steps, the messages and the time limits of the native peer. It speaks session version 2.
#pragma once

#include "peer/web/module/web_receiver.hpp"
#include "peer/web/module/web_sender.hpp"

#include <map>

namespace parley::web {

// One run: at most one of send() and receive(). Rules for the owner:
//   1. Call expire() before every other input, and at next_deadline().
//   2. After any input take all actions, and do them in their order.
//   3. Give a connection's bytes only while wants_input(). Tell its end after its bytes.
// Memory: the outline, and below 8 MiB for each receiver that is served. Not thread-safe.
class web_peer {
public:
    // `random` must outlive it.
    explicit web_peer(random_source& random) : all_(random) {}

    // It is `now`, which never goes back.
    void expire(time_point now);
    time_point next_deadline() const noexcept;

    // A sender's items come first.
    offered_items& items() noexcept { return items_; }
    // Sends them to so many receivers (0: as many as come within an hour). Fails at once with what is wrong with them.
    void send(std::string name, std::uint64_t receivers, secret_bytes code);
    void receive(secret_bytes code);
    // Ends with action::failed, unless the document is stored already.
    void cancel();

    // What was sent or offered; null before.
    const document_outline* document() const noexcept;

    // The user's answer to action::offer; of several the first counts. Reasons: refused_by_user, no_space,
    // destination_exists.
    void accept();
    void refuse(session_reason reason, std::string text = {});

    // Connections. One that could not be opened is closed, not in order. After action::close nothing of it is heard.
    void opened(connection which);
    void received(connection which, bytes_view bytes);
    bool wants_input(connection which) const noexcept;
    void closed(connection which, bool in_order);
    void sent(connection which, std::size_t bytes);

    // The answers to action::read. Fewer bytes than were asked for: the item has changed. Reasons: document_changed,
    // file_failed.
    void content(std::uint32_t reader, bytes_view bytes);
    void content_failed(std::uint32_t reader, session_reason reason);

    // The answers to the actions that store. Reasons: no_space, destination_exists, bad_entry, file_failed.
    void stored(std::size_t actions);
    void store_failed(session_reason reason, std::string text);

    std::optional<action_variant> next_action() { return all_.out.pop(); }
    // Takes back the buffer of an action that is done.
    void recycle(byte_vector bytes) { all_.out.recycle(std::move(bytes)); }
    // Whether the last action was given.
    bool is_over() const noexcept;

private:
    struct incoming {
        byte_vector waiting;       // bytes that nobody has taken
        std::optional<bool> ended; // in order or not
    };
    template <class Do>
    void with_run(Do what);
    bool owns(connection which) const noexcept;
    void deliver(connection which, bytes_view& bytes);
    void deliver_waiting();

    context all_;
    offered_items items_;
    std::unique_ptr<web_sender> sender_;
    std::unique_ptr<web_receiver> receiver_;
    std::shared_ptr<const document_outline> sent_document_;
    std::map<connection, incoming> incoming_; // of those with something waiting
    bool has_failed_ = false;                 // before the run began
};

} // namespace parley::web
