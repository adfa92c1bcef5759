// The lower half of the picture: services and their servers. A small cluster has a box for every server; in a large one a
// service is a row that opens, and those that are not well come first.
import {box, by, drawn, element, list, mark, say, setState, show} from "./dom.js";
import {texts} from "./cluster.js";
import {isSmall, matches, servers, services, traffic} from "./story.js";
import {count, plural} from "./words.js";

const PAGE = 50;         // servers of a service, or services, that are drawn before somebody asks for more
const FEW = 10;          // services, among whose servers somebody looks for something
const TICKS = 40;        // servers that have a mark of their own in a row

const open = new Set();  // by hand
const shut = new Set();  // by hand, of those that the filter opens; another filter opens them again
const more_of = new Map();
let filter = "", is_narrow = false, last = null;

// ---- servers ------------------------------------------------------------------------------------

function makeServer() {
	return box("li", "node server", [["bdi", "name"], ["state", "state"], ["span", "address"], ["span", "kind"],
					 ["span", "weight"], ["span", "rate"], ["span", "active"], ["span", "flow"],
					 ["span", "since"], ["ul", "why"]]);
}

function fillServer(node, server) {
	const {parts: part} = node, words = traffic(server.active, server.rate);
	setState(part.state, server.look);
	say(part.name, server.name);
	say(part.address, server.address);
	node.classList.toggle("bare", !server.address);
	say(part.kind, server.kind);
	say(part.weight, server.weight);
	say(part.active, words.active);
	say(part.rate, words.rate);
	say(part.flow, words.flow);
	say(part.since, server.since ? `for ${server.since}` : "");
	texts(part.why, server.why);
	node.dataset.flow = server.rate.connections === null ? "0" : String(server.rate.connections);
	node.dataset.takes = server.factor > 0 ? "yes" : "no";
}

function wantedServers(service, all, is_small) {
	const is_all = !filter || matches(filter, service.name, service.listen);
	const found = is_all ? all : all.filter(one => matches(filter, one.name, one.address, one.look.word));
	return is_small ? found : [...found].sort((a, b) => a.look.rank - b.look.rank);
}

function drawServers(node, service, status, rates, is_small) {
	const {servers: parent, more} = node.parts;
	const is_open = is_small || isOpen(service);

	show(parent, is_open);
	show(more, false);
	if (!is_open) {
		list(parent, [], null, null, null);
		return;
	}
	const found = wantedServers(service, servers(service.raw, rates, status.time), is_small);
	const shown = is_small ? found : found.slice(0, more_of.get(service.key) ?? PAGE);
	list(parent, shown, one => one.key, makeServer, fillServer);
	if (show(more, shown.length < found.length))
		say(more, `Show more of the other ${count(found.length - shown.length)}`);
}

// ---- a row of marks -----------------------------------------------------------------------------

const TICK = {up: ["good", "v13"], down: ["bad", "m-2 8.5l4 4m0-4l-4 4"], drained: ["calm", "m0 7v6"], unknown: ["idle", "m0 11.5v1.5"]};

function strip(service) {
	const marks = {good: "", bad: "", calm: "", idle: ""};
	const all = service.raw.real_servers.length, each = Math.max(1, all / TICKS);
	let at = 0;
	for (const [word, number] of [...service.census].sort()) {
		const [tone, mark_of] = TICK[word] ?? (word.startsWith("down") ? TICK.down : TICK.unknown);
		for (let i = 0; i < Math.max(1, Math.round(number / each)); i++, at++)
			marks[tone] += `M${3 + 6 * at} 1${mark_of}`;
	}
	return {marks, width: 6 * Math.max(at, 1)};
}

function drawStrip(svg, service) {
	const {marks, width} = strip(service);
	mark(svg, "viewBox", `0 0 ${width} 15`);
	mark(svg, "width", String(width));
	for (const path of svg.children)
		mark(path, "d", marks[path.dataset.tone]);
}

function makeStrip() {
	const paths = ["good", "bad", "calm", "idle"].map(tone => drawn("path", {"data-tone": tone}));
	return drawn("svg", {class: "strip", height: "15", "aria-hidden": "true"}, ...paths);
}

// ---- services -----------------------------------------------------------------------------------

let number_of = 0;

