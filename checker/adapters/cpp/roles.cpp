#include "roles.hpp"

#include "defects.hpp"   // seeded

#include <algorithm>

namespace {

void require(bool holds, const char* code, const char* text) {
    if (!holds) throw Refused{code, text};
}

void merge(Map& into, const Map& from) { into.insert(from.begin(), from.end()); }

Map all_blocks(std::size_t count) {
    Map all;
    for (std::size_t block = 0; block < count; ++block) all.insert(static_cast<Block>(block));
    return all;
}

}   // namespace

const char* name_of(PairState state) {
    static constexpr const char* names[] = {"SMPL", "COPY", "PAIR", "PSUS", "PSUE", "SSUS", "SSWS"};
    return names[static_cast<std::size_t>(state)];
}

// --- the primary ----------------------------------------------------------------------------------------------------

Primary::Primary(Volume volume, std::size_t journal_size, bool suspend_when_full, Outbox& out)
    : p_vol(std::move(volume)), capacity_(journal_size), suspend_when_full_(suspend_when_full), out_(&out) {}

void Primary::host_write(Block block, std::string data) {
    require(block < p_vol.size(), "no-such-block", "the group has no such block");
    if (!seeded("hold-takes-writes"))
    require(!quiesced, "held", "host writes are held for a backup");
    const bool journals = state == PairState::Pair || (state == PairState::Copy && !dirty.contains(block));
    const bool looks_dirty = state == PairState::Copy && seen_.contains(block);   // seeded
    if (seeded("map-seen-late") && looks_dirty) { p_vol[block] = data; seen_ = dirty; return; }
    if (seeded("resync-write-lost") && state == PairState::Copy) { p_vol[block] = std::move(data); return; }
    if (seeded("empty-write-unsent") && data.empty()) { p_vol[block] = std::move(data); return; }
    if (seeded("busy-but-written") && journals && is_full() && !suspend_when_full_) p_vol[block] = data;
    if (journals) {
        // RESYNC-2: the last place is kept for the copier and the mark.
        const bool is_kept = state == PairState::Copy && !mark && journal.size() + 1 >= capacity_;
        if (!seeded("place-not-kept"))
        require(!is_kept, "busy", "the last place of the journal is kept for the copier");
        if (newest == last_seq || (is_full() && suspend_when_full_)) {   // NUMBER-1, WRITE-4
            if (seeded("overflow-write-unmarked")) { leave(PairState::Psue); p_vol[block] = std::move(data); return; }
            leave(PairState::Psue);
            dirty.insert(block);
        } else {
            if (seeded("overflow-write-dropped") && is_full()) { p_vol[block] = std::move(data); return; }
            if (seeded("overflow-oldest-dropped") && is_full()) journal.pop_front();
            require(!is_full(), "busy", "the journal is full");          // WRITE-4
            number(ItemKind::Write, block, data);                        // WRITE-1, WRITE-2
        }
    } else if (state == PairState::Psus || state == PairState::Psue) {
        if (!(seeded("psue-write-unmarked") && state == PairState::Psue))
        if (!(seeded("psus-write-unmarked") && state == PairState::Psus))
        dirty.insert(block);                                             // WRITE-3
    }
    p_vol[block] = std::move(data);
}

void Primary::send(Seq seq) {
    require(is_linked(), "not-now", "the primary is not linked");
    const auto entry = std::ranges::find(journal, seq, &Entry::seq);
    require(entry != journal.end(), "not-now", "the journal has no entry of this number");
    if (seeded("sent-once")) require(sent_.insert({incarnation, seq}).second, "not-now", "sent before");
    if (seeded("long-write-cut") && entry->payload.size() > 60) entry->payload.resize(60);
    out_->send({.kind = Kind::Frame, .incarnation = incarnation, .seq = seq, .entry = *entry});
    if (seeded("forgotten-when-sent")) journal.erase(entry);
}

