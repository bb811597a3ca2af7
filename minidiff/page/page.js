"use strict";

// Animations: a slider selects the frame that is shown, and moves the dots to the coordinates in the frame's data.
function startAnimation(animation) {
  const frames = [...animation.querySelectorAll(".frame")];
  const slider = animation.querySelector("input");
  const play = animation.querySelector(".play");
  let timer = null;

  function show() {
    const frame = frames[slider.value];
    for (const other of frames) other.hidden = other !== frame;
    animation.querySelector("output").textContent = frame.dataset.label;
    slider.setAttribute("aria-valuetext", frame.dataset.label);
    for (const dot of animation.querySelectorAll("[data-dot]")) {
      dot.setAttribute("cx", frame.dataset.x);
      dot.setAttribute("cy", frame.dataset[dot.dataset.dot]);
    }
  }

  function stop() {
    clearInterval(timer);
    timer = null;
    play.textContent = "Play";
  }

  function next() {
    slider.valueAsNumber += 1;
    show();
    if (slider.value === slider.max) stop();
  }

  slider.addEventListener("input", () => { stop(); show(); });
  play.addEventListener("click", () => {
    if (timer) return stop();
    if (slider.value === slider.max) slider.value = 0;
    show();
    play.textContent = "Stop";
    timer = setInterval(next, 300);
  });
  animation.classList.add("ready");
  show();
}

// Quiz: the Check button marks and explains the chosen answer and adds it to the score once.
const questions = [...document.querySelectorAll(".question")];

function check(form) {
  const chosen = form.querySelector("input:checked");
  const feedback = form.querySelector(".feedback");
  if (!chosen) {
    feedback.textContent = "Choose an answer first.";
    return;
  }
  const isRight = "right" in chosen.dataset;
  form.dataset.answered = isRight ? "right" : "wrong";
  const solution = form.querySelector("[data-right]").parentElement.textContent;
  feedback.textContent = isRight ? "Right." : `Not right. The right answer: ${solution}`;
  feedback.classList.add(form.dataset.answered);
  for (const input of form.querySelectorAll("input")) {
    input.disabled = true;
    if ("right" in input.dataset) input.parentElement.classList.add("right");
  }
  if (!isRight) chosen.parentElement.classList.add("wrong");
  form.querySelector("[type=submit]").hidden = true;
  form.querySelector(".explanation").hidden = false;
  feedback.focus(); // the button that had the focus is hidden now
  score();
}

function score() {
  const shown = questions.filter((form) => !form.hidden);
  const answered = shown.filter((form) => form.dataset.answered);
  const right = answered.filter((form) => form.dataset.answered === "right");
  document.getElementById("score").textContent =
    `${right.length} right of ${answered.length} answered, ${shown.length} in all`;
}

function chooseLevel() {
  const level = document.getElementById("level").value;
  for (const form of questions) form.hidden = !["all", form.dataset.level].includes(level);
  score();
}

function startAgain() {
  for (const form of questions) {
    form.reset();
    delete form.dataset.answered;
    form.querySelector(".feedback").textContent = "";
    form.querySelector("[type=submit]").hidden = false;
    form.querySelector(".explanation").hidden = true;
    for (const input of form.querySelectorAll("input")) input.disabled = false;
    for (const marked of form.querySelectorAll("label, .feedback")) marked.classList.remove("right", "wrong");
  }
  score();
}

// Theme: the system's, until the button is pressed.
const theme = document.getElementById("theme");
const system = matchMedia("(prefers-color-scheme: dark)");

function isDark() {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : system.matches;
}

function showTheme() {
  theme.setAttribute("aria-pressed", isDark());
}

theme.addEventListener("click", () => {
  document.documentElement.dataset.theme = isDark() ? "light" : "dark";
  showTheme();
});
system.addEventListener("change", showTheme);
showTheme();

document.querySelectorAll(".animation").forEach(startAnimation);
for (const form of questions) {
  form.addEventListener("submit", (event) => { event.preventDefault(); check(form); });
}
document.getElementById("level").addEventListener("change", chooseLevel);
document.getElementById("again").addEventListener("click", startAgain);
startAgain();
chooseLevel(); // a browser may restore the selected level when the page is loaded again

// While the run is trained, the page loads itself again and keeps its place: what is in view, sliders, answers, theme.
function place() {
  const top = [...document.querySelectorAll("section")].filter((one) => one.getBoundingClientRect().top <= 1).pop();
  const sliders = [...document.querySelectorAll(".animation input")].map((slider) => [slider.id, slider.value]);
  const answers = questions.filter((form) => form.querySelector("input:checked")).map((form) =>
    [form.id, form.querySelector("input:checked").value, "answered" in form.dataset]);
  return {
    section: top ? top.id : null,
    offset: top ? top.getBoundingClientRect().top : -scrollY,
    sliders,
    answers,
    level: document.getElementById("level").value,
    open: [...document.querySelectorAll("details")].map((one) => one.open),
    theme: document.documentElement.dataset.theme || null,
    focus: document.activeElement.id || null,
  };
}

function restore(state) {
  for (const [id, value] of state.sliders) {
    const slider = document.getElementById(id);
    if (!slider) continue;
    slider.value = value;
    slider.dispatchEvent(new Event("input"));
  }
  document.getElementById("level").value = state.level;
  chooseLevel();
  for (const [id, value, answered] of state.answers) {
    const form = document.getElementById(id);
    form.querySelector(`input[value="${value}"]`).checked = true;
    if (answered) check(form);
  }
  document.querySelectorAll("details").forEach((one, i) => { one.open = Boolean(state.open[i]); });
  if (state.theme) document.documentElement.dataset.theme = state.theme;
  showTheme();
  const focus = state.focus && document.getElementById(state.focus);
  (focus || document.activeElement).focus({ preventScroll: true });
  if (!focus) document.activeElement.blur();
  const top = state.section && document.getElementById(state.section);
  scrollTo({ top: (top ? top.getBoundingClientRect().top + scrollY : 0) - state.offset, behavior: "instant" });
}

const line = document.getElementById("status");

function watchTraining() {
  const { seconds, written } = line.dataset;
  const loaded = Date.now();
  const silent = () => Date.now() / 1000 - written;
  const isStale = () => silent() > 60 + 5 * seconds;
  if (isStale()) line.textContent += `; no news for ${Math.round(silent() / 60)} min, so it may have been stopped`;
  setInterval(() => {
    const wait = 1000 * Math.max(1, seconds) * (isStale() ? 6 : 1);
    const isPlaying = [...document.querySelectorAll(".play")].some((play) => play.textContent === "Stop");
    if (document.hidden || isPlaying || Date.now() - loaded < wait) return;
    history.replaceState(place(), "");
    location.reload();
  }, 500);
}

if (history.state) {
  history.scrollRestoration = "manual"; // `restore` knows better: the page may have grown
  restore(history.state);
  history.replaceState(null, "");
  addEventListener("load", () => setTimeout(() => { history.scrollRestoration = "auto"; }));
}
if (line && line.dataset.seconds) watchTraining();
