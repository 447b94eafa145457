// A lane of the ladder: its heading, its drawing, the arrows in it. Lengths are in pixels.

const HEIGHT = 360; // of a lane's drawing
const CLIENT = 40; // where the client's line stands, and from the right edge the server's
const SERVER = 26;
const CLOSE = 4; // arrows of one direction that are nearer to each other are drawn as one
const NEAR = 8; // how near to an arrow a click must be
const LETTER = 5.4; // the mean width of a letter in a label

function head(x1, y1, x2, y2) {
  const angle = Math.atan2(y2 - y1, x2 - x1);
  const corner = (side) =>
    `${(x2 + 7 * Math.cos(angle + side)).toFixed(1)} ${(y2 + 7 * Math.sin(angle + side)).toFixed(1)}`;
  return `M${x2} ${y2}L${corner(2.75)}L${corner(-2.75)}Z`;
}

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
    this.marked = this.labelled = -Infinity;
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
    if (y - this.marked < 1) return; // nobody could tell it from the one before
    this.marked = y;
    const parts = [make("title", {}, `message ${seq} published`),
      make("path", { d: `M${this.right} ${y - 4}l4 4l-4 4l-4 -4z` })];
    if (y - this.labelled >= LINE) {
      this.labelled = y;
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
