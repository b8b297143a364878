// The corpus of names, hostile_names.json beside this file: names that are accepted, names that are refused,
// and pairs that are one name to some file system.
#pragma once

#include <parley/base/bytes.hpp>

#include <nlohmann/json.hpp>

#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

namespace parley_test {

struct corpus_name {
    std::string name;
    std::string why;
};

inline const nlohmann::json& name_corpus()
{
    static const nlohmann::json corpus = [] {
        const auto path =
            std::filesystem::path(PARLEY_TEST_DATA).parent_path() / "unit/payload/hostile_names.json";
        std::ifstream in(path);
        return nlohmann::json::parse(in);
    }();
    return corpus;
}

// "accepted", "refused" or "refused_for_a_document".
inline std::vector<corpus_name> corpus_names(const char* verdict)
{
    std::vector<corpus_name> out;
    for (const auto& entry : name_corpus().at(verdict)) {
        corpus_name one{{}, entry.at("why").get<std::string>()};
        if (entry.contains("hex")) {
            const auto bytes = parley::from_hex(entry.at("hex").get<std::string>());
            one.name = parley::as_text(bytes.bytes);
        } else {
            one.name = entry.at("name").get<std::string>();
        }
        out.push_back(std::move(one));
    }
    return out;
}

struct corpus_pair {
    std::string first;
    std::string second;
    std::string why;
};

// "colliding" or "distinct".
inline std::vector<corpus_pair> corpus_pairs(const char* verdict)
{
    std::vector<corpus_pair> out;
    for (const auto& entry : name_corpus().at(verdict))
        out.push_back({entry.at("names").at(0).get<std::string>(), entry.at("names").at(1).get<std::string>(),
                       entry.at("why").get<std::string>()});
    return out;
}

} // namespace parley_test
