// The ladder diagram, live. Time runs down; what is drawn moves up, and out at the top.

const HEIGHT = 360; // of a lane's drawing, in pixels, as everything here
const CLIENT = 40; // where the client's line stands, and from the right edge the server's
const SERVER = 26;
const CLOSE = 4; // arrows of one direction that are nearer to each other are drawn as one
const NEAR = 8; // how near to an arrow a click must be
const LINE = 11; // a label's height, and the mean width of a letter in it
const LETTER = 5.4;
const DELAY = 200; // ms: what is drawn is so old, so that arrows come in at the lower edge
const HISTORY = 3000; // segments of a lane that are kept
const CATCH_UP = 300; // new segments, of which it is quicker to draw everything anew
const TABLE = 100; // rows

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

// ── drawing ──

function head(x1, y1, x2, y2) {
  const angle = Math.atan2(y2 - y1, x2 - x1);
  const corner = (side) =>
    `${(x2 + 7 * Math.cos(angle + side)).toFixed(1)} ${(y2 + 7 * Math.sin(angle + side)).toFixed(1)}`;
  return `M${x2} ${y2}L${corner(2.75)}L${corner(-2.75)}Z`;
}

// One lane: its heading, its drawing, and the arrows in it.
class Lane {
  constructor(index, name, choose) {
    this.index = index;
    this.name = name;
    this.rows = new Rows();
    this.fresh = []; // not drawn yet
    this.arrows = new Map(); // number to what is drawn
    this.active = null; // the number that the keyboard has reached
    this.counts = make("p", { class: "counts" });
    this.note = make("p", { class: "note" });
    this.moving = make("g", {});
    this.empty = make("text", { x: "50%", y: HEIGHT / 2, class: "soft", "text-anchor": "middle" },
      "nothing yet");
    this.client = make("line", { class: "side", x1: CLIENT, x2: CLIENT, y1: 0, y2: HEIGHT });
    this.server = make("line", { class: "side", y1: 0, y2: HEIGHT });
    this.svg = make("svg", { height: HEIGHT, role: "none" },
      this.client, this.server, this.empty, this.moving);
    this.box = make("div", {
      class: "box", tabindex: "0", role: "group", "aria-label": `${name}: segments`,
      onclick: (event) => {
        const number = this.at(event);
        if (number !== null) choose(this, number);
      },
    }, this.svg);
    this.element = make("div", { class: "lane" },
      make("p", { class: "name" }, name), this.counts,
      make("p", { class: "ends", "aria-hidden": "true" },
        make("span", {}, "client"), make("span", {}, "server")),
      this.box, this.note);
  }

  // Begin a drawing of so many ms, with times counted from `base`.
  begin(base, span) {
    this.base = base;
    this.scale = HEIGHT / span;
    this.width = Math.max(this.box.clientWidth, 160);
    this.right = this.width - SERVER;
    this.svg.setAttribute("width", this.width);
    this.server.setAttribute("x1", this.right);
    this.server.setAttribute("x2", this.right);
    this.groups = new Groups(CLOSE / this.scale);
    this.places = new Places();
    this.arrows.clear();
    this.met = { up: -Infinity, down: -Infinity }; // where the last arrow of each way arrived
    this.marked = -Infinity;
    this.grid = make("g", {});
    this.ways = make("g", {});
    this.words = make("g", { class: "words" }); // above all arrows
    this.moving.replaceChildren(this.grid, this.ways, this.words);
  }

  y(time) {
    return (time - this.base) * this.scale;
  }

  draw(row) {
    const group = this.groups.put(row);
    const arrow = this.arrows.get(group.first.number);
    if (arrow) this.paint(arrow);
    else {
      const element = make("g", {
        id: `${this.id}-${row.number}`, role: "option", "data-number": row.number,
      });
      const drawn = { group, element };
      this.arrows.set(row.number, drawn);
      this.paint(drawn);
      this.ways.append(element);
      this.box.setAttribute("role", "listbox"); // which it may only be if there is an option
      this.empty.style.display = "none";
    }
  }

