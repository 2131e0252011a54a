// SPDX-License-Identifier: Apache-2.0
//! Drives a sequencer on a thread of its own, behind a bounded queue.
#pragma once

#include "commands/pipeline/sequencer.hpp"

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace fasti {

//! What may wait for the sequencer, not counting what is being decided. A single request larger than that is
//! admitted when nothing else waits.
struct queue_limits {
    std::size_t commands_max = 0;
    std::size_t bytes_max = 0; //!< of texts, bodies and the commands read from them
};

//! Where commands enter. The node knows only this, so that the simulation can drive it by hand.
class command_entry {
public:
    command_entry() = default;
    command_entry(const command_entry&) = delete;
    command_entry& operator=(const command_entry&) = delete;
    virtual ~command_entry() = default;

    //! Takes the request, or leaves it with the caller when the queue is full or closed.
    virtual bool offer(std::unique_ptr<command_request>& request) = 0;
};

class pipeline_thread final : public command_entry {
public:
    struct hooks {
        //! Called on the pipeline's thread with each notice; hands it to the owner of the views.
        std::function<void(commit_notice&&)> deliver;
        //! Called when a batch could not be made durable: the process must end now.
        std::function<void(const error&)> fail;
        //! Called when nothing waited for a while: lets the log carry its durable mark on.
        std::function<void()> idle;
        //! Called by offer() when the pipeline sleeps: has wake() called soon on the thread that offers,
        //! behind the requests it can read now, so that they are decided and synced together. Not
        //! called once enough waits for a sync of its own: then offer() wakes. Empty: every offer wakes
        //! at once.
        std::function<void()> wake_soon = {};
    };

    pipeline_thread(sequencer& decides, const queue_limits& limits, hooks told);
    ~pipeline_thread() override;

    bool offer(std::unique_ptr<command_request>& request) override;

    //! What `wake_soon` asked for. Thread: any.
    void wake();

    //! Runs something on the pipeline's thread between two commits, when nothing is staged: the model
    //! then stands at the log's head. Not run when the pipeline stops before. Thread: any.
    void between_commits(std::function<void()> work);

    //! Takes no more commands, commits what was taken, ends the thread. Thread: any but its own.
    void stop();

    //! Commands waiting now. Thread: any.
    std::size_t waiting() const;

private:
    void run();
    void run_between();
    bool take(std::vector<std::unique_ptr<command_request>>& into);

    sequencer& decides_;
    const queue_limits limits_;
    const hooks hooks_;
    mutable std::mutex mutex_;
    std::condition_variable wake_;
    std::vector<std::unique_ptr<command_request>> queue_;
    std::vector<std::function<void()>> between_;
    std::size_t commands_waiting_ = 0;
    std::size_t bytes_waiting_ = 0;
    bool sleeping_ = false;
    bool wake_due_ = false;
    bool stopping_ = false;
    std::thread thread_;
};

} // namespace fasti
