#include <parley/wire/packet.hpp>