  paint(arrow) {
    const { group: { first, count, total, news }, element } = arrow;
    const words = described(first, count, total);
    const kind = first.up ? "up" : news ? "news" : "down";
    const [x1, across] = first.up ? [CLIENT, this.right] : [this.right, CLIENT];
    const part = first.on === null ? 0.25 : first.on === false ? 0.5 : 1;
    const x2 = x1 + (across - x1) * part;
    const y1 = this.y(first.at);
    const y2 = this.y(first.on || first.at);
    arrow.line = { x1, y1, x2: across, y2 };
    const pieces = [
      make("title", {}, words),
      make("line", { class: "hit", x1, y1, x2: across, y2 }),
      make("line", {
        class: "way", x1, y1, x2, y2,
        "stroke-width": count > 1 ? 2.6 : news ? 2 : 1.2,
        "stroke-dasharray": first.end ? "3 3" : first.on === null ? "1 3" : null,
      }),
    ];
    if (part === 1) {
      pieces.push(make("path", { d: head(x1, y1, x2, y2) }));
      this.met[first.up ? "up" : "down"] = y2;
    } else pieces.push(make("text", { x: x2, y: y2 + 4, "text-anchor": "middle" },
      first.on === null ? "…" : "✕"));
    this.label(arrow, kind, x1, y1, y1 + (y2 - y1) * 0.2);
    element.setAttribute("class", `arrow ${kind}`);
    element.setAttribute("aria-label", words);
    element.replaceChildren(...pieces);
  }

  // The label of an arrow stands at its sender's side, and stays where it is once it has its words.
  label(arrow, kind, x1, y1, y2) {
    const { group: { first, count, total } } = arrow;
    const words = short(first, Math.floor(((this.right - CLIENT) * 0.86) / LETTER), count, total);
    if (words === arrow.words && kind === arrow.kind) return;
    if (arrow.place) this.places.leave(arrow.place);
    arrow.label?.remove();
    const length = words.length * LETTER;
    const left = first.up ? x1 + 7 : x1 - 12 - length;
    const above = Math.min(y1, y2) - 3;
    const below = Math.max(y1, y2) + LINE - 1;
    // What arrives where this one begins comes from above: the words go under it then.
    const met = Math.abs(this.met[first.up ? "down" : "up"] - y1) < LINE;
    arrow.place = this.places.find(left, left + length, met ? [below, above] : [above, below]);
    Object.assign(arrow, { words, kind, label: null });
    if (!arrow.place) return;
    arrow.label = make("text", {
      class: kind, x: first.up ? x1 + 7 : x1 - 12, y: arrow.place.foot,
      "data-number": first.number, "text-anchor": first.up ? "start" : "end",
    }, words);
    this.words.append(arrow.label);
  }

  mark(seq, at) {
    const y = this.y(at);
    const parts = [make("title", {}, `message ${seq} published`),
      make("path", { d: `M${this.right} ${y - 4}l4 4l-4 4l-4 -4z` })];
    if (y - this.marked >= LINE) {
      this.marked = y;
      parts.push(make("text", { x: this.right + 6, y: y + 3.5 }, String(seq)));
    }
    this.ways.append(make("g", { class: "mark", "data-at": at }, ...parts));
  }

  // Show the time up to `edge` at the lower end.
  move(edge, span) {
    const top = edge - span;
    this.shift = HEIGHT - this.y(edge);
    this.moving.setAttribute("transform", `translate(0 ${this.shift.toFixed(1)})`);
    this.grid.replaceChildren(...ticks(top, edge, span).flatMap(([time, label]) => [
      make("line", { class: "tick", x1: CLIENT - 4, x2: this.right, y1: this.y(time), y2: this.y(time) }),
      make("text", { class: "soft", x: CLIENT - 6, y: this.y(time) + 4, "text-anchor": "end" }, label),
    ]));
  }

  // The segment that was clicked at: by its label, or because no other arrow is nearer.
  at({ target, clientX, clientY }) {
    const { left, top } = this.svg.getBoundingClientRect();
    const [x, y] = [clientX - left, clientY - top - this.shift];
    const named = target.closest("[data-number]")?.dataset.number;
    if (named && target.closest(".words")) return Number(named);
    let [nearest, least] = [named ? Number(named) : null, NEAR];
    for (const [number, { line }] of this.arrows) {
      const far = distance(x, y, line);
      if (far < least) [nearest, least] = [number, far];
    }
    return nearest;
  }

