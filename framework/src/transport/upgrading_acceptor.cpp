#include "transport/upgrading_acceptor.hpp"

#include <parley/async/spawn.hpp>
#include <parley/async/watchdog.hpp>

#include <list>

namespace parley::detail {
namespace {

struct upgrade_state : std::enable_shared_from_this<upgrade_state> {
    upgrade_state(executor e, upgrade_function u, const listen_options& o)
        : ex(std::move(e)), upgrade(std::move(u)), timeout(o.upgrade_timeout), most(o.max_upgrading)
    {
    }

    void accept(any_stream stream)
    {
        if (stopped || live.size() >= most) return stream.close();
        const auto at = live.insert(live.end(), std::move(stream));
        spawn(ex, [self = shared_from_this(), at] { return self->run(at); }, "upgrade");
    }

    // The stream stays in the list meanwhile, so that stop() finds it.
    awaitable<void> run(std::list<any_stream>::iterator at)
    {
        error_code error;
        {
            watchdog bound{*at, timeout};
            error = co_await upgrade(*at);
        }
        any_stream done = std::move(*at);
        live.erase(at);
        if (error || stopped)
            done.close();
        else
            on_stream(std::move(done));
    }

    void stop() noexcept
    {
        stopped = true;
        for (any_stream& stream : live) stream.close();
    }

    executor ex;
    upgrade_function upgrade;
    duration timeout;
    std::size_t most;
    std::list<any_stream> live;
    std::function<void(any_stream)> on_stream;
    bool stopped = false;
};

class upgrading_acceptor final : public acceptor_base {
public:
    upgrading_acceptor(std::unique_ptr<acceptor_base> below, std::shared_ptr<upgrade_state> state,
                       std::string scheme, std::string path)
        : below_(std::move(below)),
          state_(std::move(state)),
          scheme_(std::move(scheme)),
          path_(std::move(path))
    {
    }
    ~upgrading_acceptor() override { upgrading_acceptor::stop(); }

    void start(std::function<void(any_stream)> on_stream) override
    {
        state_->on_stream = std::move(on_stream);
        below_->start([state = state_](any_stream stream) { state->accept(std::move(stream)); });
    }
    void stop() noexcept override
    {
        below_->stop();
        state_->stop();
    }
    std::vector<tcp_endpoint> bound() const override { return below_->bound(); }
    std::vector<std::string> bound_texts() const override
    {
        std::vector<std::string> out;
        for (const std::string& text : below_->bound_texts()) out.push_back(scheme_ + "://" + text + path_);
        return out;
    }

private:
    std::unique_ptr<acceptor_base> below_;
    std::shared_ptr<upgrade_state> state_;
    std::string scheme_, path_;
};

} // namespace

std::unique_ptr<acceptor_base> make_upgrading_acceptor(executor ex, std::unique_ptr<acceptor_base> below,
                                                       upgrade_function upgrade,
                                                       const listen_options& options, std::string scheme,
                                                       std::string path)
{
    auto state = std::make_shared<upgrade_state>(std::move(ex), std::move(upgrade), options);
    return std::make_unique<upgrading_acceptor>(std::move(below), std::move(state), std::move(scheme),
                                                std::move(path));
}

} // namespace parley::detail
