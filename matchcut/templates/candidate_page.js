"use strict";
const byId = (id) => document.getElementById(id);
const data = JSON.parse(byId("data").textContent);
const cards = [...document.querySelectorAll(".card")];
const sections = [...document.querySelectorAll("main section")];
const filters = byId("filters");
const dialog = byId("compare");
let shown = cards;
let current = -1; // place in `shown`
let flipping = 0; // timer that shows A and B in turn
let playing = null; // the card whose cut is played in its place
const calm = matchMedia("(prefers-reduced-motion: reduce)");

/* Which cards are shown ---------------------------------------------------------------------------------------- */

function passes(card, wanted) {
  return Number(card.dataset.score) >= wanted.floor
    && (wanted.flavor === "" || card.closest("section").dataset.flavor === wanted.flavor)
    && (wanted.title === "" || card.dataset.titles.split(" ").includes(wanted.title));
}

function applyFilters() {
  const fields = filters.elements;
  const wanted = { flavor: fields.flavor.value, title: fields.title.value, floor: Number(fields.score.value) };
  fields.floor.value = wanted.floor.toFixed(2);
  shown = [];
  for (const card of cards) {
    card.hidden = !passes(card, wanted);
    if (!card.hidden) shown.push(card);
  }
  for (const section of sections) section.hidden = !section.querySelector(".card:not([hidden])");
  byId("nothing").hidden = shown.length > 0;
  byId("shown").textContent = shown.length === cards.length ? `${cards.length} cuts` : `${shown.length} of ${cards.length} cuts`;
  if (playing?.hidden) stopPlaying();
  current = shown.indexOf(document.activeElement?.closest(".card"));
}

/* Going from card to card -------------------------------------------------------------------------------------- */

function goTo(place) {
  if (shown.length === 0) return;
  current = Math.max(0, Math.min(place, shown.length - 1));
  const card = shown[current];
  if (dialog.open) show(card);
  else card.querySelector(".stage").focus({ focusVisible: true, preventScroll: true });
  card.scrollIntoView({ block: "nearest" });
}

/* The cut, played ---------------------------------------------------------------------------------------------- */

function playIn(card) {
  const candidate = data[Number(card.dataset.card)];
  if (playing === card || !candidate.played || calm.matches || document.body.classList.contains("onion")) return;
  stopPlaying();
  playing = card;
  const video = document.createElement("video");
  video.className = "played";
  video.loop = video.playsInline = true;
  video.muted = !filters.elements.sound.checked;
  video.addEventListener("playing", () => video.classList.add("is-shown"));
  video.addEventListener("error", stopPlaying);
  video.src = candidate.played;
  card.querySelector(".stage").append(video);
  start(video);
}

async function start(video) {
  try {
    await video.play();
  } catch (problem) {
    // Browsers refuse sound before the first click or key; without sound they play.
    if (problem.name !== "NotAllowedError" || video.muted) return;
    video.muted = true;
    await video.play().catch(() => {});
  }
}

function stopPlaying() {
  const video = playing?.querySelector("video");
  playing = null;
  if (video) forget(video).remove();
}

function forget(video) {
  video.pause();
  video.removeAttribute("src");
  video.load(); // frees the decoder
  return video;
}

/* What was found, drawn over the frames ------------------------------------------------------------------------ */

function markOf(side) {
  const drawing = document.createElement("img");
  drawing.className = "mark-of";
  drawing.alt = "";
  drawing.src = side.overlay;
  return drawing;
}

const inView = new IntersectionObserver((entries) => {
  for (const { isIntersecting, target } of entries) {
    if (!isIntersecting) continue;
    inView.unobserve(target);
    const { a, b } = data[Number(target.dataset.card)];
    const frames = target.querySelectorAll(".frame");
    [a, b].forEach((side, place) => { if (side.overlay) frames[place].append(markOf(side)); });
  }
});

function applySwitches() {
  const { onion, marks, sound } = filters.elements;
  document.body.classList.toggle("onion", onion.checked);
  document.body.classList.toggle("marks", marks.checked);
  if (onion.checked) stopPlaying();
  if (dialog.open && onion.checked === isPlaying()) flip(!onion.checked);
  if (marks.checked) for (const card of cards) if (!card.querySelector(".mark-of")) inView.observe(card);
  for (const video of document.querySelectorAll("video")) video.muted = !sound.checked;
}

function toggle(name) {
  const box = filters.elements[name];
  box.checked = !box.checked;
  applySwitches();
}

/* One candidate, large ----------------------------------------------------------------------------------------- */

function element(tag, text, className) {
  const made = document.createElement(tag);
  made.textContent = text;
  if (className) made.className = className;
  return made;
}

function setPicture(id, side) {
  const picture = byId(id);
  picture.hidden = !side.picture;
  if (side.picture) picture.src = side.picture;
  else picture.removeAttribute("src");
  picture.alt = side.says;
}

function sideRow(letter, side) {
  const row = document.createElement("tr");
  row.append(element("th", letter.toUpperCase(), letter));
  const range = `${side.start_frame} to ${side.stop_frame - 1}`;
  for (const value of [side.name, side.timecode, side.frame, side.shot, range, side.source]) row.append(element("td", value));
  row.children[2].className = "timecode";
  return row;
}