void Primary::copy_block(Block block) {
    require(state == PairState::Copy, "not-now", "the primary is not in COPY");
    require(dirty.contains(block), "not-now", "the block is clean");
    require(!is_full(), "not-now", "the journal is full");
    if (seeded("copy-read-early")) { number(ItemKind::Copy, block, early_[block]); dirty.erase(block); return; }
    if (seeded("copy-cleans-late")) { number(ItemKind::Copy, block, p_vol[block]); return; }
    if (number(ItemKind::Copy, block, p_vol[block])) dirty.erase(block);
}

void Primary::pair_mark() {
    require(state == PairState::Copy, "not-now", "the primary is not in COPY");
    require(dirty.empty(), "not-now", "blocks are still to be copied");
    require(!mark, "not-now", "the mark is in the journal");
    require(!is_full(), "not-now", "the journal is full");
    if (number(ItemKind::PairMark, 0, {})) mark = newest;
    if (seeded("pair-when-marked")) { mark.reset(); state = PairState::Pair; }
}

void Primary::create() {
    if (seeded("create-linked-rejected")) require(!is_linked(), "rejected", "there is a pair");
    if (is_linked()) return;
    if (!seeded("create-resyncs"))
    require(state == PairState::Smpl, "rejected", "the pair is suspended: resynchronise it");
    ask();
    if (seeded("create-copies-nothing")) return;
    dirty = all_blocks(p_vol.size());
    if (seeded("create-misses-last")) dirty.erase(static_cast<Block>(p_vol.size() - 1));
}

void Primary::suspend() {
    if (seeded("suspend-in-smpl") && state == PairState::Smpl) { state = PairState::Psus; return; }
    if (seeded("suspend-in-psue-rejected")) require(state != PairState::Psue, "rejected", "the pair has failed");
    require(state != PairState::Smpl, "rejected", "there is no pair");
    if (is_linked()) {
        if (seeded("suspend-forgets-journal")) journal.clear();
        leave(PairState::Psus);
    } else if (pending) {
        if (seeded("suspend-leaves-request")) return;
        incarnation = *pending;              // the request is taken back, and its number used up
        pending.reset();
    } else {
        return;
    }
    out_->send({.kind = Kind::Suspend, .incarnation = incarnation});
}

void Primary::fail() {
    require(is_linked(), "not-now", "the primary is not linked");
    if (seeded("fail-forgets-journal")) journal.clear();
    if (seeded("fail-forgets-newest") && !journal.empty()) journal.pop_back();
    leave(PairState::Psue);
}

void Primary::resync() {
    if (is_linked()) return;
    if (seeded("resync-in-smpl") && state == PairState::Smpl) { state = PairState::Psus; ask(); return; }
    require(state != PairState::Smpl, "rejected", "there is no pair");
    ask();
}

void Primary::delete_pair() {
    if (seeded("delete-needs-pair")) require(is_linked() || state == PairState::Smpl, "rejected", "suspended");
    const auto newest_asked = pending.value_or(incarnation);
    const bool has_begun = state != PairState::Smpl || pending;
    leave(PairState::Smpl);
    dirty.clear();
    if (!has_begun) return;
    if (!seeded("delete-unused-number"))
    incarnation = newest_asked;
    if (!seeded("delete-not-sent"))
    out_->send({.kind = Kind::Delete, .incarnation = incarnation});
}

void Primary::take(const Message& message) {
    switch (message.kind) {
        case Kind::Ack: return on_ack(message);
        case Kind::Ready: return on_ready(message);
        case Kind::Suspended: return on_suspended(message);
        default: throw Refused{"not-mine", "the message is for the secondary"};
    }
}

