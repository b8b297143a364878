// Peers of a browser and a relay in one process and in virtual time: bytes arrive in pieces of any size, storage and
// files are slow, and connections break where a test says. The same seed gives the same run.
#pragma once

#include "peer/web/module/web_peer.hpp"

#include <parley/proto/relay_machine.hpp>
#include <parley/proto/room_broker.hpp>
#include <parley/testing/seeded_random.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace parley::web::test {

using namespace std::chrono_literals;
using testing::seeded_random;

// The page and the worker around one peer.
struct test_page {
    explicit test_page(std::uint64_t seed) : random(seed), peer(random) {}

    seeded_random random;
    web_peer peer;
    std::vector<byte_vector> items;                // what is sent, in the order of add_item()
    std::map<std::uint32_t, std::uint32_t> shrunk; // items that have become shorter
    std::optional<session_reason> unreadable;

    bool answers = true;
    std::optional<session_reason> refusal;
    std::size_t room = std::numeric_limits<std::size_t>::max(); // bytes that the storage takes

    std::map<std::uint32_t, byte_vector> files; // what has come, by entry
    std::optional<std::uint32_t> open_file;
    bool placed = false;
    std::deque<action_variant> storing; // not done yet
    std::deque<action::read> reading;

    std::vector<std::string> words; // what the page was told
    std::shared_ptr<const document_outline> offered;
    std::uint64_t progress = 0, kept = 0;
    std::uint32_t delivered = 0;
    std::optional<failure> failed;
    bool finished = false;

    bool is_over() const { return failed || finished; }
    std::size_t count(const std::string& word) const
    {
        return static_cast<std::size_t>(std::count(words.begin(), words.end(), word));
    }

    // For the message of a test that fails.
    std::string story() const
    {
        std::string out = "\n ";
        for (const std::string& word : words) out += ' ' + word + ',';
        return failed ? out + ' ' + failed->code.message() + ": " + failed->text : out;
    }

    void add(const std::string& path, byte_vector content)
    {
        peer.items().add_file(path, content.size(), 1'700'000'000'000'000'000);
        items.push_back(std::move(content));
    }
    void add_folder(const std::string& path)
    {
        peer.items().add_folder(path, unknown_time);
        items.emplace_back();
    }
    // The files that came, by path; folders end in a slash.
    std::map<std::string, byte_vector> tree() const
    {
        std::map<std::string, byte_vector> out;
        for (std::uint32_t i = 0; i < offered->entries().size(); ++i) {
            const bool is_folder = offered->entries().at(i).kind == entry_kind::directory;
            const auto found = files.find(i);
            if (is_folder || found != files.end())
                out[offered->entries().path(i) + (is_folder ? "/" : "")] =
                    is_folder ? byte_vector{} : found->second;
        }
        return out;
    }
};

class web_world {
public:
    explicit web_world(std::uint64_t seed) : random_(seed) {}

    seeded_random& random() { return random_; }
    time_point now() const { return now_; }
    test_page& add_page()
    {
        pages_.push_back(std::make_unique<test_page>(random_.next()));
        pages_.back()->peer.expire(now_);
        return *pages_.back();
    }

    bool relay_is_down = false;
    std::size_t steps = 0;
    std::size_t most_under_way = 0; // bytes of one direction of one connection
    // Called before every step.
    std::function<void()> before_step = [] {};

    // Runs until `done`, or nothing more can happen. Returns whether it is done.
    bool run_until(const std::function<bool()>& done, std::size_t max_steps = 2'000'000)
    {
        take_actions();
        for (; !done(); ++steps) {
            if (max_steps-- == 0) return false;
            before_step();
            if (!step()) return done();
        }
        return true;
    }
    bool run() // until all pages are over
    {
        return run_until([this] {
            return std::all_of(pages_.begin(), pages_.end(),
                               [](const auto& each) { return each->is_over(); });
        });
    }
    // The page does something with its peer.
    void act(test_page& page, const std::function<void(web_peer&)>& what)
    {
        page.peer.expire(now_);
        what(page.peer);
        take_actions();
    }

