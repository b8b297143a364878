#include <parley/payload/folder_sink.hpp>

#include "payload/in/space_budget.hpp"
#include "payload/in/staging_area.hpp"
#include "payload/sink/document_placement.hpp"
#include "payload/sink/staged_document.hpp"

#include <parley/base/safe_name.hpp>
#include <parley/crypto/random.hpp>

#include <boost/system/errc.hpp>

#include <algorithm>
#include <cerrno>

namespace parley {
namespace {

constexpr std::size_t max_named = 5; // of what is left out

bool is_full(const error_code& error)
{
    return error.category() == file_category() &&
           (error == boost::system::errc::no_space_on_device || error.value() == EDQUOT);
}

session_reason reason_of(const error_code& error)
{
    if (error == errc::no_room || is_full(error)) return session_reason::no_space;
    if (error == errc::destination_exists) return session_reason::destination_exists;
    if (error == errc::refused_by_user) return session_reason::refused_by_user;
    if (error == errc::entry_not_placed || error == errc::hostile_name) return session_reason::bad_entry;
    return error.category() == file_category() ? session_reason::file_failed : session_reason::internal;
}

space_budget budget_of(const folder_sink_options& options)
{
    receiver_limits limits;
    limits.free_space_reserve_bytes = options.reserve_bytes();
    limits.free_space_reserve_share = options.reserve_share();
    return space_budget(limits);
}

// What a document is found by in a later run (SESSION2.md section 9): BLAKE2b-256 of
//
//     u8 kind || u8 length of name || name || BLAKE2b-256 of all entries
blake2b_256_digest staging_digest(const document_outline& document)
{
    const std::string& name = document.offer().name; // at most 255 bytes
    const byte head[2] = {static_cast<byte>(document.offer().kind), static_cast<byte>(name.size())};
    blake2b_256 hash;
    hash.update(head);
    hash.update(as_bytes(name));
    hash.update(document.digest());
    return hash.digest();
}

} // namespace

struct folder_sink::state {
    explicit state(folder_sink_options given)
        : options(std::move(given)),
          random(options.random() != nullptr ? *options.random() : system_random()),
          budget(budget_of(options))
    {
    }

    error_code fail(error_code error, std::string text);
    error_code open_destination();
    error_code check_names();
    error_code check_room();
    error_code adopt();
    error_code complete();
    result<stored_document> describe();
    void end(bool keep) noexcept;
    std::string staged_path() const
    {
        return staging.name() + "/" + std::string(staged_document::staged_name);
    }

