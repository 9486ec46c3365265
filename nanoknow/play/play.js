"use strict";
// What the page shows is made of nodes and text, never of markup: nothing from the data is read as HTML.
const $ = (id) => document.getElementById(id);
const SVG = "http://www.w3.org/2000/svg";
const still = matchMedia("(prefers-reduced-motion: reduce)");
let about = {}, written = [], asking = 0;

// What commands a display, or is not seen, is written out; joiners stay within words and emoji.
const HIDDEN = /(?!(?<=[^\p{C}\p{ASCII}])[\u200c\u200d]|[\t\n])[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;
const printable = (text) => String(text).replace(HIDDEN, (c) => `\\u${c.codePointAt(0).toString(16).padStart(4, "0")}`);
const say = (id, text) => { $(id).textContent = printable(text); };
function element(name, { textContent = "", ...properties } = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(printable(textContent), ...children.map((c) => (typeof c === "string" ? printable(c) : c)));
  return made;
}
function drawn(name, attributes, ...children) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, printable(value));
  made.append(...children);
  return made;
}
function percent(share) {
  if (share > 0 && share < 0.001) return "< 0.1\u00a0%";
  if (share < 1 && share > 0.999) return "> 99.9\u00a0%";
  return `${(100 * share).toFixed(1)}\u00a0%`;
}
const visible = (character) => (character === "" ? "end" : character === " " ? "␣" : printable(character));
const said = (text) => element("bdi", { textContent: text.trim() ? text : "nothing" });
const short = (name) => name.split("/").pop();

async function get(path, question = "") {
  const gone = () => { throw new Error("The server does not answer: does “nanoknow play” still run in its terminal?"); };
  const answer = await fetch(`${path}?${new URLSearchParams({ q: question })}`).catch(gone);
  const found = await answer.json().catch(gone);
  if (!answer.ok) throw new Error(found.error);
  return found;
}
async function trying(work) {
  say("error", "");
  try {
    await work();
  } catch (error) {
    say("error", error.message);
    $("error").scrollIntoView({ block: "nearest" });
  }
}