void Primary::on_ack(const Message& message) {
    require(is_linked(), "not-now", "the primary is not linked");
    require(message.incarnation == incarnation, "stale", "of another incarnation");       // XFER-4
    require(message.seq <= newest, "stale", "a number that was never given");
    if (seeded("ack-goes-back") && message.seq < written) { written = message.seq; return; }
    written = std::max(written, message.seq);
    for (const auto& e : journal) if (seeded("copy-cleans-late") && e.seq <= written) dirty.erase(e.block);
    if (seeded("ack-drops-one-more") && journal.size() > 1) journal.pop_front();
    while (!journal.empty() && journal.front().seq <= message.seq) journal.pop_front();
    if (seeded("pair-before-mark") && mark && written + 1 >= *mark) { mark.reset(); state = PairState::Pair; }
    if (mark && written >= *mark) {
        mark.reset();
        state = PairState::Pair;
    }
}

void Primary::on_ready(const Message& message) {
    if (!seeded("ready-unasked") || message.incarnation < incarnation)
    require(pending == message.incarnation, "stale", "nobody waits for this answer");
    if (seeded("ready-map-replaces")) dirty.clear();
    if (!seeded("ready-map-ignored"))
    merge(dirty, message.dirty);
    pending.reset();
    incarnation = message.incarnation;
    if (seeded("copy-read-early")) early_ = p_vol;
    newest = message.seq;
    written = message.seq;
    if (seeded("numbers-begin-anew")) newest = written = 0;
    if (seeded("map-seen-late")) seen_ = dirty;
    state = PairState::Copy;
}

void Primary::on_suspended(const Message& message) {
    if (seeded("suspended-unheard") && is_linked()) return;
    if (seeded("suspended-unheard-pending") && pending) return;
    if (seeded("stale-suspended") && is_linked()) return leave(PairState::Psue);
    if (is_linked() && message.incarnation == incarnation) return leave(PairState::Psue);
    require(pending == message.incarnation, "stale", "of another incarnation");
    incarnation = *pending;
    pending.reset();
}

void Primary::quiesce(BackupId id) { quiesced = id; }

bool Primary::unquiesce(BackupId id) {
    if (seeded("unhold-any")) { quiesced.reset(); return true; }
    const bool held = quiesced == id;
    if (held) quiesced.reset();
    return held;
}

void Primary::lease_expired() {
    if (seeded("hold-lease-unbounded")) return;
    require(quiesced.has_value(), "not-now", "no host writes are held");
    quiesced.reset();
}

void Primary::restart() {
    if (seeded("crash-loses-map") && !is_linked()) dirty.clear();
    if (seeded("crash-loses-journal")) journal.clear();
    if (seeded("crash-loses-request")) pending.reset();
    quiesced.reset();
}

// 4.1, suspend: what the secondary may lack is marked before the journal is emptied.
void Primary::leave(PairState to) {
    if (seeded("interrupted-copy-done") && state == PairState::Copy) dirty.clear();
    for (const auto& entry : journal)
        if (entry.has_block()) dirty.insert(entry.block);
    journal.clear();
    mark.reset();
    pending.reset();
    state = to;
}

void Primary::ask() {
    require(newest != last_seq, "NUMBER-1", "the last number was given");
    require(pending || incarnation != last_incarnation, "NUMBER-2", "the last incarnation was used");
    if (seeded("resync-same-incarnation") && !pending) pending = std::max(incarnation, 1U);
    if (seeded("resync-skips-number") && pending) ++*pending;
    if (!pending) pending = incarnation + 1;
    out_->send({.kind = Kind::Resync, .incarnation = *pending});
}

// Whether the item has a number now: behind the last number the pair is suspended instead (NUMBER-1).
bool Primary::number(ItemKind kind, Block block, std::string payload) {
    if (newest == last_seq) {
        leave(PairState::Psue);
        return false;
    }
    ++newest;
    journal.push_back({.seq = newest, .kind = kind, .block = block, .payload = std::move(payload)});
    return true;
}

// --- the replica pair -----------------------------------------------------------------------------------------------

ReplicaPair::ReplicaPair(Volume volume) : dirty(all_blocks(volume.size())), sp_vol(volume), s_vol(std::move(volume)) {}