    folder_sink_options options;
    random_source& random;
    space_budget budget;
    guarded_directory destination;
    staging_area staging; // destroyed before `destination`
    std::shared_ptr<const document_outline> document;
    std::optional<staged_document> staged;
    std::optional<document_placement> place;
    bool is_complete = false; // everything has come
    document_fault fault;
};

error_code folder_sink::state::fail(error_code error, std::string text)
{
    error = as_file_error(error);
    if (is_full(error) && document) {
        text += ": no space left";
        const guarded_directory::space space = destination.free_space();
        if (staged) text += ", " + format_bytes(staged->missing(space.block_bytes).bytes) + " more needed";
        if (space.free_bytes != UINT64_MAX) text += ", " + format_bytes(space.free_bytes) + " free";
    } else if (error.category() == file_category()) {
        text += ": " + error.message();
    }
    fault = {reason_of(error), std::move(text)};
    return error;
}

// ---- before the transfer

error_code folder_sink::state::open_destination()
{
    auto opened = guarded_directory::open(options.directory());
    if (!opened) return fail(opened.error(), "cannot open the destination");
    destination = std::move(*opened);
    return {};
}

error_code folder_sink::state::check_names()
{
    if (options.name()) {
        const std::string_view problem = document_name_problem(*options.name());
        return problem.empty() ? error_code()
                               : fail(errc::hostile_name, "the chosen name " + std::string(problem));
    }
    if (options.allow_dot_name()) return {};
    for (const std::string& name : place->names())
        if (name.starts_with('.'))
            return fail(errc::refused_by_user,
                        "the name \"" + name +
                            "\" begins with a dot, so it could change the settings of other programs");
    return {};
}

error_code folder_sink::state::check_room()
{
    const guarded_directory::space space = destination.free_space();
    const staged_document::need need = staged->missing(space.block_bytes);
    space_budget trial = budget;
    if (trial.claim(need.bytes, destination)) return fail(errc::no_room, "no space left: " + trial.problem());
    if (need.nodes > space.free_inodes)
        return fail(errc::no_room, "no space left: it needs " + std::to_string(need.nodes) +
                                       " more files and directories; " + std::to_string(space.free_inodes) +
                                       " can be made");
    return {};
}

error_code folder_sink::state::adopt()
{
    const error_code error = staged->adopt(staging.directory());
    return error ? fail(error, staged->problem()) : error;
}

folder_sink::folder_sink(folder_sink_options options) : state_(std::make_unique<state>(std::move(options))) {}
folder_sink::folder_sink(folder_sink&&) noexcept = default;

folder_sink& folder_sink::operator=(folder_sink&& other) noexcept
{
    if (this == &other) return *this;
    if (state_) state_->end(true);
    state_ = std::move(other.state_);
    return *this;
}

folder_sink::~folder_sink()
{
    if (state_) state_->end(true);
}

result<sink_preview> folder_sink::preview(std::shared_ptr<const document_outline> document)
{
    state& s = *state_;
    s.document = std::move(document);
    if (s.document->offer().kind == document_kind::text)
        return s.fail(errc::refused_by_user, "a text is not for a folder");
    if (const error_code error = initialise_crypto()) return s.fail(error, "the cryptographic library");
    if (const error_code error = s.open_destination()) return error;
    s.place.emplace(s.document, s.options, s.destination);
    if (const error_code error = s.check_names()) return error;
    if (const error_code error = s.place->check()) return s.fail(error, s.place->problem());

    staging_area::remove_stale(s.destination);
    if (const error_code error = staging_area::try_out(s.destination, s.random))
        return s.fail(error, "cannot write to the destination");
    {
        const auto trial = staging_area::create(s.destination, s.random);
        if (!trial) return s.fail(trial.error(), "cannot write to the destination");
        if (const error_code error = s.place->try_names(trial->directory()))
            return s.fail(error, s.place->problem());
        if (const auto now = trial->directory().modified()) staging_area::remove_old(s.destination, *now);
    }
    s.staged.emplace(s.document, s.options.when_taken() == taken_action::keep_going);
    if (s.options.keep()) s.staging = staging_area::find(s.destination, staging_digest(*s.document));
    if (s.staging)
        if (const error_code error = s.adopt()) return error;
    if (const error_code error = s.check_room()) return error;

    sink_preview out;
    out.place = s.place->is_whole() ? s.options.directory() / s.place->names()[0] : s.options.directory();
    out.other_name = s.place->other_name();
    out.free_bytes = s.destination.free_space().free_bytes;
    return out;
}

// ---- the transfer

result<std::vector<kept_part>> folder_sink::begin()
{
    state& s = *state_;
    if (!s.staging) {
        auto made = s.options.keep()
                        ? staging_area::open_or_create(s.destination, staging_digest(*s.document), s.random)
                        : staging_area::create(s.destination, s.random);
        if (!made) return s.fail(made.error(), "cannot make a folder for what comes");
        s.staging = std::move(*made);
    }
    s.staging.directory().set_modified_now();
    if (!s.staged->is_adopted())
        if (const error_code error = s.adopt()) return error;
    return s.staged->kept();
}

error_code folder_sink::open(std::uint32_t number, std::uint64_t offset)
{
    const error_code error = state_->staged->open(number, offset);
    return error ? state_->fail(error, state_->staged->problem()) : error;
}

error_code folder_sink::write(bytes_view bytes)
{
    state& s = *state_;
    if (s.budget.claim(bytes.size(), s.destination))
        return s.fail(errc::no_room, "no space left: " + s.budget.problem());
    const error_code error = s.staged->write(bytes);
    return error ? s.fail(error, s.staged->problem()) : error;
}

error_code folder_sink::close()
{
    const error_code error = state_->staged->close();
    return error ? state_->fail(error, state_->staged->problem()) : error;
}

// ---- the end

error_code folder_sink::state::complete()
{
    if (const error_code error = staged->complete()) return fail(error, staged->problem());
    is_complete = true;
    if (options.sync())
        if (const error_code error = staging.directory().sync_file_system())
            return fail(error, "cannot bring the document to the disk");
    if (const error_code error = place->place(*staged, staging.directory())) {
        std::string text = place->problem();
        if (error == errc::destination_exists && options.keep())
            text += "; what has come stays in \"" + staged_path() + "\"";
        return fail(error, std::move(text));
    }
    if (options.sync())
        if (const error_code error = destination.sync())
            return fail(error, "cannot bring the document's name to the disk");
    return {};
}

// What has been placed. An error when something is left out.
result<stored_document> folder_sink::state::describe()
{
    std::vector<std::string> missing = place->taken_items();
    const bool some_stay = !missing.empty() && options.keep();
    for (const std::uint32_t number : staged->left_out_entries())
        missing.push_back(document->entries().path(number));
    if (!some_stay) staging.remove();
    if (!missing.empty()) {
        std::string text = "left out:";
        for (std::size_t i = 0; i < std::min(missing.size(), max_named); ++i)
            text += (i > 0 ? ", \"" : " \"") + missing[i] + "\"";
        if (missing.size() > max_named)
            text += " and " + std::to_string(missing.size() - max_named) + " more";
        if (some_stay) text += "; what has come of it stays in \"" + staged_path() + "\"";
        return fail(errc::entry_not_placed, std::move(text));
    }
    stored_document out;
    for (const std::string& name : place->names()) out.placed.push_back(options.directory() / name);
    out.path = place->is_whole() ? out.placed[0] : options.directory();
    staged->count(out);
    return out;
}

result<stored_document> folder_sink::commit()
{
    if (const error_code error = state_->complete()) return error;
    return state_->describe();
}

void folder_sink::interrupt() noexcept
{
    state& s = *state_;
    if (s.staged) s.staged->interrupt();
    if (s.staging) s.staging.directory().set_modified_now();
}

void folder_sink::state::end(bool keep) noexcept
{
    if (staged) staged->interrupt();
    if (!staging) return;
    if (!keep || !options.keep() || !staged || !(staged->has_content() || is_complete))
        staging.remove();
    else if (staging.may_be_found())
        staging.leave();
    else if (is_complete)
        static_cast<void>(staging.keep());
    else
        staging.remove();
}

void folder_sink::end(bool keep) noexcept
{
    state_->end(keep);
}

const document_fault& folder_sink::fault() const noexcept
{
    return state_->fault;
}

} // namespace parley
