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
