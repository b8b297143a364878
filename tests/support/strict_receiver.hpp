// Reads a single file's document like the reference's receivers, which depend on where its records end
// (docs/PAYLOAD.md). What they would lose or wait for is an error here.
//
//   record(s): "PACK" 2 2, the name's entry    ends with a record; all of it is read again as 2047 bytes
//   record(s): the file's entry                ends with a record
//   record:    the SHA-1, 20 bytes
#pragma once

#include <parley/base/bytes.hpp>
#include <parley/crypto/sha1.hpp>

#include <zlib.h>

#include <stdexcept>
#include <string>

namespace parley::test {

class strict_receiver {
public:
    strict_receiver() = default;
    strict_receiver(const strict_receiver&) = delete;
    strict_receiver& operator=(const strict_receiver&) = delete;
    ~strict_receiver() { end_inflating(); }

    // Takes the content of the next record. Throws std::runtime_error for content that the reference cannot
    // read.
    void take(bytes_view record)
    {
        require(!record.empty(), "an empty record");
        // The reference checks only now, with another record, whether the entry has ended.
        if (inflated_) next_entry();
        switch (at_) {
        case part::name:
        case part::file:
            take_entry(record);
            break;
        case part::trailer: {
            require(record.size() == sizeof(sha1_digest), "the SHA-1 is no record of its own");
            const sha1_digest digest = hash_.finish();
            require(std::equal(record.begin(), record.end(), digest.begin()), "a wrong SHA-1");
            at_ = part::over;
            return;
        }
        case part::over:
            throw std::runtime_error("something after the SHA-1");
        }
        hash_.update(record);
    }

    bool complete() const noexcept { return at_ == part::over; }
    const std::string& name() const noexcept { return name_; }
    const std::string& content() const noexcept { return content_; }

private:
    enum class part { name, file, trailer, over };
    static constexpr std::size_t name_buffer_bytes = 2047;

    static void require(bool holds, const char* otherwise)
    {
        if (!holds) throw std::runtime_error(otherwise);
    }

    void take_entry(bytes_view record)
    {
        if (at_ == part::name) {
            name_bytes_ += record.size();
            require(name_bytes_ <= name_buffer_bytes, "the name's entry is longer than the buffer for it");
        }
        std::string& out = at_ == part::name ? name_ : content_;
        while (!record.empty() && !inflating_) take_header_byte(record);
        while (!record.empty()) {
            require(!inflated_, "bytes of a record are behind the end of an entry");
            byte space[4096];
            stream_.next_in = const_cast<Bytef*>(record.data());
            stream_.avail_in = static_cast<uInt>(record.size());
            stream_.next_out = space;
            stream_.avail_out = sizeof space;
            const int status = inflate(&stream_, Z_NO_FLUSH);
            require(status == Z_OK || status == Z_STREAM_END || status == Z_BUF_ERROR, "a bad zlib stream");
            out.append(reinterpret_cast<const char*>(space), sizeof space - stream_.avail_out);
            record = record.last(stream_.avail_in);
            inflated_ = status == Z_STREAM_END;
        }
        // Inflate what the last byte made available.
        while (inflating_ && !inflated_) {
            byte space[4096];
            stream_.avail_in = 0;
            stream_.next_out = space;
            stream_.avail_out = sizeof space;
            const int status = inflate(&stream_, Z_SYNC_FLUSH);
            out.append(reinterpret_cast<const char*>(space), sizeof space - stream_.avail_out);
            inflated_ = status == Z_STREAM_END;
            if (status != Z_OK || stream_.avail_out != 0) break;
        }
    }

    // The pack's head comes before the name, and the entry's own header before both.
    void take_header_byte(bytes_view& record)
    {
        const byte b = record.front();
        record = record.subspan(1);
        header_.push_back(static_cast<char>(b));
        const std::size_t head = at_ == part::name ? pack_head_bytes : 0;
        if (header_.size() <= head || (b & 0x80u) != 0) return;
        if (at_ == part::name)
            require(header_.starts_with(std::string("PACK\0\0\0\2\0\0\0\2", pack_head_bytes)), "a bad head");
        const unsigned kind = static_cast<byte>(header_[head]) >> 4 & 7u;
        require(kind == (at_ == part::name ? 4u : 3u), "an entry of another kind");
        header_.clear();
        stream_ = z_stream{};
        require(inflateInit(&stream_) == Z_OK, "inflateInit");
        inflating_ = true;
    }

    void next_entry()
    {
        end_inflating();
        inflated_ = false;
        at_ = at_ == part::name ? part::file : part::trailer;
    }

    void end_inflating()
    {
        if (inflating_) inflateEnd(&stream_);
        inflating_ = false;
    }

    static constexpr std::size_t pack_head_bytes = 12;

    part at_ = part::name;
    std::string header_, name_, content_;
    std::size_t name_bytes_ = 0;
    z_stream stream_{};
    bool inflating_ = false, inflated_ = false;
    sha1 hash_;
};

} // namespace parley::test