// What does it say?
async function ask(question) {
  const own = ++asking, before = $("question").value;
  $("form").ariaBusy = true;
  const played = await get("/api/ask", question).finally(() => { if (own === asking) $("form").ariaBusy = false; });
  if (own !== asking) return;
  const { reply } = played;
  if ($("question").value === before) $("question").value = reply.question;
  $("said").hidden = false;
  written = played.written;
  $("asked").replaceChildren(...[...reply.question].map((c) => element("span", { textContent: c })));
  $("answer").replaceChildren();
  $("answer").className = reply.doubt ? "text doubted" : "text";
  $("sure").className = $("verdict").className = reply.doubt ? "doubted" : "";
  for (const id of ["verdict", "worth", "evidence", "trained", "status"]) say(id, "");
  $("others").replaceChildren();
  $("beside").replaceChildren();
  for (let i = 0; i < written.length; i++) {
    if (!still.matches) await new Promise((next) => setTimeout(next, 110));
    if (own !== asking) return;
    const { character } = written[i];
    const label = character === "" ? "the end of the answer" : `character ${i + 1}: ${visible(character)}`;
    const button = element("button", { type: "button", textContent: character || "end", ariaLabel: label });
    if (character === "") button.className = "end";
    button.addEventListener("click", () => choose(i));
    $("answer").append(button);
    choose(i);
  }
  choose(0);
  judge(played);
}
function choose(i) {
  [...$("answer").children].forEach((button, at) => button.setAttribute("aria-pressed", at === i));
  const { character, alternatives, attended } = written[i];
  const what = character === "" ? "ended" : `wrote “${visible(character)}”`;
  say("place", `What it could have written where it ${what}`);
  $("alternatives").replaceChildren(...alternatives.map(([other, share]) => element(
    "li", {}, element("b", { textContent: visible(other) }),
    drawn("svg", { viewBox: "0 0 100 10", preserveAspectRatio: "none", "aria-hidden": "true" },
      drawn("rect", { width: 100 * share, height: 10 })),
    element("span", { className: "number", textContent: percent(share) }))));
  const most = Math.max(...attended, 1e-9);
  const spans = [...$("asked").children], asked = spans.map((span) => span.textContent);
  spans.forEach((span, at) => {
    span.style.backgroundColor = `rgb(var(--shade) / ${(0.6 * attended[at] / most).toFixed(3)})`;
  });
  const first = [...attended.keys()].sort((a, b) => attended[b] - attended[a]).slice(0, 3);
  $("looked").replaceChildren(...first.flatMap((at, i) => [
    i ? ", “" : " Most at “", element("bdi", { textContent: visible(asked[at]) }), `” (${at + 1}) ${percent(attended[at])}`]), ".");
}
function counted(n, what) { return `${n.toLocaleString("en")} ${what}${n === 1 ? "" : "s"}`; }
function judge({ reply, worth, beside }) {
  const [best, ...others] = reply.answers;
  $("sure").value = best.probability;
  const known = reply.evidence && reply.evidence.holds ? "The training text holds it." : "Nothing speaks against it.";
  const verdict = reply.doubt ? `${reply.doubt[0].toUpperCase()}${reply.doubt.slice(1)}.` : known;
  say("verdict", `${percent(best.probability)}. ${verdict}`);
  const parts = [];
  if (worth.score) parts.push(`of ${counted(worth.score.n, "answer")} to ${short(about.eval)} about as sure, ${worth.score.n_right} ${worth.score.n_right === 1 ? "was" : "were"} right`);
  if (worth.invented) parts.push(`of ${counted(worth.invented, "answer")} about invented names, ${worth.n_invented} ${worth.n_invented === 1 ? "was" : "were"} as sure`);
  say("worth", parts.length ? `So far: ${parts.join("; ")}.` : "");
  const evidence = reply.evidence;
  if (!evidence) say("evidence", "The training text is not available.");
  else if (!evidence.documents) say("evidence", "No document is about this name.");
  else if (!evidence.sentence) $("evidence").append(element("span", {}, "The document about ", said(evidence.name), ` (${evidence.where}) does not say so.`));
  else $("evidence").append(element("span", {}, "About ", said(evidence.name), ` (${evidence.where}):`), element("blockquote", { dir: "auto" }, ...quoted(evidence.sentence, best.answer)));
  const trained = reply.asked_in_training;
  if (trained) $("trained").append(element("span", {}, `This was a training question (${trained.where}): `, said(trained.answer || "")));
  if (others.length) $("others").append(element("h3", { textContent: "It might have said" }),
    element("p", {}, ...others.flatMap((a, i) => [i ? ", " : "", said(a.answer), ` ${percent(a.probability)}`])));
  if (beside) $("beside").append(element("h3", { textContent: `Asked the same: ${about.beside}` }),
    element("p", {}, said(beside.answers[0].answer), `, ${percent(beside.probability)}`));
  for (const note of reply.notes) $("others").append(element("p", { className: "quiet", textContent: note }));
  say("status", `It says ${said(best.answer).textContent}, ${percent(best.probability)} sure. ${verdict}`);
  strips(best.probability);
}
function quoted(sentence, answer) {
  const at = answer ? sentence.indexOf(answer) : -1;
  return at < 0 ? [sentence] : [sentence.slice(0, at), element("mark", { textContent: answer }), sentence.slice(at + answer.length)];
}

// How can one tell?
function strips(now) {
  const rows = [["answered right", about.right, ""], ["answered wrong", about.wrong, "wrong"], ["invented names", about.invented, "wrong"]];
  const shown = rows.filter(([, values]) => values.length).map(([name, values, kind]) => {
    const middle = values[Math.floor(values.length / 2)];
    const title = `${values.length} ${name}, half of them ${percent(middle)} sure or more`;
    const lines = values.map((x) => drawn("line", { class: "tick", x1: 1000 * x, x2: 1000 * x, y1: 4, y2: 26 }));
    if (now !== undefined) lines.push(drawn("line", { class: "now", x1: 1000 * now, x2: 1000 * now, y1: 0, y2: 30 }));
    const svg = drawn("svg", { viewBox: "-4 0 1008 30", preserveAspectRatio: "none", role: "img", "aria-label": title },
      drawn("line", { x1: 0, x2: 1000, y1: 29, y2: 29 }), ...lines);
    return element("div", { className: `strip ${kind}` }, element("span", { textContent: `${values.length} ${name}` }), svg);
  });
  const scale = ["0 %", "sure", "100 %"].map((textContent) => element("span", { textContent }));
  if (shown.length) shown.push(element("div", { className: "strip" }, element("div", { className: "scale quiet" }, ...scale)));
  $("strips").replaceChildren(...shown);
}

