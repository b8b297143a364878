#include <parley/wire/writer.hpp>

#include <algorithm>

namespace parley {
namespace {

constexpr char hex_digits[] = "0123456789abcdef";

// Appends to memory that the caller has made large enough: every packet fits max_packet_bytes.
class cursor {
public:
    explicit cursor(byte* at) noexcept : at_(at) {}

    void hex2(unsigned value) noexcept
    {
        put(static_cast<byte>(hex_digits[(value >> 4) & 15]));
        put(static_cast<byte>(hex_digits[value & 15]));
    }
    void hex4(uid value) noexcept
    {
        hex2(value.value >> 8U);
        hex2(value.value & 0xffU);
    }
    void put(byte value) noexcept { *at_++ = value; }
    void put(bytes_view bytes) noexcept { at_ = std::copy(bytes.begin(), bytes.end(), at_); }
    void put(const identity& text) noexcept
    {
        put(as_bytes(text.text()));
        put(byte{0});
    }
    byte* at() const noexcept { return at_; }

private:
    byte* at_;
};

// One overload for each body that is not empty, and one for each that is.
struct body_writer {
    cursor& out;

    void operator()(const packet::hello_as_a_server& body) const noexcept { out.put(body.public_packet); }
    void operator()(const packet::server_identity& body) const noexcept { out.put(body.identity); }
    void operator()(const packet::client_identity& body) const noexcept { out.put(body.identity); }
    void operator()(const packet::new_server& body) const noexcept
    {
        out.hex4(body.server);
        out.put(body.public_packet);
        out.put(body.identity);
    }
    void operator()(const packet::client_validator& body) const noexcept { out.put(body.validator); }
    void operator()(const packet::y_and_server_validator& body) const noexcept
    {
        out.put(body.y);
        out.put(body.validator);
    }
    void operator()(const packet::x_and_client_identity& body) const noexcept
    {
        out.put(body.x);
        out.put(body.identity);
    }
    void operator()(const packet::closed& body) const noexcept { out.hex4(body.gone); }
    void operator()(const packet::relay_failure& body) const noexcept
    {
        out.put(static_cast<byte>(body.kind));
        out.hex4(body.peer);
    }
    void operator()(const packet::spoke_failure& body) const noexcept
    {
        out.put(static_cast<byte>(body.kind));
    }
    void operator()(const packet::hello_as_a_client&) const noexcept {}
    void operator()(const packet::agreement&) const noexcept {}
    void operator()(const packet::accepted&) const noexcept {}
    void operator()(const packet::refused&) const noexcept {}
    void operator()(const packet::done&) const noexcept {}
    void operator()(const packet::timeout&) const noexcept {}
};

} // namespace

encoded_packet encode(uid peer, const packet_variant& body) noexcept
{
    encoded_packet encoded;
    cursor out{encoded.bytes_.data()};
    out.hex4(peer);
    out.hex2(static_cast<unsigned>(body.index()));
    std::visit(body_writer{out}, body);
    encoded.size_ = static_cast<byte>(out.at() - encoded.bytes_.data());
    return encoded;
}

} // namespace parley
