// Reads an identity, and refuses what is none.
#include <parley/wire/identity.hpp>

int main()
{
    const auto good = parley::identity::from_text("192.0.2.1:9000");
    const auto bad = parley::identity::from_text("");
    return good && good->address() == "192.0.2.1" && !bad ? 0 : 1;
}
