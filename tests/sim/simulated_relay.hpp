// The relay of a simulation: the real one, whose connections come over the simulated network.
#pragma once

#include <parley/async/spawn.hpp>
#include <parley/relay/relay_server.hpp>
#include <parley/stream/memory_stream.hpp>

#include <sim/simulated_network.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/write.hpp>

#include <set>

namespace parley::test {

// Carries bytes between one end of a simulated connection and a stream that the relay serves.
class simulated_link : public std::enable_shared_from_this<simulated_link> {
public:
    simulated_link(simulated_network& network, simulated_network::port port, any_stream stream)
        : network_{network}, port_{port}, stream_{std::move(stream)}
    {
    }

    void read()
    {
        stream_.async_read_some(asio::buffer(space_),
                                [self = shared_from_this()](error_code error, std::size_t size) {
                                    self->network_.send(self->port_, bytes_view{self->space_}.first(size));
                                    if (error)
                                        self->network_.finish(self->port_);
                                    else
                                        self->read();
                                });
    }
    void write(bytes_view bytes)
    {
        due_.insert(due_.end(), bytes.begin(), bytes.end());
        write();
    }
    void end()
    {
        ended_ = true;
        write();
    }

private:
    void write()
    {
        if (writing_ || (due_.empty() && !ended_)) return;
        if (due_.empty()) return stream_.async_shutdown_send([self = shared_from_this()](error_code) {});
        writing_ = true;
        under_way_ = std::exchange(due_, {});
        asio::async_write(stream_, asio::buffer(under_way_),
                          [self = shared_from_this()](error_code error, std::size_t) {
                              self->writing_ = false;
                              if (!error) self->write();
                          });
    }

    simulated_network& network_;
    simulated_network::port port_;
    any_stream stream_;
    std::array<byte, 4096> space_;
    byte_vector due_, under_way_;
    bool writing_ = false, ended_ = false;
};

class simulated_relay : private relay_observer {
public:
    simulated_relay(simulated_network& network, relay_server_options options)
        : network_{network}, server_{network.get_executor(), std::move(options), *this}
    {
        asio::co_spawn(network_.get_executor(), server_.run(),
                       [this](std::exception_ptr thrown, error_code error) {
                           EXPECT_FALSE(thrown);
                           EXPECT_FALSE(error);
                           ended_ = true;
                       });
    }

    // Connections of peers, with the identity that the relay sees.
    simulated_network::port open(relay_channel channel, const identity& who, simulated_network::side peer)
    {
        return network_.open(std::move(peer), [this, channel, who](simulated_network::port port) {
            memory_stream_options options;
            options.first_identity = who;
            auto pair = make_memory_stream_pair(network_.get_executor(), options);
            const auto link = std::make_shared<simulated_link>(network_, port, std::move(pair.first));
            link->read();
            if (channel == relay_channel::handshake)
                server_.serve_handshake(std::move(pair.second), who);
            else
                server_.serve_room(std::move(pair.second), who);
            return simulated_network::side{[link](bytes_view bytes) { link->write(bytes); },
                                           [link] { link->end(); }};
        });
    }

    relay_server::counts count() const { return server_.count(); }
    bool present(const std::string& who) const { return present_.contains(who); }
    void stop()
    {
        server_.stop();
        network_.run_until(network_.now());
        EXPECT_TRUE(ended_);
    }

private:
    void connected(const identity& who, relay_channel channel) override
    {
        if (channel == relay_channel::handshake) present_.insert(std::string{who.text()});
    }
    void disconnected(const identity& who, relay_channel channel, error_code) override
    {
        if (channel == relay_channel::handshake) present_.erase(std::string{who.text()});
    }

    simulated_network& network_;
    relay_server server_;
    std::set<std::string> present_;
    bool ended_ = false;
};

} // namespace parley::test