void ReplicaPair::put(Block block, std::string data) {
    if (!seeded("apply-unmarked"))
    dirty.insert(block);
    sp_vol[block] = std::move(data);
    if (seeded("split-follows") && is_split()) s_vol[block] = sp_vol[block];
}

void ReplicaPair::copy_block(Block block) {
    require(!is_split(), "not-now", "the replica pair is split");
    require(dirty.erase(block) == 1, "not-now", "the block is clean");
    s_vol[block] = sp_vol[block];
}

void ReplicaPair::split(Purpose why, BackupId id) {
    require(!is_split(), "split", "the replica pair is split already");
    if (seeded("split-lags")) { purpose = why; backup = id; return; }
    if (seeded("split-lags-gold") && why == Purpose::Gold) dirty.clear();
    if (seeded("split-misses-last") && dirty.size() > 1) dirty.erase(*dirty.rbegin());
    for (const Block block : dirty) s_vol[block] = sp_vol[block];
    dirty.clear();
    purpose = why;
    backup = id;
}

void ReplicaPair::restore() {
    require(is_split(), "not-split", "the replica pair is not split");
    if (seeded("restore-half") && dirty.size() > 1) dirty.erase(dirty.begin());
    for (const Block block : dirty) sp_vol[block] = s_vol[block];
    dirty.clear();
    if (purpose == Purpose::Gold) purpose = Purpose::Pair;
}

// --- the secondary --------------------------------------------------------------------------------------------------

Secondary::Secondary(Volume volume, std::size_t queue_size, Outbox& out)
    : replica(std::move(volume)), capacity_(queue_size), out_(&out) {}

void Secondary::take(const Message& message) {
    switch (message.kind) {
        case Kind::Frame: return on_frame(message);
        case Kind::Resync: return on_resync(message);
        case Kind::Suspend: return on_suspend(message);
        case Kind::Delete: return on_delete(message);
        default: throw Refused{"not-mine", "the message is for the primary"};
    }
}

void Secondary::on_frame(const Message& message) {
    const auto& entry = message.entry;
    require(is_linked(), "not-now", "the secondary is not linked");
    if (!seeded("stale-frame"))
    require(message.incarnation == incarnation, "stale", "of another incarnation");       // XFER-4
    require(!entry.has_block() || entry.block < replica.sp_vol.size(), "no-such-block", "no such block");
    if (seeded("duplicate-applied") && entry.seq <= written) return replica.put(entry.block, entry.payload);
    require(entry.seq > written && !queue.contains(entry.seq), "stale", "a number that came before");
    if (seeded("queue-one-short")) require(queue.size() + 1 < capacity_ || capacity_ == 1, "busy", "the queue is full");
    require(queue.size() < capacity_ || entry.seq == written + 1, "busy", "the reorder queue is full");
    queue.emplace(entry.seq, entry);
    if (seeded("applied-on-arrival")) { written = entry.seq - 1; apply(); }
}

void Secondary::apply() {
    require(is_linked(), "not-now", "the secondary is not linked");
    if (seeded("applied-out-of-order") && !queue.empty()) written = queue.begin()->first - 1;
    const auto next = queue.find(written + 1);
    require(next != queue.end(), "not-now", "the next number has not come");
    const Entry entry = std::move(next->second);
    queue.erase(next);
    written = entry.seq;
    if (entry.has_block()) {
        replica.put(entry.block, entry.payload);
        return;
    }
    state = PairState::Pair;                                     // RESYNC-3
    consistent = true;
    if (!seeded("mark-keeps-map"))
    dirty.clear();
    if (seeded("mark-ends-backup")) replica.purpose = ReplicaPair::Purpose::Pair;
    if (!seeded("gold-stays"))
    if (replica.purpose == ReplicaPair::Purpose::Gold) replica.purpose = ReplicaPair::Purpose::Pair;
}

