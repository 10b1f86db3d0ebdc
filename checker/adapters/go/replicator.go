package main

import (
	"math/rand"
	"sort"
	"sync"
	"time"
)

// Refused is why a request was not done; it has changed nothing.
type Refused string

func (why Refused) Error() string { return string(why) }

// State is a pair state.
type State string

const (
	COPY State = "COPY"
	PAIR State = "PAIR"
	PSUS State = "PSUS"
	PSUE State = "PSUE"
	SSUS State = "SSUS"
)

// Config is what a new system is made of.
type Config struct {
	Journal int      `json:"journal"` // entries
	PVol    []string `json:"p_vol"`
	SPVol   []string `json:"sp_vol"`
	Seed    uint64   `json:"seed"`
}

// A Mark is a point of the sequence that a Sync waits for.
type Mark struct {
	Incarnation int64 `json:"incarnation"`
	Seq         int64 `json:"seq"`
}

// An entry of the journal: a write, a copy, or the mark that ends COPY.
type entry struct {
	seq    int64
	block  int
	data   string
	isMark bool
}

// What the S-VOL does. A number above gold is the backup that it is split for.
const (
	follows = 0
	gold    = -1
)

// pause is the longest time between two steps of a goroutine.
const pause = time.Millisecond

// Replicator is two arrays, a link between them that keeps order, and the database in front of them. The goroutines of
// `work` take a step each from time to time; `mu` holds everything still for one step.
type Replicator struct {
	mu      sync.Mutex
	changed chan struct{} // closed and made anew by every step, for those who wait
	closing chan struct{}
	running sync.WaitGroup
	chance  *rand.Rand

	linkUp bool
	pVol   []string
	spVol  []string
	sVol   []string

	// The database
	freezeFor int // a backup, or 0
	frozen    bool
	open      bool // a transaction

	// The primary
	state           State
	incarnation     int64
	newest, written int64
	room            int
	journal         []entry // in order, without a gap
	dirty           map[int]bool
	markAt          int64 // the number of the pair mark, or 0
	asked           bool  // for a new pairing

	// The secondary
	sState     State
	sWritten   int64
	consistent bool
	replica    int
	armed      int // a backup, or 0
}

// NewReplicator starts a system in PAIR and at rest.
func NewReplicator(config Config) *Replicator {
	r := &Replicator{
		changed: make(chan struct{}), closing: make(chan struct{}), chance: rand.New(rand.NewSource(int64(config.Seed))),
		linkUp: true, pVol: clone(config.PVol), spVol: clone(config.SPVol), sVol: clone(config.SPVol),
		state: PAIR, incarnation: 1, room: config.Journal, dirty: map[int]bool{},
		sState: PAIR, consistent: true,
	}
	r.work(r.watch)
	r.work(r.carry)
	r.work(r.report)
	r.work(r.copy)
	return r
}

// Close ends the goroutines.
func (r *Replicator) Close() {
	close(r.closing)
	r.running.Wait()
}

// work takes steps until the system is closed.
func (r *Replicator) work(step func()) {
	r.running.Add(1)
	go func() {
		defer r.running.Done()
		for {
			r.mu.Lock()
			wait := time.Duration(r.chance.Int63n(int64(pause)))
			r.mu.Unlock()
			select {
			case <-r.closing:
				return
			case <-time.After(wait):
				r.locked(step)
			}
		}
	}()
}

// locked holds everything still, and wakes whoever waits for a change.
func (r *Replicator) locked(step func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	step()
	close(r.changed)
	r.changed = make(chan struct{})
}

// The primary

func (r *Replicator) isLinked() bool { return r.state == COPY || r.state == PAIR }

func (r *Replicator) number(item entry) {
	r.newest++
	item.seq = r.newest
	r.journal = append(r.journal, item)
}

