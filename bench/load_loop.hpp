// Connections of a load generator: many on one epoll, as cheap as possible.
#pragma once

#include "bench/load_socket.hpp"
#include "bench/load_websocket.hpp"

#include <chrono>

namespace parley::bench {

class load_connection;

// One epoll, level-triggered. Not thread-safe.
class load_loop {
public:
    load_loop();
    // Waits until something is ready or `timeout` is over, and lets the connections work.
    void run_once(std::chrono::nanoseconds timeout);
    // Repeats this until `done()` or `limit`. Returns the last result of done().
    template <class Done>
    bool run_until(Done done, std::chrono::steady_clock::time_point limit)
    {
        while (!done()) {
            const auto left = limit - std::chrono::steady_clock::now();
            if (left.count() <= 0) return false;
            run_once(left);
        }
        return true;
    }

private:
    friend class load_connection;
    descriptor epoll_;
};

// A stream of bytes over any transport; a derived class handles the bytes. Its address must not change while
// it is open. It must not be destroyed inside a function that the loop calls.
class load_connection {
public:
    explicit load_connection(load_loop& loop) noexcept : loop_(&loop) {}
    load_connection(const load_connection&) = delete;
    load_connection& operator=(const load_connection&) = delete;
    virtual ~load_connection() = default;

    // Starts to connect. `protocol` is the WebSocket protocol to ask for. Throws failure.
    void open(const endpoint& to, source_number source, std::string_view protocol);
    // Sends what the socket takes now, and the rest when it takes more. Only after on_open().
    void send(bytes_view bytes);
    void close() noexcept { socket_.reset(); }
    bool is_open() const noexcept { return static_cast<bool>(socket_); }

protected:
    virtual void on_open() = 0;
    // `bytes` is valid during the call and may be changed.
    virtual void on_bytes(mutable_bytes bytes) = 0;
    // The other side ended, or an error occurred (then `error` is not 0). The socket is closed.
    virtual void on_end(int error) = 0;

private:
    friend class load_loop;
    enum class phase : byte { connecting, securing, upgrading, open };

    void on_ready(std::uint32_t events);
    void on_connected();
    void secure();
    void on_secured();
    void read();
    void take(mutable_bytes bytes);
    void flush();
    void watch(std::uint32_t events);
    void end(int error);

    load_loop* loop_;
    load_socket socket_;
    std::string request_; // the upgrade request; then the head of its answer
    byte_vector output_;  // bytes that the socket has not taken yet
    frame_reader reader_;
    std::uint32_t events_ = 0;
    phase phase_ = phase::connecting;
    bool frames_ = false;
};

} // namespace parley::bench
