// What moves, when and where: no drawing here. Times are milliseconds of the lab's clock.

const QUICK = 40; // ms: what crosses in less would hardly be seen, if it left no tail
const TAIL = 60; // ms that a tail lasts at the most
const BIN = 50; // ms of publications that are one mark in the strip
const WINDOW = 15_000; // ms that the strip shows
const BINS = WINDOW / BIN;
const RECENT = 10_000; // ms of arrivals from which the median is taken
const SAMPLES = 50; // messages from which the lab's clock is estimated
const SLEW = 0.25; // how much faster or slower than the world the drawing may run
const MANY = 60; // on their way at once: from here on they are drawn as a density

// What a crossing is: the numbers that Python gives them.
const UP = 0;
const NOTHING = 1;
const LOST_UP = 2;
const LOST_DOWN = 3;
const CUT = 4;
const SHOWN_LOST = 1000; // ms

// The lab's clock as a page knows it, and the moment that is drawn: some time ago.
export class Clock {
  constructor(behind = 0) {
    this.wanted = behind; // how far the drawing is behind
    this.behind = behind;
    this.offsets = [];
    this.drawn = null;
    this.asked = null;
  }

  // A message that left the lab at `lab` came here at `page`. The quickest one tells most.
  hear(lab, page) {
    this.offsets.push(page - lab);
    if (this.offsets.length > SAMPLES) this.offsets.shift();
    this.offset = Math.min(...this.offsets);
  }

  // The moment to draw at a time of the page. It never goes back, and changes its pace gently.
  time(page) {
    if (this.offset === undefined) return null;
    const step = this.asked === null ? Infinity : SLEW * Math.max(0, page - this.asked);
    this.asked = page;
    this.behind += Math.max(-step, Math.min(step, this.wanted - this.behind));
    this.drawn = Math.max(this.drawn ?? -Infinity, page - this.offset - this.behind);
    return this.drawn;
  }
}

// Messages by number and time of publication: which is the newest at a moment?
export class Published {
  constructor() {
    this.newest = 0;
    this.seqs = [];
    this.times = [];
    this.recent = [];
  }

  add(rows) {
    for (let at = 0; at < rows.length; at += 2) {
      this.seqs.push(rows[at]);
      this.times.push(rows[at + 1]);
    }
  }

  advance(now) {
    let passed = 0;
    while (passed < this.times.length && this.times[passed] <= now) {
      this.newest = Math.max(this.newest, this.seqs[passed]);
      this.recent.push(this.times[passed++]);
    }
    this.seqs.splice(0, passed);
    this.times.splice(0, passed);
    const old = this.recent.findIndex((time) => time > now - 2000);
    this.recent.splice(0, old < 0 ? this.recent.length : old);
  }

  // Messages per second, over the last two.
  get rate() {
    return this.recent.length / 2;
  }
}

// The latencies of a lane, by time of publication: the span of those that were published together.
export class Strip {
  constructor() {
    this.low = new Float64Array(BINS);
    this.high = new Float64Array(BINS);
    this.bin = new Float64Array(BINS).fill(-1);
    this.arrivals = [];
    this.latencies = [];
  }

  add(published, arrived) {
    const latency = arrived - published;
    this.arrivals.push(arrived);
    this.latencies.push(latency);
    const bin = Math.floor(published / BIN);
    const slot = bin % BINS;
    if (bin < this.bin[slot]) return; // so late that it is out of the picture
    if (bin > this.bin[slot]) {
      this.bin[slot] = bin;
      this.low[slot] = this.high[slot] = latency;
    } else {
      this.low[slot] = Math.min(this.low[slot], latency);
      this.high[slot] = Math.max(this.high[slot], latency);
    }
  }

  // Call `draw(age, low, high)` for each mark of the window; age in ms before `now`.
  each(now, draw) {
    for (let slot = 0; slot < BINS; slot++) {
      const age = now - (this.bin[slot] + 0.5) * BIN;
      if (this.bin[slot] >= 0 && age < WINDOW) draw(age, this.low[slot], this.high[slot]);
    }
  }

  top(now) {
    let top = 0;
    this.each(now, (age, low, high) => (top = Math.max(top, high)));
    return top;
  }

  // The median of the newest latencies; null if nothing has arrived lately.
  median(now) {
    const old = this.arrivals.findIndex((time) => time > now - RECENT);
    const drop = old < 0 ? this.arrivals.length : Math.max(old, this.arrivals.length - 2000);
    this.arrivals.splice(0, drop);
    this.latencies.splice(0, drop);
    const sorted = Float64Array.from(this.latencies).sort();
    if (!sorted.length) return null;
    const middle = sorted.length >> 1;
    return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  }
}

// What crosses one way between two moments, in the order in which it ends.
class Flights {
  constructor() {
    this.begins = [];
    this.ends = [];
  }

  add(begin, end) {
    this.begins.push(begin);
    this.ends.push(end);
  }

  // How many are under way, if those that go together are one.
  groups() {
    let count = 0;
    for (let at = 0; at < this.ends.length; at++) {
      const together = this.begins[at] === this.begins[at - 1] && this.ends[at] === this.ends[at - 1];
      if (!together) count++;
    }
    return count;
  }

