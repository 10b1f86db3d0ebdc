#include "replicator.hpp"

#include "defects.hpp"   // seeded

namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr microseconds soon{200};                  // after a step, where another may follow
constexpr microseconds until_news{5000};           // where only news brings another step
constexpr microseconds between_reports{700};
constexpr milliseconds link_is_missed{8};          // a link that is down so long has failed
constexpr std::chrono::seconds lease{60};          // FREEZE-2

void start_in_pair(Primary& primary, Secondary& secondary) {
    primary.state = secondary.state = PairState::Pair;
    primary.incarnation = secondary.incarnation = 1;
    secondary.consistent = true;
    secondary.replica.dirty.clear();
}

// A role's refusal of an event that its own thread brings changes nothing, and is nobody's fault.
template <class Step>
bool is_done(Step&& step) {
    try {
        step();
        return true;
    } catch (const Refused&) {
        return false;
    }
}

}   // namespace

// --- the link -------------------------------------------------------------------------------------------------------

void Link::send(Message message) {
    std::scoped_lock hold(lock_);
    if (!is_up_) return;
    const bool may_be_lost =
        message.kind == Kind::Frame || message.kind == Kind::Ack || message.kind == Kind::Suspended;
    if (!gate_.is_stepped() && may_be_lost && happens(10)) return;
    for (const auto& flight : flights_)
        if (flight.message == message) return;
    flights_.push_back({std::move(message), Clock::now() + delay()});
    gate_.ring();
}

Link::Clock::duration Link::delay() {
    if (gate_.is_stepped()) return {};
    const auto most = happens(20) ? 6000U : 600U;
    return microseconds(chance_() % most);
}

std::optional<Message> Link::take_due() {
    std::scoped_lock hold(lock_);
    if (!is_up_) return std::nullopt;
    const auto now = Clock::now();
    for (auto flight = flights_.begin(); flight != flights_.end(); ++flight) {
        if (flight->due > now) continue;
        Message message = flight->message;
        if (happens(12)) flight->due = now + delay();      // it comes once more
        else flights_.erase(flight);
        return message;
    }
    return std::nullopt;
}

Message Link::take(const MessageName& name, bool keep) {
    std::scoped_lock hold(lock_);
    for (auto flight = flights_.begin(); flight != flights_.end(); ++flight) {
        Message message = flight->message;
        const bool is_named = message.kind == name.kind && message.incarnation == name.incarnation
            && (!name.seq || *name.seq == message.seq);
        if (!is_named) continue;
        if (!keep) flights_.erase(flight);
        return message;
    }
    throw Refused{"not-there", "the link holds no such message"};
}

void Link::clear() {
    std::scoped_lock hold(lock_);
    flights_.clear();
}

// --- threads --------------------------------------------------------------------------------------------------------

Replicator::Replicator(const Setup& setup)
    : hold_writes_(setup.hold_writes), gate_(setup.stepped), to_secondary_(gate_, link_is_up_, setup.seed),
      to_primary_(gate_, link_is_up_, setup.seed + 1),
      primary_(setup.p_vol, setup.journal, setup.suspend_when_full, to_secondary_),
      secondary_(setup.sp_vol, setup.journal, to_primary_) {
    if (setup.start_in_pair) see_both(start_in_pair);
    start(Worker::Sender, &Replicator::send_turn);
    start(Worker::ToSecondary, &Replicator::to_secondary_turn);
    start(Worker::ToPrimary, &Replicator::to_primary_turn);
    start(Worker::Applier, &Replicator::apply_turn);
    start(Worker::Reporter, &Replicator::report_turn);
    start(Worker::ResyncCopier, &Replicator::resync_copy_turn);
    start(Worker::ReplicaCopier, &Replicator::replica_copy_turn);
    start(Worker::Watchdog, &Replicator::watchdog_turn);
    start(Worker::Timer, &Replicator::timer_turn);
}

Replicator::~Replicator() { gate_.close(); }

void Replicator::start(Worker who, Rest (Replicator::*turn)()) {
    threads_.emplace_back([this, who, turn] { gate_.work(who, [this, turn] { return (this->*turn)(); }); });
}

// A step of a role that others may have waited for.
template <class Step>
void Replicator::at_primary(Step&& step) {
    primary_.with(step);
    gate_.ring();
}

template <class Step>
void Replicator::at_secondary(Step&& step) {
    secondary_.with(step);
    gate_.ring();
}