void Secondary::report() {
    if (seeded("copy-unreported") && state == PairState::Copy) return;
    Seq reported = written;
    if (seeded("received-is-written")) reported = received();
    if (seeded("highest-is-written") && !queue.empty()) reported = queue.rbegin()->first;
    if (seeded("failure-unreported") && state == PairState::Psue) return;
    if (seeded("takeover-unreported") && state == PairState::Ssws) return;
    if (is_linked()) {
        out_->send({.kind = Kind::Ack, .incarnation = incarnation, .seq = reported});
    } else {
        require(state == PairState::Psue || state == PairState::Ssws, "not-now", "nothing to report");
        out_->send({.kind = Kind::Suspended, .incarnation = incarnation});
    }
}

void Secondary::on_resync(const Message& message) {
    if (!seeded("takeover-resynced"))
    require(state != PairState::Ssws, "taken-over", "the remote host has the volume");
    require(message.incarnation >= incarnation, "stale", "older than the one in force");
    if (message.incarnation > incarnation) {
        // RESYNC-4: the last consistent image stays until the copying has ended.
        if (!seeded("no-gold"))
        if (consistent && !replica.is_split()) replica.split(ReplicaPair::Purpose::Gold, 0);
        incarnation = message.incarnation;
        if (!seeded("resync-keeps-queue"))
        queue.clear();
        state = PairState::Copy;
        if (seeded("pair-at-once")) state = PairState::Pair;
        if (!seeded("pair-at-once") && !seeded("copy-is-consistent"))
        consistent = false;
    } else {
        if (seeded("ended-begins-again") && !is_linked()) { state = PairState::Copy; consistent = false; }
        if (seeded("repeat-begins-again")) { state = PairState::Copy; consistent = false; }
        require(is_linked(), "ended", "that pairing has begun and ended");
    }
    out_->send({.kind = Kind::Ready, .incarnation = incarnation, .seq = written, .dirty = dirty});
}

void Secondary::on_suspend(const Message& message) {
    require(is_linked(), "not-now", "the secondary is not linked");
    if (!seeded("stale-suspend"))
    require(message.incarnation == incarnation, "stale", "of another incarnation");       // XFER-4
    for (const auto& [n, e] : queue)   // seeded
        if (seeded("suspend-applies-rest") && e.has_block()) replica.put(e.block, e.payload);
    leave(PairState::Ssus);
}

void Secondary::on_delete(const Message& message) {
    if (!seeded("takeover-deleted"))
    require(state != PairState::Ssws, "taken-over", "the remote host has the volume");
    require(message.incarnation >= incarnation, "stale", "older than the one in force");
    leave(PairState::Smpl);
    dirty.clear();
    incarnation = message.incarnation;
}

void Secondary::fail() {
    require(is_linked(), "not-now", "the secondary is not linked");
    leave(PairState::Psue);
}

void Secondary::restart() {
    if (seeded("crash-counts-queue")) written = received();
    if (seeded("crash-loses-replica-map")) replica.dirty.clear();
    queue.clear();
    if (seeded("crash-keeps-armed")) return;
    armed.reset();
}

void Secondary::arm(BackupId id) {
    if (seeded("first-armed-stays") && armed) return;
    armed = id;
}

void Secondary::split(BackupId id) {
    if (!seeded("split-unarmed"))
    require(armed == id, "not-armed", "the backup is not armed");                          // SPLIT-2
    if (!seeded("takeover-split"))
    require(state != PairState::Ssws, "taken-over", "the remote host has the volume");     // TAKEOVER-1
    if (seeded("split-is-split") && replica.purpose == ReplicaPair::Purpose::Backup) return;
    if (seeded("gold-is-backup") && replica.is_split()) replica.backup = id;
    if (seeded("gold-is-backup") && replica.is_split()) { replica.purpose = ReplicaPair::Purpose::Backup; return; }
    if (replica.purpose == ReplicaPair::Purpose::Backup && replica.backup == id) return;
    if (!seeded("split-in-copy"))
    require(consistent, "not-consistent", "the S/P-VOL is no consistent image");           // RESYNC-4
    replica.split(ReplicaPair::Purpose::Backup, id);
}

