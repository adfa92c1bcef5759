// What happened, newest first. Events have numbers, and are asked for from the last one on: after a silence nothing is
// missed that lbhad still knows.
import {box, by, flash, list, say, setState, show} from "./dom.js";
import {look} from "./states.js";
import {clean, count, moment} from "./words.js";

const KEPT = 200, SHOWN = 40, SPOKEN = 3;

const WORDS = {
	reload: "reload", upgrade: "upgrade", worker_restart: "worker", drift_repaired: "repaired", contested: "contested",
	competing_master: "competing MASTER", no_peer_heard: "alone", override: "said", missed: "missed",
};

export class Events {
	constructor() {
		this.last = null;
		this.kept = [];
	}

	// The answer to what happened after `last`; returns what is new, oldest first. A number that went back is of another lbhad.
	take(answer) {
		const found = (answer.events ?? []).filter(one => one.event !== "missed" || one.missed !== 0);
		const is_first = this.last === null;
		this.last = answer.last;
		this.kept = [...this.kept, ...found].slice(-KEPT);
		return is_first ? [] : found;
	}
}

function change(event) {
	const from = event.old === null || event.old === undefined ? "" : clean(event.old, 80);
	const to = event.new === null || event.new === undefined ? "" : clean(event.new, 80);
	return from && to ? `${from} → ${to}` : to || from;
}

function sentence(event) {
	if (event.event === "missed")
		return event.missed === null ? "some events of another time are not known" : `${count(event.missed)} events are gone`;
	return [WORDS[event.event], change(event)].filter(Boolean).join(": ");
}

function fill(node, event) {
	const {parts: part} = node;
	setState(part.state, {...look(event.new), word: ""});
	part.state.classList.toggle("none", !/_state$/.test(event.event));
	say(part.time, moment(event.time));
	part.time.dateTime = String(event.time ?? "");
	say(part.name, clean(event.object ?? ""));
	say(part.change, sentence(event));
	say(part.reason, clean(event.reason ?? "", 300));
}

export function drawEvents(events) {
	const newest = events.kept.slice(-SHOWN).reverse();
	list(by("events").querySelector("ol"), newest, event => `${event.seq} ${event.event}`,
	     () => box("li", "event", [["time", "time"], ["state", "state"], ["bdi", "name"], ["span", "change"], ["span", "reason"]]), fill);
	show(by("no-events"), newest.length === 0);
}

// For those who hear the page, in few words; for those who see it, where it is.
export function tellChanges(found) {
	const states = found.filter(event => /_state$/.test(event.event));
	if (!states.length)
		return;
	const spoken = states.slice(-SPOKEN).map(event => `${clean(event.object)}: ${clean(event.new)}, ${clean(event.reason, 120)}`);
	const more = states.length > SPOKEN ? [`and ${count(states.length - SPOKEN)} more changes`] : [];
	say(by("said"), [...spoken, ...more].join(". "));
	const changed = new Set(states.map(event => event.service ?? event.instance ?? event.object));
	for (const node of document.querySelectorAll("#instances > .node, #service-list > .service"))
		if (changed.has(node.dataset.key))
			flash(node.parts.head ?? node);
}
