// What a client and a proxy say to each other before the proxy only carries bytes, as machines without
// sockets. Private to the framework.
#pragma once

#include <parley/base/bytes.hpp>
#include <parley/base/error.hpp>

#include <string>

namespace parley::detail {

// The part that both kinds of proxy share. Neither reads a byte beyond the proxy's answer: what follows is
// the relay's.
class proxy_dialogue {
public:
    proxy_dialogue() = default;
    proxy_dialogue(const proxy_dialogue&) = delete;
    proxy_dialogue& operator=(const proxy_dialogue&) = delete;
    virtual ~proxy_dialogue();

    // What is due to the proxy now; all of it is written before anything is read.
    bytes_view output() const noexcept { return output_; }
    void output_written() noexcept;

    // How many bytes may be read at most, at least 1 until finished().
    virtual std::size_t wanted() const noexcept = 0;
    // Takes 1 to wanted() bytes.
    virtual void receive(bytes_view bytes) = 0;
    // The connection has ended.
    void receive_end();

    // Whether its silence is its own fault: it owes an answer that takes no look beyond itself.
    virtual bool owes_answer() const noexcept { return false; }

    bool finished() const noexcept { return finished_; }
    // Once finished: unset when the way is open; else proxy_refused_credentials, proxy_refused_destination,
    // proxy_cannot_connect or proxy_failed.
    error_code error() const noexcept { return error_; }
    // What the proxy said, in words; safe to print.
    const std::string& detail() const noexcept { return detail_; }

protected:
    void finish() noexcept { finished_ = true; }
    void fail(errc error, std::string detail);

    byte_vector output_; // may hold credentials: wiped before it is given back

private:
    bool finished_ = false;
    error_code error_;
    std::string detail_;
};

} // namespace parley::detail