// Each entry in turn, and again from the first: what was lost is sent once more (XFER-1).
Gate::Rest Replicator::send_turn() {
    return primary_.with([this](Primary& primary) -> Rest {
        if (!primary.is_linked() || primary.journal.empty()) return until_news;
        const bool round_ends = last_sent_ < primary.journal.front().seq || last_sent_ >= primary.newest;
        last_sent_ = round_ends ? primary.journal.front().seq : last_sent_ + 1;
        is_done([&] { primary.send(last_sent_); });
        return soon;
    });
}

// A message leaves the link and is taken in one step, so that a failback has none on its way.
Gate::Rest Replicator::to_secondary_turn() {
    const bool came = secondary_.with([this](Secondary& secondary) {
        const auto message = to_secondary_.take_due();
        if (message) is_done([&] { secondary.take(*message); });
        return message.has_value();
    });
    if (came) gate_.ring();
    return soon;
}

Gate::Rest Replicator::to_primary_turn() {
    const bool came = primary_.with([this](Primary& primary) {
        const auto message = to_primary_.take_due();
        if (message) is_done([&] { primary.take(*message); });
        return message.has_value();
    });
    if (came) gate_.ring();
    return soon;
}

Gate::Rest Replicator::apply_turn() {
    return is_done([this] { at_secondary([](Secondary& s) { s.apply(); }); }) ? soon : until_news;
}

Gate::Rest Replicator::report_turn() {
    return is_done([this] { secondary_.with([](Secondary& s) { s.report(); }); }) ? between_reports : until_news;
}

Gate::Rest Replicator::resync_copy_turn() {
    const auto step = [this] {
        at_primary([](Primary& p) {
            if (p.dirty.empty()) p.pair_mark();
            else p.copy_block(*p.dirty.begin());
        });
    };
    return is_done(step) ? soon : until_news;
}

Gate::Rest Replicator::replica_copy_turn() {
    const auto step = [this] {
        secondary_.with([](Secondary& s) {
            if (s.replica.dirty.empty()) throw Refused{"not-now", "nothing lags"};
            s.replica.copy_block(*s.replica.dirty.begin());
        });
    };
    return is_done(step) ? soon : until_news;
}

// PAIR-3: the primary takes a link for failed that has been down for a while.
Gate::Rest Replicator::watchdog_turn() {
    const Clock::duration since(Clock::now().time_since_epoch().count() - link_since_);
    if (!link_is_up_ && since > link_is_missed) is_done([this] { at_primary([](Primary& p) { p.fail(); }); });
    return milliseconds(1);
}

Gate::Rest Replicator::timer_turn() {
    if (Clock::now().time_since_epoch().count() > lease_ends_) is_done([this] { lease_runs_out(); });
    return milliseconds(20);
}

// --- the local host -------------------------------------------------------------------------------------------------

void Replicator::write(Block block, std::string data, Part part) {
    database_.with([&](Database& database) {
        if (part != Part::Last) database.begin();
        try {
            database.write();
            at_primary([&](Primary& p) { p.host_write(block, std::move(data)); });
        } catch (const Refused&) {
            if (part != Part::Last) database.commit();     // it has written nothing, and is given up
            throw;
        }
        if (part != Part::First) database.commit();
    });
}

bool Replicator::freeze(BackupId id) {
    lease_ends_ = (Clock::now() + lease).time_since_epoch().count();
    if (!hold_writes_) return database_.with([id](Database& d) { return d.freeze(id); });
    primary_.with([id](Primary& p) { p.quiesce(id); });
    return true;
}

bool Replicator::thaw(BackupId id) {
    if (!hold_writes_) return database_.with([id](Database& d) { return d.thaw(id); });
    return primary_.with([id](Primary& p) { return p.unquiesce(id); });
}

void Replicator::lease_runs_out() {
    lease_ends_ = Clock::duration::max().count();
    if (hold_writes_) primary_.with([](Primary& p) { p.lease_expired(); });
    else database_.with([](Database& d) { d.lease_expired(); });
}

View Replicator::view() {
    return primary_.with([](Primary& p) { return View{p.state, p.incarnation, p.newest, p.written}; });
}

Marker Replicator::mark() { return begin_sync(view()); }

Outcome Replicator::sync(std::optional<Marker> held, Millis timeout) {
    const auto end = Clock::now() + timeout;
    if (!held) held = mark();
    while (true) {
        if (const auto outcome = look(*held, view())) return *outcome;
        if (seeded("timeout-is-done") && Clock::now() >= end) return Outcome::Done;
        if (Clock::now() >= end) return Outcome::Timeout;              // SYNC-4
        std::this_thread::sleep_for(microseconds(500));
    }
}

// --- the remote host ------------------------------------------------------------------------------------------------

void Replicator::arm(BackupId id) { secondary_.with([id](Secondary& s) { s.arm(id); }); }

