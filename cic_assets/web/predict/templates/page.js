"use strict";
const MOST_FILES = 100, MOST_CARDS = 100, AT_ONCE = 2, TRIES = 6;
const REASONS = {
  not_an_image: "This is no picture.", placeholder: "There is only a placeholder for a picture.", empty: "There is nothing in it.",
  truncated: "A part of the picture is missing.", too_large: "The picture is too large.", too_small: "The picture is too small.",
  blocked: "This address may not be asked.", http_error: "There is no picture at this address.",
  timeout: "The address did not answer in time.", error: "The picture cannot be read.",
};
const byId = (id) => document.getElementById(id);
const main = document.querySelector("main"), drop = byId("drop"), answers = byId("answers"), status = byId("status");
// Never 100 % or 0 %: no model is that sure.
const percent = (value) => {
  const shown = Math.min(99.99, Math.max(0.01, 100 * value));
  return shown.toFixed(shown > 99.95 || shown < 0.05 ? 2 : 1) + " %";
};
const pause = (seconds) => new Promise((done) => setTimeout(done, 1000 * seconds));
const waiting = [];
let busy = 0, numbers = 0;

// The token has become a cookie: it need not stand where others look.
if (location.search) history.replaceState(null, "", location.pathname);

function say(text) { status.textContent = text; }

/** Ask the server; where it is full, again after the time that it names. Gives {status, result}. */
async function ask(path, type, body) {
  for (let left = TRIES; ; left--) {
    let answer;
    try {
      answer = await fetch(path, { method: "POST", headers: { "content-type": type }, body });
    } catch (error) {
      return { status: 0, result: { error: "No answer from the server: is `cic serve` still running?" } };
    }
    if ([429, 503].includes(answer.status) && left > 1) {
      say("The server is busy: waiting …");
      await pause(Number(answer.headers.get("retry-after")) || 2);
      continue;
    }
    if (answer.status === 401) return { status: 401, result: { error: "Open the page by its address with the token again." } };
    return { status: answer.status, result: await answer.json().catch(() => ({ error: `The server answered ${answer.status}.` })) };
  }
}

/** A picture is {name, file} or {name, url}. */
const send = (picture, query) => picture.url
  ? ask(`api/v1/predict?${query}`, "application/json", JSON.stringify({ url: picture.url }))
  : ask(`api/v1/predict?${query}`, "application/octet-stream", picture.file);

function take(pictures) {
  if (!pictures.length) return;
  if (pictures.length > MOST_FILES) say(`The first ${MOST_FILES} of ${pictures.length} pictures are looked at.`);
  for (const picture of pictures.slice(0, MOST_FILES)) waiting.push({ picture, card: newCard(picture) });
  next();
}

function next() {
  while (busy < AT_ONCE && waiting.length) {
    const { picture, card } = waiting.shift();
    if (!card.isConnected) continue;
    busy++;
    look(picture, card).finally(() => { busy--; next(); });
  }
}

async function look(picture, card) {
  const { result } = await send(picture, "seen=true&thumbnails=true");
  const answer = result.answers ? result.answers[0] : { error: result.error };
  card.classList.remove("waiting");
  if (answer.error) {
    fail(card, picture, answer.error);
    return;
  }
  show(card, answer, picture);
  const [best] = answer.predictions;
  const none = best.none_of_these ? ", but it looks like nothing that it was trained on" : "";
  say(`${picture.name}: ${best.label}, ${percent(best.probability)}${none}`);
}

/** A reason begins with a word of the program's where it has one for people. */
function fail(card, picture, reason) {
  const [, word, detail] = /^(\w+): (.*)$/s.exec(reason) ?? [];
  const told = REASONS[word], legend = card.querySelector(".legend");
  card.classList.add("failed", "bare");
  card.querySelector(".says").textContent = told ?? reason;
  legend.textContent = told ? detail : "";
  legend.hidden = !told;
  say(`${picture.name}: ${told ?? reason}`);
}

function newCard(picture) {
  const card = byId("card").content.firstElementChild.cloneNode(true);
  card.classList.add("waiting", "bare");
  card.querySelector(".name").textContent = picture.name;
  card.querySelector(".close").addEventListener("click", () => card.remove());
  answers.prepend(card);
  while (answers.children.length > MOST_CARDS) answers.lastElementChild.remove();
  return card;
}