// Write is a host write: the whole of a transaction, or its first or last one of two.
func (r *Replicator) Write(block int, data, transaction string) (err error) {
	r.locked(func() { err = r.write(block, data, transaction) })
	return err
}

func (r *Replicator) write(block int, data, transaction string) error {
	if r.frozen || r.freezeFor != 0 && !r.open {
		return Refused("frozen")
	}
	if !r.isLinked() {
		r.dirty[block] = true // WRITE-3
	} else if !r.dirty[block] {
		kept := 0
		if r.state == COPY && r.markAt == 0 {
			kept = 1 // for the pair mark
		}
		if len(r.journal)+kept >= r.room {
			return Refused("busy") // WRITE-4
		}
		r.number(entry{block: block, data: data}) // WRITE-1, WRITE-2
	}
	r.pVol[block] = data
	r.open = transaction == "first"
	r.frozen = r.freezeFor != 0 && !r.open // FREEZE-1: the last one begun has ended
	return nil
}

// leave marks what the journal holds, and forgets it. PAIR-2, PAIR-3
func (r *Replicator) leave(state State) {
	for _, item := range r.journal {
		if !item.isMark {
			r.dirty[item.block] = true
		}
	}
	r.journal, r.markAt, r.state = nil, 0, state
}

// SetLink takes the array link up or down.
func (r *Replicator) SetLink(up bool) { r.locked(func() { r.linkUp = up }) }

// Resync asks for a new pairing.
func (r *Replicator) Resync() { r.locked(func() { r.asked = !r.isLinked() }) }

// Suspend suspends the pair, or gives up the pairing that was asked for.
func (r *Replicator) Suspend() {
	r.locked(func() {
		if r.isLinked() {
			r.leave(PSUS)
			if r.linkUp {
				r.sState = SSUS
			}
		} else if r.asked {
			r.incarnation++
		}
		r.asked = false
	})
}

// watch is the link's own step: it fails when the link is down, and takes a Resync over when it is up.
func (r *Replicator) watch() {
	if r.isLinked() && !r.linkUp && r.chance.Intn(4) == 0 {
		r.leave(PSUE)
	} else if r.asked && r.linkUp {
		r.beginCopy()
	}
}

func (r *Replicator) beginCopy() { // RESYNC-1
	if r.consistent && r.replica == follows {
		r.split(gold) // RESYNC-4
	}
	r.incarnation++
	r.newest, r.written = r.sWritten, r.sWritten
	r.sState, r.consistent, r.state, r.asked = COPY, false, COPY, false
}

// copy takes one dirty block into the journal, or the mark behind the last one. RESYNC-2, RESYNC-3
func (r *Replicator) copy() {
	if r.state != COPY || r.markAt != 0 || len(r.journal) >= r.room {
		return
	}
	for block := range r.dirty {
		delete(r.dirty, block)
		r.number(entry{block: block, data: r.pVol[block]})
		return
	}
	r.number(entry{isMark: true})
	r.markAt = r.newest
}

// The secondary

// carry takes the next entry over the link and applies it. XFER-1, XFER-3
func (r *Replicator) carry() {
	next := int(r.sWritten - r.written) // the journal begins behind what is known to be written
	if !r.isLinked() || !r.linkUp || next >= len(r.journal) {
		return
	}
	item := r.journal[next]
	r.sWritten = item.seq
	if !item.isMark {
		r.spVol[item.block] = item.data
		return
	}
	r.sState, r.consistent = PAIR, true
	if r.replica == gold {
		r.replica = follows
	}
}

// report tells the primary what is written. XFER-2
func (r *Replicator) report() {
	if !r.isLinked() || !r.linkUp {
		return
	}
	r.journal = r.journal[r.sWritten-r.written:]
	r.written = r.sWritten
	if r.markAt != 0 && r.written >= r.markAt {
		r.state, r.markAt = PAIR, 0
	}
}

func (r *Replicator) split(purpose int) { // SPLIT-1
	r.sVol, r.replica = clone(r.spVol), purpose
}

