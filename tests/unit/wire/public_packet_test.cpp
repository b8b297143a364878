#include <parley/wire/public_packet.hpp>