function show(card, answer, picture) {
  const [best, ...others] = answer.predictions;
  const image = card.querySelector("img");
  image.alt = `${picture.name}, as the models see it: cut to a square`;
  image.src = answer.seen;
  card.classList.remove("bare");
  card.querySelector(".says").textContent = best.label;
  const opinions = card.querySelector(".opinions");
  opinions.append(...strange(best), ...opinion(best, others.length > 0), ...worth(best), ...known(best));
  if (others.length) opinions.append(further(best, others));
  if (main.dataset.maps) offerMap(card, picture, answer);
  if (main.dataset.reviews && answer.receipt) offerReview(card, picture, answer);
}

function element(name, text, ...children) {
  const made = document.createElement(name);
  made.textContent = text;
  made.append(...children);
  return made;
}

function opinion(prediction, named) {
  const bars = Object.entries(prediction.probabilities).map(([label, value]) => {
    const bar = byId("bar").content.firstElementChild.cloneNode(true);
    bar.querySelector(".label").textContent = bar.title = label;
    bar.querySelector(".value").textContent = percent(value);
    bar.classList.toggle("top", label === prediction.label);
    requestAnimationFrame(() => { bar.querySelector(".fill").style.width = 100 * value + "%"; });
    return bar;
  });
  const precision = prediction.precision === "float32" ? "" : ` in ${prediction.precision}`;
  return named || precision ? [element("h3", prediction.model + precision), ...bars] : bars;
}

/** A picture of none of the classes still has a most probable one: what that is worth is said before it. */
function strange(prediction) {
  if (!prediction.none_of_these) return [];
  const made = element("p", "It looks like nothing that it was trained on: probably it is none of these.");
  made.className = "notice";
  return [made];
}

/** The nearest training pictures, with their posts. */
function known(prediction) {
  const shown = prediction.nearest.filter((near) => near.thumbnail).map((near) => {
    const image = document.createElement("img"), title = near.title || near.label;
    Object.assign(image, { src: near.thumbnail, alt: title, title });
    const frame = document.createElement(near.permalink ? "a" : "span");
    if (near.permalink) Object.assign(frame, { href: near.permalink, rel: "noreferrer noopener", target: "_blank" });
    frame.append(image);
    return element("figure", "", frame, element("figcaption", near.label));
  });
  if (!shown.length) return [];
  const row = element("div", "", ...shown);
  row.className = "known";
  return [element("details", "", element("summary", "The nearest pictures that it was trained on"), row)];
}

/** What the answer is worth, as far as the model knows from pictures that it had not seen. */
function worth(prediction) {
  const { calibrated_probability: share, plausible } = prediction;
  if (share == null) return [];
  const sets = plausible["95"] ?? [];
  const sure = sets.length
    ? `19 times in 20 the truth is among: ${sets.join(", ")}.`
    : "It is less sure than of 19 in 20 pictures: perhaps it is none of these.";
  const made = element("p", `Of answers like this, ${percent(share)} are right. ${sure}`);
  made.className = "worth muted";
  return [made];
}

function further(best, others) {
  const same = others.filter((one) => one.label === best.label).length;
  const text = same === others.length ? "The others say the same" : `${others.length - same} of ${others.length} others say something else`;
  return element("details", "", element("summary", text), ...others.flatMap((one) => opinion(one, true)));
}

// Where in the picture: asked for at the first touch, for it costs the models a second look.

function offerMap(card, picture, answer) {
  const button = card.querySelector(".where"), frame = card.querySelector(".picture");
  let maps = null;
  const toggle = async () => {
    button.disabled = true;
    maps ??= (await send(picture, "maps=true")).result.answers?.[0].maps ?? {};
    button.disabled = false;
    const on = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", String(on));
    draw(card, answer, maps, on);
  };
  button.hidden = false;
  frame.classList.add("touchable");
  button.addEventListener("click", toggle);
  frame.addEventListener("click", () => button.disabled || toggle());
}

