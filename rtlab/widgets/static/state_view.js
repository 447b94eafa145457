// State machines of clients, live: the state that lights up, what led there, and a countdown.

const LOG = 60; // rows
const NOW = "▶";

// How long the client still waits, in ms, `since` ms after this was sent; null if it does not.
export function left({ delay, at, sent }, since) {
  if (delay === null) return null;
  return Math.min(Math.max(at + delay - sent - since, 0), delay);
}

// What a client does. How long it will, is told by a countdown beside it.
export function doing({ state }) {
  return state ?? "not begun";
}

// The move that a client made last, in words.
export function moved({ last, state, count }, { moves }) {
  if (last !== null) return moves[last];
  return count ? `it went to ${state}, which its table does not have` : "";
}

// How often moves were made, by their rows in the table.
export function times(taken, rows) {
  return taken.reduce((sum, [row, count]) => sum + (rows.includes(row) ? count : 0), 0);
}

// What all clients reported, in order: [seconds, name, words].
export function log(clients, most = LOG) {
  const rows = clients.flatMap(({ name, log: lines }) => lines.map(([at, words]) => [at, name, words]));
  rows.sort(([a], [b]) => a - b);
  const begin = rows.length ? rows[0][0] : 0;
  return rows.slice(-most).map(([at, name, words]) => [((at - begin) / 1000).toFixed(2), name, words]);
}

// Light up a diagram of Python's: the state, the moves that were made, and how often.
function light(svg, { state, taken, last }) {
  for (const box of svg.querySelectorAll("[data-state]")) {
    const now = box.dataset.state === state;
    box.setAttribute("class", now ? "now" : "state");
    box.querySelector(".n").textContent = now ? `${NOW} ${state}` : box.dataset.state;
  }
  for (const part of svg.querySelectorAll("[data-moves]")) {
    const rows = part.dataset.moves.split(" ").map(Number);
    const count = times(taken, rows);
    if (part.localName === "g") {
      part.classList.toggle("made", count > 0);
      part.classList.toggle("last", rows.includes(last));
      continue;
    }
    part.querySelector(".c")?.remove();
    if (!count) continue;
    const told = document.createElementNS("http://www.w3.org/2000/svg", "tspan");
    told.setAttribute("class", "c");
    told.textContent = count < 100 ? ` ×${count}` : " ≥99";
    part.append(told);
  }
}

// One client.
class Card {
  constructor(client, machine, alone) {
    this.machine = machine;
    this.until = null; // when its waiting is over, on the page's clock
    this.count = null;
    // The drawing is our own HTML, escaped where it is made.
    const drawing = document.createRange().createContextualFragment(machine.svg);
    this.svg = drawing.querySelector("svg");
    this.states = make("ol", { class: "states" },
      ...machine.states.map(([name, note]) => make("li", { title: note }, name)));
    this.what = make("p", { class: "what" });
    this.bar = make("progress", { max: 1, value: 0, "aria-label": "time until it goes on" });
    this.clock = make("span", { class: "clock" });
    this.wait = make("p", { class: "wait" }, this.bar, this.clock);
    this.move = make("p", { class: "move" });
    this.detail = make("p", { class: "detail" });
    this.strange = make("p", { class: "strange" });
    const diagram = make("div", { class: "diagram" }, drawing);
    this.element = make("section", { class: "client", "aria-label": client.name },
      make("p", { class: "name" }, client.name),
      ...(alone ? [] : [this.states]),
      this.what, this.wait, this.move, this.detail, this.strange,
      alone ? diagram : make("details", {}, make("summary", {}, "diagram"), diagram));
    if (alone) this.element.classList.add("alone");
  }

  // Show what the client does; `fresh` if this was sent just now and not kept.
  show(client, fresh) {
    const since = fresh ? 0 : Math.max(Date.now() - client.sent, 0);
    if (client.count !== this.count) {
      const wait = left(client, since);
      this.until = wait === null ? null : performance.now() + wait;
      this.delay = client.delay;
    }
    this.count = client.count;
    for (const [place, [name]] of this.machine.states.entries()) {
      const item = this.states.children[place];
      const now = name === client.state;
      item.classList.toggle("now", now);
      item.textContent = now ? `${NOW} ${name}` : name;
      if (now) item.setAttribute("aria-current", "step");
      else item.removeAttribute("aria-current");
    }
    this.what.textContent = doing(client);
    this.move.textContent = moved(client, this.machine);
    this.detail.textContent = client.detail;
    this.strange.textContent = client.strange;
    light(this.svg, client);
    this.svg.setAttribute("aria-label", `State machine. ${this.machine.title}: ${doing(client)}`);
    this.tick();
  }

  // Count down; false if there is nothing to count.
  tick() {
    const wait = this.until === null ? 0 : this.until - performance.now();
    this.wait.style.visibility = wait > 0 ? "visible" : "hidden";
    if (wait <= 0) return false;
    this.bar.value = this.delay ? wait / this.delay : 0;
    this.clock.textContent = `in ${(wait / 1000).toFixed(1)} s`;
    return true;
  }
}

export default {
  render(context) {
    const { model, el, signal } = context;
    const calm = matchMedia("(prefers-reduced-motion: reduce)");
    const machines = model.get("machines");
    const clients = () => model.get("clients");
    const alone = clients().length === 1;
    const cards = clients().map((client) => new Card(client, machines[client.machine], alone));
    let paused = false;
    let timer = 0;

    const pause = make("button", { type: "button", onclick: () => {
      paused = !paused;
      pause.textContent = paused ? "Go on" : "Pause";
      show(false);
    } }, "Pause");
    const said = make("p", { class: "heard", role: "status" });
    const rows = make("tbody", {});
    const columns = ["s", "client", "report"];
    const table = make("details", { class: "log", ontoggle: () => fill() },
      make("summary", {}, "log"),
      make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "reports" },
        make("table", {},
          make("thead", {}, make("tr", {},
            ...columns.map((name) => make("th", { scope: "col" }, name)))),
          rows)));
    el.append(make("div", { class: "machines" },
      make("div", { class: "controls" }, pause),
      make("div", { class: alone ? "row alone" : "row" }, ...cards.map((card) => card.element)),
      table, said));

    function fill() {
      if (!table.open) return;
      rows.replaceChildren(...log(clients()).reverse().map((cells) =>
        make("tr", {}, ...cells.map((cell) => make("td", {}, cell)))));
    }

    // What somebody who does not see it must hear: not every poll, but what has gone wrong.
    function tell() {
      const news = clients().filter(({ state }, at) =>
        state !== cards[at].told && ["reconnecting", "closed"].includes(state));
      clients().forEach(({ state }, at) => (cards[at].told = state));
      if (news.length) said.textContent = news.map(({ name, state }) => `${name}: ${state}`).join(", ");
    }

    function show(fresh) {
      if (paused) return;
      clients().forEach((client, at) => cards[at].show(client, fresh));
      tell();
      fill();
      count();
    }

    function count() {
      clearTimeout(timer);
      if (paused || signal.aborted) return;
      const busy = cards.map((card) => card.tick()).some(Boolean);
      if (busy) timer = setTimeout(count, calm.matches ? 1000 : 100);
    }

    const changed = () => show(true);
    model.on("change:clients", changed);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      model.off("change:clients", changed);
    });
    keepKeys(el, signal);
    watch(context, () => {});
    el.prepend(el.querySelector(".rtlab-status"));
    show(false);
  },
};
