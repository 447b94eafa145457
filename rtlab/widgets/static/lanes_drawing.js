// Lanes on a canvas: one transport below the other, the client left and the server right.

const HEAD = 26; // px of a lane above its lines, for its name and its button
const LINES = 42; // px for the two lines: messages to the client, requests to the server
const GAP = 8;
const ABOVE = 18; // px above the first lane
const STRIP = 40; // px of a strip that lies below its lane
const NARROW = 640; // px of width below which it does
const MARGIN = 30;
const QUEUE = 78; // px beside the server, for what waits there
const COLUMN = 3; // px

// The colours of the theme that is on, and letters.
function paint(element) {
  const style = getComputedStyle(element);
  const colour = (name) => style.getPropertyValue(`--${name}`).trim();
  const names = ["ink", "soft", "rule", "up", "news", "bad"];
  return Object.fromEntries(names.map((name) => [name, colour(name)]));
}

// Draw one lane at a moment. `box` says where: y of its top, x of client and server, its strip.
function drawLane(context, lane, box, { now, newest, top, colours }) {
  const down = box.y + HEAD + 10;
  const up = down + 20;
  const width = box.server - box.client;
  drawEnds(context, box, down, up, colours);

  drawFlights(context, lane.nothing, now, colours.news, box.server, -width, down, ring);
  drawFlights(context, lane.messages, now, colours.news, box.server, -width, down, dot);
  drawFlights(context, lane.up, now, colours.up, box.client, width, up, triangle);
  lane.eachBroken(now, (kind, place, age) => {
    context.globalAlpha = Math.max(0, Math.min(1, 1.2 - age / SHOWN_LOST));
    if (kind === CUT && age >= 0) drawCut(context, box, down, up, colours);
    else if (kind === LOST_UP) drawLost(context, box.client + place * width, up, age, colours.up);
    else if (kind === LOST_DOWN)
      drawLost(context, box.server - place * width, down, age, colours.news);
    context.globalAlpha = 1;
  });
  drawQueue(context, lane.waiting(newest), box.server, down, up, colours);
  drawStrip(context, lane.strip, box.strip, now, top, colours);
}

function drawEnds(context, { client, server }, down, up, { rule, soft }) {
  context.fillStyle = rule;
  context.fillRect(client, down, server - client, 1);
  context.fillRect(client, up, server - client, 1);
  context.fillStyle = soft;
  for (const x of [client - 3, server]) context.fillRect(x, down - 8, 3, up - down + 16);
}

// Few are drawn one by one, each with the tail of where it has just been; many as a density.
function drawFlights(context, flights, now, colour, from, width, y, shape) {
  context.fillStyle = context.strokeStyle = colour;
  if (flights.groups() > MANY) {
    const counts = flights.density(now, Math.floor(Math.abs(width) / COLUMN));
    const step = Math.sign(width) * COLUMN;
    counts.forEach((count, at) => {
      const height = 2 + 3 * Math.log2(1 + count);
      if (count) context.fillRect(from + at * step, y - height / 2, step, height);
    });
    return;
  }
  flights.each(now, (place, tail, count) => {
    context.globalAlpha = 0.45;
    context.fillRect(from + tail * width, y - 1, (place - tail) * width, 3);
    context.globalAlpha = 1;
    if (place < 1) shape(context, from + place * width, y, Math.min(9, 4 + Math.log2(count)));
    if (place < 1 && count > 1) {
      context.fillText(`×${count}`, from + place * width - 8, y - 10);
    }
  });
}

function dot(context, x, y, radius) {
  context.beginPath();
  context.arc(x, y, radius, 0, 7);
  context.fill();
}

function ring(context, x, y, radius) {
  context.beginPath();
  context.arc(x, y, radius, 0, 7);
  context.lineWidth = 1.5;
  context.stroke();
}

function triangle(context, x, y) {
  context.beginPath();
  context.moveTo(x + 5, y);
  context.lineTo(x - 5, y - 5);
  context.lineTo(x - 5, y + 5);
  context.fill();
}

function drawLost(context, x, y, age, colour) {
  context.fillStyle = context.strokeStyle = colour;
  if (age < 0) return dot(context, x, y, 4);
  context.lineWidth = 2;
  context.beginPath();
  for (const slope of [-1, 1]) {
    context.moveTo(x - 5, y - 5 * slope);
    context.lineTo(x + 5, y + 5 * slope);
  }
  context.stroke();
}

function drawCut(context, { client, server }, down, up, { bad }) {
  const middle = (client + server) / 2;
  context.fillStyle = context.strokeStyle = bad;
  context.lineWidth = 2;
  context.setLineDash([4, 3]);
  context.beginPath();
  context.moveTo(middle, down - 9);
  context.lineTo(middle, up + 9);
  context.stroke();
  context.setLineDash([]);
  context.fillText("cut", middle + 6, (down + up) / 2 + 4);
}

function drawQueue(context, waiting, x, down, up, { news, soft }) {
  context.fillStyle = news;
  for (let at = 0; at < Math.min(waiting, 5); at++) dot(context, x + 11 + 8 * at, down, 3);
  context.fillStyle = soft;
  if (waiting) context.fillText(`${waiting.toLocaleString("en")} waiting`, x + 7, up + 4);
}

function drawStrip(context, strip, { x, y, width, height }, now, top, { rule, soft, news }) {
  context.fillStyle = rule;
  context.fillRect(x, y + height, width, 1);
  context.fillRect(x, y, width, 1);
  context.fillStyle = soft;
  context.fillText(inMs(top), x + width + 4, y + 8);
  context.fillText("0", x + width + 4, y + height + 3);
  context.fillStyle = news;
  strip.each(now, (age, low, high) => {
    const bottom = y + height - (low / top) * height;
    const tall = ((high - low) / top) * height;
    context.fillRect(x + width - (age / WINDOW) * width - 1.5, bottom - tall - 1.5, 3, tall + 3);
  });
}

// Where everything is on a canvas of a width.
export function layout(width, lanes) {
  const narrow = width < NARROW;
  const each = HEAD + LINES + (narrow ? STRIP + 6 : 0) + GAP;
  const server = Math.round(narrow ? width - QUEUE : width * 0.62 - QUEUE);
  const boxes = Array.from({ length: lanes }, (_, at) => {
    const y = ABOVE + at * each;
    const strip = narrow
      ? { x: 8, y: y + HEAD + LINES + 2, width: width - 52, height: STRIP - 8 }
      : { x: server + QUEUE + 12, y: y + 6, width: width - server - QUEUE - 66, height: 56 };
    return { y, client: 8, server, head: narrow ? width : server, strip };
  });
  return { narrow, height: ABOVE + lanes * each, boxes };
}
