#include <parley/async/spawn.hpp>

#include <boost/asio/error.hpp>
#include <boost/system/system_error.hpp>

#include <cstdio>

namespace parley {
namespace {

void print_report(std::string_view name, std::string_view what)
{
    std::fprintf(stderr, "parley: an exception escaped from %.*s: %.*s\n", static_cast<int>(name.size()),
                 name.data(), static_cast<int>(what.size()), what.data());
}

exception_reporter& reporter()
{
    static exception_reporter current = print_report;
    return current;
}

void report(std::string_view name, std::string_view what) noexcept
{
    try {
        reporter()(name, what);
    } catch (...) {
        print_report(name, "(and reporting it failed)");
    }
}

} // namespace

void set_exception_reporter(exception_reporter chosen)
{
    reporter() = chosen ? std::move(chosen) : exception_reporter{print_report};
}

void report_exception(std::string_view name, std::exception_ptr failure) noexcept
{
    if (!failure) return;
    try {
        std::rethrow_exception(failure);
    } catch (const boost::system::system_error& e) {
        if (e.code() != asio::error::operation_aborted) report(name, e.what());
    } catch (const std::exception& e) {
        report(name, e.what());
    } catch (...) {
        report(name, "not a std::exception");
    }
}

void spawn(executor ex, awaitable<void> work, std::string_view name)
{
    asio::co_spawn(std::move(ex), std::move(work),
                   [name](std::exception_ptr failure) { report_exception(name, failure); });
}

} // namespace parley
