// Segments of a ladder: in words, and which of them are kept and drawn as one. Nothing is drawn here.

const LINE = 11; // a label's height, in pixels
const HISTORY = 3000; // segments of a lane that are kept

// ── what is known of a segment ──

export function unpack([number, connection, up, at, on, size, end, more, rest, words, news]) {
  return { number, connection, up, at, on, size, end, more, rest, words, news };
}

export function seconds(time) {
  return `${(time / 1000).toFixed(2)} s`;
}

export function bytes(size) {
  return size < 10_000 ? `${size.toLocaleString("en")} B` : `${(size / 1000).toFixed(1)} kB`;
}

// What became of a segment.
export function fate({ on, at }) {
  if (on === null) return "on its way";
  return on === false ? "never arrived" : `${(on - at).toFixed(2)} ms on the link`;
}

export function sides({ up }) {
  return up ? "client → server" : "server → client";
}

// A segment in words, as it is read out.
export function described(row, count = 1, total = row.size) {
  const what = count > 1
    ? `${count.toLocaleString("en")} segments, ${bytes(total)}, first: ${row.words || bytes(row.size)}`
    : [row.words, row.end ? "" : bytes(row.size)].filter(Boolean).join(", ");
  return `${sides(row)}, #${row.connection}: ${what}; ${fate(row)}`;
}

// The label of an arrow, in so many letters: the size gives way to the words.
export function short(row, room, count = 1, total = row.size) {
  if (count > 1) return `${count.toLocaleString("en")} segments, ${bytes(total)}`;
  const size = row.end ? "" : bytes(row.size);
  const both = [row.words, size].filter(Boolean).join(", ");
  if (both.length <= room || !row.words) return both;
  return row.words.length <= room ? row.words : `${row.words.slice(0, room - 1)}…`;
}

// Places of labels: each takes the first that is free, above its arrow or below, or none.
export class Places {
  constructor(keep = 40) {
    this.keep = keep;
    this.taken = [];
  }

  // Find a place between `left` and `right` for a label whose foot is one of these.
  find(left, right, feet) {
    const free = (foot) =>
      this.taken.every((other) =>
        right < other.left || left > other.right || Math.abs(foot - other.foot) >= LINE);
    const foot = feet.find(free);
    if (foot === undefined) return null;
    const place = { left, right, foot };
    this.taken.push(place);
    if (this.taken.length > this.keep) this.taken.shift();
    return place;
  }

  leave(place) {
    this.taken = this.taken.filter((other) => other !== place);
  }
}

// How far a point is from a line between two others.
export function distance(x, y, { x1, y1, x2, y2 }) {
  const [dx, dy] = [x2 - x1, y2 - y1];
  const along = ((x - x1) * dx + (y - y1) * dy) / (dx * dx + dy * dy || 1);
  const share = Math.min(Math.max(along, 0), 1);
  return Math.hypot(x - x1 - share * dx, y - y1 - share * dy);
}

// Times at which a window of `span` ms has a line, as [time, label]. Before 0 nothing happened.
export function ticks(from, to, span) {
  const step = [200, 500, 1000, 2000, 5000, 10_000, 20_000].find((each) => span / each <= 6) ?? 60_000;
  const found = [];
  for (let n = Math.max(0, Math.ceil(from / step)); n * step <= to; n++)
    found.push([n * step, `${((n * step) / 1000).toFixed(step < 1000 ? 1 : 0)} s`]);
  return found;
}

// ── what is kept ──

// The segments of one lane, by their numbers, oldest first, and never more than HISTORY.
export class Rows extends Map {
  add(row) {
    this.set(row.number, row);
    if (this.size > HISTORY) this.delete(this.keys().next().value);
  }

  between(from, to) {
    return [...this.values()].filter(({ at, on }) => Math.max(at, on || at) >= from && at <= to);
  }
}

// Which arrows are drawn as one: of a direction, those that are too near to be told apart.
export class Groups {
  constructor(least) {
    this.least = least; // ms
    this.last = new Map(); // by direction
  }

  // Take the next segment; return the group that it is in, a new one or the last.
  put(row) {
    const last = this.last.get(row.up);
    if (last && !row.end && !last.first.end && row.at - last.first.at < this.least) {
      last.count += 1 + row.more;
      last.total += row.size + row.rest;
      last.news ||= row.news;
      return last;
    }
    const group = { first: row, count: 1 + row.more, total: row.size + row.rest, news: row.news };
    this.last.set(row.up, group);
    return group;
  }
}

// The other machine's clock, as told by messages of which each took a while.
export class Clock {
  hear(now, here) {
    const offset = here - now;
    if (this.offset === undefined || offset < this.offset) this.offset = offset;
    else this.offset += (offset - this.offset) / 50; // if it was put forward, it is believed slowly
  }

  now(here) {
    return this.offset === undefined ? 0 : here - this.offset;
  }
}
