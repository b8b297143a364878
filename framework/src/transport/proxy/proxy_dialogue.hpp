// The dialogue of a client and a proxy before the tunnel opens, as machines without sockets. Private to the
// framework.
#pragma once

#include <parley/base/bytes.hpp>
#include <parley/base/error.hpp>

#include <string>

namespace parley::detail {

// The common part of both kinds of proxy. A dialogue reads no byte beyond the proxy's answer: the next bytes
// are the relay's.
class proxy_dialogue {
public:
    proxy_dialogue() = default;
    proxy_dialogue(const proxy_dialogue&) = delete;
    proxy_dialogue& operator=(const proxy_dialogue&) = delete;
    virtual ~proxy_dialogue();

    // The bytes to send now. Write all of them before the next read.
    bytes_view output() const noexcept { return output_; }
    void output_written() noexcept;

    // The number of bytes to read at most; at least 1 until finished().
    virtual std::size_t wanted() const noexcept = 0;
    // Takes 1 to wanted() bytes.
    virtual void receive(bytes_view bytes) = 0;
    // The connection has ended.
    void receive_end();

    // Whether the proxy can answer without contacting another host, so that its silence is its own fault.
    virtual bool owes_answer() const noexcept { return false; }

    bool finished() const noexcept { return finished_; }
    // After the end: unset when the tunnel is open; else proxy_refused_credentials,
    // proxy_refused_destination, proxy_cannot_connect or proxy_failed.
    error_code error() const noexcept { return error_; }
    // The proxy's reason, in words; safe to print.
    const std::string& detail() const noexcept { return detail_; }

protected:
    void finish() noexcept { finished_ = true; }
    void fail(errc error, std::string detail);

    byte_vector output_; // may hold credentials: wiped before it is freed

private:
    bool finished_ = false;
    error_code error_;
    std::string detail_;
};

} // namespace parley::detail
