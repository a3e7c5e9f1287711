// The page without its server: what is set, the address that holds it, and what has to be computed anew.
import { draw, saveImage, mark } from "./figures.js";
import { bindControls, showControls, showInvalid } from "./controls.js";

const START = JSON.parse(document.getElementById("start").textContent);
const GRAPHS = ["field", "relevance", "directivity", "derivative"];
const ALL = ["summary", "field", "directivity", "relevance", "derivative", "power", "code"];
const PARTS = {
  quantity: ["field"], sound: ["directivity", "code"], velocity: ["relevance", "derivative"], x: ["relevance"], r: ["relevance"],
}; // that a control changes; others change everything
const dark = window.matchMedia("(prefers-color-scheme: dark)");

const state = { ...START };
let held = null; // query of a case that is held
let wanted = new Set(), running = null, waiting = null;

// ---- the address

function query(values = state) {
  const given = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) if (value !== START[name]) given.set(name, value);
  return given;
}

function readAddress() {
  const given = new URLSearchParams(location.hash.slice(1));
  held = given.get("held");
  given.delete("held");
  for (const name of Object.keys(state)) delete state[name];
  Object.assign(state, START, Object.fromEntries(given));
}

function writeAddress() {
  const given = query();
  if (held !== null) given.set("held", held);
  history.replaceState(null, "", `${location.pathname}${given.size ? `#${given}` : ""}`);
}

// ---- changes

function change(name, value, rest = 0) {
  if (state[name] === value) return;
  state[name] = value;
  if (name === "helmholtz") state.given = "helmholtz";
  if (name === "frequency") state.given = value.trim() ? "frequency" : "helmholtz";
  if (name === "radius" && !value.trim()) state.given = "helmholtz";
  showControls(state);
  ask(PARTS[name] || ALL, rest);
}

function ask(parts, rest = 0) {
  running?.abort(); // its answers are of the state before, and would count as those that are wanted now
  parts.forEach((part) => wanted.add(part));
  clearTimeout(waiting);
  waiting = setTimeout(update, rest);
}

function theme() {
  const chosen = document.documentElement.dataset.theme;
  return chosen || (dark.matches ? "dark" : "light");
}

function view() {
  const given = query();
  given.set("theme", theme());
  for (const name of GRAPHS) given.set(`width.${name}`, document.getElementById(name).clientWidth);
  if (held !== null) given.set("held", held);
  return given;
}

// One request a change: its answer is a line for each part, which is shown as soon as it is there.
async function update() {
  writeAddress();
  const mine = (running = new AbortController()), given = view();
  given.set("parts", [...wanted].join(","));
  document.getElementById("main").setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(`/update?${given}`, { signal: mine.signal });
    if (!answer.ok) throw new Error(await answer.text());
    showInvalid(null);
    if (wanted.has("summary")) say("", "");
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      const lines = (rest + value).split("\n");
      rest = lines.pop();
      for (const line of lines) if (!mine.signal.aborted) show(JSON.parse(line));
    }
  } catch (error) {
    if (error.name === "AbortError") return;
    say(`The server does not answer: ${error.message}`, "error");
  }
  if (running === mine) document.getElementById("main").setAttribute("aria-busy", "false");
}

function say(text, kind) {
  const message = document.getElementById("message");
  message.className = kind;
  if (message.innerHTML !== text) message.innerHTML = text;
}

function show(answer) {
  if (answer.part) wanted.delete(answer.part);
  for (const [id, html] of Object.entries(answer.html || {})) document.getElementById(id).innerHTML = html;
  if (answer.message) say(answer.message.text, answer.message.kind);
  if (answer.invalid) showInvalid(answer.invalid);
  if (answer.values) {
    Object.assign(state, answer.values);
    showControls(state, document.activeElement);
    writeAddress();
  }
  if (answer.figure) draw(answer.part, answer.figure, clicked);
  if (answer.point) mark(answer.point);
}

function clicked(x, r) {
  state.x = String(Number(x.toFixed(6)));
  state.r = String(Number(r.toFixed(6)));
  showControls(state);
  ask(PARTS.x);
}

// ---- the theme, files, two cases, copies

const themeButton = document.getElementById("theme-button");

function showTheme() {
  themeButton.textContent = `Theme: ${document.documentElement.dataset.theme || "auto"}`;
}

themeButton.addEventListener("click", () => {
  const order = ["", "light", "dark"], root = document.documentElement;
  root.dataset.theme = order[(order.indexOf(root.dataset.theme || "") + 1) % 3];
  localStorage.setItem("theme", root.dataset.theme);
  showTheme();
  ask(GRAPHS);
});
dark.addEventListener("change", () => ask(GRAPHS));

document.addEventListener("click", ({ target }) => {
  const { figure, format, copy } = target.closest("button")?.dataset || {};
  if (copy) navigator.clipboard.writeText(document.getElementById(copy).textContent);
  if (!figure) return;
  if (format === "PNG" || format === "SVG") saveImage(figure, format.toLowerCase());
  else location.assign(`/export/${figure}.${format === "CSV" ? "csv" : "h5"}?${view()}`);
});

const hold = document.getElementById("hold");

function showHeld() {
  hold.setAttribute("aria-pressed", String(held !== null));
  hold.textContent = held === null ? "Hold this case" : "Release the held case";
}

hold.addEventListener("click", () => {
  held = held === null ? String(query()) : null;
  showHeld();
  ask(["directivity"]);
});

// ---- start

let width = 0;
new ResizeObserver(() => {
  if (width && document.documentElement.clientWidth !== width) ask(GRAPHS, 150);
  width = document.documentElement.clientWidth;
}).observe(document.documentElement);
window.addEventListener("hashchange", () => { readAddress(); start(); });

function start() {
  showTheme();
  showHeld();
  showControls(state);
  ask(ALL);
}

bindControls(change);
readAddress();
start();
