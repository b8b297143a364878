#include "transport/name_lookup.hpp"

#include "async/one_shot.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>

#include <netdb.h>

#include <algorithm>
#include <cstring>
#include <deque>
#include <memory>
#include <mutex>
#include <system_error>
#include <thread>

namespace parley::detail {
namespace {

using endpoint_list = std::vector<tcp_endpoint>;

errc lookup_error_of(int status) noexcept
{
    switch (status) {
    case EAI_NONAME:
    case EAI_NODATA:
    case EAI_ADDRFAMILY:
        return errc::name_not_resolved;
    default: // EAI_AGAIN, EAI_FAIL, EAI_MEMORY, EAI_SYSTEM
        return errc::names_unavailable;
    }
}

// The system does not tell a name that cannot exist from a name server that refuses to answer.
bool can_exist(std::string_view host) noexcept
{
    constexpr std::size_t max_label_bytes = 63;
    while (!host.empty()) {
        const std::size_t label = std::min(host.find('.'), host.size());
        if (label > max_label_bytes) return false;
        host.remove_prefix(std::min(label + 1, host.size()));
    }
    return true;
}

// A look-up that the operation and a thread share.
class lookup_job {
public:
    using receiver = std::function<void(result<endpoint_list>)>;

    lookup_job(blocking_lookup look_up, std::string host, std::uint16_t port, receiver deliver)
        : look_up_(std::move(look_up)), host_(std::move(host)), port_(port), deliver_(std::move(deliver))
    {
    }

    // On the thread.
    void run() noexcept
    {
        {
            const std::lock_guard lock{mutex_};
            if (!deliver_) return;
        }
        try {
            auto found = look_up_(host_, port_);
            // It holds the lock while it delivers: after abandon() the executor may be destroyed.
            const std::lock_guard lock{mutex_};
            if (deliver_) std::exchange(deliver_, nullptr)(std::move(found));
        } catch (const std::exception&) { // out of memory: the operation's timeout ends it
        }
    }

    // In the operation, which has ended. Nothing of it is touched after the return.
    void abandon() noexcept
    {
        const std::lock_guard lock{mutex_};
        deliver_ = nullptr;
    }

private:
    blocking_lookup look_up_;
    std::string host_;
    std::uint16_t port_;
    std::mutex mutex_; // guards deliver_
    receiver deliver_; // null: nobody waits any more
};

// The threads of the process. Each takes waiting jobs until there are none.
class lookup_threads {
public:
    // Never destroyed: a thread may use it while the process ends.
    static lookup_threads& of_process()
    {
        static lookup_threads& all = *new lookup_threads;
        return all;
    }

    // False when the job will not run, because the system gives no thread.
    bool submit(const std::shared_ptr<lookup_job>& job)
    {
        const std::lock_guard lock{mutex_};
        jobs_.push_back(job);
        if (count_ == max_lookup_threads) return true;
        try {
            std::thread{[this] { run(); }}.detach();
            ++count_;
        } catch (const std::system_error&) {
            if (count_ != 0) return true; // another one takes it
            jobs_.pop_back();
            return false;
        }
        return true;
    }

private:
    void run() noexcept
    {
        while (const auto job = next()) job->run();
    }

    // Null when the thread is to end.
    std::shared_ptr<lookup_job> next()
    {
        const std::lock_guard lock{mutex_};
        if (jobs_.empty()) {
            --count_;
            return nullptr;
        }
        auto job = std::move(jobs_.front());
        jobs_.pop_front();
        return job;
    }

    std::mutex mutex_; // guards the rest
    std::deque<std::shared_ptr<lookup_job>> jobs_;
    std::size_t count_ = 0; // of threads
};

// The operation. The job's answer, the timer and the owner race to complete it. The pending wait owns it, so
// it is destroyed with its context.
class lookup_operation : public std::enable_shared_from_this<lookup_operation> {
public:
    lookup_operation(const executor& ex, one_shot<result<endpoint_list>>::handler handler)
        : executor_(ex), timer_(ex), done_(ex, std::move(handler))
    {
    }
    lookup_operation(const lookup_operation&) = delete;
    lookup_operation& operator=(const lookup_operation&) = delete;
    ~lookup_operation()
    {
        if (job_) job_->abandon();
    }

    void start(blocking_lookup look_up, std::string host, std::uint16_t port, duration timeout)
    {
        done_.on_cancel([weak = weak_from_this()] {
            if (const auto self = weak.lock()) self->finish(make_error_code(errc::cancelled));
        });
        timer_.expires_at(timeout == duration::max() ? no_deadline : clock::now() + timeout);
        timer_.async_wait([self = shared_from_this()](error_code error) {
            if (!error) self->finish(make_error_code(errc::timed_out));
        });
        const auto deliver = [weak = weak_from_this(), ex = executor_](result<endpoint_list> found) {
            asio::post(ex, [weak, found = std::move(found)]() mutable {
                if (const auto self = weak.lock()) self->on_found(std::move(found));
            });
        };
        job_ = std::make_shared<lookup_job>(std::move(look_up), std::move(host), port, deliver);
        if (!lookup_threads::of_process().submit(job_)) finish(make_error_code(errc::names_unavailable));
    }

private:
    void on_found(result<endpoint_list> found)
    {
        // The answer may come before the timer's handler, although it is too late.
        if (clock::now() >= timer_.expiry()) return finish(make_error_code(errc::timed_out));
        if (found && found->empty()) found = make_error_code(errc::name_not_resolved);
        finish(std::move(found));
    }

    void finish(result<endpoint_list> value)
    {
        job_->abandon();
        timer_.cancel();
        done_.complete(std::move(value));
    }

    executor executor_;
    asio::steady_timer timer_;
    one_shot<result<endpoint_list>> done_;
    std::shared_ptr<lookup_job> job_;
};

} // namespace

result<endpoint_list> look_up_by_system(const std::string& host, std::uint16_t port)
{
    if (!can_exist(host)) return make_error_code(errc::name_not_resolved);
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_protocol = IPPROTO_TCP;
    addrinfo* found = nullptr;
    const int status = ::getaddrinfo(host.c_str(), nullptr, &hints, &found);
    if (status != 0) return make_error_code(lookup_error_of(status));
    const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owned{found, &::freeaddrinfo};
    endpoint_list out;
    for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
        tcp_endpoint endpoint;
        if (each->ai_family != AF_INET && each->ai_family != AF_INET6) continue;
        if (each->ai_addrlen > endpoint.capacity()) continue;
        std::memcpy(endpoint.data(), each->ai_addr, each->ai_addrlen);
        endpoint.resize(each->ai_addrlen);
        endpoint.port(port);
        if (std::find(out.begin(), out.end(), endpoint) == out.end()) out.push_back(endpoint);
    }
    return out;
}

awaitable<result<endpoint_list>> look_up_on_thread(blocking_lookup look_up, std::string host,
                                                   std::uint16_t port, duration timeout)
{
    const executor ex = co_await asio::this_coro::executor;
    auto found =
        co_await asio::async_initiate<const asio::use_awaitable_t<executor>, void(result<endpoint_list>)>(
            [&](auto handler) {
                std::make_shared<lookup_operation>(ex, std::move(handler))
                    ->start(std::move(look_up), std::move(host), port, timeout);
            },
            asio::use_awaitable);
    co_return found;
}

} // namespace parley::detail