void Secondary::release(BackupId id) {
    if (!seeded("release-keeps-armed"))
    if (armed == id) armed.reset();
    if (seeded("release-ends-any") && replica.backup > id) replica.backup = id;
    if (seeded("release-own-only") && replica.backup != id) return;
    if (replica.purpose != ReplicaPair::Purpose::Backup || replica.backup > id) return;    // SPLIT-2
    if (seeded("release-ends-gold")) { replica.purpose = ReplicaPair::Purpose::Pair; return; }
    replica.purpose = consistent ? ReplicaPair::Purpose::Pair : ReplicaPair::Purpose::Gold;
}

void Secondary::takeover(bool force) {
    if (seeded("takeover-again") && state == PairState::Ssws) { dirty.clear(); return; }
    require(state != PairState::Smpl && state != PairState::Ssws, "rejected", "no pair, or taken over already");
    if (!seeded("takeover-unapplied"))
    require(!queue.contains(written + 1), "not-now", "an entry is still to be applied");
    if (!seeded("takeover-unforced"))
    require(consistent || replica.is_split() || force, "no-image", "there is no consistent image");
    leave(PairState::Ssws);
    if (seeded("takeover-keeps-copy")) return;
    if (consistent || !replica.is_split()) return;
    if (!seeded("restore-unmarked"))
    merge(dirty, replica.dirty);
    replica.restore();
    consistent = true;
}

void Secondary::remote_write(Block block, std::string data) {
    if (!seeded("remote-write-early"))
    require(state == PairState::Ssws, "rejected", "the volume is not taken over");         // TAKEOVER-1
    require(block < replica.sp_vol.size(), "no-such-block", "the group has no such block");
    if (!seeded("remote-write-unmarked"))
    dirty.insert(block);                                                                   // TAKEOVER-2
    replica.put(block, std::move(data));
}

// 4.2, suspend: what had arrived and was not applied is marked before the queue is emptied.
void Secondary::leave(PairState to) {
    if (seeded("interrupted-copy-consistent")) consistent = true;
    for (const auto& [seq, entry] : queue)
        if (entry.has_block()) dirty.insert(entry.block);
    queue.clear();
    state = to;
}

// --- the database ---------------------------------------------------------------------------------------------------

void Database::begin() {
    if (!(seeded("freezing-begins") && freeze_state == Freeze::Freezing))
    if (!seeded("frozen-writes"))
    require(freeze_state == Freeze::Running, "frozen", "no transaction begins during a freeze");
    ++open;
}

void Database::write() const {
    if (!seeded("frozen-writes"))
    require(freeze_state != Freeze::Frozen, "frozen", "the database is frozen");
    require(open > 0, "no-transaction", "no transaction is open");
}

void Database::commit() {
    require(open > 0, "no-transaction", "no transaction is open");
    --open;
    if (!seeded("commit-unfrozen"))
    if (open == 0 && freeze_state == Freeze::Freezing) freeze_state = Freeze::Frozen;
}

bool Database::freeze(BackupId id) {
    if (seeded("first-freeze-stays") && freeze_state != Freeze::Running) return freeze_state == Freeze::Frozen;
    backup = id;
    if (seeded("frozen-with-open")) { freeze_state = Freeze::Frozen; return true; }
    freeze_state = open > 0 ? Freeze::Freezing : Freeze::Frozen;
    return freeze_state == Freeze::Frozen;
}

bool Database::thaw(BackupId id) {
    if (seeded("thaw-any")) id = backup;
    if (seeded("held-by-id") && backup == id) { freeze_state = Freeze::Running; return true; }
    if (seeded("thaw-keeps-freezing") && freeze_state == Freeze::Freezing) return false;
    if (backup != id) return false;
    const bool held = freeze_state == Freeze::Frozen;
    freeze_state = Freeze::Running;
    return held;
}

