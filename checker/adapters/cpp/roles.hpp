// The roles of SPEC.md: each takes one event at a time, and acts or refuses. No role knows of threads, of time or of
// chance. A refusal is an exception, thrown before anything has changed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

using Seq = std::uint64_t;
using Incarnation = std::uint32_t;
using BackupId = std::uint32_t;
using Block = std::uint32_t;
using Map = std::set<Block>;
using Volume = std::vector<std::string>;

inline constexpr Seq last_seq = UINT64_MAX;
inline constexpr Incarnation last_incarnation = UINT32_MAX;

// The event was refused, and nothing has changed.
struct Refused {
    std::string code;
    std::string text;
};

enum class PairState { Smpl, Copy, Pair, Psus, Psue, Ssus, Ssws };
const char* name_of(PairState state);

// 3.1: what the array link carries.
enum class ItemKind { Write, Copy, PairMark };

struct Entry {
    Seq seq = 0;
    ItemKind kind = ItemKind::PairMark;
    Block block = 0;
    std::string payload;
    bool has_block() const { return kind != ItemKind::PairMark; }
    bool operator==(const Entry&) const = default;
};

enum class Kind { Frame, Resync, Suspend, Delete, Ack, Ready, Suspended };

struct Message {
    Kind kind = Kind::Frame;
    Incarnation incarnation = 0;
    Seq seq = 0;                     // a frame's number; what an ack or a ready says is written
    Entry entry{};                   // of a frame
    Map dirty{};                     // of a ready
    bool operator==(const Message&) const = default;
};

// The end of the link at which a role sends.
class Outbox {
public:
    virtual ~Outbox() = default;
    virtual void send(Message message) = 0;
};

// 4.1
class Primary {
public:
    Primary(Volume volume, std::size_t journal, bool suspend_when_full, Outbox& out);

    PairState state = PairState::Smpl;
    Incarnation incarnation = 0;
    Seq newest = 0;
    Seq written = 0;
    std::deque<Entry> journal;
    Map dirty;
    std::optional<Seq> mark;
    std::optional<Incarnation> pending;
    std::optional<BackupId> quiesced;
    Volume p_vol;

    bool is_linked() const { return state == PairState::Copy || state == PairState::Pair; }

    void host_write(Block block, std::string data);              // 5.1
    void send(Seq seq);                                          // XFER-1
    void copy_block(Block block);                                // RESYNC-2
    void pair_mark();                                            // RESYNC-3
    void create();                                               // PAIR-1
    void suspend();                                              // PAIR-2
    void fail();                                                 // PAIR-3
    void resync();                                               // RESYNC-1
    void delete_pair();                                          // PAIR-4
    void take(const Message& message);                           // Ack, Ready, Suspended
    void quiesce(BackupId id);                                   // QUIESCE-1
    bool unquiesce(BackupId id);                                 // FREEZE-3
    void lease_expired();                                        // FREEZE-2
    void restart();

private:
    void leave(PairState to);
    void ask();
    bool number(ItemKind kind, Block block, std::string payload);
    bool is_full() const { return journal.size() >= capacity_; }
    void on_ack(const Message& message);
    void on_ready(const Message& message);
    void on_suspended(const Message& message);

    std::size_t capacity_;
    bool suspend_when_full_;
    Outbox* out_;
    Volume early_;                                               // seeded("copy-read-early")
    Map seen_;                                                   // seeded("map-seen-late")
    std::set<std::pair<Incarnation, Seq>> sent_;                 // seeded("sent-once")
};

// 4.3: the S/P-VOL, and the S-VOL that follows it or stands still.
class ReplicaPair {
public:
    enum class Purpose { Pair, Gold, Backup };

    explicit ReplicaPair(Volume volume);

    Purpose purpose = Purpose::Pair;
    BackupId backup = 0;                                         // where the purpose is Backup
    Map dirty;
    Volume sp_vol;
    Volume s_vol;

    bool is_split() const { return purpose != Purpose::Pair; }
    void put(Block block, std::string data);
    void copy_block(Block block);
    void split(Purpose why, BackupId id);                        // SPLIT-1
    void restore();
};

// 4.2
class Secondary {
public:
    Secondary(Volume volume, std::size_t queue, Outbox& out);

    PairState state = PairState::Smpl;
    Incarnation incarnation = 0;
    Seq written = 0;
    std::map<Seq, Entry> queue;
    Map dirty;
    bool consistent = false;
    ReplicaPair replica;
    std::optional<BackupId> armed;

    bool is_linked() const { return state == PairState::Copy || state == PairState::Pair; }

    void take(const Message& message);                           // Frame, Resync, Suspend, Delete
    void apply();                                                // XFER-3
    void report();                                               // XFER-2, PAIR-3
    void fail();                                                 // PAIR-3
    void restart();
    void arm(BackupId id);
    void split(BackupId id);                                     // SPLIT-2
    void release(BackupId id);
    void takeover(bool force);                                   // TAKEOVER-1
    void remote_write(Block block, std::string data);            // TAKEOVER-2

private:
    void leave(PairState to);
    void on_frame(const Message& message);
    void on_resync(const Message& message);
    void on_suspend(const Message& message);
    void on_delete(const Message& message);
    Seq received() const { Seq last = written; while (queue.contains(last + 1)) ++last; return last; }   // seeded

    std::size_t capacity_;
    Outbox* out_;
};

// 4.5
class Database {
public:
    enum class Freeze { Running, Freezing, Frozen };

    Freeze freeze_state = Freeze::Running;
    BackupId backup = 0;                                         // for which it freezes or is frozen
    std::size_t open = 0;

    void begin();
    void write() const;
    void commit();
    bool freeze(BackupId id);                                    // FREEZE-1: whether it is frozen by now
    bool thaw(BackupId id);                                      // FREEZE-3: whether it was frozen until now
    void lease_expired();                                        // FREEZE-2
    void restart();
};

// 4.4: what one look at the primary shows, and the Sync that looks.
struct View {
    PairState state;
    Incarnation incarnation;
    Seq newest;
    Seq written;
};

struct Marker {
    Incarnation incarnation;
    Seq seq;
};

enum class Outcome { Done, Timeout, Broken, Changed };

Marker begin_sync(const View& view);                             // SYNC-1, SYNC-2
std::optional<Outcome> look(const Marker& held, const View& view);   // SYNC-5, SYNC-3

// TAKEOVER-2: the sides change roles. Both are at rest, and the link has been emptied.
void failback(Primary& primary, Secondary& secondary);