    // All connections of this page break. What is on its way is lost, and the other side hears of it at last.
    void cut(test_page& page)
    {
        for (auto& each : connections_)
            if (each->page == &page && each->is_open) reset(*each);
        settle();
    }
    std::size_t open_connections() const
    {
        return static_cast<std::size_t>(
            std::count_if(connections_.begin(), connections_.end(),
                          [](const auto& each) { return each->is_open || each->hears; }));
    }
    // Replaces what is on its way to the page on its newest connection.
    bool tamper(test_page& page, const std::function<void(byte_vector&)>& how)
    {
        for (auto at = connections_.rbegin(); at != connections_.rend(); ++at) {
            if ((*at)->page != &page || !(*at)->hears || (*at)->to_page.bytes.empty()) continue;
            how((*at)->to_page.bytes);
            return true;
        }
        return false;
    }
    bool is_in_room(const test_page& page) const
    {
        return std::any_of(connections_.begin(), connections_.end(), [&](const auto& each) {
            return each->page == &page && each->is_open && each->other != nullptr;
        });
    }

private:
    enum class ending : byte { none, in_order, reset };
    struct way {
        byte_vector bytes;
        ending end = ending::none;
    };
    struct link {
        test_page* page = nullptr;
        connection number{};
        channel to = channel::handshake;
        connection_id id{};
        identity who;
        std::optional<seat_token> seat;
        packet_parser parser;
        bool is_opening = true;
        bool is_open = true; // at the relay
        bool hears = true;   // the page
        link* other = nullptr;
        way to_relay, to_page;
    };

    link* link_of(connection_id id) { return connections_[static_cast<std::uint32_t>(id)].get(); }

    // --- what can happen

    bool step()
    {
        std::vector<std::function<void()>> possible;
        for (const auto& each : connections_) {
            link& l = *each;
            if (l.is_opening && l.hears) {
                possible.emplace_back([this, &l] { open(l); });
                continue;
            }
            if (l.is_open && can_hear_relay(l)) possible.emplace_back([this, &l] { deliver_to_relay(l); });
            if (l.hears && can_hear_page(l)) possible.emplace_back([this, &l] { deliver_to_page(l); });
        }
        for (const auto& each : pages_) {
            test_page& page = *each;
            if (!page.storing.empty()) possible.emplace_back([this, &page] { store(page); });
            if (!page.reading.empty()) possible.emplace_back([this, &page] { read(page); });
        }
        if (possible.empty()) {
            const time_point next = next_deadline();
            if (next == no_deadline) return false;
            now_ = std::max(now_, next);
        } else {
            now_ += std::chrono::microseconds{random_.below(2000)};
            possible[random_.below(possible.size())]();
        }
        expire();
        settle();
        return true;
    }

    bool can_hear_relay(const link& l) const
    {
        if (l.to_relay.bytes.empty()) return l.to_relay.end != ending::none;
        if (l.to == channel::handshake) return true;
        return l.other == nullptr || l.other->to_page.bytes.size() < 256 * 1024;
    }
    bool can_hear_page(const link& l) const
    {
        if (l.to_page.bytes.empty()) return l.to_page.end != ending::none;
        return l.page->peer.wants_input(l.number);
    }

    void open(link& l)
    {
        l.is_opening = false;
        if (relay_is_down) {
            l.is_open = false;
            l.to_page.end = ending::reset;
            return;
        }
        if (l.to == channel::handshake)
            relay_.connect(l.id, l.who, now_);
        else
            broker_.connect(l.id, {l.who, l.seat}, true);
        act(*l.page, [&](web_peer& peer) { peer.opened(l.number); });
    }

    byte_vector take_piece(byte_vector& from)
    {
        std::size_t n = 1 + random_.below(from.size());
        if (random_.below(4) == 0) n = std::min<std::size_t>(n, 1 + random_.below(3));
        if (random_.below(3) == 0) n = from.size();
        const auto end = from.begin() + static_cast<std::ptrdiff_t>(n);
        byte_vector piece(from.begin(), end);
        from.erase(from.begin(), end);
        return piece;
    }

    void deliver_to_relay(link& l)
    {
        if (l.to_relay.bytes.empty()) return end_at_relay(l);
        const byte_vector piece = take_piece(l.to_relay.bytes);
        if (l.hears) act(*l.page, [&](web_peer& peer) { peer.sent(l.number, piece.size()); });
        bytes_view input{piece};
        if (l.to == channel::handshake) {
            while (!input.empty()) {
                const auto parsed = l.parser.parse(input);
                if (!parsed) return relay_.receive_malformed(l.id, parsed.error(), now_);
                if (*parsed) relay_.receive(l.id, **parsed, now_);
            }
        } else {
            if (l.other == nullptr) broker_.receive(l.id, input, now_);
            settle();
            if (l.other != nullptr) append(l.other->to_page.bytes, input);
        }
    }

