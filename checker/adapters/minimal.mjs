#!/usr/bin/env node
// An adapter for `syncsplit conform` in JavaScript, around a tiny replicator that goes on by itself between requests,
// as a product does: copy it, and put yours in. A request a line comes in on stdin, an answer a line leaves on stdout.
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

const STEP_MS = 1;
class Refused extends Error {} // The request was not done, and nothing was changed.
// Two arrays, and a link that keeps order.
class Replicator {
  constructor({ journal, p_vol, sp_vol, seed }) {
    Object.assign(this, { room: journal, up: true, p_vol: [...p_vol], sp_vol: [...sp_vol], s_vol: [...sp_vol] });
    Object.assign(this, { freezeFor: null, frozen: false, open: false }); // the database
    Object.assign(this, { state: 'PAIR', incarnation: 1, newest: 0, written: 0 }); // the primary
    Object.assign(this, { journal: new Map(), dirty: new Set(), markAt: null, asked: false });
    Object.assign(this, { sState: 'PAIR', sWritten: 0, consistent: true }); // the secondary
    Object.assign(this, { replica: 'pair', armed: null });
    this.chance = seed;
    this.timer = setInterval(() => this.work(), STEP_MS);
  }
  reset() { clearInterval(this.timer); }

  // The primary
  isLinked() { return this.state === 'COPY' || this.state === 'PAIR'; }
  number(item) { this.journal.set(++this.newest, item); }
  write({ block, data, transaction }) {
    if (this.frozen || (this.freezeFor !== null && !this.open)) throw new Refused('frozen');
    if (this.isLinked() && !this.dirty.has(block)) {
      const kept = this.state === 'COPY' && !this.markAt ? 1 : 0; // for the pair mark
      if (this.journal.size + kept >= this.room) throw new Refused('busy'); // WRITE-4
      this.number({ block, data }); // WRITE-1, WRITE-2
    } else if (!this.isLinked()) {
      this.dirty.add(block); // WRITE-3
    }
    this.p_vol[block] = data;
    this.open = transaction === 'first';
    this.frozen = this.freezeFor !== null && !this.open; // FREEZE-1: the last one begun has ended
  }
  leave(state) { // PAIR-2, PAIR-3
    for (const item of this.journal.values()) if (item) this.dirty.add(item.block);
    this.journal.clear();
    Object.assign(this, { markAt: null, state });
  }
  linkDown() { this.up = false; }
  linkUp() { this.up = true; }
  resync() { this.asked = !this.isLinked(); }
  suspend() {
    if (this.isLinked()) Object.assign(this, { sState: this.up ? 'SSUS' : this.sState }).leave('PSUS');
    Object.assign(this, { incarnation: this.incarnation + (this.asked ? 1 : 0), asked: false });
  }
  beginCopy() { // RESYNC-1
    if (this.consistent && this.replica === 'pair') this.reflect('gold'); // RESYNC-4
    Object.assign(this, { incarnation: this.incarnation + 1, newest: this.sWritten, written: this.sWritten });
    Object.assign(this, { sState: 'COPY', consistent: false, state: 'COPY', asked: false });
  }
  copy() { // RESYNC-2, RESYNC-3
    const [block] = this.dirty;
    this.dirty.delete(block);
    this.number(block === undefined ? null : { block, data: this.p_vol[block] });
    if (block === undefined) this.markAt = this.newest;
  }

  // The secondary
  carry() { // XFER-1, XFER-3
    const item = this.journal.get(++this.sWritten);
    if (item) this.sp_vol[item.block] = item.data;
    else Object.assign(this, { sState: 'PAIR', consistent: true });
    if (!item && this.replica === 'gold') this.replica = 'pair';
  }
  report() { // XFER-2
    this.written = this.sWritten;
    for (const seq of [...this.journal.keys()]) if (seq <= this.written) this.journal.delete(seq);
    if (this.markAt && this.written >= this.markAt) Object.assign(this, { state: 'PAIR', markAt: null });
  }
  reflect(purpose) { Object.assign(this, { s_vol: [...this.sp_vol], replica: purpose }); } // SPLIT-1
  arm({ backup }) { this.armed = backup; }
  split({ backup }) { // SPLIT-2, RESYNC-4
    if (this.armed === backup && this.consistent && this.replica === 'pair') this.reflect(backup);
    return { done: this.armed === backup && this.replica === backup };
  }
  backup() { return { blocks: this.s_vol }; }
  release({ backup }) {
    if (this.armed === backup) this.armed = null;
    if (typeof this.replica === 'number' && this.replica <= backup) this.replica = this.consistent ? 'pair' : 'gold';
  }

