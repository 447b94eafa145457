// Bytes and fields point at each other: with the mouse, and with the arrow keys and Enter.
// Everything is within one element, and goes when that goes.
for (const root of document.querySelectorAll(".rtlab-bytes:not([data-live])")) {
  root.dataset.live = "";
  const said = root.querySelector(".said");
  let current = null; // the byte that the arrow keys have reached

  const scopeOf = (element) => element.closest(".scope");
  const cells = (scope, kind) => [...scope.querySelectorAll(`:scope > .hex ${kind}`)];
  const start = (scope) => Number(scope.dataset.start);
  const fields = (scope) =>
    [...scope.querySelectorAll("summary[data-from]")].filter((it) => scopeOf(it) === scope);
  const range = (field) => [
    Math.floor(field.dataset.from / 8),
    Math.ceil(field.dataset.to / 8),
  ];

  function clear() {
    for (const lit of root.querySelectorAll(".lit")) lit.classList.remove("lit");
  }

  function lightBytes(scope, first, end) {
    for (const kind of ["i", "b"]) {
      cells(scope, kind)
        .slice(first - start(scope), end - start(scope))
        .forEach((cell) => cell.classList.add("lit"));
    }
  }

  // The smallest fields that a byte belongs to; several if it is split into bits.
  function fieldsOf(scope, at) {
    const covering = fields(scope).filter((field) => {
      const [first, end] = range(field);
      return first <= at && at < end;
    });
    return covering.filter(
      (field) => !covering.some((other) => field.parentElement.contains(other) && other !== field),
    );
  }

  function pointAtField(field) {
    clear();
    field.classList.add("lit");
    const scope = scopeOf(field);
    lightBytes(scope, ...range(field));
    const hex = scope.querySelector(":scope > .hex");
    const first = hex.querySelector("i.lit");
    if (!first) return;
    // The bytes scroll by themselves; the page stays where it is.
    const above = first.getBoundingClientRect().top - hex.getBoundingClientRect().top;
    if (above < 0 || above > hex.clientHeight - 20) hex.scrollTop += above - 20;
  }

  function pointAtByte(scope, at) {
    clear();
    lightBytes(scope, at, at + 1);
    for (const field of fieldsOf(scope, at)) {
      // What is folded away is shown by what it is folded into.
      let seen = field;
      for (let up = field; up && up !== scope; up = up.parentElement) {
        if (up.matches("details:not([open])") && !up.querySelector(":scope > summary").contains(field))
          seen = up.querySelector(":scope > summary");
      }
      seen.classList.add("lit");
    }
  }

  function place(cell) {
    const scope = scopeOf(cell);
    return [scope, start(scope) + cells(scope, cell.localName).indexOf(cell)];
  }

  function openField(field) {
    for (let up = field.parentElement; up && up !== root; up = up.parentElement) {
      if (up.localName === "details" && up !== field.parentElement) up.open = true;
    }
    field.focus();
    field.scrollIntoView({ block: "nearest" });
  }

  let pointer = ""; // where it is: it also "moves" when what is below it does
  root.addEventListener("mouseover", ({ target, x, y }) => {
    if (pointer === `${x},${y}`) return;
    pointer = `${x},${y}`;
    if (target.matches(".hex i, .hex b")) pointAtByte(...place(target));
    else if (target.closest("summary[data-from]")) pointAtField(target.closest("summary"));
  });
  root.addEventListener("mouseleave", clear);
  root.addEventListener("click", ({ target }) => {
    if (target.matches(".hex i, .hex b")) {
      const [field] = fieldsOf(...place(target));
      if (field) openField(field);
    }
  });
  root.addEventListener("focusin", ({ target }) => {
    if (target.matches("summary[data-from]")) pointAtField(target);
    else if (target.matches(".hex")) move(target, 0);
  });

  function move(hex, step) {
    const scope = scopeOf(hex);
    const all = cells(scope, "i");
    if (!all.length) return;
    const at = all.includes(current) ? all.indexOf(current) + step : 0;
    current = all[Math.min(Math.max(at, 0), all.length - 1)];
    const [, number] = place(current);
    pointAtByte(scope, number);
    current.scrollIntoView({ block: "nearest", inline: "nearest" });
    const names = fieldsOf(scope, number).map((it) => it.querySelector(".name").textContent);
    said.textContent = `byte ${number}, ${current.textContent}: ${names.join(", ")}`;
  }

  root.addEventListener("keydown", (event) => {
    const hex = event.target;
    if (!hex.matches(".hex")) return;
    const row = Number(hex.dataset.row);
    const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -row, ArrowDown: row };
    if (event.key in steps) move(hex, steps[event.key]);
    else if (event.key === "Enter" && current) {
      const [field] = fieldsOf(...place(current));
      if (field) openField(field);
    } else return;
    event.preventDefault();
    event.stopPropagation(); // a notebook has plans of its own for these keys
  });
}
