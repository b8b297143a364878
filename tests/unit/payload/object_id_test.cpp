#include "payload/format/object_id.hpp"

#include <gtest/gtest.h>

namespace parley_test {
namespace {

using parley::as_bytes;
using parley::hash_object;
using parley::pack_entry_kind;
using parley::to_hex;

// Well-known ids from Git.
TEST(ObjectId, is_gits)
{
    EXPECT_EQ(to_hex(hash_object(pack_entry_kind::file, {})), "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391");
    EXPECT_EQ(to_hex(hash_object(pack_entry_kind::directory, {})),
              "4b825dc642cb6eb9a060e54bf8d69288fbee4904");
    EXPECT_EQ(to_hex(hash_object(pack_entry_kind::file, as_bytes("hello\n"))),
              "ce013625030ba8dba906f756967f9e9ca394464a");
}

TEST(ObjectId, kinds_have_names_and_deltas_have_none)
{
    EXPECT_EQ(parley::kind_name(pack_entry_kind::root), "commit");
    EXPECT_EQ(parley::kind_name(pack_entry_kind::directory), "tree");
    EXPECT_EQ(parley::kind_name(pack_entry_kind::file), "blob");
    EXPECT_EQ(parley::kind_name(pack_entry_kind::file_name), "tag");
    EXPECT_EQ(parley::kind_name(pack_entry_kind::offset_delta), "");
    EXPECT_TRUE(parley::is_delta(pack_entry_kind::reference_delta));
    EXPECT_FALSE(parley::is_delta(pack_entry_kind::file));
}

TEST(ObjectId, a_hasher_takes_pieces_and_is_used_again)
{
    parley::object_hasher hasher;
    hasher.begin(pack_entry_kind::directory, 99); // never finished
    hasher.update(as_bytes("nonsense"));
    for (int i = 0; i < 2; ++i) {
        hasher.begin(pack_entry_kind::file, 6);
        hasher.update(as_bytes("hel"));
        hasher.update({});
        hasher.update(as_bytes("lo\n"));
        EXPECT_EQ(to_hex(hasher.finish()), "ce013625030ba8dba906f756967f9e9ca394464a");
    }
}

} // namespace
} // namespace parley_test