// Arm names the one backup for which a split is executed.
func (r *Replicator) Arm(backup int) { r.locked(func() { r.armed = backup }) }

// Split says whether the S-VOL is split for a backup. SPLIT-2, RESYNC-4
func (r *Replicator) Split(backup int) (done bool) {
	r.locked(func() {
		if r.armed == backup && r.consistent && r.replica == follows {
			r.split(backup)
		}
		done = r.armed == backup && r.replica == backup
	})
	return done
}

// Backup reads the S-VOL.
func (r *Replicator) Backup() (blocks []string) {
	r.locked(func() { blocks = clone(r.sVol) })
	return blocks
}

// Release gives the S-VOL back.
func (r *Replicator) Release(backup int) {
	r.locked(func() {
		if r.armed == backup {
			r.armed = 0
		}
		if r.replica > follows && r.replica <= backup {
			r.replica = follows
			if !r.consistent {
				r.replica = gold
			}
		}
	})
}

// Sync, the freeze, and what is visible

// Mark is what is written by now.
func (r *Replicator) Mark() (mark Mark, err error) {
	r.locked(func() {
		mark = Mark{r.incarnation, r.newest} // SYNC-2
		if r.state != PAIR {
			err = Refused("not-pair") // SYNC-1
		}
	})
	return mark, err
}

// Sync waits until a mark is written remotely, or without one for what is written by now.
func (r *Replicator) Sync(mark *Mark, timeoutMS int64) (outcome string, err error) {
	end := time.NewTimer(time.Duration(timeoutMS) * time.Millisecond)
	defer end.Stop()
	if mark == nil {
		now, err := r.Mark()
		if err != nil {
			return "", err
		}
		mark = &now
	}
	for {
		r.mu.Lock()
		outcome, changed := r.look(*mark), r.changed
		r.mu.Unlock()
		if outcome != "" {
			return outcome, nil
		}
		select {
		case <-changed:
		case <-end.C:
			return "TIMEOUT", nil // SYNC-4
		}
	}
}

func (r *Replicator) look(mark Mark) string {
	switch {
	case r.state != PAIR:
		return "BROKEN" // SYNC-5
	case r.incarnation != mark.Incarnation:
		return "CHANGED"
	case r.written >= mark.Seq:
		return "DONE" // SYNC-3
	}
	return ""
}

// Freeze says whether the database stands still; while a transaction is open it does so later, by itself.
func (r *Replicator) Freeze(backup int) (frozen bool) {
	r.locked(func() {
		r.freezeFor, r.frozen = backup, !r.open
		frozen = r.frozen
	})
	return frozen
}

// EndLease lets the database go on by itself. FREEZE-2
func (r *Replicator) EndLease() { r.locked(func() { r.freezeFor, r.frozen = 0, false }) }

// Thaw says whether this backup's freeze held until now. FREEZE-3
func (r *Replicator) Thaw(backup int) (held bool) {
	r.locked(func() {
		if r.freezeFor == backup {
			held = r.frozen
			r.freezeFor, r.frozen = 0, false
		}
	})
	return held
}

// Status is everything that is visible, at one moment.
func (r *Replicator) Status() (status map[string]fields) {
	r.locked(func() {
		dirty := []int{}
		for block := range r.dirty {
			dirty = append(dirty, block)
		}
		sort.Ints(dirty)
		status = map[string]fields{
			"primary": {"state": r.state, "incarnation": r.incarnation, "newest": r.newest, "written": r.written,
				"dirty": dirty},
			"secondary": {"state": r.sState, "written": r.sWritten, "consistent": r.consistent},
			"volumes":   {"p_vol": clone(r.pVol), "sp_vol": clone(r.spVol), "s_vol": clone(r.sVol)},
		}
	})
	return status
}

func clone(blocks []string) []string { return append([]string{}, blocks...) }
