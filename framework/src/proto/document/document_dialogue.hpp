// What the two machines of a document's transfer have in common: messages in and out, and the ways to give up.
#pragma once

#include "proto/document/document_message.hpp"
#include "proto/output_buffer.hpp"

#include <parley/base/time.hpp>
#include <parley/proto/document_fault.hpp>

#include <utility>

namespace parley {

class document_dialogue {
public:
    output_buffer output;
    error_code error;
    std::optional<document_ending> ending;
    bool finished = false;
    bool aborts = false; // this side has given up, and says so by an abort of the session

    struct message {
        document_message type;
        bytes_view body; // of `data`, a piece of it that is not empty
    };
    // Takes the next message, or the next piece of a `data` message, from the front of `input`. `is_in_turn` judges
    // its type. Nothing when it needs more bytes or the message breaks a rule. Discards everything once the
    // machine has finished.
    template <class IsInTurn>
    std::optional<message> read(bytes_view& input, IsInTurn is_in_turn)
    {
        if (finished) {
            input = {};
            return std::nullopt;
        }
        const document_header* const header = reader_.header(input);
        if (header == nullptr) return std::nullopt;
        const document_message type = header->type;
        if (!judged_) {
            const char* fault = nullptr;
            if (!is_in_turn(type))
                fault = "is out of turn";
            else if (header->is_too_long())
                fault = "is too long";
            else if (type == document_message::data && header->length == 0)
                fault = "has no content";
            if (fault != nullptr) {
                break_rule(type, fault);
                return std::nullopt;
            }
            judged_ = true;
        }
        std::optional<bytes_view> body;
        if (type != document_message::data)
            body = reader_.body(input);
        else if (!input.empty())
            body = reader_.piece(input);
        judged_ = reader_.mid_message();
        if (!body) return std::nullopt;
        return message{type, *body};
    }
    bool mid_message() const noexcept { return reader_.mid_message(); }

    void put(document_message type, bytes_view body = {})
    {
        put_header(type, body.size());
        output.append(body);
    }
    void put_number(document_message type, std::uint64_t number)
    {
        std::array<byte, sizeof number> body{};
        store_be(body.data(), number);
        put(type, body);
    }
    void put_header(document_message type, std::size_t length)
    {
        std::array<byte, document_header_bytes> header{static_cast<byte>(type)};
        store_be(header.data() + 1, static_cast<std::uint32_t>(length));
        output.append(header);
    }

    // This side gives up, and says why. `how` is error or refuse.
    void give_up(document_message how, document_fault fault, error_code why)
    {
        if (!is_valid_utf8(fault.text)) fault.text = escaped(fault.text); // it may name a file of this side
        byte_vector body{static_cast<byte>(fault.reason)};
        append_text<byte>(body, cut_text(fault.text, max_reason_text_bytes));
        put(how, body);
        finish(why, document_ending{fault.reason, std::move(fault.text), false});
    }
    void break_rule(std::string text)
    {
        give_up(document_message::error, {session_reason::broken_rule, std::move(text)},
                errc::document_rule_broken);
    }
    void break_rule(document_message type, const char* how)
    {
        const std::array number{static_cast<byte>(type)};
        break_rule("message " + to_hex(number) + " " + how);
    }
    void end_out_of_turn() { break_rule("the stream ends out of turn"); }

    static bool is_of_the_destination(session_reason reason) noexcept
    {
        return reason == session_reason::no_space || reason == session_reason::destination_exists ||
               reason == session_reason::file_failed || reason == session_reason::bad_entry;
    }

    // The other side has sent `refuse` or `error`: nothing more is written. A refusal is one, whatever its reason.
    void hear_end(const message& m)
    {
        body_reader body{m.body};
        const auto reason = to_session_reason(body.number<std::uint8_t>());
        const std::string_view text = body.text<byte>();
        if (const char* const problem = body.problem_at_end()) return break_rule(m.type, problem);
        output.clear();
        const bool refuses = m.type == document_message::refuse && !is_of_the_destination(reason);
        finish(refuses ? errc::refused_by_peer : to_errc(reason),
               document_ending{reason, std::string{text}, true});
    }

    // The owner gives up, or has lost the connection: nothing more is written.
    void stop(error_code why)
    {
        if (finished) return;
        output.clear();
        aborts = why == errc::cancelled || why == errc::timed_out;
        if (aborts)
            finish(why, document_ending{session_reason::cancelled, {}, false});
        else
            finish(why, std::nullopt);
    }

    void finish(error_code why, std::optional<document_ending> how)
    {
        finished = true;
        error = why;
        ending = std::move(how);
    }

private:
    document_message_reader reader_;
    bool judged_ = false; // the header of the message that is being read
};

} // namespace parley