void Database::lease_expired() {
    if (seeded("lease-unbounded")) return;
    if (seeded("lease-keeps-freezing") && freeze_state == Freeze::Freezing) return;
    require(freeze_state != Freeze::Running, "not-now", "no freeze is in force");
    freeze_state = Freeze::Running;
}

void Database::restart() {
    if (seeded("crash-keeps-freeze")) return;
    if (seeded("crash-loses-transaction")) open = 0;
    freeze_state = Freeze::Running;
}

// --- Sync -----------------------------------------------------------------------------------------------------------

Marker begin_sync(const View& view) {
    if (!(seeded("sync-in-copy") && view.state == PairState::Copy))
    if (!seeded("sync-anywhere"))
    require(view.state == PairState::Pair, "not-pair", "a Sync begins in PAIR only");       // SYNC-1
    if (seeded("marks-written")) return {view.incarnation, view.written};
    if (seeded("marks-one-less") && view.newest > 0) return {view.incarnation, view.newest - 1};
    return {view.incarnation, view.newest};                                                // SYNC-2
}

std::optional<Outcome> look(const Marker& held, const View& view) {
    if (seeded("broken-is-done") && view.state == PairState::Psue && view.written >= held.seq) return Outcome::Done;
    if (seeded("changed-is-broken") && view.incarnation != held.incarnation) return Outcome::Broken;
    if (!seeded("sync-outlives-break"))
    if (view.state != PairState::Pair) return Outcome::Broken;                             // SYNC-5
    if (!seeded("sync-outlives-change"))
    if (view.incarnation != held.incarnation) return Outcome::Changed;
    if (seeded("sync-at-once")) return Outcome::Done;
    if (seeded("sync-one-early") && view.written + 1 >= held.seq) return Outcome::Done;
    if (view.written >= held.seq) return Outcome::Done;                                    // SYNC-3
    return std::nullopt;
}

// --- the failback ---------------------------------------------------------------------------------------------------

void failback(Primary& primary, Secondary& secondary) {
    if (!seeded("failback-unasked"))
    require(secondary.state == PairState::Ssws, "rejected", "the volume is not taken over");
    const Incarnation old_incarnation = primary.incarnation;
    const Incarnation newest_asked = primary.pending.value_or(primary.incarnation);
    const Seq old_written = primary.written;
    Map changed_here = primary.dirty;
    if (primary.state == PairState::Smpl) changed_here = all_blocks(primary.p_vol.size());
    if (seeded("failback-forgets-journal")) primary.journal.clear();
    for (const auto& entry : primary.journal)
        if (entry.has_block()) changed_here.insert(entry.block);
    if (seeded("failback-forgets-changes")) changed_here.clear();

    primary.state = PairState::Psus;
    primary.incarnation = std::max(newest_asked, secondary.incarnation);
    if (seeded("failback-old-number")) primary.incarnation = secondary.incarnation;
    primary.newest = secondary.written;
    primary.written = secondary.written;
    primary.journal.clear();
    if (seeded("failback-forgets-remote")) secondary.dirty.clear();
    primary.dirty = std::move(secondary.dirty);
    primary.mark.reset();
    primary.pending.reset();
    primary.quiesced.reset();
    std::swap(primary.p_vol, secondary.replica.sp_vol);

    secondary.state = PairState::Psue;
    secondary.incarnation = old_incarnation;
    secondary.written = old_written;
    secondary.queue.clear();
    secondary.dirty = std::move(changed_here);
    secondary.consistent = true;
    secondary.armed.reset();
    secondary.replica.s_vol = secondary.replica.sp_vol;
    secondary.replica.dirty.clear();
    secondary.replica.purpose = ReplicaPair::Purpose::Pair;
}
