// When a thread may take its next step.
//
// Free-running, each worker takes a turn, rests as long as its turn says, or until something has changed. Stepped, a
// worker stands still until the kit hands it one job; the kit waits for the end of the job.
#pragma once

#include <array>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>

enum class Worker { Sender, ToSecondary, ToPrimary, Applier, Reporter, ResyncCopier, ReplicaCopier, Watchdog, Timer };
inline constexpr std::size_t worker_count = 9;

class Gate {
public:
    using Rest = std::chrono::microseconds;
    using Turn = std::function<Rest()>;

    explicit Gate(bool stepped) : stepped_(stepped) {}

    // The life of a worker, in a thread of its own.
    void work(Worker who, const Turn& turn) {
        if (stepped_) return take_jobs(who);
        std::uint64_t seen = 0;
        while (rest(turn(), seen)) {}
    }

    // One step of a worker: comes back when the worker has done it.
    void step(Worker who, const std::function<void()>& job) {
        if (!stepped_) return job();
        const std::function<void()>*& place = jobs_[static_cast<std::size_t>(who)];
        std::unique_lock hold(lock_);
        place = &job;
        bell_.notify_all();
        bell_.wait(hold, [&] { return place == nullptr; });
    }

    // Something has changed: whoever rests has a look.
    void ring() {
        {
            std::scoped_lock hold(lock_);
            ++changes_;
        }
        bell_.notify_all();
    }

    void close() {
        {
            std::scoped_lock hold(lock_);
            closed_ = true;
        }
        bell_.notify_all();
    }

    bool is_stepped() const { return stepped_; }

private:
    void take_jobs(Worker who) {
        const std::function<void()>*& place = jobs_[static_cast<std::size_t>(who)];
        std::unique_lock hold(lock_);
        while (true) {
            bell_.wait(hold, [&] { return closed_ || place != nullptr; });
            if (closed_) return;
            hold.unlock();
            (*place)();
            hold.lock();
            place = nullptr;
            bell_.notify_all();
        }
    }

    // Whether there is another turn.
    bool rest(Rest time, std::uint64_t& seen) {
        std::unique_lock hold(lock_);
        const auto until = std::chrono::system_clock::now() + time;
        bell_.wait_until(hold, until, [&] { return closed_ || (changes_ != seen && time > short_rest); });
        seen = changes_;
        return !closed_;
    }

    static constexpr Rest short_rest{1000};   // a rest up to this length is a delay, which no news ends

    const bool stepped_;
    std::mutex lock_;
    std::condition_variable bell_;
    std::array<const std::function<void()>*, worker_count> jobs_{};   // what each stepped worker is to do
    std::uint64_t changes_ = 0;
    bool closed_ = false;
};
