"use strict";

// Films: a slider shows one of the frames, and moves the dots of a curve to where the frame says.
function startFilm(film) {
  const frames = [...film.querySelectorAll(".frame")];
  const slider = film.querySelector("input");
  const play = film.querySelector(".play");
  let timer = null;

  function show() {
    const frame = frames[slider.value];
    for (const other of frames) other.hidden = other !== frame;
    film.querySelector("output").textContent = frame.dataset.label;
    slider.setAttribute("aria-valuetext", frame.dataset.label);
    for (const dot of film.querySelectorAll("[data-dot]")) {
      dot.setAttribute("cx", frame.dataset.x);
      dot.setAttribute("cy", frame.dataset[dot.dataset.dot]);
    }
  }

  function stop() {
    clearInterval(timer);
    timer = null;
    play.textContent = "Play";
  }

  function step() {
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
    timer = setInterval(step, 300);
  });
  film.classList.add("ready");
  show();
}

// Quiz: an answer is checked when asked for, explained, and counted once.
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
  feedback.focus(); // the button that had the focus is gone
  score();
}

function score() {
  const asked = questions.filter((form) => !form.hidden);
  const answered = asked.filter((form) => form.dataset.answered);
  const right = answered.filter((form) => form.dataset.answered === "right");
  document.getElementById("score").textContent =
    `${right.length} right of ${answered.length} answered, ${asked.length} in all`;
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

// Theme: that of the system until the button is pressed.
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

document.querySelectorAll(".film").forEach(startFilm);
for (const form of questions) {
  form.addEventListener("submit", (event) => { event.preventDefault(); check(form); });
}
document.getElementById("level").addEventListener("change", chooseLevel);
document.getElementById("again").addEventListener("click", startAgain);
startAgain();
chooseLevel(); // a browser may remember what was chosen before the page was loaded again