    // The page has closed it.
    void end_at_relay(link& l)
    {
        l.is_open = false;
        if (l.to == channel::handshake)
            relay_.disconnect(l.id, now_);
        else if (l.other == nullptr)
            broker_.disconnect(l.id);
        if (l.other != nullptr) {
            // What is under way arrives, then the end.
            l.other->other = nullptr;
            if (l.other->to_page.end == ending::none) l.other->to_page.end = l.to_relay.end;
            l.other->is_open = false;
            l.other = nullptr;
        }
    }

    void deliver_to_page(link& l)
    {
        if (l.to_page.bytes.empty()) {
            l.hears = false;
            return act(*l.page,
                       [&](web_peer& peer) { peer.closed(l.number, l.to_page.end == ending::in_order); });
        }
        const byte_vector piece = take_piece(l.to_page.bytes);
        act(*l.page, [&](web_peer& peer) { peer.received(l.number, piece); });
    }

    void reset(link& l)
    {
        l.to_relay = {{}, ending::reset};
        l.to_page = {{}, ending::reset};
        if (!l.is_opening) end_at_relay(l);
        l.is_opening = l.is_open = false;
    }

    void store(test_page& page)
    {
        std::size_t done = 0;
        for (std::size_t n = 1 + random_.below(4); n > 0 && !page.storing.empty(); --n) {
            action_variant& what = page.storing.front();
            if (const auto* create = std::get_if<action::create>(&what)) {
                EXPECT_FALSE(page.placed);
                EXPECT_LE(create->offset, page.files[create->entry].size());
                page.files[create->entry].resize(create->offset);
                page.open_file = create->entry;
            } else if (auto* bytes = std::get_if<action::append>(&what)) {
                append(page.files.at(page.open_file.value()), bytes->bytes);
                if (page.files.at(*page.open_file).size() > page.room) {
                    page.storing.clear();
                    return act(page,
                               [](web_peer& peer) { peer.store_failed(session_reason::no_space, "full"); });
                }
                page.peer.recycle(std::move(bytes->bytes));
            } else if (std::holds_alternative<action::finish>(what)) {
                page.open_file.reset();
            } else {
                page.placed = true;
            }
            page.storing.pop_front();
            ++done;
        }
        act(page, [done](web_peer& peer) { peer.stored(done); });
    }

    void read(test_page& page)
    {
        const action::read want = page.reading.front();
        page.reading.pop_front();
        if (page.unreadable)
            return act(page, [&](web_peer& peer) { peer.content_failed(want.reader, *page.unreadable); });
        bytes_view all{page.items.at(want.item)};
        if (const auto at = page.shrunk.find(want.item); at != page.shrunk.end()) all = all.first(at->second);
        bytes_view bytes = all.subspan(std::min<std::size_t>(want.offset, all.size()));
        bytes = bytes.first(std::min<std::size_t>(bytes.size(), want.size));
        act(page, [&](web_peer& peer) { peer.content(want.reader, bytes); });
    }

    // --- what the parts want

    void expire()
    {
        if (relay_.next_deadline() <= now_) relay_.expire(now_);
        if (broker_.next_deadline() <= now_) broker_.expire(now_);
        for (const auto& each : pages_)
            if (each->peer.next_deadline() <= now_) each->peer.expire(now_);
    }
    time_point next_deadline() const
    {
        time_point next = std::min(relay_.next_deadline(), broker_.next_deadline());
        for (const auto& each : pages_) next = std::min(next, each->peer.next_deadline());
        return next;
    }

    void settle()
    {
        take_actions();
        while (auto what = relay_.next_action()) {
            if (const auto* send = std::get_if<relay_action::send>(&*what)) {
                append(link_of(send->to)->to_page.bytes, send->packet->view());
            } else if (const auto* close = std::get_if<relay_action::close>(&*what)) {
                close_from_relay(*link_of(close->which));
                relay_.disconnect(close->which, now_);
            } else if (const auto* agree = std::get_if<relay_action::agree>(&*what)) {
                const link& client = *link_of(agree->client_connection);
                const link& server = *link_of(agree->server_connection);
                broker_.agree({agree->client, client.seat}, {agree->server, server.seat}, now_);
            }
        }
        while (const auto what = broker_.next_action()) {
            if (const auto* answer = std::get_if<room_action::answer>(&*what)) {
                link& l = *link_of(answer->to);
                append(l.to_page.bytes, encode(answer->code));
                if (answer->code == room_answer::joined) continue;
                close_from_relay(l);
                broker_.disconnect(answer->to);
            } else if (const auto* join = std::get_if<room_action::join>(&*what)) {
                link_of(join->client)->other = link_of(join->server);
                link_of(join->server)->other = link_of(join->client);
            }
        }
        for (const auto& each : connections_)
            most_under_way =
                std::max({most_under_way, each->to_relay.bytes.size(), each->to_page.bytes.size()});
    }

