// Numbers with their sliders, and buttons of which one is pressed.
const KEYS = 350, SLIDE = 60; // after the last key in a number, and the last move of a slider [ms]

const numbers = () => document.querySelectorAll("#controls input[type=text]");
const sliderOf = (name) => document.getElementById(`${name}-slider`);

// As the server reads it: a decimal comma is a point. NaN where it refuses.
function read(text) {
  const plain = text.trim().replace(/[−–]/g, "-");
  if (/^[-+]?[1-9]\d{0,2},\d{3}$/.test(plain)) return NaN; // 3,600: a thousand in some countries
  const point = plain.includes(".") ? plain : plain.replace(",", ".");
  return /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(point) ? Number(point) : NaN;
}

function follow(name, text) {
  const range = sliderOf(name), value = read(text);
  if (range && !Number.isNaN(value)) range.value = Math.min(Math.max(value, range.min), range.max);
}

export function bindControls(change) {
  const form = document.getElementById("controls");
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", ({ target }) => {
    if (target.type === "range") {
      const name = target.id.replace("-slider", "");
      document.getElementById(name).value = target.value;
      change(name, target.value, SLIDE);
    } else {
      follow(target.id, target.value);
      change(target.id, target.value, KEYS);
    }
  });
  form.addEventListener("change", ({ target }) => {
    if (target.type === "text") change(target.id, target.value);
  });
  // Arrows step a number, as in a number field of the browser's own, which refuses a decimal comma.
  form.addEventListener("keydown", (event) => {
    const { target, key } = event;
    if (target.type !== "text" || (key !== "ArrowUp" && key !== "ArrowDown")) return;
    const value = read(target.value), step = Number(sliderOf(target.id)?.step || 0.1);
    if (Number.isNaN(value)) return;
    event.preventDefault();
    target.value = String(Number((value + (key === "ArrowUp" ? step : -step)).toFixed(9)));
    follow(target.id, target.value);
    change(target.id, target.value, SLIDE);
  });
  form.addEventListener("click", ({ target }) => {
    const button = target.closest("button[data-name]"); // the target may be within it
    if (button) change(button.dataset.name, button.dataset.value);
  });
}

// Everything as it is set; a number that is being typed in stays as it is.
export function showControls(state, typing = document.activeElement) {
  for (const input of numbers()) {
    if (input !== typing && input.value !== state[input.id]) input.value = state[input.id];
    follow(input.id, input.value);
  }
  for (const button of document.querySelectorAll("#controls [data-name]")) {
    button.setAttribute("aria-pressed", String(state[button.dataset.name] === button.dataset.value));
  }
  for (const more of document.querySelectorAll("[data-when]")) {
    const [name, value] = more.dataset.when.split("=");
    more.hidden = state[name] !== value;
  }
  for (const id of ["mach", "mach-slider"]) document.getElementById(id).disabled = state.flow === "none";
}

export function showInvalid(name) {
  for (const input of numbers()) {
    input.setAttribute("aria-invalid", String(input.id === name));
    if (input.id === name) input.setAttribute("aria-describedby", "message");
    else input.removeAttribute("aria-describedby");
  }
}
