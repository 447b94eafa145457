// Predict: a form that takes a number or an order, and locks it.

// Read a number as people write it, of `least` or more. Returns `{value}`, or `{error}` that says
// what to do.
export function parseNumber(text, unit = "", least = -Infinity) {
  let plain = text.trim().replace(/[\s\u00a0\u202f_']/g, "").replace("\u2212", "-");
  if (unit && plain.endsWith(unit)) plain = plain.slice(0, -unit.length);
  if (plain === "") return { error: "Write a number first: a rough guess is enough." };
  if (/^[-+]?\d{1,3}(,\d{3})+$/.test(plain))
    return { error: `${text.trim()} can be read in two ways. Write it without the comma.` };
  if (!plain.includes(".")) plain = plain.replace(",", ".");
  const value = Number(plain);
  if (!/\d/.test(plain) || !Number.isFinite(value))
    return { error: `${text.trim()} is no number. Write digits, such as 40 or 0.5.` };
  if (value < least) return { error: `It cannot be less than ${least}: write ${least} or more.` };
  if (Math.abs(value) > 1e12) return { error: "That is more than anything here could be." };
  return { value };
}

// A list with one of its items moved to another place.
export function moved(list, from, to) {
  const rest = list.filter((_, place) => place !== from);
  const place = Math.max(0, Math.min(to, rest.length));
  return [...rest.slice(0, place), list[from], ...rest.slice(place)];
}

// Where an item that is dragged to `y` belongs among others, by their middles.
export function placeAt(y, middles) {
  return middles.filter((middle) => middle < y).length;
}

// What a number is of: 1 byte, 2 bytes.
const unitOf = (value, unit) =>
  value === 1 ? unit.replace(/^(byte|character|message|request)s\b/, "$1") : unit;

// An answer in words.
export function words(answer, unit = "") {
  if (Array.isArray(answer)) return answer.join(", ");
  const size = Math.abs(answer);
  const digits = size >= 100 ? { maximumFractionDigits: 0 } : { maximumSignificantDigits: 3 };
  return `${answer.toLocaleString("en", digits)} ${unitOf(answer, unit)}`.trim();
}

// What there is to know of how an answer came about.
export function past(earlier, late, unit = "") {
  const before = earlier.map((answer) => words(answer, unit)).join(", then ");
  return [
    before && `Before, you said ${before}.`,
    late && "You committed to this after the measurement was shown.",
  ].filter(Boolean).join(" ");
}

export default {
  render(context) {
    const { model, el, signal } = context;
    const name = `rtlab-${Math.random().toString(36).slice(2)}`;
    const unit = model.get("unit");
    const said = make("p", { class: "said", role: "status" });
    const body = make("div", { class: "body" });
    const question = make("p", { class: "question", id: name }, model.get("question"));
    const group = make("div", { role: "group", "aria-labelledby": name }, question, body, said);
    el.append(group);

    let here = true; // whether there is a kernel to answer to
    let open = model.get("answer") === null; // whether an answer can be given
    let order = model.get("answer") ?? model.get("choices");

    const commit = (answer) => {
      open = false;
      model.set("answer", answer);
      model.save_changes();
      draw();
      body.querySelector("button")?.focus();
      said.textContent = "Committed.";
    };

    function numberForm() {
      const field = make("input", {
        id: `${name}-field`, type: "text", inputmode: "decimal", autocomplete: "off", size: 10,
        disabled: !here, "aria-describedby": `${name}-error`,
      });
      const error = make("p", { class: "error", id: `${name}-error`, role: "alert" });
      const submit = () => {
        const { value, error: wrong } = parseNumber(field.value, unit, model.get("least"));
        error.textContent = wrong ?? "";
        field.setAttribute("aria-invalid", wrong ? "true" : "false");
        if (wrong) field.focus();
        else commit(value);
      };
      field.addEventListener("keydown", (event) => {
        if (event.key !== "Enter") return;
        event.preventDefault(); // or it would press the button that is focused next, too
        submit();
      });
      const label = make("label", { for: field.id }, "Your prediction");
      const button = make("button", { type: "button", disabled: !here, onclick: submit }, "Commit");
      return [make("div", { class: "line" }, label, field, make("span", {}, unit), button), error];
    }

    function orderForm() {
      const list = make("ol", { class: "order" });
      const items = new Map(order.map((choice) => [choice, item(choice)]));
      const sort = () => {
        for (const choice of order) list.append(items.get(choice).row);
        order.forEach((choice, place) => {
          const { up, down } = items.get(choice);
          up.disabled = !here || place === 0;
          down.disabled = !here || place === order.length - 1;
        });
      };
      const shift = (choice, step, button) => {
        const from = order.indexOf(choice);
        order = moved(order, from, from + step);
        sort();
        const { up, down } = items.get(choice);
        (button.disabled ? (button === up ? down : up) : button).focus();
        tell(choice);
      };
      const tell = (choice) => {
        said.textContent = `${choice} is now ${order.indexOf(choice) + 1} of ${order.length}.`;
      };

      function item(choice) {
        const grip = make("span", { class: "grip", "aria-hidden": "true", title: "drag" }, "⠿");
        const button = (sign, words, step) => {
          const made = make("button", {
            type: "button", "aria-label": `move ${choice} ${words}`,
            onclick: () => shift(choice, step, made),
          }, sign);
          return made;
        };
        const up = button("▲", "up", -1);
        const down = button("▼", "down", 1);
        const row = make("li", {}, grip, make("span", { class: "name" }, choice), up, down);
        grip.addEventListener("pointerdown", (event) => drag(choice, row, grip, event));
        return { row, up, down };
      }

      // The others move out of the way: what is dragged stays in the page, or it would be let go.
      function drag(choice, row, grip, event) {
        if (!here) return;
        event.preventDefault();
        grip.setPointerCapture(event.pointerId);
        row.classList.add("dragged");
        const follow = ({ clientY }) => {
          const others = order.filter((other) => other !== choice);
          const middle = (other) => {
            const { top, height } = items.get(other).row.getBoundingClientRect();
            return top + height / 2;
          };
          const place = placeAt(clientY, others.map(middle));
          if (place === order.indexOf(choice)) return;
          order = [...others.slice(0, place), choice, ...others.slice(place)];
          for (const other of order.slice(0, place)) row.before(items.get(other).row);
          for (const other of order.slice(place + 1).reverse()) row.after(items.get(other).row);
        };
        const done = () => {
          grip.removeEventListener("pointermove", follow);
          row.classList.remove("dragged");
          sort();
          tell(choice);
        };
        grip.addEventListener("pointermove", follow);
        grip.addEventListener("lostpointercapture", done, { once: true });
      }

      sort();
      const submit = () => commit(order);
      const button = make("button", { type: "button", disabled: !here, onclick: submit }, "Commit");
      const hint = make("p", { class: "hint" }, "The first is on top. Move with ▲ and ▼, or drag.");
      return [hint, list, button];
    }

    function locked() {
      const answer = model.get("answer");
      const shown = Array.isArray(answer)
        ? make("ol", { class: "order" }, ...answer.map((choice) => make("li", {}, choice)))
        : make("strong", {}, words(answer, unit));
      const again = () => {
        open = true;
        order = Array.isArray(answer) ? answer : order;
        said.textContent = "What you said before stays noted.";
        draw();
        body.querySelector("input, button:not(:disabled)")?.focus();
      };
      const button = make("button", { type: "button", disabled: !here, onclick: again },
        "Change my mind");
      return [
        make("div", { class: "line" }, make("span", {}, "You predicted"), shown, button),
        make("p", { class: "hint" }, past(model.get("earlier"), model.get("late"), unit)),
      ];
    }

    function draw() {
      body.replaceChildren(
        ...(!open ? locked() : model.get("kind") === "order" ? orderForm() : numberForm()),
      );
    }

    const changed = () => {
      const focused = body.contains(document.activeElement);
      open = model.get("answer") === null;
      draw();
      if (focused) body.querySelector("input, button")?.focus();
    };
    const events = ["answer", "earlier", "late"].map((trait) => `change:${trait}`);
    for (const event of events) model.on(event, changed);
    signal.addEventListener("abort", () => {
      for (const event of events) model.off(event, changed);
    });
    draw();
    keepKeys(el, signal);
    watch(context, (alive) => {
      here = alive;
      if (alive) draw();
      else for (const control of body.querySelectorAll("input, button")) control.disabled = true;
    });
  },
};
