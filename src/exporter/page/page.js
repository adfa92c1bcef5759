// The page asks again and again, and draws what it hears. It asks less often where an answer costs more, or where nobody
// looks, and says clearly when there is none.
import {box, by, list, say, setState, show, state} from "./dom.js";
import {drawClients, drawDirectors, drawInstances, prepareCluster, texts} from "./cluster.js";
import {drawServices, prepareServices} from "./services.js";
import {drawEvents, Events, tellChanges} from "./events.js";
import {drawLines} from "./lines.js";
import {look, SHAPES} from "./states.js";
import {problems} from "./problems.js";
import {verdict} from "./story.js";
import {Rates} from "./rates.js";
import {ago, clean, clock, count, plural} from "./words.js";

const PERIOD = 2000, UNSEEN = 10000, SLOWEST = 15000, FEW = 8;
const PATIENCE = 10000, PATIENCE_BODY = 120000;   // the second as lbha-exporter has it
const TOO_LONG = "it takes too long";

const rates = new Rates(), events = new Events();
let answered = null, failures = 0, is_all = false, timer = 0, lines_due = false, is_asking = false, cost_before = 0;

// ---- the head of the page ---------------------------------------------------------------------------

function title(text, node) {
	const whole = [text, node, "lbha"].filter(Boolean).join(" — ");
	if (document.title !== whole)
		document.title = whole;
}

// The shape of the state on the tab.
function icon(found) {
	const {fill = "", line = "", mark: inner = ""} = SHAPES[found.shape];
	const colour = {good: "%23157f5b", warn: "%23b26a00", bad: "%23c0392b"}[found.tone] ?? "%236b7a88";
	const href = `data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'><path d='${fill}' fill='${colour}'/>` +
		`<path d='${line}' fill='none' stroke='${colour}' stroke-width='2'/><path d='${inner}' fill='none' stroke='white' stroke-width='2'/></svg>`;
	const link = document.querySelector("link[rel=icon]");
	if (link.getAttribute("href") !== href)
		link.setAttribute("href", href);
}

function drawVerdict(found, where) {
	const heading = by("verdict").querySelector("h1");
	if (!heading.parts)
		heading.replaceChildren(heading.parts = state(found));
	setState(heading.parts, found);
	say(by("where"), where);
	icon(found);
}

function drawHead(status, wrong) {
	const found = verdict(wrong), node = clean(status.node ?? "this director");
	const cluster = status.cluster ? `${clean(status.cluster)}, as ${node} sees it` : `as ${node} sees it`;
	drawVerdict(found, cluster);
	title(found.word, node);
}

function drawProblems(found) {
	const section = by("problems"), more = section.querySelector(".more");
	const shown = is_all ? found : found.slice(0, FEW);

	show(section, found.length > 0);
	list(section.querySelector("ol"), shown.map((one, at) => ({...one, at})), one => String(one.at), () => {
		return box("li", "problem", [["span", "text"], ["ul", "effects"], ["code", "advice"]]);
	}, ({parts}, one) => {
		say(parts.text, one.text);
		texts(parts.effects, one.effects);
		say(parts.advice, one.advice);
	});
	if (show(more, found.length > FEW))
		say(more, is_all ? "Show fewer" : `Show ${count(found.length - FEW)} more`);
	more.onclick ??= () => {
		is_all = !is_all;
		drawProblems(problems(answered.status));
		drawLater();
	};
}

function drawFoot(status) {
	const reload = status.reload ?? {}, parts = [
		`lbha ${clean(status.version)}`, `generation ${count(status.generation)}`, `running for ${ago(status.started, status.time)}`,
		status.maintenance ? "in maintenance" : "",
		reload.time ? `last reload ${clean(reload.result)} ${ago(reload.time, status.time)} ago` : "",
		status.overrides?.length ? plural(status.overrides.length, "override") : "",
	];
	say(by("foot"), parts.filter(Boolean).join(" · "));
}

// ---- asking ---------------------------------------------------------------------------------------------

async function answerOf(answer) {
	if (answer.ok)
		return answer.json();
	const said = await answer.text(), error = answer.headers.get("Content-Type") === "application/json" ? JSON.parse(said).error : null;
	throw new Error(clean(error ?? said.trim(), 300), {cause: error ? "lbhad" : "exporter"});
}

// A slow line may take its time with an answer that has begun.
async function ask(path) {
	const control = new AbortController();
	let is_late = false;
	const wait = time => setTimeout(() => {
		is_late = true;
		control.abort();
	}, time);
	let clock_of = wait(PATIENCE);

	try {
		const answer = await fetch(path, {cache: "no-store", signal: control.signal});
		clearTimeout(clock_of);
		clock_of = wait(PATIENCE_BODY);
		return await answerOf(answer);
	} catch (problem) {
		throw is_late ? new Error(TOO_LONG, {cause: "exporter"}) : problem;
	} finally {
		clearTimeout(clock_of);
	}
}

function drawLater() {
	if (lines_due)
		return;
	lines_due = true;
	requestAnimationFrame(() => {
		lines_due = false;
		drawLines();
	});
}

function draw(status) {
	rates.take(status);
	const wrong = problems(status);
	drawHead(status, wrong);
	drawProblems(wrong);
	drawClients(status, rates);
	drawInstances(status);
	drawDirectors(status);
	drawServices(status, rates);
	drawFoot(status);
	drawLater();
}

async function look_once() {
	const status = await ask("status.json"), told = await ask(events.last === null ? "events.json" : `events.json?since=${events.last}`);
	const found = events.take(told);
	answered = {status, at: new Date()};
	failures = 0;
	draw(status);
	drawEvents(events);
	tellChanges(found);
	fresh();
}

// ---- how old it is ----------------------------------------------------------------------------------------

function fresh() {
	document.body.classList.remove("old");
	show(by("stale"), false);
	say(by("live"), `live, ${clock(answered.at)}`);
}

function silent(problem) {
	const who = problem.cause === "lbhad" ? "lbhad" : "lbha-exporter";
	const since = answered ? ` since ${clock(answered.at)}` : "";
	const why = problem.cause ? `: ${problem.message}` : "";

	failures++;
	document.body.classList.add("old");
	say(by("stale"), `No answer from ${who}${since}${why}`);
	show(by("stale"), true);
	say(by("live"), answered ? `as it was at ${clock(answered.at)}` : "nothing known yet");
	title(`No answer${since}`, clean(answered?.status.node ?? ""));
	drawVerdict({...look("away"), word: "No answer"}, by("where").textContent);
}

async function turn() {
	const started = performance.now();
	if (is_asking)
		return;
	is_asking = true;
	try {
		await look_once();
	} catch (problem) {
		silent(problem);
	}
	is_asking = false;
	const cost = performance.now() - started, slow = PERIOD * 2 ** Math.min(failures, 3);
	// one answer that took long is no reason yet
	const pause = failures ? Math.min(slow, SLOWEST) : Math.max(document.hidden ? UNSEEN : PERIOD, 9 * Math.min(cost, cost_before));
	cost_before = cost;
	clearTimeout(timer);
	timer = setTimeout(turn, pause);
}

prepareCluster();
prepareServices();
new ResizeObserver(drawLater).observe(by("cluster"));
document.addEventListener("drawn", drawLater);
document.addEventListener("visibilitychange", () => {
	if (document.hidden)
		return;
	clearTimeout(timer);
	timer = setTimeout(turn, 0);
});
turn();