    void close_from_relay(link& l)
    {
        l.is_open = false;
        if (l.to_page.end == ending::none) l.to_page.end = ending::in_order;
    }

    void take_actions()
    {
        for (const auto& each : pages_)
            while (auto what = each->peer.next_action())
                std::visit([&](auto& a) { take(*each, std::move(a)); }, *what);
    }

    link* find(const test_page& page, connection number)
    {
        for (const auto& each : connections_)
            if (each->page == &page && each->number == number) return each.get();
        return nullptr;
    }

    void take(test_page& page, action::open a)
    {
        auto made = std::make_unique<link>();
        made->page = &page;
        made->number = a.which;
        made->to = a.to;
        made->id = connection_id{static_cast<std::uint32_t>(connections_.size())};
        made->who = identity::from_text("10.0.0.1:" + std::to_string(1000 + connections_.size())).value();
        made->seat = seat_token::from_text(a.seat);
        EXPECT_TRUE(made->seat);
        connections_.push_back(std::move(made));
    }
    void take(test_page& page, action::send a)
    {
        link* const l = find(page, a.to);
        EXPECT_FALSE(a.bytes.empty());
        if (l != nullptr && l->is_open) append(l->to_relay.bytes, a.bytes);
        page.peer.recycle(std::move(a.bytes));
    }
    void take(test_page& page, action::close a)
    {
        link* const l = find(page, a.which);
        ASSERT_NE(l, nullptr);
        l->hears = false;
        if (l->is_opening) l->is_opening = l->is_open = false;
        if (l->to_relay.end == ending::none) l->to_relay.end = a.in_order ? ending::in_order : ending::reset;
    }
    void take(test_page& page, action::read a) { page.reading.push_back(a); }
    void take(test_page& page, action::create a) { page.storing.emplace_back(a); }
    void take(test_page& page, action::append a)
    {
        EXPECT_FALSE(a.bytes.empty());
        page.storing.emplace_back(std::move(a));
    }
    void take(test_page& page, action::finish a) { page.storing.emplace_back(a); }
    void take(test_page& page, action::place a) { page.storing.emplace_back(a); }
    void take(test_page& page, action::waiting) { page.words.emplace_back("waiting"); }
    void take(test_page& page, action::meeting) { page.words.emplace_back("meeting"); }
    void take(test_page& page, action::offer a)
    {
        page.words.emplace_back("offer");
        page.offered = std::move(a.document);
        if (!page.answers) return;
        if (page.refusal)
            page.peer.refuse(*page.refusal);
        else
            page.peer.accept();
    }
    void take(test_page& page, action::receiving a)
    {
        page.words.emplace_back("receiving");
        page.kept = a.kept;
    }
    void take(test_page& page, action::progress a)
    {
        EXPECT_LE(a.bytes, a.total);
        page.progress = a.bytes;
    }
    void take(test_page& page, action::interrupted) { page.words.emplace_back("interrupted"); }
    void take(test_page& page, action::resumed) { page.words.emplace_back("resumed"); }
    void take(test_page& page, action::delivered)
    {
        page.words.emplace_back("delivered");
        ++page.delivered;
    }
    void take(test_page& page, action::note a) { page.words.emplace_back("note " + std::string{a.id}); }
    void take(test_page& page, action::failed a)
    {
        EXPECT_FALSE(page.is_over());
        page.failed = std::move(a.why);
        page.words.emplace_back("failed");
    }
    void take(test_page& page, action::finished)
    {
        EXPECT_FALSE(page.is_over());
        page.finished = true;
        page.words.emplace_back("finished");
    }

    static void append(byte_vector& to, bytes_view bytes) { to.insert(to.end(), bytes.begin(), bytes.end()); }

    seeded_random random_;
    time_point now_{24h};
    std::vector<std::unique_ptr<test_page>> pages_;
    std::vector<std::unique_ptr<link>> connections_;
    relay_machine relay_;
    room_broker broker_;
};

} // namespace parley::web::test