// How did it learn?
async function lesson() {
  const found = await get("/api/lesson");
  const marked = (text) => text.split("⁇").flatMap((piece, i) => (i ? [element("mark", { textContent: "⁇" }), piece] : [piece]));
  const shown = found.examples.map(([read, hidden]) => element("p", { className: "text" }, ...marked(read), element("u", {}, ...marked(hidden))));
  $("document").replaceChildren(
    element("h3", { textContent: found.where }), element("blockquote", { textContent: found.document }),
    element("h3", { textContent: "As the model saw it while it was pretrained" }), ...shown,
    element("p", { className: "quiet", textContent: "⁇ marks where something was hidden; what is underlined it had to write." }));
  say("lesson", "Show another document");
}
function curve(title, points, top, show) {
  const last = points[points.length - 1], highest = top || Math.max(...points.map(([, y]) => y));
  const at = ([x, y]) => `${(10 + 380 * x / last[0]).toFixed(1)},${(130 - 110 * y / highest).toFixed(1)}`;
  const steps = counted(last[0], "step");
  const ends = points.length > 1 ? `${show(points[0][1])} at first, ${show(last[1])} at the end,` : show(last[1]);
  const words = `${title}: ${ends} after ${steps}`, caption = element("figcaption", { textContent: words });
  return element("figure", {}, caption, ...(points.length < 2 ? [] : [
    drawn("svg", { viewBox: "0 0 400 150", role: "img", "aria-label": words },
      drawn("line", { x1: 10, x2: 390, y1: 130, y2: 130 }),
      drawn("polyline", { points: points.map(at).join(" ") }),
      drawn("text", { x: 10, y: 146 }, "0"), drawn("text", { x: 390, y: 146, "text-anchor": "end" }, steps))]));
}
async function curves() {
  for (const run of await get("/api/curves")) {
    const losses = run.epoch_loss.length > 2 ? run.epoch_loss : run.loss;
    const name = run.task.replaceAll("_", " ");
    if (losses.length) $("curves").append(curve(`Loss, ${name}`, losses, 0, (y) => y.toFixed(2)));
    if (run.accuracy.length) $("curves").append(curve(`Accuracy, ${name}`, run.accuracy, 1, percent));
  }
}

async function suggest() {
  const typed = $("question").value.trim();
  const own = asking, names = typed.length > 1 && !typed.endsWith("?") ? await get("/api/names", typed) : [];
  if (own !== asking || typed !== $("question").value.trim()) return;
  $("names").replaceChildren(...names.map((name) => {
    const button = element("button", { type: "button", dir: "auto", textContent: name });
    button.addEventListener("click", () => { $("question").focus(); submit(name); });  // the button goes
    return button;
  }));
}
async function submit(question) {
  $("names").replaceChildren();
  await trying(() => ask(question));
}
$("form").addEventListener("submit", (event) => { event.preventDefault(); submit($("question").value); });
$("question").addEventListener("input", () => trying(suggest));
$("invent").addEventListener("click", () => trying(async () => submit((await get("/api/invent")).question)));
$("lesson").addEventListener("click", () => trying(lesson));
trying(async () => {
  about = await get("/api/run");
  const read = about.documents === null ? "" : `, which has read ${about.documents.toLocaleString("en")} documents`;
  const right = about.score ? `; it answers ${percent(about.score.accuracy)} of ${short(about.eval)} right` : "";
  say("about", `${about.run}: ${about.model}${read}${right}.`);
  const shown = [];
  if (about.score) shown.push(`${about.score.n} to ${short(about.eval)}`);
  if (about.invented.length) shown.push(`${about.invented.length} about names that no document holds`);
  const lines = shown.length ? `Each line is an answer, at how sure the model was of it: ${shown.join(", and ")}. ` : "";
  say("tell", lines + (about.score
    ? "Where lines of two rows overlap, how sure it is does not tell one from the other."
    : "There are no questions with known answers: name some with --eval, to see what its word is worth."));
  if (about.example) $("question").value = about.example;
  $("invent").hidden = !about.invented.length;
  $("lesson").hidden = about.documents === null;
  strips();
  await curves();
});