bool Replicator::split(BackupId id) {
    const bool done = is_done([&] { secondary_.with([id](Secondary& s) { s.split(id); }); });
    if (seeded("refusal-is-done")) return true;
    return done;
}

Volume Replicator::backup(BackupId id) {
    return secondary_.with([id](Secondary& s) {
        if (s.replica.purpose != ReplicaPair::Purpose::Backup || s.replica.backup != id)
            throw Refused{"not-split", "the replica pair is not split for this backup"};
        return s.replica.s_vol;
    });
}

void Replicator::release(BackupId id) { at_secondary([id](Secondary& s) { s.release(id); }); }

void Replicator::takeover(bool force) { at_secondary([force](Secondary& s) { s.takeover(force); }); }

void Replicator::remote_write(Block block, std::string data) {
    at_secondary([&](Secondary& s) { s.remote_write(block, std::move(data)); });
}

// --- the operator ---------------------------------------------------------------------------------------------------

void Replicator::create() { at_primary([](Primary& p) { p.create(); }); }
void Replicator::suspend() { at_primary([](Primary& p) { p.suspend(); }); }
void Replicator::resync() { at_primary([](Primary& p) { p.resync(); }); }
void Replicator::delete_pair() { at_primary([](Primary& p) { p.delete_pair(); }); }

void Replicator::failback() {
    database_.with([this](Database& database) {
        if (!link_is_up_) throw Refused{"rejected", "both sides have to be reached"};
        if (database.open > 0 || database.freeze_state != Database::Freeze::Running)
            throw Refused{"rejected", "the hosts have to be at rest"};
        see_both([this](Primary& primary, Secondary& secondary) {
            if (primary.quiesced) throw Refused{"rejected", "host writes are held"};
            ::failback(primary, secondary);
            to_secondary_.clear();
            to_primary_.clear();
        });
    });
    gate_.ring();
}

void Replicator::set_link(bool up) {
    link_since_ = Clock::now().time_since_epoch().count();
    link_is_up_ = up;
    gate_.ring();
}

void Replicator::crash(Role role) {
    switch (role) {
        case Role::Primary: return at_primary([](Primary& p) { p.restart(); });
        case Role::Secondary: return at_secondary([](Secondary& s) { s.restart(); });
        case Role::Database: return database_.with([](Database& d) { d.restart(); });
    }
}

// --- steps ----------------------------------------------------------------------------------------------------------

// The worker's refusal is thrown in the thread that has asked for the step.
template <class Step>
void Replicator::step(Worker who, Step&& step) {
    std::optional<Refused> refused;
    gate_.step(who, [&] {
        try {
            step();
        } catch (const Refused& why) {
            refused = why;
        }
    });
    if (refused) throw Refused(*refused);
}

void Replicator::step_send(Seq seq) {
    step(Worker::Sender, [=, this] { at_primary([seq](Primary& p) { p.send(seq); }); });
}

void Replicator::step_apply() {
    step(Worker::Applier, [this] { at_secondary([](Secondary& s) { s.apply(); }); });
}

void Replicator::step_report() {
    step(Worker::Reporter, [this] { at_secondary([](Secondary& s) { s.report(); }); });
}

void Replicator::step_copy(Block block) {
    step(Worker::ResyncCopier, [=, this] { at_primary([block](Primary& p) { p.copy_block(block); }); });
}

void Replicator::step_pair_mark() {
    step(Worker::ResyncCopier, [this] { at_primary([](Primary& p) { p.pair_mark(); }); });
}

void Replicator::step_fail(bool at_the_primary) {
    step(Worker::Watchdog, [=, this] {
        if (at_the_primary) at_primary([](Primary& p) { p.fail(); });
        else at_secondary([](Secondary& s) { s.fail(); });
    });
}

void Replicator::step_deliver(const MessageName& name, bool keep) {
    const bool is_reply = name.kind == Kind::Ack || name.kind == Kind::Ready || name.kind == Kind::Suspended;
    if (is_reply) {
        step(Worker::ToPrimary, [&, this] {
            at_primary([&, this](Primary& p) {
                const auto message = to_primary_.take(name, keep);
                is_done([&] { p.take(message); });         // what is refused has been dropped
            });
        });
    } else {
        step(Worker::ToSecondary, [&, this] {
            at_secondary([&, this](Secondary& s) {
                const auto message = to_secondary_.take(name, keep);
                is_done([&] { s.take(message); });
            });
        });
    }
}

void Replicator::lose(const MessageName& name) {
    const bool is_reply = name.kind == Kind::Ack || name.kind == Kind::Ready || name.kind == Kind::Suspended;
    (is_reply ? to_primary_ : to_secondary_).take(name, false);
}
