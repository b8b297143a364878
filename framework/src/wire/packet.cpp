#include <parley/wire/packet.hpp>

namespace parley {

static_assert(std::variant_size_v<packet_variant> == 16,
              "a packet's alternative number is its type on the wire");
static_assert(std::is_trivially_copyable_v<message>, "packets are copied into queues by the million");

errc to_errc(spoke_failure_kind kind) noexcept
{
    switch (kind) {
    case spoke_failure_kind::point_not_on_subgroup:
        return errc::point_not_on_subgroup;
    case spoke_failure_kind::invalid_client_validator:
        return errc::invalid_client_validator;
    case spoke_failure_kind::invalid_server_validator:
        return errc::invalid_server_validator;
    case spoke_failure_kind::invalid_public_packet:
        return errc::invalid_public_packet;
    case spoke_failure_kind::invalid_secret_packet:
        return errc::invalid_secret_packet;
    }
    return errc::invalid_public_packet;
}

spoke_failure_kind to_spoke_failure(const error_code& error) noexcept
{
    if (error == errc::point_not_on_subgroup) return spoke_failure_kind::point_not_on_subgroup;
    if (error == errc::invalid_client_validator) return spoke_failure_kind::invalid_client_validator;
    if (error == errc::invalid_server_validator || error == errc::version_not_spoken)
        return spoke_failure_kind::invalid_server_validator;
    if (error == errc::invalid_secret_packet) return spoke_failure_kind::invalid_secret_packet;
    return spoke_failure_kind::invalid_public_packet;
}

std::string_view packet_name(const packet_variant& body) noexcept
{
    static constexpr std::array<std::string_view, std::variant_size_v<packet_variant>> names = {
        "hello_as_a_server",
        "hello_as_a_client",
        "server_identity",
        "client_identity",
        "new_server",
        "client_validator",
        "y_and_server_validator",
        "x_and_client_identity",
        "agreement",
        "closed",
        "accepted",
        "refused",
        "relay_failure",
        "spoke_failure",
        "done",
        "timeout",
    };
    return names[body.index()];
}

} // namespace parley
