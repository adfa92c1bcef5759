// The upper half of the picture: clients, virtual addresses, directors.
import {box, by, drawn, element, list, mark, say, setState, show, state} from "./dom.js";
import {active, directors, flow, instances} from "./story.js";
import {count, perSecond} from "./words.js";

const FEW = 6;
let is_all = false, last = null;

export function texts(parent, lines) {
	list(parent, lines.map((text, at) => ({text, at})), line => String(line.at), () => element("li"),
	     (node, line) => say(node, line.text));
	show(parent, lines.length > 0);
}

// ---- clients ------------------------------------------------------------------------------------

function spark(history) {
	const most = Math.max(1, ...history), step = 120 / Math.max(14, history.length - 1), start = 120 - step * (history.length - 1);
	return history.map((value, at) => `${at ? "L" : "M"}${(start + at * step).toFixed(1)} ${(27 - 24 * value / most).toFixed(1)}`)
		.join("");
}

function makeClients() {
	const made = box("div", "node clients", [["strong", "name"], ["span", "rate"], ["span", "flow"]]);
	made.parts.name.textContent = "Clients";
	made.spark = drawn("path", {class: "spark"});
	made.append(drawn("svg", {class: "spark", viewBox: "0 0 120 30", preserveAspectRatio: "none", "aria-hidden": "true"}, made.spark));
	return made;
}

export function drawClients(status, rates) {
	const parent = by("clients"), node = parent.firstElementChild ?? parent.appendChild(makeClients());
	const rate = rates.total(status);
	const now = (status.services ?? []).reduce((sum, service) => sum + active(service), 0);

	say(node.parts.rate, `${perSecond(rate.connections)} new, ${count(now)} active`);
	say(node.parts.flow, flow(rate));
	mark(node.spark, "d", rates.history.length > 2 ? spark(rates.history) : "");
	show(parent, (status.services ?? []).length > 0);
}

// ---- virtual addresses --------------------------------------------------------------------------

function makeInstance() {
	return box("li", "node instance", [["bdi", "name"], ["state", "state"], ["ul", "addresses"], ["span", "detail"], ["ul", "why"]]);
}

function fillInstance(node, instance) {
	const {parts: part} = node, addresses = instance.addresses;
	node.dataset.key = instance.key;
	setState(part.state, instance.look);
	say(part.name, instance.name);
	texts(part.addresses, addresses.length > 3 ? [...addresses.slice(0, 2), `and ${count(addresses.length - 2)} more`] : addresses);
	say(part.detail, [instance.priority, instance.since && `for ${instance.since}`].filter(Boolean).join(", "));
	texts(part.why, instance.why);
	node.classList.toggle("unwell", instance.rank < 3);
}

export function drawInstances(status) {
	const parent = by("instances"), found = instances(status), more = parent.nextElementSibling;
	if (found.length > FEW)
		found.sort((a, b) => a.rank - b.rank);
	const shown = is_all ? found : found.slice(0, FEW);

	last = status;
	list(parent, shown, one => one.key, makeInstance, fillInstance);
	show(parent.parentElement, found.length > 0);
	if (show(more, found.length > FEW))
		say(more, is_all ? "Show fewer" : `Show ${count(found.length - FEW)} more`);
}

export function prepareCluster() {
	by("instances").nextElementSibling.onclick = () => {
		is_all = !is_all;
		drawInstances(last);
		document.dispatchEvent(new Event("drawn"));
	};
}

// ---- directors ----------------------------------------------------------------------------------

function makeRole() {
	const made = element("li", "", state({word: "", shape: "dots", tone: "idle"}), " ", element("span"));
	return made;
}

function fillRole(node, role) {
	setState(node.firstChild, role.look);
	say(node.lastChild, role.text);
}

function makeDirector() {
	return box("li", "node director", [["bdi", "name"], ["span", "note"], ["span", "address"], ["ul", "roles"]]);
}

function fillDirector(node, director) {
	const {parts: part} = node;
	node.dataset.key = director.key;
	node.masters = director.masters;
	node.classList.toggle("self", director.is_self);
	node.classList.toggle("stranger", director.is_stranger);
	say(part.name, director.name);
	say(part.address, director.address && director.address !== director.name ? director.address : "");
	say(part.note, director.note);
	list(part.roles, director.roles, role => role.key, makeRole, fillRole);
}

export function drawDirectors(status) {
	list(by("directors"), directors(status), one => one.key, makeDirector, fillDirector);
}
