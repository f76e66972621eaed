// The page beside a running mock. Whatever comes from the mock is put in as text, never as HTML:
// the page's policy (trusted types) forbids the other way, too.

const $ = (id) => document.getElementById(id);
const calm = (work, pause) => {
  // Calls `work` once, a while after the last of several calls.
  let timer = 0;
  return () => { clearTimeout(timer); timer = setTimeout(work, pause); };
};

/** Make an element: attributes, `on…` listeners, and children that are elements or texts. */
function el(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value === true) made.setAttribute(key, "");
    else if (value !== false && value != null) made.setAttribute(key, value);
  }
  made.append(...children.filter((child) => child != null));
  return made;
}

function drawn(name, attributes) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

/** What cannot be seen, or turns the direction of what follows, is shown as a sign of its own. */
function visible(text) {
  return text
    .replace(/[\x00-\x08\x0b-\x1f]/g, (char) => String.fromCharCode(0x2400 + char.charCodeAt(0)))
    .replace(/[\x7f\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g,
      (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

// What the mock is asked.

const TOKEN = "counterfoil-token";
let asking = null;

/** Ask a page of the mock; where it wants a token, the owner is asked for it, once. */
async function ask(path, options = {}) {
  for (;;) {
    const used = sessionStorage.getItem(TOKEN);
    const headers = { ...options.headers, ...(used ? { Authorization: `Bearer ${used}` } : {}) };
    if (options.json !== undefined) headers["Content-Type"] = "application/json";
    const body = options.json === undefined ? undefined : JSON.stringify(options.json);
    const answer = await fetch(path, { ...options, headers, body, cache: "no-store" });
    if (answer.status !== 403) return answer;
    if (used === sessionStorage.getItem(TOKEN)) await (asking ??= askForToken(used !== null));
  }
}

function askForToken(wrong) {
  if (wrong) $("token-said").textContent = "That is not the token of this mock.";
  $("token").value = "";
  $("token-dialog").showModal();
  return new Promise((done) => {
    $("token-form").onsubmit = (event) => {
      event.preventDefault();
      sessionStorage.setItem(TOKEN, $("token").value.trim());
      $("token-dialog").close();
      asking = null;
      done();
    };
  });
}
// Without the token there is nothing to go back to.
$("token-dialog").addEventListener("cancel", (event) => event.preventDefault());

/** Ask for JSON; what is refused is said at the top of the page, or by who catches it. */
async function json(path, options = {}) {
  const answer = await ask(path, { headers: { Accept: "application/json" }, ...options });
  const value = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(value.error ?? `${path} answers ${answer.status}`);
  return value;
}

/** Do what a control is for, and say it where that fails. */
function tried(work, where = $("alert")) {
  return async (event) => {
    where.textContent = "";
    try {
      await work(event);
    } catch (problem) {
      where.textContent = problem instanceof TypeError ? "The mock does not answer." : problem.message;
    }
  };
}

// Which view is open. The address says it, so that Back and a bookmark work.

const VIEWS = ["journal", "conversations", "faults", "chaos", "replies", "clock"];
const shown = { view: "journal", number: 0 };

function route(event) {
  const [view, number] = location.hash.slice(1).split("/");
  shown.view = VIEWS.includes(view) ? view : "journal";
  shown.number = shown.view === "journal" ? Number(number) || 0 : 0;
  for (const one of VIEWS) $(`view-${one}`).hidden = one !== shown.view;
  for (const link of document.querySelectorAll("nav a")) {
    if (link.hash === `#${shown.view}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  document.title = `${$(`${shown.view}-title`).textContent} · Counterfoil`;
  if (shown.view === "journal") openExchange();
  else tried({ conversations: lookAtRecords, faults: lookAtFaults, chaos: lookAtChaos, replies: lookAtReplies, clock: lookAtClock }[shown.view])();
  if (event && shown.view !== "journal") $(`${shown.view}-title`).focus?.();
}

// The journal: lines of it as they come, of which only those in sight are in the document.

const lines = []; // oldest first
const seen = { journal: null, first: 1, last: 0, caughtUp: false };
const names = { operations: new Set(), sessions: new Set() };
const MOST_NAMES = 200;
let following = new AbortController();

function filters() {
  const asked = new URLSearchParams();
  // Not `contains` alone: what is named so would stand in for the method of the form.
  for (const [name, value] of new FormData($("filter"))) if (value) asked.set(name.replace("by-", ""), value);
  return asked;
}

async function follow() {
  following.abort();
  const mine = (following = new AbortController());
  forgetLines();
  $("show-all").hidden = ![...filters()].length;
  let pause = 250;
  while (!mine.signal.aborted) {
    try {
      const asked = filters();
      if (seen.last) asked.set("since", seen.last);
      const answer = await ask(`events?${asked}`, { signal: mine.signal });
      if (!answer.ok) {
        linked("lost", "not live");
        $("alert").textContent = (await answer.json()).error;
        return;
      }
      $("alert").textContent = "";
      linked("live", "live");
      pause = 250;
      await readEvents(answer.body, mine.signal);
    } catch (problem) {
      if (mine.signal.aborted) return;
    }
    if (mine.signal.aborted) return;
    linked("lost", "not answering");
    await new Promise((go) => setTimeout(go, pause));
    pause = Math.min(pause * 2, 5000);
  }
}

function linked(state, said) {
  $("link").dataset.state = state;
  if ($("link").textContent !== said) $("link").textContent = said;
}

async function readEvents(body, signal) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let left = "";
  for (;;) {
    // The mock says something every ten seconds: who is silent for longer is gone.
    const silence = setTimeout(() => reader.cancel(), 30000);
    const { value, done } = await reader.read().finally(() => clearTimeout(silence));
    if (done || signal.aborted) return;
    const blocks = (left + value).split("\n\n");
    left = blocks.pop();
    for (const block of blocks) if (!signal.aborted) takeEvent(block);
    draw();
  }
}

function takeEvent(block) {
  const fields = Object.fromEntries(block.split("\n").map((line) => {
    const at = line.indexOf(": ");
    return at > 0 ? [line.slice(0, at), line.slice(at + 2)] : ["", ""];
  }));
  if (fields.event === "entry") takeLine(JSON.parse(fields.data));
  else if (fields.event === "state") takeState(JSON.parse(fields.data));
}

function takeLine(line) {
  line.fresh = seen.caughtUp;
  lines.push(line);
  if (seen.caughtUp) news.count += 1;
  if (line.operation) addName("operations", line.operation);
  if (line.session) addName("sessions", line.session);
}

function takeState(state) {
  if (seen.journal !== null && state.journal !== seen.journal) {
    // The mock was started anew, and with it its numbers.
    seen.journal = state.journal;
    follow();
    return;
  }
  const caught = !seen.caughtUp && state.caught_up;
  Object.assign(seen, { journal: state.journal, first: state.first, last: state.last });
  seen.caughtUp ||= state.caught_up;
  if (lines.length && lines[0].number < state.first) {
    const kept = lines.findIndex((line) => line.number >= state.first);
    lines.splice(0, kept < 0 ? lines.length : kept);
  }
  if (caught) news.count = 0;
  tellNews();
  somethingHappened();
}

function addName(kind, name) {
  if (names[kind].size >= MOST_NAMES || names[kind].has(name)) return;
  names[kind].add(name);
  $(kind).append(el("option", { value: name }));
}

function forgetLines() {
  lines.length = 0;
  for (const row of rows.values()) row.remove(); // another mock has other exchanges by these numbers
  rows.clear();
  view.known = 0;
  Object.assign(seen, { journal: null, first: 1, last: 0, caughtUp: false });
  news.count = 0;
  draw();
}

// New lines are counted, and the count is said at most every other second.
const news = { count: 0, timer: 0 };

function tellNews() {
  if (news.timer) return;
  news.timer = setTimeout(() => {
    news.timer = 0;
    if (news.count) $("news").textContent = `${counted(news.count, "new exchange")}, ${lines.length.toLocaleString("en")} in all`;
    news.count = 0;
  }, 1500);
}

const counted = (count, what) => `${count.toLocaleString("en")} ${what}${count === 1 ? "" : "s"}`;

const rows = new Map(); // the rows that are in the document, by number
const OVERSCAN = 8;
const view = { active: 0, top: 0, drawing: false, known: 0 };

function draw() {
  if (view.drawing) return;
  view.drawing = true;
  requestAnimationFrame(() => { view.drawing = false; drawRows(); });
}

const rowHeight = () => parseFloat(getComputedStyle(document.documentElement).getPropertyValue("--row"));
const placeOf = (number) => {
  // Newest first; a search by halves, for lines are in the order of their numbers.
  let [low, high] = [0, lines.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (lines[middle].number < number) low = middle + 1; else high = middle;
  }
  return lines[low]?.number === number ? lines.length - 1 - low : -1;
};

function drawRows() {
  const scroller = $("scroller"), body = $("body"), height = rowHeight();
  keepPlace(scroller, height);
  const from = Math.max(0, Math.floor(scroller.scrollTop / height) - OVERSCAN);
  const until = Math.min(lines.length, from + Math.ceil(scroller.clientHeight / height) + 2 * OVERSCAN);
  const wanted = [];
  for (let place = from; place < until; place++) wanted.push(lines[lines.length - 1 - place]);
  const focused = body.contains(document.activeElement);
  const kept = new Set(wanted.map((line) => line.number));
  let lost = false;
  for (const [number, row] of rows) {
    if (kept.has(number)) continue;
    lost ||= row.contains(document.activeElement);
    rows.delete(number);
    row.remove();
  }
  if (!kept.has(view.active) && !focused) view.active = wanted[0]?.number ?? 0;
  let before = gap("gap-above", from * height);
  wanted.forEach((line, index) => {
    const row = rows.get(line.number) ?? rowOf(line);
    if (before.nextSibling !== row) before.after(row);
    row.setAttribute("aria-rowindex", from + index + 2);
    row.classList.toggle("open", line.number === shown.number);
    row.link.tabIndex = line.number === view.active ? 0 : -1;
    if (line.number === shown.number) row.link.setAttribute("aria-current", "true");
    else row.link.removeAttribute("aria-current");
    before = row;
  });
  before.after(gap("gap-below", (lines.length - until) * height));
  $("rows").setAttribute("aria-rowcount", lines.length + 1);
  $("count").textContent = counted(lines.length, "exchange");
  if (lost) scroller.focus({ preventScroll: true });
  $("nothing").hidden = lines.length > 0 || !seen.caughtUp;
  $("nothing").textContent = [...filters()].length ? "No exchange that is kept is like this." : "Nothing was asked yet.";
}

/** Whoever reads further down, or has a row in focus, keeps it in place when newer ones come. */
function keepPlace(scroller, height) {
  const newest = lines.at(-1)?.number ?? 0;
  const more = view.known ? lines.length - 1 - Math.max(0, newestPlace(view.known)) : 0;
  const holds = scroller.scrollTop > height / 2 || $("body").contains(document.activeElement);
  if (newest > view.known && view.known && more > 0 && holds) {
    gap("gap-below", (lines.length + 50) * height); // so that there is room to scroll to
    scroller.scrollTop += more * height;
  }
  view.known = newest;
  $("newest").hidden = scroller.scrollTop < height * 3;
}

function newestPlace(number) {
  let place = lines.length - 1;
  while (place >= 0 && lines[place].number > number) place--;
  return place;
}

function gap(id, height) {
  const row = $(id) ?? el("tr", { id, class: "gap", "aria-hidden": "true" }, el("td", { colspan: 5 }));
  if (!row.isConnected) $("body").prepend(row);
  row.firstChild.style.height = `${height}px`;
  return row;
}

const clockOf = (at) => new Date(at * 1000).toISOString();
const statusOf = (code) => el("span", { class: "status", "data-class": Math.floor(code / 100) }, String(code));

function rowOf(line) {
  const link = el("a", { href: `#journal/${line.number}` }, String(line.number));
  const what = el("td", { class: "c-what" }, el("b", {}, visible(line.method)),
    line.operation ? `${visible(line.operation)} ` : "", el("span", {}, visible(line.path)));
  what.title = [line.api, line.operation ?? "no operation", line.session].filter(Boolean).map(visible).join(" · ");
  const marks = el("td", { class: "c-marks" });
  const mark = (text, why, warns) => marks.append(el("span", { class: warns ? "mark warns" : "mark", title: why }, text), " ");
  if (line.faults.length) mark("fault", visible(line.faults.join(", ")), true);
  if (line.chaos.length) mark("chaos", visible(line.chaos.join(", ")), true);
  if (line.remarks) mark("note", "what the mock remarks for its owner", true);
  if (line.caller === "refused" && !line.remarks) mark("refused", "the caller's credentials", true);
  if (line.chunks > 1) mark("stream", `${line.chunks} pieces`, false);
  const row = el("tr", { "data-number": line.number },
    el("td", { class: "c-number" }, link),
    el("td", { class: "c-time" }, clockOf(line.at).slice(11, 19), el("i", {}, clockOf(line.at).slice(19, 23))),
    el("td", { class: "c-status" }, statusOf(line.status)), what, marks);
  if (line.fresh) row.classList.add("fresh");
  line.fresh = false;
  row.link = link;
  rows.set(line.number, row);
  return row;
}

function moveTo(place, keepOpen) {
  if (!lines.length) return;
  const at = Math.max(0, Math.min(lines.length - 1, place));
  const number = lines[lines.length - 1 - at].number;
  const scroller = $("scroller"), height = rowHeight();
  const top = at * height, head = 27;
  if (top < scroller.scrollTop) scroller.scrollTop = top;
  else if (top + height + head > scroller.scrollTop + scroller.clientHeight) {
    scroller.scrollTop = top + height + head - scroller.clientHeight;
  }
  view.active = number;
  scroller.focus({ preventScroll: true });
  drawRows();
  rows.get(number)?.link.focus({ preventScroll: true });
  if (keepOpen) location.replace(`#journal/${number}`);
}

const WIDE = matchMedia("(min-width: 1001px)");

$("scroller").addEventListener("keydown", (event) => {
  if (event.altKey || event.ctrlKey || event.metaKey) return;
  const page = Math.max(1, Math.floor($("scroller").clientHeight / rowHeight()) - 2);
  const here = placeOf(view.active);
  const to = { ArrowDown: here + 1, ArrowUp: here - 1, PageDown: here + page, PageUp: here - page,
    Home: 0, End: lines.length - 1 }[event.key];
  if (to === undefined) return;
  event.preventDefault();
  const first = !$("body").contains(document.activeElement) && here < 0;
  moveTo(first ? 0 : to, shown.number > 0 && WIDE.matches);
});
$("scroller").addEventListener("focusin", (event) => {
  const row = event.target.closest("tr[data-number]");
  if (row) view.active = Number(row.dataset.number);
});
$("scroller").addEventListener("scroll", draw, { passive: true });
new ResizeObserver(draw).observe($("scroller"));
$("body").addEventListener("click", (event) => {
  const row = event.target.closest("tr[data-number]");
  if (!row || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  toHeading = event.detail === 0 || !WIDE.matches; // by the keyboard, or where the list goes away
  location.hash = `#journal/${row.dataset.number}`;
});
$("newest").addEventListener("click", () => { $("scroller").scrollTop = 0; moveTo(0, false); });
$("filter").addEventListener("input", calm(follow, 250));
$("filter").addEventListener("reset", () => setTimeout(follow));
$("filter").addEventListener("submit", (event) => { event.preventDefault(); follow(); });
$("clear-journal").addEventListener("click", tried(() => json("journal", { method: "DELETE" })));
$("save-har").addEventListener("click", tried(async () => {
  // Fetched, not linked: a link could not bring the token.
  const answer = await ask(`journal.har?${filters()}`);
  if (!answer.ok) throw new Error((await answer.json()).error);
  const address = URL.createObjectURL(await answer.blob());
  el("a", { href: address, download: "journal.har" }).click();
  setTimeout(() => URL.revokeObjectURL(address), 60000);
}));

// One exchange.

let toHeading = false;
let opened = 0;

async function openExchange() {
  document.body.classList.toggle("opened", shown.number > 0);
  draw();
  const wanted = shown.number;
  if (!wanted) {
    const back = opened;
    opened = 0;
    showStart();
    if (back) tried(() => { const place = placeOf(back); if (place >= 0) moveTo(place, false); })();
    return;
  }
  opened = wanted;
  let entry = null, problem = "";
  try {
    entry = await json(`journal/${wanted}`);
  } catch (error) {
    problem = error instanceof TypeError ? "The mock does not answer." : error.message;
  }
  if (shown.number !== wanted) return;
  const title = $("detail-title");
  $("detail").scrollTop = 0;
  if (entry) showExchange(entry);
  else {
    title.replaceChildren(`Exchange ${wanted}`);
    $("exchange").replaceChildren(el("p", { class: "problem" }, problem));
  }
  if (toHeading) { toHeading = false; title.focus(); }
}

$("detail").addEventListener("keydown", (event) => {
  if (event.key === "Escape" && shown.number) location.hash = "#journal";
});

function showStart() {
  $("detail-title").replaceChildren("Served here");
  const list = el("dl");
  for (const api of apis) {
    const url = new URL(api.path.replace(/\/?$/, "/"), location.origin).href;
    list.append(el("dt", {}, visible(api.title)), el("dd", {}, el("code", {}, url)));
  }
  $("exchange").replaceChildren(el("div", { class: "start" }, list,
    el("p", {}, "Every request is in the journal as soon as it is answered. Choose one to see what was asked beside what was answered, how it left, and what the mock made of it.")));
}

function showExchange(entry) {
  const target = entry.path + (entry.query ? `?${entry.query}` : "");
  $("detail-title").replaceChildren(el("span", {}, `Exchange ${entry.number}`),
    el("code", {}, visible(`${entry.method} ${target}`)), statusOf(entry.status),
    el("time", { datetime: clockOf(entry.at) }, `${clockOf(entry.at).replace("T", " ").slice(0, 23)} UTC`));
  const parts = [factsOf(entry)];
  if (entry.remarks.length) {
    parts.push(el("ul", { class: "remarks", "aria-label": "Remarks" },
      ...entry.remarks.map((remark) => el("li", {}, visible(remark)))));
  }
  if (entry.chunks.length > 1) parts.push(streamOf(entry.chunks));
  parts.push(el("div", { class: "ticket" },
    sideOf("Request", entry.headers, entry.body, entry.body ? `${entry.body.length.toLocaleString("en")} characters` : ""),
    sideOf("Answer", entry.answer_headers, entry.answer, leftAs(entry.chunks))));
  $("exchange").replaceChildren(...parts);
  tintNames();
}

function factsOf(entry) {
  const facts = el("dl", { class: "facts" });
  const fact = (name, ...what) => facts.append(el("div", {}, el("dt", {}, name), el("dd", {}, ...what)));
  const narrowed = (field, value, said = value) => el("button", { type: "button", class: "link", title: "Show only these",
    onclick: () => { $("filter").elements[`by-${field}`].value = value; if (!WIDE.matches) location.hash = "#journal"; follow(); } }, visible(said));
  fact("Operation", entry.operation ? narrowed("operation", entry.operation) : "none has this path and method");
  fact("Caller", entry.caller);
  fact("Session", entry.session ? narrowed("session", entry.session) : "none named");
  fact("Fixture", entry.fixture ? visible(entry.fixture) : "none");
  fact("Faults", ...(entry.faults.length ? entry.faults.flatMap((id, at) => [at ? ", " : "", narrowed("fault", id)]) : ["none"]));
  if (entry.chaos.length) fact("Chaos", ...entry.chaos.flatMap((said, at) => [at ? ", " : "", narrowed("chaos", said.split("=")[0], said)]));
  return facts;
}

const MOST_BODY = 16384; // characters that a journal keeps of one

function leftAs(chunks) {
  const total = chunks.reduce((sum, [, count]) => sum + count, 0);
  return `${bytes(total)}, in ${chunks.length === 1 ? "one piece" : `${chunks.length} pieces`}`;
}

function sideOf(title, headers, body, size) {
  const side = el("section", { class: "side", "aria-label": title }, el("h3", {}, title, el("small", {}, size)));
  const list = el("dl", { class: "headers" });
  for (const [name, value] of headers) list.append(el("div", {}, el("dt", {}, visible(name)), el("dd", {}, visible(value))));
  side.append(list);
  const form = headers.some(([name, value]) => /^content-type$/i.test(name) && /x-www-form-urlencoded/i.test(value));
  if (body) side.append(el("pre", {}, visible(indented(body) ?? (form ? body.replaceAll("&", "\n&") : body))));
  else side.append(el("p", { class: "none" }, "no body"));
  if (body.length >= MOST_BODY) side.append(el("p", { class: "cut" }, "The rest of it was not kept."));
  return side;
}

const bytes = (count) => counted(count, "byte");
const MOST_DEPTH = 40;

/** Indent JSON without reading it into values, which would change numbers and lose doubles. */
function indented(text, whole = true) {
  if (!/^\s*[[{]/.test(text)) return null;
  if (whole) { try { JSON.parse(text); } catch { return null; } }
  const tokens = text.match(/"(?:\\.|[^"\\])*"?|[{}[\],:]|[^\s{}[\],:"]+/g) ?? [];
  let depth = 0, out = "";
  const line = () => `\n${"  ".repeat(depth)}`;
  for (let at = 0; at < tokens.length; at++) {
    const token = tokens[at], next = tokens[at + 1];
    if (token === "{" || token === "[") {
      if (next === "}" || next === "]") { out += token + next; at++; continue; }
      if (++depth > MOST_DEPTH) return null;
      out += token + line();
    } else if (token === "}" || token === "]") {
      depth = Math.max(0, depth - 1);
      out += line() + token;
    } else out += token === "," ? token + line() : token === ":" ? ": " : token;
  }
  return out;
}

/** Tint the names in indented JSON: by ranges, without a single element more. */
function tintNames() {
  if (!CSS.highlights) return;
  const ranges = [];
  for (const pre of document.querySelectorAll("pre")) {
    const text = pre.firstChild;
    if (text?.nodeType !== Node.TEXT_NODE) continue;
    for (const found of text.data.matchAll(/^ *("(?:\\.|[^"\\])*")(?=: )/gm)) {
      const range = new StaticRange({ startContainer: text, endContainer: text,
        startOffset: found.index + found[0].length - found[1].length, endOffset: found.index + found[0].length });
      if (ranges.push(range) >= 2000) break;
    }
  }
  CSS.highlights.set("json-name", new Highlight(...ranges));
}

// How an answer left, along time.

const WIDTH = 600, HEIGHT = 72, MOST_PIECES = 200;
const seconds = (time) => time >= 1 ? `${+time.toFixed(2)} s` : time > 0 ? `${+(time * 1000).toFixed(time < 0.01 ? 1 : 0)} ms` : "0";

function streamOf(chunks) {
  const total = chunks.reduce((sum, [, count]) => sum + count, 0), end = chunks.at(-1)[0];
  const said = `${chunks.length} pieces, ${bytes(total)}${end ? `, over ${seconds(end)}` : ", all at once"}`;
  const svg = drawn("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img",
    "aria-label": `The stream along time: ${said}` });
  const across = (time) => (end ? (time / end) * (WIDTH - 4) + 2 : 2);
  const most = new Map(); // bytes by the place where they are drawn, so that there are not too many
  let sum = 0, path = `M 0 ${HEIGHT}`;
  for (const [time, count] of chunks) {
    const x = Math.round(across(time));
    most.set(x, (most.get(x) ?? 0) + count);
  }
  for (const [x, count] of most) {
    const before = HEIGHT - (sum / total) * (HEIGHT - 4);
    sum += count;
    path += ` L ${x} ${before.toFixed(1)} L ${x} ${(HEIGHT - (sum / total) * (HEIGHT - 4)).toFixed(1)}`;
  }
  svg.append(drawn("path", { class: "so-far", d: `${path} L ${WIDTH} 4 L ${WIDTH} ${HEIGHT} Z` }));
  svg.append(drawn("path", { class: "edge", d: `${path} L ${WIDTH} 4`, "vector-effect": "non-scaling-stroke" }));
  const highest = Math.max(...most.values());
  for (const [x, count] of most) {
    const height = Math.max(3, Math.sqrt(count / highest) * HEIGHT * 0.55);
    svg.append(drawn("line", { class: "piece", x1: x, x2: x, y1: HEIGHT, y2: (HEIGHT - height).toFixed(1), "vector-effect": "non-scaling-stroke" }));
  }
  svg.append(drawn("line", { class: "axis", x1: 0, x2: WIDTH, y1: HEIGHT, y2: HEIGHT, "vector-effect": "non-scaling-stroke" }));
  return el("figure", { class: "stream" },
    el("figcaption", {}, el("strong", {}, "Stream"), el("span", {}, said), el("span", {}, "a bar: what left then; the area: all so far")),
    svg, ticksOf(end), piecesOf(chunks));
}

function ticksOf(end) {
  const ticks = el("div", { class: "ticks", "aria-hidden": "true" });
  for (const part of end ? [0, 0.25, 0.5, 0.75, 1] : [0]) {
    const tick = el("span", {}, seconds(end * part));
    tick.style.left = `${part * 100}%`;
    ticks.append(tick);
  }
  return ticks;
}

function piecesOf(chunks) {
  const body = el("tbody");
  const details = el("details", { ontoggle: () => {
    if (body.firstChild) return;
    chunks.slice(0, MOST_PIECES).forEach(([time, count], at) => body.append(el("tr", {},
      el("td", { class: "number" }, String(at + 1)), el("td", { class: "number" }, time.toFixed(4)), el("td", { class: "number" }, String(count)))));
  } }, el("summary", {}, "Each piece"));
  const caption = chunks.length > MOST_PIECES ? `The first ${MOST_PIECES} of ${chunks.length} pieces` : "The pieces";
  details.append(el("table", { class: "plain" }, el("caption", {}, caption), el("thead", {}, el("tr", {},
    ...["Piece", "Seconds", "Bytes"].map((name) => el("th", { scope: "col" }, name)))), body));
  return details;
}

// Conversations.

const records = new Map();

async function lookAtRecords() {
  const api = $("conversations-api").value;
  const found = (await json(`conversations${api ? `?api=${encodeURIComponent(api)}` : ""}`)).conversations;
  const list = $("records"), kept = new Set();
  let before = null;
  for (const one of found) {
    const id = JSON.stringify([one.api, one.scope, one.key]);
    kept.add(id);
    const item = records.get(id) ?? recordOf(one);
    records.set(id, item);
    item.show(one);
    // What stands already in its place stays there, with its focus and open or closed as it was.
    const place = before ? before.nextSibling : list.firstChild;
    if (place !== item) list.insertBefore(item, place);
    before = item;
  }
  for (const [id, item] of records) if (!kept.has(id)) { item.remove(); records.delete(id); }
  $("conversations-count").textContent = found.length ? counted(found.length, "record") : "nobody has talked with the mocks yet";
  tintNames();
}

function recordOf(one) {
  const pre = el("pre"), size = el("span"), cut = el("p", { class: "cut" }, "The rest of it is not shown.");
  let text = null;
  const write = () => { if (details.open && pre.textContent !== text) { pre.textContent = text; tintNames(); } };
  const details = el("details", { ontoggle: write }, el("summary", {}, el("code", {}, visible(one.key)),
    el("span", {}, visible([one.api, ...one.scope].filter(Boolean).join(" · "))), size), pre, cut);
  const item = el("li", {}, details);
  item.show = (now) => {
    text = visible(indented(now.record, false) ?? now.record);
    size.textContent = `${now.characters.toLocaleString("en")} characters`;
    cut.hidden = now.record.length >= now.characters || now.characters < MOST_BODY;
    write();
  };
  return item;
}

$("conversations-again").addEventListener("click", tried(lookAtRecords));
$("conversations-api").addEventListener("change", tried(lookAtRecords));

// Faults.

let faults = {};
let listed = "";

async function lookAtFaults() {
  faults = (await json("faults")).apis;
  showFaults();
}

const idOf = (text) => text.split("@")[0];
const chanceOf = (text) => text.split("@")[1];
const session = () => ($("faults-whom").value === "one" ? $("faults-session").value : null);
const onFor = (api, whom) => (whom === null ? faults[api].faults : Object.hasOwn(faults[api].sessions, whom) ? faults[api].sessions[whom] : []);

function showFaults() {
  const api = $("faults-api").value;
  const on = Object.entries(faults).flatMap(([name, one]) => [
    ...one.served_with.map((id) => ({ name, id, whom: "from the start", fixed: true })),
    ...one.faults.map((id) => ({ name, id, whom: "everybody", of: null })),
    ...Object.entries(one.sessions).flatMap(([of, ids]) => ids.map((id) => ({ name, id, whom: `session ${of}`, of }))),
  ]);
  const count = on.length;
  $("faults-on").hidden = !count;
  $("faults-on").textContent = count ? String(count) : "";
  const said = count ? `${count} on` : "none is on: the mocks are honest";
  if ($("faults-count").textContent !== said) $("faults-count").textContent = said;
  $("faults-now").replaceChildren(...(count ? [el("ul", { "aria-label": "On now" }, ...on.slice(0, 50).map(onNow))] : []));
  if (shown.view === "faults" && faults[api]) showKnown(api);
}

function onNow({ name, id, whom, of, fixed }) {
  const often = chanceOf(id) ? `, ${+(chanceOf(id) * 100).toFixed(1)} % of the requests` : "";
  const off = tried(async () => {
    await switched(name, of, onFor(name, of).filter((one) => one !== id));
    $("faults-title").focus();
  });
  return el("li", {}, el("code", {}, visible(idOf(id))), el("span", {}, visible(`${whom}${often}`)),
    fixed ? null : el("button", { type: "button", "aria-label": `Switch off ${idOf(id)}, ${visible(whom)}`, onclick: off }, "Off"));
}

function showKnown(api) {
  if (listed !== api) {
    listed = api;
    $("faults-known").replaceChildren(...faults[api].known.map((known) => {
      const box = el("input", { type: "checkbox", role: "switch", onchange: tried(async (event) => {
        await toggle(api, known.id, event.target.checked).finally(showFaults);
      }) });
      const often = el("small");
      const item = el("li", {}, el("label", {}, box, el("code", {}, visible(known.id)), el("span", {}, visible(known.sentence)), often));
      Object.assign(item, { box, often, known, text: `${known.id} ${known.sentence} ${known.group}`.toLowerCase() });
      return item;
    }));
  }
  const on = onFor(api, session()), find = $("faults-find").value.trim().toLowerCase().split(/\s+/);
  for (const item of $("faults-known").children) {
    const mine = on.find((text) => idOf(text) === item.known.id);
    const fixed = faults[api].served_with.includes(item.known.id);
    item.box.checked = fixed || mine !== undefined;
    item.box.disabled = fixed;
    item.often.textContent = mine && chanceOf(mine) ? `${+(chanceOf(mine) * 100).toFixed(1)} %` : "";
    item.hidden = !find.every((word) => item.text.includes(word));
  }
}

async function toggle(api, id, on) {
  const whom = session();
  if (whom === "") throw new Error("Name the session that the fault is for.");
  const others = onFor(api, whom).filter((text) => idOf(text) !== id);
  const chance = Number($("faults-chance").value);
  await switched(api, whom, on ? [...others, chance < 1 ? `${id}@${chance}` : id] : others);
}

async function switched(api, whom, ids) {
  const now = await json("faults", { method: "PUT", json: { api, faults: ids, ...(whom === null ? {} : { session: whom }) } });
  Object.assign(faults[api], { faults: now.faults, sessions: now.sessions });
  showFaults();
}

for (const id of ["faults-find", "faults-session", "faults-api", "faults-whom"]) {
  $(id).addEventListener("input", () => {
    $("faults-session-label").hidden = $("faults-whom").value !== "one";
    showFaults();
  });
}
$("faults-form").addEventListener("submit", (event) => event.preventDefault());
$("faults-off").addEventListener("click", tried(async () => {
  faults = (await json("faults", { method: "DELETE" })).apis;
  showFaults();
}));

// Chaos.

let chaos = { apis: {}, known: { connection: {} } };
const PLANNED = ["latency", "chunk_latency", "rate_limit"];

async function lookAtChaos() {
  takeChaos(await json("chaos"));
  fillPlan();
}

function takeChaos(found) {
  chaos = found;
  const on = Object.entries(chaos.apis).flatMap(([name, one]) => [
    ...(Object.keys(one.served_with).length ? [{ name, plan: one.served_with, whom: "from the start", fixed: true }] : []),
    ...(Object.keys(one.everywhere).length ? [{ name, plan: one.everywhere, whom: "everybody", of: null }] : []),
    ...Object.entries(one.sessions).map(([of, plan]) => ({ name, plan, whom: `session ${of}`, of })),
  ]);
  $("chaos-on").hidden = !on.length;
  $("chaos-on").textContent = on.length ? String(on.length) : "";
  const said = on.length ? `${on.length} on` : "none is on: connections are sound";
  if ($("chaos-count").textContent !== said) $("chaos-count").textContent = said;
  $("chaos-now").replaceChildren(...(on.length ? [el("ul", { "aria-label": "On now" }, ...on.slice(0, 50).map(chaosOnNow))] : []));
  if (!$("chaos-known").children.length) {
    $("chaos-known").append(...Object.entries(chaos.known.connection).map(kindOf));
    $("by-chaos").append(...[...Object.keys(chaos.known.connection), ...PLANNED].map((kind) => el("option", {}, kind)));
  }
}

const planSaid = (plan) => Object.entries(plan).map(([key, value]) =>
  `${key.replace("_", " ")} ${value === null || value.length === 0 ? "none" : [value].flat().join(", ")}`).join(" · ");

function chaosOnNow({ name, plan, whom, of, fixed }) {
  const off = tried(async () => {
    takeChaos(await json("chaos", { method: "PUT", json: { api: name, ...(of === null ? {} : { session: of }) } }));
    fillPlan();
    $("chaos-title").focus();
  });
  return el("li", {}, el("code", {}, visible(name)), el("span", {}, visible(`${whom}: ${planSaid(plan)}`)),
    fixed ? null : el("button", { type: "button", "aria-label": `Switch off the chaos of ${name}, ${visible(whom)}`, onclick: off }, "Off"));
}

function kindOf([kind, sentence]) {
  const unit = sentence.match(/`\w+:(\w+)`/)?.[1]; // what stands after the colon, where something may
  const box = el("input", { type: "checkbox", role: "switch" });
  const number = (label, more) => el("input", { type: "number", "aria-label": `${label}, ${kind}`, ...more });
  const amount = unit && number(unit === "BYTES" ? "Bytes a second" : "Seconds", { min: "0", step: "any", placeholder: "usual" });
  const chance = number("Chance", { min: "0", max: "1", step: "any", value: "1" });
  const item = el("li", {}, el("label", {}, box, el("code", {}, kind), el("span", {}, sentence.replace(/(,| for) `.*/, "."))),
    unit ? el("label", {}, unit === "BYTES" ? "Bytes/s" : "Seconds", amount) : el("span"), el("label", {}, "Chance", chance));
  for (const input of [amount, chance]) input?.addEventListener("input", () => { box.checked = true; });
  return Object.assign(item, { kind, box, amount, chance });
}

const chaosApis = () => ($("chaos-api").value ? [$("chaos-api").value] : Object.keys(chaos.apis));
const chaosSession = () => ($("chaos-whom").value === "one" ? $("chaos-session").value : null);

/** Put what is on into the form, so that it can be changed; of several APIs only what is the same. */
function fillPlan() {
  chaos.written = false;
  const whom = chaosSession();
  const plans = chaosApis().map((name) => {
    const { served_with, everywhere, sessions } = chaos.apis[name];
    return whom === null ? { ...served_with, ...everywhere } : Object.hasOwn(sessions, whom) ? sessions[whom] : {};
  });
  const plan = plans.every((one) => JSON.stringify(one) === JSON.stringify(plans[0])) ? plans[0] : {};
  for (const key of PLANNED) $("chaos-form").elements[key].value = plan[key] ?? "";
  for (const item of $("chaos-known").children) {
    const on = (plan.connection ?? []).map((text) => text.match(/^(\w+)(?::([^@]+))?(?:@(.+))?$/)).find((found) => found?.[1] === item.kind);
    item.box.checked = Boolean(on);
    if (item.amount) item.amount.value = on?.[2] ?? "";
    item.chance.value = on?.[3] ?? "1";
  }
}

/** Read the plan of the form; what the mock was started with, and is empty here, is off. */
function planned() {
  const plan = {}, started = chaosApis().map((name) => chaos.apis[name].served_with);
  const set = (key, value, empty) => { if (!empty || started.some((one) => key in one)) plan[key] = empty ? null : value; };
  for (const key of PLANNED) {
    const text = $("chaos-form").elements[key].value.trim();
    set(key, text, !text);
  }
  const on = [...$("chaos-known").children].filter((item) => item.box.checked);
  set("connection", on.map(({ kind, amount, chance }) =>
    kind + (amount?.value ? `:${amount.value}` : "") + (chance.value !== "" && Number(chance.value) !== 1 ? `@${chance.value}` : "")), !on.length);
  return plan;
}

for (const type of ["input", "change"]) {
  $("chaos-form").addEventListener(type, (event) => { if (!event.target.id) chaos.written = true; });
}
$("chaos-form").addEventListener("submit", (event) => {
  event.preventDefault();
  tried(async () => {
    const session = chaosSession(), api = $("chaos-api").value;
    if (session === "") throw new Error("Name the session that it is for.");
    takeChaos(await json("chaos", { method: "PUT", json: { ...planned(), ...(api ? { api } : {}), ...(session === null ? {} : { session }) } }));
  }, $("chaos-problem"))();
});
for (const id of ["chaos-api", "chaos-whom", "chaos-session"]) {
  $(id).addEventListener("change", () => {
    $("chaos-session-label").hidden = $("chaos-whom").value !== "one";
    if (!chaos.written) fillPlan(); // what was written by hand is not lost by a choice
  });
}
$("chaos-off").addEventListener("click", tried(async () => {
  takeChaos(await json("chaos", { method: "DELETE" }));
  fillPlan();
}));

// Replies.

async function lookAtReplies() {
  showReplies((await json("replies")).replies);
}

function showReplies(replies) {
  $("replies-count").textContent = replies.length ? `${replies.length} scripted` : "none is scripted: the fixtures answer";
  $("replies-rows").replaceChildren(...replies.toReversed().map(({ api, id, entry }) => {
    const { question, contains, pattern, answer, answers, basis, ...rest } = entry;
    const asked = question ?? (contains !== undefined ? `… ${contains} …` : `/${pattern}/`);
    const away = tried(async () => {
      await json(`replies/${encodeURIComponent(api)}/${encodeURIComponent(id)}`, { method: "DELETE" });
      await lookAtReplies();
      $("replies-title").focus();
    });
    const texts = [`${api} ${id}`, String(asked), answer ?? answers?.join("\n… ") ?? "", Object.keys(rest).length ? JSON.stringify(rest) : ""];
    return el("tr", {}, ...texts.map((text) => el("td", {}, visible(String(text)))),
      el("td", {}, el("p", { class: "buttons" },
        el("button", { type: "button", "aria-label": `Change ${id}`, onclick: () => change(api, id, entry) }, "Change"),
        el("button", { type: "button", "aria-label": `Remove ${id}`, onclick: away }, "Remove"))));
  }));
}

let changing = null; // the reply that is written anew, if any

/** Put a reply into the form; what has no field there is in the further keys. */
function change(api, id, { question, contains, pattern, answer, answers, error, delay, times, session, fault, basis, ...more }) {
  const form = $("reply").elements;
  $("reply").reset();
  changing = { api, id };
  const plain = typeof fault !== "object" && Object.keys(error ?? {}).every((key) => key !== "code");
  const several = (answers ?? []).slice(1), inLines = several.every((text) => text && !text.includes("\n"));
  const fields = { api, how: question !== undefined ? "question" : contains !== undefined ? "contains" : "pattern",
    asked: question ?? contains ?? pattern, answer: answer ?? (inLines ? answers?.[0] : ""), then: inLines ? several.join("\n") : "",
    status: plain && error ? error.status ?? 500 : "", message: plain ? error?.message : "", delay, times, session, fault: plain ? fault : "" };
  for (const [name, value] of Object.entries(fields)) form[name].value = value ?? "";
  const rest = { ...more, ...(inLines ? {} : { answers }), ...(plain ? {} : { error, fault }), ...(basis === "authored" ? {} : { basis }) };
  form.more.value = Object.values(rest).some((value) => value !== undefined) ? JSON.stringify(rest) : "";
  $("reply-how").open = Boolean(fields.then || error || delay || times || session || fault || form.more.value);
  $("reply-do").textContent = `Change ${id}`;
  $("reply-leave").hidden = false;
  form.asked.focus();
}

$("reply").addEventListener("reset", () => {
  changing = null;
  $("reply-do").textContent = "Script it";
  $("reply-leave").hidden = true;
  $("reply-problem").textContent = "";
});
$("reply").addEventListener("submit", (event) => {
  event.preventDefault();
  tried(async () => {
    const given = Object.fromEntries(new FormData($("reply")));
    const entry = { api: given.api, [given.how]: given.asked };
    const then = given.then.split("\n").filter(Boolean);
    if (then.length) entry.answers = [given.answer, ...then];
    else if (given.answer) entry.answer = given.answer;
    if (given.status) entry.error = { status: Number(given.status), ...(given.message ? { message: given.message } : {}) };
    for (const name of ["delay", "times"]) if (given[name]) entry[name] = Number(given[name]);
    for (const name of ["session", "fault"]) if (given[name]) entry[name] = given[name];
    Object.assign(entry, furtherKeys(given.more));
    await json("replies", { method: "POST", json: entry });
    if (changing) {
      // The new one is there before the old one is taken away: no question is without its reply.
      await json(`replies/${encodeURIComponent(changing.api)}/${encodeURIComponent(changing.id)}`, { method: "DELETE" });
      $("reply").reset();
    }
    for (const name of ["asked", "answer", "then", "status", "message"]) $("reply").elements[name].value = "";
    $("reply").elements.asked.focus();
    await lookAtReplies();
  }, $("reply-problem"))();
});

function furtherKeys(text) {
  if (!text.trim()) return {};
  let value = null;
  try { value = JSON.parse(text); } catch { /* told below */ }
  if (value === null || typeof value !== "object" || Array.isArray(value)) throw new Error("The further keys are no JSON object.");
  return value;
}

$("replies-clear").addEventListener("click", tried(async () => showReplies((await json("replies", { method: "DELETE" })).replies)));

// The clock: a real one goes on by itself, a virtual one when it is moved.

const clock = { ahead: 0, stands: null };

async function lookAtClock() {
  const { now, virtual } = await json("clock");
  clock.stands = virtual ? now : null;
  clock.ahead = now - Date.now() / 1000;
  $("clock-form").hidden = !virtual;
  $("clock-kind").textContent = virtual
    ? "Virtual time: it stands still until it is moved."
    : "The machine's own time. Start the mock with --clock virtual to move it.";
  tick();
}

function tick() {
  const text = clockOf(clock.stands ?? Date.now() / 1000 + clock.ahead).replace("T", " ");
  const short = `${text.slice(0, 19)} UTC`;
  $("now").textContent = clock.stands === null ? `${text.slice(11, 19)} UTC` : `${short}, virtual`;
  $("clock-now").textContent = short;
}

async function advance(by) {
  await json("clock", { method: "POST", json: { advance: by } });
  await lookAtClock();
}
$("clock-form").addEventListener("submit", (event) => { event.preventDefault(); tried(() => advance(Number($("advance").value)))(); });
for (const button of document.querySelectorAll("[data-advance]")) {
  button.addEventListener("click", tried(() => advance(Number(button.dataset.advance))));
}

// Everything anew.

$("reset").addEventListener("click", () => { $("reset-dialog").returnValue = ""; $("reset-dialog").showModal(); });
$("reset-dialog").addEventListener("close", tried(async () => {
  if ($("reset-dialog").returnValue !== "yes") return;
  await json("reset", { method: "POST" });
  faults = (await json("faults")).apis;
  showFaults();
  takeChaos(await json("chaos"));
  if (shown.number) location.hash = "#journal";
  else route();
}));
$("skip").addEventListener("click", (event) => { event.preventDefault(); $("main").focus(); });

/** A request may have changed what another view shows. */
const somethingHappened = calm(tried(async () => {
  if (clock.stands !== null) await lookAtClock();
  if (shown.view === "conversations") await lookAtRecords();
}), 400);

let apis = [];

async function start() {
  apis = (await json(".")).apis;
  document.body.classList.toggle("one-api", apis.length === 1);
  for (const select of document.querySelectorAll(".apis select")) {
    for (const { api, title } of apis) select.append(el("option", { value: api }, `${api} · ${title}`));
  }
  follow();
  addEventListener("hashchange", route);
  route();
  await lookAtClock();
  setInterval(() => { if (!document.hidden) tick(); }, 1000);
  if (shown.view !== "faults") await lookAtFaults();
  if (shown.view !== "chaos") await lookAtChaos();
  const known = Object.values(faults).flatMap((one) => one.known);
  $("faults").append(...known.map(({ id }) => el("option", { value: id })));
}

tried(start)();
