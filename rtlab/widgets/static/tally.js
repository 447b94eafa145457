// Which messages came: by their sequence numbers, nothing else.

export class Tally {
  received = 0;
  twice = 0;
  gone = 0; // that the feed no longer held when this page asked for them
  #gaps = []; // [first, last] of what is missing
  #acked = new Set(); // sent by this page itself: they do not come back to it

  constructor(cursor = null) {
    this.cursor = cursor; // the last message seen
  }

  // Count a message in; returns whether it came "in order", "late" (into a gap) or "twice".
  take(seq) {
    if (this.#acked.delete(seq)) {
      this.received += 1;
      this.cursor = Math.max(this.cursor, seq);
      return "in order";
    }
    if (this.cursor !== null && seq <= this.cursor) return this.#fill(seq);
    this.received += 1;
    if (this.cursor !== null && seq > this.cursor + 1) this.#miss(this.cursor + 1, seq - 1);
    this.cursor = seq;
    return "in order";
  }

  // Note that a message of this page's own was taken, and has this number.
  own(seq) {
    this.#acked.add(seq);
    if (this.#acked.size > 1000) this.#acked.delete(Math.min(...this.#acked));
  }

  // Note what a feed no longer holds: `resume` is the cursor to go on from.
  lose({ lost, resume }) {
    if (lost) this.gone += lost[1] - lost[0] + 1;
    this.cursor = resume;
  }

  get missing() {
    return this.#gaps.reduce((sum, [first, last]) => sum + last - first + 1, 0);
  }

  get lost() {
    return this.missing + this.gone;
  }

  get state() {
    const { received, twice, gone, cursor } = this;
    return { received, twice, gone, cursor, gaps: this.#gaps, acked: [...this.#acked] };
  }

  restore({ received, twice, gone, cursor, gaps, acked }) {
    Object.assign(this, { received, twice, gone, cursor });
    this.#gaps = gaps.map((gap) => [...gap]);
    this.#acked = new Set(acked);
  }

  #miss(first, last) {
    let from = first;
    const own = [...this.#acked].filter((seq) => first <= seq && seq <= last);
    for (const seq of [...own.sort((one, other) => one - other), last + 1]) {
      if (from < seq) this.#gaps.push([from, seq - 1]);
      from = seq + 1;
    }
  }

  #fill(seq) {
    const place = this.#gaps.findIndex(([first, last]) => first <= seq && seq <= last);
    if (place < 0) {
      this.twice += 1;
      return "twice";
    }
    const [first, last] = this.#gaps[place];
    const rest = [[first, seq - 1], [seq + 1, last]].filter(([from, to]) => from <= to);
    this.#gaps.splice(place, 1, ...rest);
    this.received += 1;
    return "late";
  }
}

// The values below which so much (0 to 1) of them lies; null of nothing.
export function quantiles(values, shares) {
  const sorted = Float64Array.from(values).sort();
  const place = (share) => Math.min(sorted.length - 1, Math.floor(share * sorted.length));
  return shares.map((share) => (sorted.length ? sorted[place(share)] : null));
}

// A text that may be long, cut to what one line of a table has room for.
export function cut(text, most = 160) {
  if (text.length <= most) return text;
  return `${text.slice(0, most)}… (${text.length.toLocaleString("en")} characters)`;
}
