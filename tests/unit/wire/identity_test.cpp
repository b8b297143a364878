#include <parley/wire/identity.hpp>
