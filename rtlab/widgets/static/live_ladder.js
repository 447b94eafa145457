// The ladder diagram, live. Time runs down; what is drawn moves up, and out at the top.

const DELAY = 200; // ms: what is drawn is so old, so that arrows come in at the lower edge
const CATCH_UP = 300; // new segments, of which it is quicker to draw everything anew
const TABLE = 100; // rows

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