  // What goes on by itself: one step, which chance chooses.
  work() {
    if (!this.isLinked()) return this.asked && this.up ? this.beginCopy() : undefined;
    if (!this.up) return this.draw(4) === 0 ? this.leave('PSUE') : undefined;
    const steps = ['report'];
    if (this.journal.has(this.sWritten + 1)) steps.push('carry');
    if (this.state === 'COPY' && !this.markAt && this.journal.size < this.room) steps.push('copy');
    this[steps[this.draw(steps.length)]]();
  }
  draw(below) {
    this.chance = (this.chance * 1103515245 + 12345) % 2 ** 31;
    return Math.floor((this.chance / 2 ** 31) * below);
  }

  // Sync, the freeze, and what is visible
  mark() {
    if (this.state !== 'PAIR') throw new Refused('not-pair'); // SYNC-1
    return { incarnation: this.incarnation, seq: this.newest }; // SYNC-2
  }
  async sync({ timeout_ms, ...given }) {
    const mark = 'seq' in given ? given : this.mark();
    for (const begin = performance.now(); ; await sleep(STEP_MS)) {
      if (this.state !== 'PAIR') return { outcome: 'BROKEN' }; // SYNC-5
      if (this.incarnation !== mark.incarnation) return { outcome: 'CHANGED' };
      if (this.written >= mark.seq) return { outcome: 'DONE' }; // SYNC-3
      if (performance.now() - begin >= timeout_ms) return { outcome: 'TIMEOUT' }; // SYNC-4
    }
  }
  freeze({ backup }) { return { frozen: Object.assign(this, { freezeFor: backup, frozen: !this.open }).frozen }; }
  advanceClock() { Object.assign(this, { freezeFor: null, frozen: false }); } // FREEZE-2
  thaw({ backup }) { // FREEZE-3
    const held = this.frozen && this.freezeFor === backup;
    if (this.freezeFor === backup) this.advanceClock();
    return { held };
  }
  status() {
    const { state, incarnation, newest, written, p_vol, sp_vol, s_vol } = this;
    const primary = { state, incarnation, newest, written, dirty: [...this.dirty].sort() };
    const secondary = { state: this.sState, written: this.sWritten, consistent: this.consistent };
    return { primary, secondary, volumes: { p_vol, sp_vol, s_vol } };
  }
}

const OPERATIONS = ['reset', 'write', 'freeze', 'thaw', 'mark', 'sync', 'arm', 'split', 'backup', 'release', 'suspend',
  'resync', 'link-down', 'link-up', 'advance-clock', 'status'];
const CAPABILITIES = ['init', 'transactions', 'journal', ...OPERATIONS];
let it = null; // the system under test
async function answer({ op, ...request }) {
  if (op === 'hello') return { protocol: 1, name: 'minimal.mjs', version: '1', capabilities: CAPABILITIES };
  if (op === 'init') it = new Replicator(request);
  else if (!OPERATIONS.includes(op)) throw new Refused('unsupported');
  else return (await it[op.replace(/-./, (dash) => dash[1].toUpperCase())](request)) ?? {};
  return {};
}

for await (const line of createInterface({ input: process.stdin })) {
  const { id, ...request } = JSON.parse(line);
  const done = answer(request).then((ok) => ({ id, ok }), (why) => {
    if (!(why instanceof Refused)) throw why;
    return { id, error: { code: why.message, definite: true } };
  });
  process.stdout.write(`${JSON.stringify(await done)}\n`);
}
process.exit(0); // stdin has ended
