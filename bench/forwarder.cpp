// Programs that know nothing of rooms and forward each connection to a backend, which is the generator.
#include "bench/failure.hpp"
#include "bench/system_under_test.hpp"

#include <fmt/format.h>

#include <fstream>

namespace parley::bench {
namespace {

// The buffer size that parley-relay uses for one direction of a room.
constexpr unsigned buffer_bytes = 65536;

void write_file(const std::filesystem::path& path, const std::string& text)
{
    std::ofstream file{path};
    file << text << std::flush;
    if (!file) throw system_failure(path.string(), errno);
}

// No program between the two ends: this is the limit.
class direct final : public system_under_test {
public:
    direct() : backend_(listen_on_loopback()) {}
    std::vector<pid_t> processes() const override { return {}; }
    std::optional<endpoint> front(wire_kind kind) const override
    {
        if (kind != wire_kind::tcp && kind != wire_kind::websocket) return std::nullopt;
        return endpoint{kind, "127.0.0.1", backend_.port, "/"};
    }
    const descriptor* listener() const override { return &backend_.socket; }

private:
    listening backend_;
};

// The values for a forwarder's command line.
struct ports {
    std::uint16_t listen = 0, backend = 0;
};

class forwarder final : public system_under_test {
public:
    forwarder(wire_kind kind, const std::function<std::vector<std::string>(ports)>& arguments)
        : kind_(kind),
          backend_(listen_on_loopback()),
          port_(free_port()),
          program_(arguments({port_, backend_.port}), child_output::none)
    {
        wait_until_listening(program_, port_);
    }
    std::vector<pid_t> processes() const override { return {program_.pid()}; }
    std::optional<endpoint> front(wire_kind kind) const override
    {
        if (kind != kind_) return std::nullopt;
        return endpoint{kind, "127.0.0.1", port_, "/"};
    }
    const descriptor* listener() const override { return &backend_.socket; }

private:
    wire_kind kind_;
    listening backend_;
    std::uint16_t port_;
    child program_;
};

std::vector<std::string> haproxy(session& s, ports at, bool splice, unsigned pipe_bytes)
{
    const auto path = s.fresh("haproxy.cfg");
    std::string text = fmt::format("global\n  nbthread {}\n  maxconn 4000\n", s.settings().threads);
    text += fmt::format("  tune.bufsize {}\n", buffer_bytes);
    if (pipe_bytes != 0) text += fmt::format("  tune.pipesize {}\n", pipe_bytes);
    text += "defaults\n  mode tcp\n  timeout connect 10s\n  timeout client 1h\n  timeout server 1h\n";
    if (splice) text += "  option splice-auto\n";
    text += fmt::format("listen rooms\n  bind 127.0.0.1:{}\n  server backend 127.0.0.1:{}\n", at.listen,
                        at.backend);
    write_file(path, text);
    return {find_program("haproxy"), "-db", "-q", "-f", path.string()};
}

std::vector<std::string> nginx(session& s, const std::string& main, const std::string& body)
{
    const auto folder = s.fresh("nginx");
    std::filesystem::create_directory(folder);
    // Workers without root's rights could not enter the scratch folder. Without root this line only causes a
    // warning.
    write_file(
        folder / "nginx.conf",
        fmt::format("{}user root;\nworker_processes {};\npid {}/pid;\ndaemon off;\nerror_log stderr crit;\n"
                    "worker_rlimit_nofile 20000;\nevents {{ worker_connections 8192; }}\n{}",
                    main, s.settings().threads, folder.string(), body));
    return {find_program("nginx"), "-e", "stderr", "-p", folder.string(), "-c", "nginx.conf"};
}

std::string stream_module()
{
    for (const char* path :
         {"/usr/lib/nginx/modules/ngx_stream_module.so", "/usr/share/nginx/modules/ngx_stream_module.so"})
        if (std::filesystem::exists(path)) return path;
    return {};
}

std::vector<std::string> nginx_stream(session& s, ports at)
{
    const std::string body = fmt::format("stream {{ server {{ listen 127.0.0.1:{}; proxy_pass 127.0.0.1:{}; "
                                         "proxy_buffer_size {}; tcp_nodelay on; }} }}\n",
                                         at.listen, at.backend, buffer_bytes);
    return nginx(s, fmt::format("load_module {};\n", stream_module()), body);
}

std::vector<std::string> nginx_websocket(session& s, ports at)
{
    const std::string body =
        fmt::format("http {{ access_log off; client_body_temp_path body; proxy_temp_path proxy; "
                    "fastcgi_temp_path fastcgi; "
                    "uwsgi_temp_path uwsgi; scgi_temp_path scgi; tcp_nodelay on;\n"
                    "server {{ listen 127.0.0.1:{}; location / {{ proxy_pass http://127.0.0.1:{}; "
                    "proxy_http_version 1.1; "
                    "proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection \"upgrade\"; "
                    "proxy_set_header Host $host; proxy_buffer_size {}; proxy_buffers 8 {}; "
                    "proxy_read_timeout 1h; }} }} }}\n",
                    at.listen, at.backend, buffer_bytes, buffer_bytes);
    return nginx(s, "", body);
}

std::vector<std::string> socat(ports at)
{
    return {find_program("socat"), "-b", std::to_string(buffer_bytes),
            fmt::format("TCP4-LISTEN:{},bind=127.0.0.1,fork,reuseaddr,backlog=4096", at.listen),
            fmt::format("TCP4:127.0.0.1:{}", at.backend)};
}

} // namespace

std::vector<system_kind> forwarder_kinds(session& s)
{
    std::vector<system_kind> out;
    const auto add = [&](const std::string& name, const std::string& program, wire_kind kind,
                         auto arguments) {
        const bool here = find_program(program).size() != 0;
        out.push_back({name, here ? "" : "not installed",
                       [kind, arguments] { return std::make_unique<forwarder>(kind, arguments); }});
    };
    out.push_back({"direct", "", [] { return std::make_unique<direct>(); }});
    constexpr unsigned large_pipe_bytes = 1u << 20;
    add("haproxy", "haproxy", wire_kind::tcp, [&s](ports at) { return haproxy(s, at, false, 0); });
    add("haproxy splice", "haproxy", wire_kind::tcp, [&s](ports at) { return haproxy(s, at, true, 0); });
    add("haproxy splice 1 MiB pipes", "haproxy", wire_kind::tcp,
        [&s](ports at) { return haproxy(s, at, true, large_pipe_bytes); });
    add("nginx stream", "nginx", wire_kind::tcp, [&s](ports at) { return nginx_stream(s, at); });
    if (stream_module().empty() && out.back().unavailable.empty())
        out.back().unavailable = "nginx has no stream module here";
    add("nginx websocket", "nginx", wire_kind::websocket, [&s](ports at) { return nginx_websocket(s, at); });
    add("socat", "socat", wire_kind::tcp, [](ports at) { return socat(at); });
    for (const given_command& given : s.settings().forward_commands)
        out.push_back({given.name, "", [given] {
                           return std::make_unique<forwarder>(wire_kind::tcp, [&](ports at) {
                               return command_words(given.line, {{"listen", std::to_string(at.listen)},
                                                                 {"backend", std::to_string(at.backend)}});
                           });
                       }});
    return out;
}

} // namespace parley::bench
