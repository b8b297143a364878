// Memory that is wiped before it is freed. Secrets are copied only by an explicit duplicate().
#pragma once

#include <parley/base/bytes.hpp>

#include <algorithm>
#include <memory>

namespace parley {

// Overwrites `bytes` with zeros. The compiler cannot remove the write.
void wipe(mutable_bytes bytes) noexcept;

// Whether `a` and `b` hold the same bytes. The time depends only on their lengths.
bool equal_in_constant_time(bytes_view a, bytes_view b) noexcept;

// N secret bytes, zero at first. They are wiped on destruction and when moved from.
template <std::size_t N>
class secret_array {
public:
    secret_array() noexcept = default;
    explicit secret_array(std::span<const byte, N> bytes) noexcept
    {
        std::copy(bytes.begin(), bytes.end(), bytes_.begin());
    }
    secret_array(secret_array&& other) noexcept : bytes_(other.bytes_) { other.clear(); }
    secret_array& operator=(secret_array&& other) noexcept
    {
        if (this != &other) {
            bytes_ = other.bytes_;
            other.clear();
        }
        return *this;
    }
    secret_array(const secret_array&) = delete;
    secret_array& operator=(const secret_array&) = delete;
    ~secret_array() { clear(); }

    [[nodiscard]] secret_array duplicate() const noexcept { return secret_array{view()}; }
    void clear() noexcept { wipe(bytes_); }

    static constexpr std::size_t size() noexcept { return N; }
    byte* data() noexcept { return bytes_.data(); }
    const byte* data() const noexcept { return bytes_.data(); }
    std::span<byte, N> span() noexcept { return bytes_; }
    std::span<const byte, N> view() const noexcept { return bytes_; }

private:
    std::array<byte, N> bytes_{};
};

// Secret bytes whose length is known at run time, such as a password. The length is fixed, so the memory is
// never reallocated and leaves no copy behind.
class secret_bytes {
public:
    secret_bytes() noexcept = default;
    explicit secret_bytes(bytes_view bytes);
    explicit secret_bytes(std::string_view text) : secret_bytes(as_bytes(text)) {}
    secret_bytes(secret_bytes&& other) noexcept;
    secret_bytes& operator=(secret_bytes&& other) noexcept;
    secret_bytes(const secret_bytes&) = delete;
    secret_bytes& operator=(const secret_bytes&) = delete;
    ~secret_bytes();

    [[nodiscard]] secret_bytes duplicate() const { return secret_bytes{view()}; }
    bytes_view view() const noexcept { return {data_.get(), size_}; }
    std::string_view text() const noexcept { return as_text(view()); }
    std::size_t size() const noexcept { return size_; }
    bool empty() const noexcept { return size_ == 0; }

private:
    std::unique_ptr<byte[]> data_;
    std::size_t size_ = 0;
};

} // namespace parley
