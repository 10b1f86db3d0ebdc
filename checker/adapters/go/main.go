// An adapter for `syncsplit conform` in Go, around a tiny replicator with goroutines of its own: copy it, and put yours
// in. A request a line comes in on stdin, an answer a line leaves on stdout; a log goes to stderr.
//
// Build it by `go build -o adapter .`, and try it by `syncsplit conform --adapter ./adapter`.
package main

import (
	"encoding/json"
	"errors"
	"io"
	"log"
	"os"
	"sort"
)

// A request has the arguments of its operation, and those of no other.
type request struct {
	ID uint64 `json:"id"`
	Op string `json:"op"`

	Config             // init
	Block       int    `json:"block"` // write
	Data        string `json:"data"`
	Transaction string `json:"transaction"`
	Backup      int    `json:"backup"`     // freeze, thaw, arm, split, backup, release
	TimeoutMS   int64  `json:"timeout_ms"` // sync, with a mark or without one
	Incarnation *int64 `json:"incarnation"`
	Seq         *int64 `json:"seq"`
}

// mark is what a Sync waits for, if the request names it.
func (q request) mark() *Mark {
	if q.Incarnation == nil || q.Seq == nil {
		return nil
	}
	return &Mark{*q.Incarnation, *q.Seq}
}

// An answer has either ok or an error.
type answer struct {
	ID    uint64   `json:"id"`
	OK    any      `json:"ok,omitempty"`
	Error *failure `json:"error,omitempty"`
}

// A failure that is not definite says that the operation may have had an effect all the same.
type failure struct {
	Code     string `json:"code"`
	Definite bool   `json:"definite"`
	Text     string `json:"text,omitempty"`
}

type fields map[string]any

// The requests by name. Those that are missing here are answered `unsupported`, and the kit does without them.
var operations = map[string]func(r *Replicator, q request) (any, error){
	"write":   func(r *Replicator, q request) (any, error) { return done(r.Write(q.Block, q.Data, q.Transaction)) },
	"freeze":  func(r *Replicator, q request) (any, error) { return fields{"frozen": r.Freeze(q.Backup)}, nil },
	"thaw":    func(r *Replicator, q request) (any, error) { return fields{"held": r.Thaw(q.Backup)}, nil },
	"mark":    func(r *Replicator, q request) (any, error) { return r.Mark() },
	"arm":     func(r *Replicator, q request) (any, error) { r.Arm(q.Backup); return done(nil) },
	"split":   func(r *Replicator, q request) (any, error) { return fields{"done": r.Split(q.Backup)}, nil },
	"backup":  func(r *Replicator, q request) (any, error) { return fields{"blocks": r.Backup()}, nil },
	"release": func(r *Replicator, q request) (any, error) { r.Release(q.Backup); return done(nil) },
	"suspend": func(r *Replicator, q request) (any, error) { r.Suspend(); return done(nil) },
	"resync":  func(r *Replicator, q request) (any, error) { r.Resync(); return done(nil) },
	"status":  func(r *Replicator, q request) (any, error) { return r.Status(), nil },

	"link-down":     func(r *Replicator, q request) (any, error) { r.SetLink(false); return done(nil) },
	"link-up":       func(r *Replicator, q request) (any, error) { r.SetLink(true); return done(nil) },
	"advance-clock": func(r *Replicator, q request) (any, error) { r.EndLease(); return done(nil) },

	"sync": func(r *Replicator, q request) (any, error) {
		outcome, err := r.Sync(q.mark(), q.TimeoutMS)
		return fields{"outcome": outcome}, err
	},
}

// done answers an operation that has nothing to tell.
func done(err error) (any, error) { return fields{}, err }

// hello says what the adapter can do: its operations, and the features `transactions` and `journal`.
func hello() fields {
	capabilities := []string{"init", "reset", "transactions", "journal"}
	for name := range operations {
		capabilities = append(capabilities, name)
	}
	sort.Strings(capabilities)
	return fields{"protocol": 1, "name": "minimal.go", "version": "1", "capabilities": capabilities}
}

// An adapter has one system under test at a time.
type adapter struct{ system *Replicator }

func (a *adapter) do(q request) (any, error) {
	switch q.Op {
	case "hello":
		return hello(), nil
	case "init":
		a.reset() // A system that a broken run has left behind goes first.
		a.system = NewReplicator(q.Config)
		return done(nil)
	case "reset":
		a.reset()
		return done(nil)
	}
	operation, known := operations[q.Op]
	if !known || a.system == nil {
		return nil, Refused("unsupported")
	}
	return operation(a.system, q)
}

func (a *adapter) reset() {
	if a.system != nil {
		a.system.Close()
	}
	a.system = nil
}

func main() {
	log.SetFlags(log.Lmicroseconds)
	requests, answers := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	var a adapter
	defer a.reset()
	for {
		var q request
		if err := requests.Decode(&q); errors.Is(err, io.EOF) {
			return // The kit has ended.
		} else if err != nil {
			log.Fatalf("a request cannot be read: %v", err)
		}
		said := answer{ID: q.ID}
		ok, err := a.do(q)
		var refused Refused
		switch {
		case errors.As(err, &refused):
			said.Error = &failure{Code: string(refused), Definite: true}
		case err != nil: // Whether it was done is not known.
			said.Error = &failure{Code: "failed", Definite: false, Text: err.Error()}
		default:
			said.OK = ok
		}
		if err := answers.Encode(said); err != nil {
			log.Fatalf("the answer to %s cannot be written: %v", q.Op, err)
		}
	}
}
