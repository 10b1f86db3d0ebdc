// Two arrays, the link between them and the database's freeze, run by threads. Each role is behind a lock of its own,
// and a step of a role, with its effects, is taken under that lock. The order of locks: database, primary, secondary,
// then an end of the link.
#pragma once

#include "gate.hpp"
#include "roles.hpp"

#include <atomic>
#include <random>
#include <thread>

// A value that is reached under its lock only.
template <class T>
class Guarded {
public:
    template <class... Args>
    explicit Guarded(Args&&... args) : value_(std::forward<Args>(args)...) {}

    template <class Step>
    auto with(Step&& step) {
        std::scoped_lock hold(lock_);
        return step(value_);
    }

    // Both at one moment.
    template <class Other, class Step>
    auto with(Guarded<Other>& other, Step&& step) {
        std::scoped_lock hold(lock_, other.lock_);
        return step(value_, other.value_);
    }

private:
    template <class Other>
    friend class Guarded;

    std::mutex lock_;
    T value_;
};

// Where a test asks for one message by name.
struct MessageName {
    Kind kind;
    Incarnation incarnation;
    std::optional<Seq> seq;
};

// One direction of the array link. It delays, reorders, loses and repeats where it runs by itself; stepped, it keeps
// each message until it is asked for it.
class Link final : public Outbox {
public:
    using Clock = std::chrono::steady_clock;

    Link(Gate& gate, const std::atomic<bool>& is_up, std::uint64_t seed) : gate_(gate), is_up_(is_up), chance_(seed) {}

    void send(Message message) override;
    std::optional<Message> take_due();
    Message take(const MessageName& name, bool keep);
    void clear();

private:
    struct Flight {
        Message message;
        Clock::time_point due;
    };

    bool happens(unsigned one_in) { return chance_() % one_in == 0; }
    Clock::duration delay();

    Gate& gate_;
    const std::atomic<bool>& is_up_;
    std::mutex lock_;
    std::mt19937_64 chance_;
    std::deque<Flight> flights_;
};

struct Setup {
    std::size_t journal = 2;
    bool suspend_when_full = false;
    bool hold_writes = false;              // a backup holds the primary's writes, not the database
    bool start_in_pair = true;
    Volume p_vol;
    Volume sp_vol;
    bool stepped = false;
    std::uint64_t seed = 0;
};

enum class Part { Whole, First, Last };    // of a transaction, the part that a write is
enum class VolumeName { P, Sp, S };
enum class Role { Primary, Secondary, Database };

class Replicator {
public:
    using Millis = std::chrono::milliseconds;

    explicit Replicator(const Setup& setup);
    ~Replicator();
    Replicator(const Replicator&) = delete;
    Replicator& operator=(const Replicator&) = delete;

    // The local host.
    void write(Block block, std::string data, Part part);
    bool freeze(BackupId id);
    bool thaw(BackupId id);
    void lease_runs_out();
    Marker mark();
    Outcome sync(std::optional<Marker> held, Millis timeout);

    // The remote host.
    void arm(BackupId id);
    bool split(BackupId id);
    Volume backup(BackupId id);
    void release(BackupId id);
    void takeover(bool force);
    void remote_write(Block block, std::string data);

    // The operator, and the failures of a test.
    void create();
    void suspend();
    void resync();
    void delete_pair();
    void failback();
    void set_link(bool up);
    void crash(Role role);

    // One step of one thread, while the gate is stepped.
    void step_send(Seq seq);
    void step_apply();
    void step_report();
    void step_copy(Block block);
    void step_pair_mark();
    void step_fail(bool at_primary);
    void step_deliver(const MessageName& name, bool keep);
    void lose(const MessageName& name);

    // What is to be seen, each part at one moment.
    template <class Look>
    auto see_primary(Look&& look) { return primary_.with(look); }
    template <class Look>
    auto see_secondary(Look&& look) { return secondary_.with(look); }
    template <class Look>
    auto see_database(Look&& look) { return database_.with(look); }
    template <class Look>
    auto see_both(Look&& look) { return primary_.with(secondary_, look); }

private:
    using Rest = Gate::Rest;
    using Clock = std::chrono::steady_clock;

    void start(Worker who, Rest (Replicator::*turn)());
    Rest send_turn();
    Rest to_secondary_turn();
    Rest to_primary_turn();
    Rest apply_turn();
    Rest report_turn();
    Rest resync_copy_turn();
    Rest replica_copy_turn();
    Rest watchdog_turn();
    Rest timer_turn();
    View view();

    template <class Step>
    void step(Worker who, Step&& step);
    template <class Step>
    void at_primary(Step&& step);
    template <class Step>
    void at_secondary(Step&& step);

    const bool hold_writes_;
    Gate gate_;
    std::atomic<bool> link_is_up_ = true;
    std::atomic<Clock::rep> link_since_ = 0;             // when the link last changed
    std::atomic<Clock::rep> lease_ends_ = Clock::duration::max().count();
    Link to_secondary_;
    Link to_primary_;
    Guarded<Database> database_;
    Guarded<Primary> primary_;
    Guarded<Secondary> secondary_;
    Seq last_sent_ = 0;                                  // the sender's own: where its round goes on
    std::vector<std::jthread> threads_;
};
