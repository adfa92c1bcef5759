// The lines of the picture, drawn between boxes that the browser has laid out: what stands side by side is reached from
// above, what is stacked along a rail at its left.
import {by, drawn, list, mark} from "./dom.js";

const RAIL = 12, ROUND = 8;

let base = null;

function place(node) {
	const at = node.getBoundingClientRect();
	const left = at.left - base.left, top = at.top - base.top;
	return {left, top, right: left + at.width, bottom: top + at.height, x: left + at.width / 2, y: top + at.height / 2};
}

function isStack(node) {
	return node.parentElement.classList.contains("stack");
}

// Corner points from one node to another, and a path along them.
function route(from, to, gap = 14) {
	const a = place(from), b = place(to), points = [];
	const above = place(isStack(to) ? to.parentElement : to).top - gap;

	if (isStack(from)) {
		const rail = place(from.parentElement).right + RAIL;
		points.push([a.right, a.y], [rail, a.y], [rail, above]);
	} else {
		points.push([a.x, a.bottom], [a.x, above]);
	}
	if (isStack(to)) {
		const rail = place(to.parentElement).left - RAIL;
		points.push([rail, above], [rail, b.y], [b.left, b.y]);
	} else {
		points.push([b.x, above], [b.x, b.top]);
	}
	return along(points.filter(([x, y], at) => !at || Math.hypot(x - points[at - 1][0], y - points[at - 1][1]) > 0.5));
}

function along(points) {
	const near = (from, to, by_much) => {
		const length = Math.hypot(to[0] - from[0], to[1] - from[1]) || 1, part = Math.min(by_much, length / 2) / length;
		return [from[0] + (to[0] - from[0]) * part, from[1] + (to[1] - from[1]) * part];
	};
	const say = ([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`;
	return points.map((point, at) => {
		if (!at || at === points.length - 1)
			return `${at ? "L" : "M"}${say(point)}`;
		return `L${say(near(point, points[at - 1], ROUND))}Q${say(point)} ${say(near(point, points[at + 1], ROUND))}`;
	}).join("");
}

// ---- what stands side by side, and what does not fit ------------------------------------------------

function settle(node, is_wide) {
	node.classList.toggle("stack", is_wide);
}

function stackWhatDoesNotFit() {
	const rows = [...document.querySelectorAll("#instances, #directors")];
	const services = by("service-list"), servers = [...services.querySelectorAll(".servers")];
	const is_small = by("services").classList.contains("small");

	for (const node of [...rows, services, ...servers])
		settle(node, false);
	for (const node of rows)
		settle(node, node.scrollWidth > node.clientWidth + 1);
	if (!is_small)
		return;
	settle(services, services.scrollWidth > services.clientWidth + 1);
	for (const node of servers)
		settle(node, node.scrollWidth > node.clientWidth + 1);
}

// Side by side all is lower and wider. A page that is shorter for a moment only would be scrolled up all the same, and a phone
// shows more of one that is too wide.
function arrange() {
	const cluster = by("cluster");

	cluster.style.overflow = "clip";
	cluster.style.minHeight = `${Math.ceil(cluster.getBoundingClientRect().height)}px`;
	stackWhatDoesNotFit();
	cluster.removeAttribute("style");
}

// ---- which lines there are --------------------------------------------------------------------------

function thick(rate) {
	return Math.min(6, 2 + 1.2 * Math.log10(1 + Number(rate || 0)));
}

function nodes(selector) {
	return [...document.querySelectorAll(selector)].filter(node => node.getClientRects().length);
}

function upper(lines) {
	const clients = nodes("#clients > .node"), instances = nodes("#instances > .node"), directors = nodes("#directors > .node");

	for (const client of clients)
		for (const instance of instances)
			lines.push({d: route(client, instance), kind: "flow"});
	for (const instance of instances)
		for (const director of directors)
			lines.push({d: route(instance, director), kind: director.masters.includes(instance.querySelector(".name").textContent)
				? "flow" : "spare"});
	if (!instances.length)
		for (const client of clients)
			for (const director of directors)
				lines.push({d: route(client, director), kind: "flow"});
	return directors;
}

// Who hands out what comes for a carrier: its MASTER, or this director where nobody carries it.
function givers(directors, carrier) {
	const masters = directors.filter(one => carrier && one.masters.includes(carrier));
	return masters.length || carrier ? masters : directors.filter(one => one.classList.contains("self"));
}

function lower(lines, directors) {
	for (const service of nodes("#service-list > .service")) {
		const head = service.parts.head;
		// a head is reached as its service is: along the rail when the services are stacked
		for (const giver of givers(directors, service.dataset.carrier))
			lines.push({d: routeToHead(giver, service, head), kind: "flow"});
		for (const server of service.parts.servers.children)
			lines.push({d: route(isStack(server) ? corner(head, server) : head, server),
				    kind: server.dataset.takes === "yes" ? "flow" : "cut", width: thick(server.dataset.flow)});
	}
}

function routeToHead(from, service, head) {
	if (!isStack(service))
		return route(from, head);
	const stand_in = {getBoundingClientRect: () => head.getBoundingClientRect(), parentElement: service.parentElement};
	return route(from, stand_in);
}

// Servers below each other hang on a line that comes out of their service above the rail.
function corner(head, server) {
	const at = head.getBoundingClientRect(), rail = server.parentElement.getBoundingClientRect().left - RAIL;
	return {getBoundingClientRect: () => ({left: rail, top: at.bottom - 1, width: 0, height: 1}), parentElement: head};
}

export function drawLines() {
	const svg = by("lines"), cluster = by("cluster"), lines = [];

	arrange();
	base = cluster.getBoundingClientRect();
	const directors = upper(lines);
	if (by("services").classList.contains("small"))
		lower(lines, directors);
	else
		for (const director of directors.filter(one => one.masters.length || directors.length === 1))
			for (const panel of nodes("#services-head"))
				lines.push({d: route(director, panel), kind: "flow"});
	lines.sort((a, b) => (a.kind === "flow") - (b.kind === "flow"));
	mark(svg, "viewBox", `0 0 ${base.width.toFixed(0)} ${base.height.toFixed(0)}`);
	mark(svg, "width", base.width.toFixed(0));
	mark(svg, "height", base.height.toFixed(0));
	list(svg, lines.map((line, at) => ({...line, at})), line => String(line.at), () => drawn("path"), (node, line) => {
		mark(node, "d", line.d);
		mark(node, "class", line.kind);
		mark(node, "stroke-width", String((line.width ?? (line.kind === "flow" ? 2.5 : 1.5)).toFixed(1)));
	});
}
