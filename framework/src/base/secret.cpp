#include <parley/base/secret.hpp>

#include <cstring>
#include <utility>

namespace parley {

void wipe(mutable_bytes bytes) noexcept
{
    if (bytes.empty()) return;
    std::memset(bytes.data(), 0, bytes.size());
    // Without this the compiler may drop the write, because nobody reads the zeros.
    __asm__ __volatile__("" : : "r"(bytes.data()) : "memory");
}

bool equal_in_constant_time(bytes_view a, bytes_view b) noexcept
{
    if (a.size() != b.size()) return false;
    volatile byte difference = 0;
    for (std::size_t i = 0; i < a.size(); ++i) difference = static_cast<byte>(difference | (a[i] ^ b[i]));
    return difference == 0;
}

secret_bytes::secret_bytes(bytes_view bytes) : data_(new byte[bytes.size()]), size_(bytes.size())
{
    std::copy(bytes.begin(), bytes.end(), data_.get());
}

secret_bytes::secret_bytes(secret_bytes&& other) noexcept
    : data_(std::move(other.data_)), size_(std::exchange(other.size_, 0))
{
}

secret_bytes& secret_bytes::operator=(secret_bytes&& other) noexcept
{
    if (this != &other) {
        if (data_) wipe({data_.get(), size_});
        data_ = std::move(other.data_);
        size_ = std::exchange(other.size_, 0);
    }
    return *this;
}

secret_bytes::~secret_bytes()
{
    if (data_) wipe({data_.get(), size_});
}

} // namespace parley
