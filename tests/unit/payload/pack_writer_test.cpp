#include "payload/out/pack_writer.hpp"

#include "unit/payload/plain_pack.hpp"
#include "unit/payload/sample_files.hpp"

#include <gtest/gtest.h>

namespace {

using namespace parley;
using namespace parley_test;

void pull_step(pack_writer& writer, byte_vector& out, std::size_t piece = 1000)
{
    while (!writer.idle()) {
        const std::size_t before = out.size();
        out.resize(before + piece);
        const auto n = writer.read(mutable_bytes(out).subspan(before));
        ASSERT_TRUE(n) << n.error().message();
        ASSERT_GT(*n, 0u);
        out.resize(before + *n);
        ASSERT_EQ(writer.position(), out.size());
    }
}

byte_vector hello_pack(compression method, std::size_t piece)
{
    pack_writer writer(method, 4);
    byte_vector out;
    writer.begin_pack(2);
    pull_step(writer, out, piece);
    memory_content name(as_bytes("hello.txt"));
    writer.begin_entry(pack_entry_kind::file_name, 9, name);
    pull_step(writer, out, piece);
    memory_content content(as_bytes("Hello World!\n"));
    writer.begin_entry(pack_entry_kind::file, 13, content);
    pull_step(writer, out, piece);
    writer.end_pack();
    pull_step(writer, out, piece);
    return out;
}

TEST(PackWriter, WritesThePackOfTheFormatsExample)
{
    const std::string expected = "5041434b0000000200000002"
                                 "49785ecb48cdc9c9d72ba928010011f803a3"
                                 "3d785ef348cdc9c95708cf2fca4951e4020020910448"
                                 "1f6fe57126740755b5b77f57b7d8e21a3ebb89df";
    for (const std::size_t piece : {1u, 7u, 64u, 1000u})
        EXPECT_EQ(to_hex(hello_pack(compression::always, piece)), expected) << piece;
}

TEST(PackWriter, WritesStoredEntriesByteExactly)
{
    const byte_vector pack = hello_pack(compression::never, 1000);
    EXPECT_EQ(to_hex(bytes_view(pack).first(pack.size() - 20)),
              "5041434b0000000200000002"
              "497801010900f6ff68656c6c6f2e74787411f803a3"
              "3d7801010d00f2ff48656c6c6f20576f726c64210a20910448");
    sha1 hash;
    hash.update(bytes_view(pack).first(pack.size() - 20));
    EXPECT_EQ(to_hex(bytes_view(pack).last(20)), to_hex(hash.finish()));
}

TEST(PackWriter, ACopyIsADeltaOfItsBase)
{
    for (const std::size_t size :
         {1u, 65u, 255u, 256u, 65'536u, 300'000u, 0xffffffu, 0x1000000u, 0x2000005u}) {
        const std::string text(size, 'x');
        pack_writer writer(compression::always, 1);
        byte_vector out;
        writer.begin_pack(3);
        pull_step(writer, out);
        const std::uint64_t base = writer.position();
        memory_content content(as_bytes(text));
        writer.begin_entry(pack_entry_kind::file, size, content);
        pull_step(writer, out, 100'000);
        const std::string between = random_text(20'000, 1);
        memory_content noise(as_bytes(between));
        writer.begin_entry(pack_entry_kind::file, between.size(), noise);
        pull_step(writer, out);
        writer.begin_copy(base, size);
        pull_step(writer, out, 3);
        writer.end_pack();
        pull_step(writer, out);

        const plain_pack pack = read_plain_pack(out);
        ASSERT_EQ(pack.entries.size(), 3u);
        EXPECT_EQ(pack.entries[2].kind, 6u);
        EXPECT_EQ(pack.entries[2].base_offset, base);
        EXPECT_EQ(as_text(pack.entries[2].content), text);
        EXPECT_LT(pack.entries[2].packed_bytes, 64u);
    }
}

TEST(PackWriter, CopyInstructionsLeaveZeroBytesOut)
{
    EXPECT_EQ(to_hex(copy_delta(13)), "0d0d"
                                      "9"
                                      "00d");
    EXPECT_EQ(to_hex(copy_delta(256)), "80028002"
                                       "a001");
    EXPECT_EQ(to_hex(copy_delta(0xffffff)), "ffffff07ffffff07"
                                            "f0ffffff");
    EXPECT_EQ(to_hex(copy_delta(0x1000000)), "8080800880808008"
                                             "f0ffffff"
                                             "97ffffff01");
}

TEST(PackWriter, TheLargestCopyStaysSmall)
{
    const byte_vector delta = copy_delta(max_copy_bytes);
    EXPECT_LE(delta.size(), 2200u);
    EXPECT_EQ(to_hex(bytes_view(delta).first(10)), "ffffffff0fffffffff0f");
}

} // namespace