  // Forget those whose tail is gone.
  forget(now) {
    let gone = 0;
    while (gone < this.ends.length && this.ends[gone] + TAIL <= now) gone++;
    this.begins.splice(0, gone);
    this.ends.splice(0, gone);
    return gone;
  }

  // Call `draw(place, tail, count, span)` for each group: places from 0 (where it began) to 1,
  // and the ms that it takes.
  each(now, draw) {
    let count = 1;
    for (let at = 0; at < this.ends.length; at++, count++) {
      const begin = this.begins[at];
      const end = this.ends[at];
      if (this.begins[at + 1] === begin && this.ends[at + 1] === end) continue;
      if (begin <= now) {
        const span = Math.max(end - begin, 1e-6);
        const last = Math.max(10, Math.min(TAIL, (QUICK * QUICK) / span));
        const place = Math.min(1, (now - begin) / span);
        const tail = Math.min(1, Math.max(0, (now - last - begin) / span));
        if (tail < 1) draw(place, tail, count, span);
      }
      count = 0;
    }
  }

  // How many are in each of `columns` columns, from where they begin to where they end; quick ones
  // are all along their tails.
  density(now, columns) {
    const counts = new Float64Array(columns + 1);
    const column = (place) => Math.min(columns - 1, Math.floor(place * columns));
    this.each(now, (place, tail, count, span) => {
      if (span >= QUICK && place === 1) return;
      counts[column(span < QUICK ? tail : place)] += count;
      counts[column(place) + 1] -= count;
    });
    for (let at = 1; at < columns; at++) counts[at] += counts[at - 1];
    return counts.subarray(0, columns);
  }
}

// One transport: what is on its way, and what has arrived, at the moment that is drawn.
export class Lane {
  constructor(begin = 0) {
    this.messages = new Flights();
    this.seqs = []; // of the messages, and when they were published
    this.published = [];
    this.left = 0; // how many of them have left the server
    this.arrived = 0; // how many of those are at the client
    this.sent = begin; // the newest message that has left
    this.up = new Flights();
    this.nothing = new Flights();
    this.broken = []; // what a cut ended, and the cuts
    this.strip = new Strip();
    this.end = -Infinity; // when the last of all this is over
  }

  // Rows of messages: number, published, sent, received. What becomes known too late to be seen
  // leaving leaves now.
  add(rows, now) {
    for (let at = 0; at < rows.length; at += 4) {
      this.seqs.push(rows[at]);
      this.published.push(rows[at + 1]);
      const end = rows[at + 3];
      this.messages.add(Math.min(Math.max(rows[at + 2], now), end), end);
      this.end = Math.max(this.end, end);
    }
  }

  // Rows of crossings: kind, begin, end. A cut takes what had got as far as `transit` ms allow.
  addCrossings(rows, now, transit) {
    for (let at = 0; at < rows.length; at += 3) {
      const kind = rows[at];
      const end = rows[at + 2];
      const begin = Math.min(Math.max(rows[at + 1], now), end);
      if (kind === UP) this.up.add(begin, end);
      else if (kind === NOTHING) this.nothing.add(begin, end);
      else this.broken.push({ kind, begin: rows[at + 1], end, transit });
      this.end = Math.max(this.end, end);
    }
  }

  advance(now) {
    const { begins, ends } = this.messages;
    while (this.left < begins.length && begins[this.left] <= now) {
      this.sent = Math.max(this.sent, this.seqs[this.left++]);
    }
    for (; this.arrived < this.left && ends[this.arrived] <= now; this.arrived++) {
      this.strip.add(this.published[this.arrived], ends[this.arrived]);
    }
    const gone = this.messages.forget(now);
    this.seqs.splice(0, gone);
    this.published.splice(0, gone);
    this.left -= gone;
    this.arrived -= gone;
    this.up.forget(now);
    this.nothing.forget(now);
    this.broken = this.broken.filter(({ end }) => end + SHOWN_LOST > now);
  }

  // Messages that wait at the server, if `newest` is the newest one.
  waiting(newest) {
    return Math.max(0, newest - this.sent);
  }

  // Call `draw(kind, place, age)` for what was cut; age in ms since then, below 0 if yet to come.
  eachBroken(now, draw) {
    for (const { kind, begin, end, transit } of this.broken) {
      if (begin > now) continue;
      const place = Math.min(1, (Math.min(now, end) - begin) / Math.max(transit, 1));
      draw(kind, place, now - end);
    }
  }
}

// The end of a scale on which everything up to `value` has room.
export function scaleTop(value) {
  for (let power = 10; power < 1e9; power *= 10) {
    for (const top of [1, 1.5, 2, 3, 5, 7]) if (value <= top * power) return top * power;
  }
  return value;
}

// The numbers of a buffer that came with a message, which may begin anywhere.
export function numbers(view) {
  if (!view) return new Float64Array();
  const { buffer, byteOffset, byteLength } = view;
  return new Float64Array(buffer.slice(byteOffset, byteOffset + byteLength));
}
