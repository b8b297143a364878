// Writes a whole stream to a receiver and lists what that did to the disk, for tests.
#pragma once

#include "unit/payload/sample_files.hpp"

#include <parley/payload/document_receiver.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

namespace parley_test {

using disk_listing = std::map<std::string, std::optional<parley::byte_vector>>;

// Everything below `folder`, relative to it.
inline disk_listing listing_of(const std::filesystem::path& folder)
{
    disk_listing out;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
        const auto status = std::filesystem::symlink_status(entry.path());
        std::optional<parley::byte_vector> content;
        if (std::filesystem::is_regular_file(status)) {
            std::ifstream in(entry.path(), std::ios::binary);
            content =
                bytes_of(std::string(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()));
        }
        out[entry.path().lexically_relative(folder).string()] = std::move(content);
    }
    return out;
}

struct pushed {
    parley::error_code error; // of create(), write() or commit(), whichever failed first
    std::string detail;
    std::optional<parley::received_document> document;
    std::string offered_name;
};

inline parley::receiver_options into(const std::filesystem::path& folder)
{
    parley::receiver_options options;
    options.directory = folder;
    options.limits.free_space_reserve_bytes = 0;
    return options;
}

// Whether the words of `error` say everything: it is about the stream as a whole.
inline bool is_of_no_entry(const parley::error_code& error)
{
    using parley::errc;
    return error == errc::pack_bad_signature || error == errc::pack_bad_version ||
           error == errc::pack_bad_trailer || error == errc::pack_truncated;
}

// Writes all of `stream` in pieces of the sizes from `next_size`, and commits.
inline pushed push(const parley::receiver_options& options, std::string_view stream,
                   const std::function<std::size_t()>& next_size)
{
    pushed out;
    auto receiver = parley::document_receiver::create(options);
    if (!receiver) {
        out.error = receiver.error();
        return out;
    }
    const std::size_t total = stream.size();
    std::uint64_t progress = 0;
    while (!stream.empty() && !out.error) {
        const std::string_view piece = stream.substr(0, std::max<std::size_t>(1, next_size()));
        stream.remove_prefix(piece.size());
        out.error = receiver->write(parley::as_bytes(piece));
        EXPECT_GE(receiver->content_bytes_written(), progress) << "progress does not go back";
        progress = receiver->content_bytes_written();
    }
    out.detail = receiver->error_detail();
    out.offered_name = receiver->offered_name();
    if (out.error) {
        EXPECT_FALSE(receiver->complete());
        EXPECT_TRUE(!out.detail.empty() || is_of_no_entry(out.error)) << out.error.message();
        EXPECT_EQ(receiver->write({}), out.error) << "an error stays";
        EXPECT_EQ(receiver->commit().error(), out.error) << "an error stays";
        return out;
    }
    EXPECT_EQ(receiver->stream_bytes(), total);
    auto document = receiver->commit();
    if (document)
        out.document = *document;
    else
        out.error = document.error();
    out.detail = receiver->error_detail();
    return out;
}

inline pushed push(const parley::receiver_options& options, std::string_view stream)
{
    return push(options, stream, [size = stream.size()] { return size; });
}

} // namespace parley_test