function makeService(service) {
	const made = element("li", "service");
	const head = box("div", "node head", [["h4", "title"], ["state", "state"], ["span", "listen"], ["span", "terms"], ["span", "quorum"],
					      ["span", "census"], ["span", "active"], ["span", "rate"], ["span", "flow"], ["ul", "why"]]);
	const list_of = element("ul", "servers"), more = element("button", "more"), toggle = element("button", "toggle");

	list_of.id = `servers-${++number_of}`;
	toggle.type = more.type = "button";
	toggle.setAttribute("aria-controls", list_of.id);
	head.parts.name = element("bdi", "name");
	head.parts.title.append(head.parts.name);
	head.append(makeStrip(), toggle);
	made.append(head, list_of, more);
	made.parts = {...head.parts, head, strip: head.querySelector(".strip"), toggle, servers: list_of, more};
	toggle.onclick = () => turn(made.service);
	more.onclick = () => {
		more_of.set(service.key, (more_of.get(service.key) ?? PAGE) + 4 * PAGE);
		again();
	};
	return made;
}

// By hand, or because what is looked for is among its servers.
function isOpen(service) {
	const is_found = is_narrow && !matches(filter, service.name, service.listen, service.look.word);
	return open.has(service.key) || is_found && !shut.has(service.key);
}

function turn(service) {
	const {key} = service;
	if (isOpen(service)) {
		open.delete(key);
		shut.add(key);
	} else if (!shut.delete(key) || !isOpen(service)) {
		open.add(key);
	}
	again();
}

function fillService(node, service, status, rates, is_small) {
	const {parts: part} = node, words = traffic(service.active, service.rate), is_open = isOpen(service);

	node.service = service;
	node.dataset.key = service.key;
	node.dataset.carrier = service.carrier ?? "";
	setState(part.state, service.look);
	say(part.name, service.name);
	say(part.listen, service.listen);
	say(part.terms, service.terms);
	say(part.quorum, service.quorum);
	say(part.census, service.census_words);
	say(part.active, words.active);
	say(part.rate, words.rate);
	say(part.flow, words.flow);
	texts(part.why, service.why);
	node.classList.toggle("unwell", service.look.rank < 4);
	if (show(part.toggle, !is_small)) {
		say(part.toggle, is_open ? "Hide" : "Servers");
		mark(part.toggle, "aria-expanded", String(is_open));
		mark(part.toggle, "aria-label", `${is_open ? "Hide" : "Show"} the servers of ${service.name}`);
		drawStrip(part.strip, service);
	}
	drawServers(node, service, status, rates, is_small);
}

function isWanted(service) {
	if (!filter || matches(filter, service.name, service.listen, service.look.word))
		return true;
	return (service.raw.real_servers ?? []).some(server => matches(filter, server.name, server.address ?? "", server.health, server.admin));
}

export function drawServices(status, rates) {
	const is_small = isSmall(status), parent = by("service-list"), all = services(status, rates), more = parent.nextElementSibling;
	const found = is_small ? all : all.filter(isWanted).sort((a, b) => a.look.rank - b.look.rank);
	const shown = found.slice(0, more_of.get("") ?? 2 * PAGE);

	last = {status, rates};
	is_narrow = filter !== "" && found.length <= FEW;
	by("services").classList.toggle("small", is_small);
	by("services").classList.toggle("many", !is_small);
	show(by("services"), all.length > 0);
	show(by("tools"), !is_small);
	if (!is_small)
		say(by("shown"), filter ? `${count(found.length)} of ${plural(all.length, "service")}` : plural(all.length, "service"));
	list(parent, shown, one => one.key, makeService, (node, one) => fillService(node, one, status, rates, is_small));
	if (show(more, shown.length < found.length))
		say(more, `Show more of the other ${count(found.length - shown.length)}`);
}

function again() {
	drawServices(last.status, last.rates);
	document.dispatchEvent(new Event("drawn"));
}

export function prepareServices() {
	by("filter").oninput = event => {
		filter = event.target.value.trim().toLowerCase();
		shut.clear();
		if (last)
			again();
	};
	by("service-list").nextElementSibling.onclick = () => {
		more_of.set("", (more_of.get("") ?? 2 * PAGE) + 4 * PAGE);
		again();
	};
}
