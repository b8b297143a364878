// The part of a layer that waits in an operation of the stream below. Private to the framework.
#pragma once

#include <memory>
#include <utility>

namespace parley::detail {

// Part of a pending handler below. A context that is destroyed destroys its handlers without calling them. The
// operation above that waits for such a handler must be destroyed then, too: it may own this stream. So `Core`
// has abandon(), which destroys the operations that wait above; and epoch(), which changes when older calls no
// longer count.
template <class Core>
class pending_call {
public:
    explicit pending_call(Core& core) noexcept : core_(core.weak_from_this()), epoch_(core.epoch()) {}
    pending_call(pending_call&&) noexcept = default;
    pending_call& operator=(pending_call&&) = delete;
    ~pending_call()
    {
        if (const auto core = come()) core->abandon();
    }
    // The core, unless it was destroyed or its epoch has changed; once.
    std::shared_ptr<Core> come() noexcept
    {
        auto core = std::exchange(core_, {}).lock();
        return core && core->epoch() == epoch_ ? std::move(core) : nullptr;
    }

private:
    std::weak_ptr<Core> core_; // empty after a move
    unsigned epoch_;
};

} // namespace parley::detail