function draw(card, answer, maps, on) {
  const canvas = card.querySelector("canvas"), legend = card.querySelector(".legend");
  const told = answer.predictions.find((one) => maps[one.model]);
  canvas.hidden = !on || !told;
  legend.hidden = !on;
  legend.textContent = told ? `Coloured: what speaks for ${told.label}, says ${told.model}.` : "These models cannot say where.";
  if (on && told) paint(canvas, maps[told.model], told.label);
}

/** What a place says for a class over what it says for the others on average; only what speaks for it is coloured. */
function paint(canvas, map, label) {
  const others = Object.keys(map).filter((one) => one !== label);
  const rows = map[label].map((row, y) => row.map((value, x) =>
    value - others.reduce((sum, one) => sum + map[one][y][x], 0) / Math.max(others.length, 1)));
  const most = Math.max(...rows.flat(), 1e-9);
  canvas.height = rows.length;
  canvas.width = rows[0].length;
  const context = canvas.getContext("2d"), pixels = context.createImageData(canvas.width, canvas.height);
  rows.flat().forEach((value, index) => pixels.data.set([255, 60, 0, 160 * Math.max(value, 0) / most], 4 * index));
  context.putImageData(pixels, 0, 0);
}

// "Wrong?": what a person says goes on the list under the data root.

function offerReview(card, picture, answer) {
  const button = card.querySelector(".wrong"), form = card.querySelector(".review"), thanks = card.querySelector(".thanks");
  const name = `truth-${++numbers}`, said = answer.predictions[0];
  const choices = [...Object.keys(said.probabilities).filter((label) => label !== said.label), null].map((label) => {
    const radio = document.createElement("input");
    Object.assign(radio, { type: "radio", name, required: true });
    radio.addEventListener("change", () => { form.truth = label; });
    return element("label", "", radio, element("span", label ?? "none of these"));
  });
  form.querySelector(".choices").append(...choices);
  button.hidden = false;
  button.addEventListener("click", () => {
    form.hidden = !form.hidden;
    button.setAttribute("aria-expanded", String(!form.hidden));
    if (!form.hidden) form.querySelector("input").focus();
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const keep = form.elements.keep.checked, send = form.querySelector("button");
    send.disabled = true;
    const review = { receipt: answer.receipt, label: form.truth, keep };
    if (keep && picture.file) review.picture = await base64(picture.file);
    const { status, result } = await ask("api/v1/reviews", "application/json", JSON.stringify(review));
    send.disabled = false;
    thanks.hidden = false;
    thanks.textContent = status === 201
      ? `Thank you: ${form.truth ?? "none of these"} is on the list${result.kept ? ", with the picture" : ""}.`
      : result.error;
    if (status === 201) form.hidden = button.hidden = true;
    say(thanks.textContent);
  });
}

const base64 = (file) => new Promise((done, failed) => {
  const reader = new FileReader();
  reader.onload = () => done(reader.result.slice(reader.result.indexOf(",") + 1));
  reader.onerror = failed;
  reader.readAsDataURL(file);
});

const named = (file) => ({ name: file.name || "pasted picture", file });
const isUrl = (text) => /^https?:\/\/\S+$/i.test(text);
const takeUrl = (text) => { if (isUrl(text)) take([{ name: text, url: text }]); };

for (const input of [byId("file"), byId("camera")]) {
  input.addEventListener("change", () => { take([...input.files].map(named)); input.value = ""; });
}
for (const name of ["dragenter", "dragover"]) document.addEventListener(name, (event) => { event.preventDefault(); drop.classList.add("over"); });
for (const name of ["dragleave", "drop"]) document.addEventListener(name, (event) => { event.preventDefault(); drop.classList.remove("over"); });
document.addEventListener("drop", ({ dataTransfer: data }) => {
  if (data.files.length) take([...data.files].map(named));
  else takeUrl(data.getData("text/uri-list").trim());
});
document.addEventListener("paste", (event) => {
  const data = event.clipboardData;
  if (data.files.length) take([...data.files].map(named));
  else if (!(event.target instanceof HTMLInputElement)) takeUrl(data.getData("text/plain").trim());
});
byId("form").addEventListener("submit", (event) => { event.preventDefault(); takeUrl(byId("url").value.trim()); byId("url").select(); });
