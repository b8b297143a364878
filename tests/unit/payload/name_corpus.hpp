// The corpus of names, hostile_names.json beside this file. "accepted": good for everything. "misleading" and
// "staging": good inside a directory, but not for a document. "refused": no path components.
#pragma once

#include "unit/wire/vector_files.hpp"

#include <parley/base/bytes.hpp>

#include <nlohmann/json.hpp>

#include <filesystem>
#include <string>
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
        return parley::test::read_json(path);
    }();
    return corpus;
}

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

} // namespace parley_test
