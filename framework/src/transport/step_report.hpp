// Reports the steps of a connection to options.on_step. Private to the framework.
#pragma once

#include <parley/transport/transport.hpp>

#include <utility>

namespace parley::detail {

// One step, from construction to done().
class step_report {
public:
    // `options` must outlive it.
    step_report(const connect_options& options, connect_step step) noexcept
        : options_(options), step_(step), start_(clock::now())
    {
    }
    void done(error_code error, std::string detail = {}) const
    {
        if (!options_.on_step) return;
        connect_step_report report;
        report.step = step_;
        report.time = clock::now() - start_;
        report.error = error;
        report.detail = std::move(detail);
        options_.on_step(report);
    }

private:
    const connect_options& options_;
    connect_step step_;
    time_point start_;
};

} // namespace parley::detail
