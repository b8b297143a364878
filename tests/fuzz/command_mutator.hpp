// Mutations of inputs that are commands of one size, so that a change of one does not change how the next is read.
// The first command chooses what is tested; most mutations leave it.
#pragma once

#include <parley/base/bytes.hpp>

#include <algorithm>
#include <array>
#include <random>
#include <vector>

// libFuzzer's own mutation of some bytes.
extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size);

namespace parley::fuzz {

// The last command of an input may be cut; the rest of it is zeros.
template <std::size_t CommandBytes>
std::vector<std::array<byte, CommandBytes>> commands_of(bytes_view bytes)
{
    std::vector<std::array<byte, CommandBytes>> out;
    while (!bytes.empty()) {
        const bytes_view one = bytes.first(std::min(bytes.size(), CommandBytes));
        std::copy(one.begin(), one.end(), out.emplace_back().begin());
        bytes = bytes.subspan(one.size());
    }
    return out;
}

// Writes at most `max_size` bytes, and at least one: libFuzzer takes no empty input.
template <std::size_t CommandBytes>
std::size_t put_commands(std::vector<std::array<byte, CommandBytes>> commands, std::uint8_t* out,
                         std::size_t max_size)
{
    if (commands.empty()) commands.emplace_back();
    const std::size_t size = std::min(commands.size() * CommandBytes, max_size);
    for (std::size_t i = 0; i < size; ++i) out[i] = commands[i / CommandBytes][i % CommandBytes];
    return size;
}

template <std::size_t CommandBytes>
std::size_t mutate_commands(std::uint8_t* data, std::size_t size, std::size_t max_size, unsigned int seed)
{
    using command = std::array<byte, CommandBytes>;
    std::minstd_rand random{seed};
    const auto below = [&](std::size_t n) { return random() % n; };
    const auto any_byte = [&] { return static_cast<byte>(below(2) == 0 ? below(16) : below(256)); };
    std::vector<command> all = commands_of<CommandBytes>({data, size});
    const auto at = [&](std::size_t n) { return all.begin() + static_cast<std::ptrdiff_t>(n); };
    if (all.empty()) all.emplace_back();
    const std::size_t first = below(all.size());
    const std::size_t last = first + 1 + below(std::min(all.size() - first, std::size_t{8}));
    switch (below(8)) {
    case 0: { // a new command
        command added;
        for (byte& b : added) b = any_byte();
        all.insert(at(first + 1), added);
        break;
    }
    case 1: // some less
        if (all.size() > 1)
            all.erase(at(std::max<std::size_t>(first, 1)), at(std::max<std::size_t>(last, 1)));
        break;
    case 2: { // some again, elsewhere
        const std::vector<command> copied(at(first), at(last));
        all.insert(at(1 + below(all.size())), copied.begin(), copied.end());
        break;
    }
    case 3: // two change places
        std::swap(all[first], all[below(all.size())]);
        break;
    case 4: // one many times
        all.insert(at(first + 1), 1 + below(20), command{all[first]});
        break;
    case 5: // one for other peers: the second byte says who
        all[first][1] = static_cast<byte>(below(12));
        break;
    case 6:
        all[first][below(CommandBytes)] = any_byte();
        break;
    default:
        size = LLVMFuzzerMutate(data, size, max_size);
        all = commands_of<CommandBytes>({data, size});
        break;
    }
    return put_commands(std::move(all), data, max_size);
}

template <std::size_t CommandBytes>
std::size_t cross_commands(bytes_view one, bytes_view other, std::uint8_t* out, std::size_t max_size,
                           unsigned int seed)
{
    std::minstd_rand random{seed};
    auto all = commands_of<CommandBytes>(one);
    const auto rest = commands_of<CommandBytes>(other);
    if (!all.empty()) all.resize(1 + random() % all.size());
    if (!rest.empty())
        all.insert(all.end(), rest.begin() + static_cast<std::ptrdiff_t>(random() % rest.size()), rest.end());
    return put_commands(std::move(all), out, max_size);
}

} // namespace parley::fuzz