  // Take away what has moved out.
  forget(before) {
    for (const [number, { group, element, label }] of this.arrows) {
      if (Math.max(group.first.at, group.first.on || 0) >= before) break;
      if (number === this.active) this.activate(null);
      element.remove();
      label?.remove();
      this.arrows.delete(number);
    }
    for (const mark of this.ways.querySelectorAll(".mark")) {
      if (Number(mark.dataset.at) >= before) break;
      mark.remove();
    }
    if (!this.arrows.size) {
      this.box.setAttribute("role", "group");
      this.empty.style.display = "";
    }
  }

  activate(number) {
    this.arrows.get(this.active)?.element.classList.remove("active");
    this.active = this.arrows.has(number) ? number : null;
    if (this.active === null) this.box.removeAttribute("aria-activedescendant");
    else {
      const { element } = this.arrows.get(number);
      element.classList.add("active");
      this.box.setAttribute("aria-activedescendant", element.id);
    }
  }

  tell({ up, down, open, note }) {
    const connections = open === 1 ? "1 connection open" : `${open} connections open`;
    this.counts.textContent = `${connections}, ${bytes(up)} up, ${bytes(down)} down`;
    this.note.textContent = note;
  }
}

// ── the view ──

export default {
  render(context) {
    const { model, el, signal } = context;
    const id = `rtlab-${Math.random().toString(36).slice(2)}`;
    const clock = new Clock();
    let span = model.get("window") * 1000;
    let frozen = null; // the time at the lower edge while it does not move
    let marks = []; // [sequence number, time]
    let chosen = null; // { lane, number } of which the bytes are shown
    let alive = true;
    let seen = true; // whether any of it is on the screen
    const calm = matchMedia("(prefers-reduced-motion: reduce)");

    const lanes = model.get("names").map((name, index) => new Lane(index, name, choose));
    for (const lane of lanes) lane.id = `${id}-${lane.index}`;

    // ── controls ──

    const pause = make("button", { type: "button", onclick: () => (frozen === null ? stop() : go()) },
      "Pause");
    const spans = [...new Set([2, 5, 10, 30, 60, span / 1000])].sort((a, b) => a - b);
    const choice = make("select", { id: `${id}-span`, onchange: () => zoom(Number(choice.value)) },
      ...spans.map((each) =>
        make("option", { value: each, selected: each * 1000 === span }, `${each} s`)));
    const past = make("input", {
      type: "range", id: `${id}-past`, step: "any", oninput: () => look(Number(past.value)),
    });
    const controls = make("div", { class: "controls" }, pause,
      make("label", { for: choice.id }, "show"), choice,
      make("label", { for: past.id }, "earlier"), past, make("span", {}, "now"));
    const details = make("section", { class: "bytes", "aria-label": "bytes of a segment", hidden: true });
    const table = make("tbody", {});
    const columns = ["time", "lane", "conn", "from", "what", "bytes", "way", "look"];
    const folded = make("details", { class: "table", ontoggle: () => fill() },
      make("summary", {}, "as a table"),
      make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "segments" },
        make("table", {},
          make("thead", {}, make("tr", {},
            ...columns.map((name) => make("th", { scope: "col" }, name)))),
          table)));
    const board = make("div", { class: "board" }, ...lanes.map((lane) => lane.element));
    el.append(make("div", { class: "ladder" }, controls, board, details, folded));

    // ── time ──

    let ended = null; // the time at which the lab was stopped
    const now = () => ended ?? clock.now(performance.now()) - DELAY;
    const edge = () => frozen ?? now();

    function stop(at = edge()) {
      if (frozen === null) waiting = 0;
      frozen = at;
      frame();
      sign();
    }

    function go() {
      frozen = null;
      redraw();
      sign();
    }

    let known = false; // whether the kernel has said what there is, and what time it is
    let waiting = 0; // segments that came while it stood still
    function sign() {
      const news = waiting ? ` (${waiting.toLocaleString("en")} new)` : "";
      pause.textContent = frozen === null ? "Pause" : `Go on${news}`;
      pause.disabled = !alive || !known;
      past.disabled = !known;
      const firsts = lanes.map((lane) => lane.rows.values().next().value?.at ?? Infinity);
      const latest = Math.round(now());
      past.min = Math.round(Math.min(Math.min(...firsts) + span * 0.9, latest - 1));
      past.max = latest;
      past.value = Math.round(edge());
      past.setAttribute("aria-valuetext", `${seconds(latest - edge())} ago`);
    }

    function look(at) {
      if (at >= Number(past.max) && alive) return go();
      stop(at);
      redraw();
    }

    function zoom(seconds) {
      span = seconds * 1000;
      redraw();
      sign();
    }

    function redraw() {
      const end = edge();
      for (const lane of lanes) {
        const { active } = lane;
        lane.begin(end - span, span);
        lane.fresh = [];
        for (const row of lane.rows.between(end - span, frozen ?? Infinity)) lane.draw(row);
        for (const [seq, at] of marks)
          if (at >= end - span && at <= (frozen ?? Infinity)) lane.mark(seq, at);
        lane.forget(end - span);
        lane.activate(active);
      }
      light();
      frame();
    }

    let timer = 0;
    let request = 0;
    function frame() {
      request = 0;
      const end = edge();
      for (const lane of lanes) {
        // While it stands still, what is heard late of the time before belongs in it.
        const due = frozen === null ? lane.fresh : lane.fresh.filter(({ at }) => at <= frozen);
        if (due.length > CATCH_UP) return redraw();
        lane.fresh = frozen === null ? [] : lane.fresh.filter(({ at }) => at > frozen);
        for (const row of due) lane.draw(row);
        if (frozen === null || due.length) lane.forget(end - span);
        lane.move(end, span);
      }
      pace();
    }

    // Move on: smoothly while something is to be seen, and the reader has not asked for calm.
    function pace() {
      cancelAnimationFrame(request);
      clearTimeout(timer);
      request = 0;
      if (frozen !== null || !seen || signal.aborted || !alive) return;
      const busy = lanes.some((lane) => lane.arrows.size || lane.fresh.length);
      if (busy && !calm.matches) request = requestAnimationFrame(frame);
      else timer = setTimeout(frame, 1000);
    }

    // ── news ──

    function take(lane, news) {
      for (const packed of news.rows) {
        const row = unpack(packed);
        lane.rows.add(row);
        lane.fresh.push(row);
      }
      if (lane.fresh.length > HISTORY) lane.fresh.splice(0, lane.fresh.length - HISTORY);
      if (frozen !== null) waiting += news.rows.length;
      const touched = new Set();
      for (const [number, on] of news.on ?? []) {
        const row = lane.rows.get(number);
        if (row) touched.add(Object.assign(row, { on }));
      }
      for (const [number, words, brings] of news.names ?? []) {
        const row = lane.rows.get(number);
        if (row) touched.add(Object.assign(row, { words, news: brings }));
      }
      for (const row of touched) {
        const arrow = lane.arrows.get(row.number);
        if (!arrow) continue;
        arrow.group.news ||= row.news;
        lane.paint(arrow);
      }
      if (news.counts) lane.tell(news.counts);
      if (touched.size && frozen !== null) fill();
    }

    function hear(content) {
      clock.hear(content.now, performance.now());
      content.lanes.forEach((news, index) => news && take(lanes[index], news));
      marks = [...marks, ...content.marks].slice(-500);
    }

    redraw();
    const ask = attach(context, {
      snapshot: (content) => {
        known = true;
        for (const lane of lanes) lane.rows.clear();
        marks = [];
        hear(content);
        waiting = 0;
        if (!alive) frozen = ended = content.now;
        redraw();
        sign();
        fill();
      },
      news: (content) => {
        hear(content);
        for (const [seq, at] of content.marks)
          if (at <= (frozen ?? Infinity)) for (const lane of lanes) lane.mark(seq, at);
        if (frozen !== null) sign();
        if (!request) frame();
      },
      alive: (still) => {
        if (alive && !still) ended = now();
        else if (still) ended = null;
        alive = still;
        if (!still && frozen === null) stop();
        sign();
      },
    });

    el.prepend(el.querySelector(".rtlab-status"));

    // ── bytes ──

    let patience = 0;

    function light() {
      for (const lane of lanes)
        for (const [number, { element }] of lane.arrows)
          element.setAttribute("aria-selected", String(chosen?.lane === lane && chosen.number === number));
    }

    function choose(lane, number, { focus = false } = {}) {
      const row = lane.rows.get(number);
      if (!row) return;
      if (frozen === null) stop();
      chosen = { lane, number };
      light();
      const close = make("button", { type: "button", onclick: shut }, "Close");
      const words = `${lane.name}, ${seconds(row.at)}: ${described(row)}`;
      const left = row.more ? ` (${row.more.toLocaleString("en")} after it are not drawn.)` : "";
      const hint = make("p", { class: "hint" }, "Reading …");
      clearTimeout(patience);
      patience = setTimeout(() => {
        hint.textContent = "Reading … A cell is running: the kernel answers when it is done.";
      }, 2000);
      details.hidden = false;
      details.replaceChildren(
        make("div", { class: "title", tabindex: "-1" }, make("strong", {}, words + left), close),
        hint);
      if (focus) details.querySelector(".title").focus();
      ask({ kind: "open", lane: lane.index, number });
    }

    function shut() {
      const { lane } = chosen ?? {};
      chosen = null;
      details.hidden = true;
      details.replaceChildren();
      light();
      lane?.box.focus();
    }

    // The byte view is our own HTML, escaped where it is made, and brings its script.
    function answer(content) {
      if (content.kind !== "bytes" || !chosen) return;
      if (content.lane !== chosen.lane.index || content.number !== chosen.number) return;
      const view = document.createRange().createContextualFragment(content.html);
      details.querySelector(".hint, .rtlab-bytes, .answer")?.remove();
      details.append(make("div", { class: "answer" }, view));
      details.scrollIntoView({ block: "nearest" });
    }
    model.on("msg:custom", answer);

    details.addEventListener("keydown", ({ key }) => key === "Escape" && shut());
    for (const lane of lanes) {
      lane.box.addEventListener("keydown", (event) => {
        const numbers = [...lane.arrows.keys()];
        const at = lane.active === null ? numbers.length : numbers.indexOf(lane.active);
        const steps = { ArrowUp: at - 1, ArrowDown: at + 1, Home: 0, End: numbers.length - 1 };
        if (event.key in steps && numbers.length) {
          stop();
          lane.activate(numbers[Math.min(Math.max(steps[event.key], 0), numbers.length - 1)]);
        } else if ((event.key === "Enter" || event.key === " ") && lane.active !== null)
          choose(lane, lane.active, { focus: true });
        else if (event.key === "Escape" && chosen) shut();
        else return;
        event.preventDefault();
      });
    }

    // ── the same as a table ──

    function fill() {
      if (!folded.open || table.contains(document.activeElement)) return;
      const end = edge();
      const rows = lanes.flatMap((lane) =>
        lane.rows.between(end - span, end).map((row) => [lane, row]));
      rows.sort(([, a], [, b]) => a.at - b.at);
      table.replaceChildren(...rows.slice(-TABLE).map(([lane, row]) => make("tr", {},
        ...[seconds(row.at), lane.name, `#${row.connection}`, row.up ? "client" : "server",
          row.words, row.end ? "" : row.size, fate(row)].map((cell) => make("td", {}, String(cell))),
        make("td", {}, make("button", {
          type: "button", "aria-label": `bytes of ${described(row)}`,
          onclick: () => choose(lane, row.number, { focus: true }),
        }, "bytes")))));
    }
    const refresh = setInterval(() => {
      if (frozen === null) fill();
      sign();
    }, 1000);
    pause.addEventListener("click", fill);
    past.addEventListener("input", fill);

    const watcher = new IntersectionObserver(([{ isIntersecting }]) => {
      seen = isIntersecting;
      if (seen && frozen === null) frame();
    });
    watcher.observe(board);
    let width = 0;
    const sizer = new ResizeObserver(([{ contentRect }]) => {
      if (Math.abs(contentRect.width - width) < 2) return;
      width = contentRect.width;
      redraw();
    });
    sizer.observe(board);
    keepKeys(el, signal);
    signal.addEventListener("abort", () => {
      clearInterval(refresh);
      clearTimeout(timer);
      clearTimeout(patience);
      cancelAnimationFrame(request);
      watcher.disconnect();
      sizer.disconnect();
      model.off("msg:custom", answer);
    });
  },
};
