"use strict";
const AHEAD = 8, BEHIND = 2, HEARTBEAT_MS = 20_000, RETRY_MS = 2000, TRIES = 6, MOST_DONE = 200, MOST_HELD = 32;
const QUEUES = {
  label_conflicts: { name: "Two classes", question: "Which class is it?", none: "No picture stands under two classes." },
  label_errors: { name: "Label errors", question: "Which class is it really?", none: "No label looks wrong." },
  off_topic: { name: "Off topic", question: "Is it of a class at all?", none: "No picture looks as if it were of no class." },
  copies: { name: "Copies?", question: "One picture, or two?", none: "No copies are near the limit." },
  wrong: { name: "Called wrong", question: "What is it?", none: "Nobody called an answer wrong." },
};
const ANSWERS = {
  same: { text: "One picture", key: "S" }, different: { text: "Different pictures", key: "D" },
  leave_out: { text: "None of these", key: "0" },
};
const byId = (id) => document.getElementById(id);
const config = JSON.parse(document.body.dataset.config);
const stage = byId("stage"), pictures = byId("pictures");
// Drawn anew for each window: two of one browser are two people to the server. No randomUUID: it is for https alone.
const client = [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
const pause = (ms) => new Promise((done) => setTimeout(done, ms));

let queue = null, list = [], at = 0, edition = null, state = null, front = 0, filling = null, told = null, waiting = null;
let done = [], places = {}; // what this window decided, to take back; and where it was in each queue
const outbox = []; // answers that are not written yet, in their order
let sending = null, decided = 0;

// The token has become a cookie: it need not stand where others look.
if (location.search) history.replaceState(null, "", location.pathname + location.hash);

function element(name, text, ...children) {
  const made = document.createElement(name);
  made.textContent = text;
  made.append(...children);
  return made;
}

const say = (text) => { byId("status").textContent = text; };

function complain(text) {
  byId("trouble").textContent = text;
  byId("trouble").hidden = !text;
}

const read = (storage, name, otherwise) => {
  try { return JSON.parse(storage.getItem(name)) ?? otherwise; } catch { return otherwise; }
};
function write(storage, name, value) {
  try { storage.setItem(name, JSON.stringify(value)); } catch { /* a browser that keeps nothing can still decide */ }
}

// The server.

/** What this window has before it, and first what it answered: nobody else gets that until it is written. */
const holding = () => [...outbox.map(({ entry }) => entry), ...list].slice(0, MOST_HELD).map((entry) => entry.id);

/** Ask, and again where it is busy or away. Gives {ok, status, result}. */
async function ask(name, body) {
  for (let left = TRIES; ; left--) {
    let answer;
    try {
      answer = await fetch(`review/api/${name}`, {
        method: "POST", headers: { "content-type": "application/json" },
        body: JSON.stringify({ client, hold: holding(), ...body }),
      });
    } catch {
      if (left > 1) { say("No answer from the server: trying again …"); await pause(1500); continue; }
      return { ok: false, status: 0, result: { error: "No answer from the server: is it still running?" } };
    }
    if ([429, 503].includes(answer.status) && left > 1) {
      await pause(1000 * (Number(answer.headers.get("retry-after")) || 1));
      continue;
    }
    const result = await answer.json().catch(() => ({ error: `The server answered ${answer.status}.` }));
    if (answer.status === 401) result.error = "Open the page by its address with the token again.";
    if (result.state) take(result.state);
    return { ok: answer.ok, status: answer.status, result };
  }
}

/** What remains, and what this window has to let go. */
function take(given) {
  const before = state;
  state = given;
  config.classes = given.classes;
  byId("mistake").hidden = !given.mistake;
  byId("mistake").textContent = given.mistake && `Nothing can be decided until the file is right again: ${given.mistake}`;
  drawQueues();
  drawRemaining();
  if (edition !== null && edition !== given.edition) { edition = given.edition; renew(); return; }
  edition = given.edition;
  const current = list[at];
  const gone = new Set(given.gone);
  if (!list.some((entry) => gone.has(entry.id))) {
    if (before && !current && queue && !filling) { if (open(queue)) show(); else draw(); }
    return;
  }
  at -= list.slice(0, at).filter((entry) => gone.has(entry.id)).length;
  list = list.filter((entry) => !gone.has(entry.id));
  if (current && gone.has(current.id)) {
    complain("That one was decided elsewhere, or its picture is gone: this is the next.");
    show();
  }
}

/** The tables were written anew: places are others. */
function renew() {
  const from = list[at] ? list[at].place - 1 : -1;
  list = [];
  at = 0;
  show(from);
}

function merge(entries) {
  const current = list[at], known = new Set(list.map((entry) => entry.id));
  for (const { entry } of outbox) known.add(entry.id);
  list.push(...entries.filter((entry) => entry.queue === queue && !known.has(entry.id)));
  list.sort((one, other) => one.place - other.place);
  if (current) at = Math.max(list.indexOf(current), 0);
}

/** How many to have ahead of the one that is shown: of few, others get some too. */
const reach = () => Math.max(1, Math.min(AHEAD, Math.ceil((state ? open(queue) : AHEAD) / 3)));

/** Entries behind the last one that is here; from the front again where there are none. */
async function fill(from) {
  const asked = queue, last = from ?? list.at(-1)?.place ?? -1;
  const more = await ask("look", { queue: asked, place: last, count: reach() + 1 });
  if (queue !== asked) return;
  if (!more.ok) { complain(more.result.error); return; }
  merge(more.result.entries);
  if (!list.length && last >= 0) {
    const again = await ask("look", { queue: asked, place: -1, count: reach() + 1 });
    if (queue === asked && again.ok) merge(again.result.entries);
  }
}

// What is seen.

async function show(from) {
  front = 0;
  pictures.classList.remove("flicker");
  if (!list[at]) {
    filling ??= fill(from).finally(() => { filling = null; });
    await filling;
    if (at >= list.length) at = Math.max(list.length - 1, 0);
  }
  draw();
  prefetch();
  ahead();
  clearTimeout(waiting);
  if (!list[at] && state && open(queue)) waiting = setTimeout(() => show(), RETRY_MS);
}

/** What comes next, before it is asked for; what is far behind goes. */
function ahead() {
  if (at > BEHIND) { list.splice(0, at - BEHIND); at = BEHIND; }
  if (list.length - at > reach() || filling || !list.length || state.counts[queue] <= list.length) return;
  filling = fill().finally(() => { filling = null; prefetch(); });
}

function draw() {
  const entry = list[at];
  byId("entry").hidden = !entry;
  byId("nothing").hidden = Boolean(entry);
  drawQueues();
  drawRemaining();
  if (!entry) { pictures.replaceChildren(); drawNothing(); return; }
  places[queue] = entry.place;
  remember();
  byId("question").textContent = QUEUES[queue].question;
  const shown = entry.pictures.map((picture, index) => figure(entry, picture, index));
  pictures.replaceChildren(...shown);
  pictures.classList.toggle("pair", entry.pictures.length === 2);
  byId("flip").hidden = entry.pictures.length < 2;
  byId("flip").setAttribute("aria-pressed", "false");
  const more = entry.more ? [`It has ${entry.more} more ${entry.more === 1 ? "copy" : "copies"}: what you say is said of all.`] : [];
  byId("why").replaceChildren(...[...entry.why, ...more].map((line) => element("p", line)));
  byId("answers").replaceChildren(...answers(entry));
  byId("open").disabled = !page(entry);
}

function drawNothing() {
  const held = state ? open(queue) : 0, unseen = queue === "wrong" ? state?.unseen ?? 0 : 0;
  byId("nothing-title").textContent = held ? "Others look at the rest" : "Nothing is open here";
  const left = unseen ? ` ${unseen} more without the picture: nobody let it be kept.` : "";
  byId("nothing-text").textContent = held
    ? `${held} open, all of them before somebody else's eyes.`
    : `${decided ? "All is decided." : QUEUES[queue]?.none ?? ""}${left}${elsewhere()} What is open comes from the last run.`;
}

/** Where there is still something to decide, and the key that leads there. */
function elsewhere() {
  const others = config.queues.filter((name) => name !== queue && state?.counts[name]);
  return others.length ? ` Elsewhere: ${others.map((name) => `${QUEUES[name].name} ${open(name)}`).join(", ")} (key ]).` : "";
}

function drawQueues() {
  if (!state) return;
  const nav = byId("queues");
  if (!nav.children.length) {
    nav.append(...config.queues.map((name) => {
      const button = element("button", QUEUES[name].name, element("span", ""));
      button.type = "button";
      button.lastChild.className = "count";
      button.addEventListener("click", () => { choose(name); stage.focus(); });
      return button;
    }));
  }
  config.queues.forEach((name, index) => {
    const button = nav.children[index];
    button.setAttribute("aria-current", String(name === queue));
    button.lastChild.textContent = open(name).toLocaleString("en");
  });
}

/** How many are open, by what this window knows. */
const open = (name) => Math.max(state.counts[name] - outbox.filter(({ entry }) => entry.queue === name).length, 0);

function drawRemaining() {
  if (!state || !queue) return;
  byId("remain").textContent = `${open(queue).toLocaleString("en")} open${decided ? `, ${decided.toLocaleString("en")} decided by you` : ""}`;
  byId("would").textContent = state.counts[queue] ? `What is open here: ${state.would[queue]}` : "";
}

function figure(entry, picture, index) {
  const made = document.createElement("figure"), frame = element("div", "");
  frame.className = "frame";
  made.dataset.sha256 = picture.sha256;
  made.classList.toggle("front", index === front);
  const image = load(picture.sha256);
  const put = () => { if (image.shown) frame.replaceChildren(image.shown); else frame.textContent = image.error ?? ""; };
  put();
  if (!image.shown) image.ready.then(put);
  made.append(frame, caption(picture, index, entry.pictures.length));
  if (entry.pictures.length === 2) frame.addEventListener("click", flip);
  return made;
}

function caption(picture, index, count) {
  const made = document.createElement("figcaption");
  for (const place of picture.places) {
    const title = place.title || picture.sha256.slice(0, 12);
    const link = place.link ? Object.assign(element("a", title), { href: place.link, target: "_blank", rel: "noreferrer noopener" }) : title;
    const head = element("span", "");
    head.className = "title";
    if (count > 1) head.append(`${String.fromCharCode(65 + index)}: `);
    head.append(link);
    const from = element("span", "");
    from.className = "muted";
    if (place.klass) { from.append(element("span", place.klass), " "); from.firstChild.className = "tag"; }
    from.append([place.source, place.author && `by ${place.author}`, place.when].filter(Boolean).join(", "));
    made.append(head, from);
  }
  const size = element("span", `${picture.sha256.slice(0, 12)}, ${picture.size}`);
  size.className = "muted";
  made.append(size);
  return made;
}

function answers(entry) {
  const classes = entry.classes ? config.classes.map((name, index) => button(name, index < 9 ? String(index + 1) : "", `class:${name}`)) : [];
  const others = entry.answers.map((answer) => {
    const { text, key } = ANSWERS[answer];
    return button(entry.queue === "copies" && answer === "leave_out" ? "Leave both out" : text, key, answer);
  });
  for (const made of others) if (classes.length) made.classList.add("plain");
  return [...classes, ...others];
}

function button(text, key, answer) {
  const made = element("button", text, ...(key ? [element("kbd", key)] : []));
  made.type = "button";
  made.dataset.answer = answer;
  made.addEventListener("click", () => { decide(answer); stage.focus({ preventScroll: true }); });
  return made;
}

// Pictures: fetched and decoded before they are shown, kept as long as they are near.

const loaded = new Map();

function load(sha256) {
  if (!loaded.has(sha256)) {
    const image = { shown: null, error: null, url: null };
    image.ready = fetchPicture(sha256, image).catch(() => { image.error = "This picture cannot be had now."; loaded.delete(sha256); });
    loaded.set(sha256, image);
  }
  return loaded.get(sha256);
}

async function fetchPicture(sha256, image) {
  let answer;
  for (let left = TRIES; left > 0; left--) {
    answer = await fetch(`review/pictures/${sha256}`);
    if (![429, 503].includes(answer.status)) break;
    await pause(1000 * (Number(answer.headers.get("retry-after")) || 1));
  }
  if (!answer.ok) {
    image.error = "This picture is not there any more.";
    loaded.delete(sha256);
    ask("hold", {});
    return;
  }
  image.url = URL.createObjectURL(await answer.blob());
  const shown = new Image();
  shown.alt = `Picture ${sha256.slice(0, 12)}`;
  shown.src = image.url;
  await shown.decode();
  image.shown = shown;
}

function prefetch() {
  const near = [list[at], ...list.slice(at + 1, at + 1 + AHEAD), ...list.slice(Math.max(at - BEHIND, 0), at)].filter(Boolean);
  const wanted = new Set(near.flatMap((entry) => entry.pictures.map((picture) => picture.sha256)));
  for (const sha256 of wanted) load(sha256);
  for (const [sha256, image] of loaded) {
    if (wanted.has(sha256) || !(image.shown || image.error)) continue;
    loaded.delete(sha256);
    if (image.url) URL.revokeObjectURL(image.url);
  }
}

// What a person does.

/** Shown as done at once; written in its turn. */
function decide(answer) {
  const entry = list[at];
  if (!entry) return;
  if (!(entry.answers.includes(answer) || (entry.classes && answer.startsWith("class:")))) {
    say("That is no answer to this.");
    return;
  }
  if (!name() && !config.by) { byId("by").focus(); complain("Say who you are first: your name stands beside each decision."); return; }
  complain("");
  list.splice(at, 1);
  outbox.push({ entry, answer });
  decided++;
  say(`${entry.pictures[0].sha256.slice(0, 12)}: ${answer.startsWith("class:") ? answer.slice(6) : ANSWERS[answer].text}`);
  byId("undo").disabled = false;
  show();
  sending ??= send().finally(() => { sending = null; });
}

const name = () => byId("by").value.trim();

async function send() {
  while (outbox.length) {
    const { entry, answer } = outbox[0];
    const { ok, result } = await ask("decide", { entry: entry.id, answer, by: name() });
    if (!ok && !result.gone) {
      const back = outbox.splice(0).map((one) => one.entry);
      decided -= back.length;
      complain(`Not written: ${result.error}`);
      if (queue !== back[0].queue) choose(back[0].queue, back[0].place - 1);
      else restore(back);
      return;
    }
    outbox.shift();
    if (ok) {
      done.push({ id: entry.id, said: result.said });
      done = done.slice(-MOST_DONE);
      remember();
    } else {
      decided--;
      say("That one was decided elsewhere meanwhile: yours is not written.");
    }
    drawQueues();
    drawRemaining();
  }
  tellChanges();
}

function restore(entries) {
  merge(entries);
  at = Math.max(list.findIndex((entry) => entry.id === entries[0].id), 0);
  show();
}

async function undo() {
  if (sending) await sending;
  const last = done.pop();
  if (!last) { say("There is nothing to take back."); return; }
  const { ok, result } = await ask("undo", { entry: last.id, said: last.said, by: name() });
  if (!ok) {
    if (result.error && !/no decision to take back/.test(result.error)) done.push(last);
    complain(`Not taken back: ${result.error}`);
    byId("undo").disabled = !done.length;
    return;
  }
  decided = Math.max(decided - 1, 0);
  complain("");
  say("Taken back.");
  remember();
  byId("undo").disabled = !done.length;
  if (result.entry) {
    if (result.entry.queue !== queue) { queue = result.entry.queue; list = []; at = 0; }
    restore([result.entry]);
  }
  tellChanges();
}

async function move(step) {
  if (step < 0 && at === 0 && list.length) {
    const before = await ask("look", { queue, place: list[0].place, count: BEHIND, back: true });
    if (before.ok) merge(before.result.entries);
    if (at === 0) { say("This is the first."); return; }
  }
  if (step > 0 && at === list.length - 1) {
    if (filling) await filling;
    if (at === list.length - 1) {
      const current = list[at];
      list = [];
      at = 0;
      await fill(-1);
      if (list.length === 1 && list[0]?.id === current?.id) say("This is the only one.");
      else say("That was the last: from the first again.");
      front = 0;
      show();
      return;
    }
  }
  at = Math.min(Math.max(at + step, 0), Math.max(list.length - 1, 0));
  show();
}

function flip() {
  if ((list[at]?.pictures.length ?? 0) < 2) return;
  const flickers = pictures.classList.contains("flicker");
  pictures.classList.add("flicker");
  front = flickers ? (front + 1) % list[at].pictures.length : 1;
  [...pictures.children].forEach((one, index) => one.classList.toggle("front", index === front));
  byId("flip").setAttribute("aria-pressed", "true");
  say(`Picture ${String.fromCharCode(65 + front)} of ${list[at].pictures.length}`);
}

function side() {
  pictures.classList.remove("flicker");
  byId("flip").setAttribute("aria-pressed", "false");
}

const page = (entry) => entry?.pictures[front]?.places.find((place) => place.link)?.link
  ?? entry?.pictures.flatMap((picture) => picture.places).find((place) => place.link)?.link;

function openPage() {
  const link = page(list[at]);
  if (link) window.open(link, "_blank", "noopener,noreferrer");
  else say("It has no page.");
}

async function choose(name, from) {
  if (!(name in QUEUES)) return;
  queue = name;
  list = [];
  at = 0;
  history.replaceState(null, "", `#${name}`);
  for (const part of ["pictures", "why", "answers"]) byId(part).replaceChildren();
  byId("question").textContent = QUEUES[name].question;
  await show(from ?? (places[name] ?? 0) - 1);
}

function turn(step) {
  const index = config.queues.indexOf(queue);
  choose(config.queues[(index + step + config.queues.length) % config.queues.length]);
}

const remember = () => write(sessionStorage, "cic-review", { done, places, queue });

async function tellChanges() {
  clearTimeout(told);
  told = setTimeout(async () => {
    const { ok, result } = await ask("changes", {});
    if (!ok) return;
    const lines = result.error ? [`The next run would stop: ${result.error}`] : result.lines;
    byId("changes").replaceChildren(...(lines.length ? lines : ["Nothing was decided since the last one."]).map((line) => element("li", line)));
    byId("follows").textContent = result.follows;
  }, 400);
}

const KEYS = {
  s: () => decide("same"), d: () => decide("different"), x: () => decide("leave_out"), 0: () => decide("leave_out"),
  n: () => decide("leave_out"), l: () => move(1), arrowright: () => move(1), arrowleft: () => move(-1), u: undo,
  " ": flip, b: side, o: openPage, "[": () => turn(-1), "]": () => turn(1),
  "?": () => { byId("help").open = true; byId("help").scrollIntoView(); byId("help").firstElementChild.focus(); },
};

document.addEventListener("keydown", (event) => {
  const { target, key } = event;
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (target instanceof HTMLInputElement) {
    if (key === "Enter" || key === "Escape") stage.focus();
    return;
  }
  // Space presses the button or opens the list that has the focus; what is held down decides once.
  if (key === " " && target.closest("button, summary, a")) return;
  const number = /^[1-9]$/.test(key) ? config.classes[Number(key) - 1] : undefined;
  const act = number === undefined ? KEYS[key.toLowerCase()] : () => decide(`class:${number}`);
  if (!act) return;
  event.preventDefault();
  if (!event.repeat || key.startsWith("Arrow")) act();
});
for (const [id, act] of Object.entries({ back: () => move(-1), later: () => move(1), flip, open: openPage, undo })) {
  byId(id).addEventListener("click", act);
}
byId("by").addEventListener("change", () => { write(localStorage, "cic-review-by", name()); complain(""); });
// Whoever goes lets others have what they looked at; who comes back says so.
addEventListener("pagehide", () => navigator.sendBeacon(
  "review/api/hold", new Blob([JSON.stringify({ client, hold: [] })], { type: "application/json" })));
addEventListener("pageshow", (event) => { if (event.persisted) ask("hold", {}); });
addEventListener("beforeunload", (event) => { if (outbox.length) event.preventDefault(); });
addEventListener("hashchange", () => choose(location.hash.slice(1)));
setInterval(() => { if (!document.hidden) ask("hold", {}); }, HEARTBEAT_MS);
document.addEventListener("visibilitychange", () => { if (!document.hidden) ask("hold", {}); });

(async () => {
  byId("by").value = read(localStorage, "cic-review-by", "");
  ({ done = [], places = {}, queue = null } = read(sessionStorage, "cic-review", {}));
  const asked = location.hash.slice(1) in QUEUES ? location.hash.slice(1) : queue;
  byId("undo").disabled = !done.length;
  queue = null;
  const { ok, result } = await ask("hold", {});
  if (!ok) { complain(result.error); return; }
  await choose(asked ?? config.queues.find((name) => state.counts[name]) ?? config.queues[0]);
  stage.focus({ preventScroll: true });
  tellChanges();
})();