function cueRow(cue) {
  const row = document.createElement("div");
  row.append(element("dt", cue.words), element("dd", cue.value));
  return row;
}

function show(card) {
  const candidate = data[Number(card.dataset.card)];
  setPicture("big-a", candidate.a);
  setPicture("big-b", candidate.b);
  byId("big-none").hidden = Boolean(candidate.a.picture || candidate.b.picture);
  byId("big-words").textContent = `${candidate.rank}. ${candidate.words}`;
  byId("big-sides").replaceChildren(sideRow("a", candidate.a), sideRow("b", candidate.b));
  byId("big-cues").replaceChildren(...candidate.cues.map(cueRow));
  byId("copy").textContent = "Copy timecodes";
  for (const letter of "ab") setMark(letter, candidate[letter]);
  flip(Boolean(candidate.played) && !document.body.classList.contains("onion"));
}

function setMark(letter, side) {
  const drawing = byId(`mark-${letter}`);
  drawing.hidden = !side.overlay;
  if (side.overlay) drawing.src = side.overlay;
  else drawing.removeAttribute("src");
}

function blend(percent) {
  byId("blend").value = percent;
  byId("big-b").style.opacity = byId("mark-b").style.opacity = percent / 100;
  byId("mark-a").style.opacity = 1 - percent / 100;
}

/* Play the cut; where it has no film, show its two frames in turn. */
function flip(on) {
  const candidate = data[Number(shown[current]?.dataset.card)];
  const video = byId("big-played");
  const hasFilm = Boolean(candidate?.played);
  clearInterval(flipping);
  flipping = on && !hasFilm ? setInterval(() => blend(Number(byId("blend").value) < 50 ? 100 : 0), 700) : 0;
  video.hidden = !(on && hasFilm);
  if (video.hidden) forget(video);
  else if (video.getAttribute("src") !== candidate.played) {
    video.src = candidate.played;
    video.muted = !filters.elements.sound.checked;
    start(video);
  }
  blend(on ? 0 : 50);
  byId("flip").setAttribute("aria-pressed", String(on));
}

const isPlaying = () => byId("flip").getAttribute("aria-pressed") === "true";

function open(card) {
  stopPlaying();
  current = shown.indexOf(card);
  show(card);
  dialog.showModal();
  byId("blend").focus();
}

async function copyTimecodes() {
  const { a, b } = data[Number(shown[current].dataset.card)];
  const text = `${a.name}\t${a.timecode}\n${b.name}\t${b.timecode}\n`;
  try {
    await navigator.clipboard.writeText(text);
    byId("copy").textContent = "Copied";
  } catch {
    byId("copy").textContent = "The browser refused";
  }
}

/* Events ------------------------------------------------------------------------------------------------------- */

const SWITCHES = { o: "onion", m: "marks", s: "sound" };

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("select")) return;
  const isRange = event.target.matches("input");
  const focused = shown.indexOf(event.target.closest(".card"));
  if (focused >= 0) current = focused;
  const step = { j: 1, k: -1, ArrowRight: isRange ? 0 : 1, ArrowLeft: isRange ? 0 : -1 }[event.key];
  if (step) goTo(current + step);
  else if (event.key === " " && dialog.open && !event.target.matches("button")) flip(!isPlaying());
  else if (event.key in SWITCHES && filters) toggle(SWITCHES[event.key]);
  else return;
  event.preventDefault();
}

document.addEventListener("keydown", onKey);
document.addEventListener("pointerover", (event) => {
  const card = event.target.closest(".stage")?.closest(".card");
  if (card) playIn(card);
  else if (playing && !playing.contains(document.activeElement)) stopPlaying();
});
document.addEventListener("focusin", (event) => {
  const card = event.target.closest(".stage")?.closest(".card");
  if (card && event.target.matches(":focus-visible")) playIn(card);
  else if (playing && !playing.matches(":hover")) stopPlaying();
});
document.querySelector("main").addEventListener("click", (event) => {
  const stage = event.target.closest(".stage");
  if (stage) open(stage.closest(".card"));
});
byId("blend").addEventListener("input", (event) => {
  const value = event.target.value;
  if (isPlaying()) flip(false);
  blend(value);
});
byId("flip").addEventListener("click", () => flip(!isPlaying()));
byId("copy").addEventListener("click", copyTimecodes);
byId("previous").addEventListener("click", () => goTo(current - 1));
byId("next").addEventListener("click", () => goTo(current + 1));
byId("close").addEventListener("click", () => dialog.close());
dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
dialog.addEventListener("close", () => { flip(false); goTo(current); });
if (filters) {
  filters.hidden = false;
  filters.addEventListener("input", (event) => (event.target.closest(".switch") ? applySwitches() : applyFilters()));
  filters.addEventListener("submit", (event) => event.preventDefault());
  byId("reset").addEventListener("click", () => { filters.reset(); applyFilters(); applySwitches(); });
  applyFilters();
}
