// What the picture tells of a status: who is MASTER of what, how each service and server is, and why. Pure.
import {ago, bytesPerSecond, clean, count, isAddress, moment, perSecond, plural} from "./words.js";
import {instanceState, look, serverState, serviceState} from "./states.js";

const SMALL = {services: 6, servers: 36, each: 12};

// Few enough that every server has its box.
export function isSmall(status) {
	const sizes = (status.services ?? []).map(service => service.real_servers.length);
	return sizes.length <= SMALL.services && sizes.every(size => size <= SMALL.each) &&
		sizes.reduce((sum, size) => sum + size, 0) <= SMALL.servers;
}

export function verdict(found) {
	return found.length ? {...look("problem"), word: plural(found.length, "problem")} : {...look("well"), word: "All well"};
}

// ---- virtual addresses --------------------------------------------------------------------------

function priority(instance) {
	const {priority: now, base_priority: base} = instance;
	return now === base ? `priority ${now}` : `priority ${now} of ${base}`;
}

function trackers(instance) {
	return (instance.trackers ?? []).filter(one => one.state === "down")
		.map(one => `${clean(one.name)} down${one.effect ? ` (${one.effect})` : ""}: ${clean(one.reason)}`);
}

function instanceWhy(instance) {
	const why = [];
	if (instance.state !== "MASTER")
		why.push(clean(instance.reason, 300));
	if (instance.competing_master)
		why.push(`${clean(instance.competitor_address)} is MASTER too, with ${instance.competitor_priority}`);
	if (instance.missing)
		why.push(`not in place: ${clean(instance.missing, 300)}`);
	return [...why, ...trackers(instance)];
}

export function instances(status) {
	return (status.vrrp ?? []).map(instance => {
		const found = instanceState(instance), why = instanceWhy(instance);
		const is_well = found.rank > 2 && !instance.competing_master && !trackers(instance).length && !instance.missing;
		return {
			key: instance.name, name: clean(instance.name), look: found, rank: is_well ? found.rank : 0, why,
			addresses: instance.virtual_addresses.map(one => clean(one)), priority: priority(instance),
			since: ago(instance.since, status.time), raw: instance,
		};
	});
}

// ---- directors ----------------------------------------------------------------------------------

class Directors {
	constructor(status) {
		this.all = [];
		this.is_contested = (status.vrrp ?? []).some(instance => instance.competing_master);
		for (const one of status.directors ?? [])
			this.#add(clean(one.name), one.address, one.name === status.node);
		if (!this.self)
			this.#add(clean(status.node || "this director"), null, true);
	}

	get self() {
		return this.all.find(one => one.is_self);
	}

	get others() {
		return this.all.filter(one => !one.is_self && !one.is_stranger);
	}

	get strangers() {
		return this.all.filter(one => one.is_stranger);
	}

	// An advert names no director: its source may be an address that the file does not name (link-local, or of another
	// network). One that is MASTER besides us may be anybody; else, of two directors, it is the other one.
	at(address) {
		const {others, is_contested} = this, known = this.all.find(one => one.address === address);
		if (known)
			return known;
		return others.length === 1 && !is_contested ? others[0] : this.#add(clean(address), address, false, true);
	}

	#add(name, address, is_self, is_stranger = false) {
		const made = {key: `${is_stranger ? "?" : ""}${name}`, name, address, is_self, is_stranger, roles: []};
		this.all.push(made);
		return made;
	}
}

function place(directors, instance) {
	const name = clean(instance.name), {self} = directors;
	self.roles.push({state: instance.state, name, priority: instance.priority});
	if (instance.state !== "MASTER" && instance.master_address)
		directors.at(instance.master_address).roles.push({state: "MASTER", name, priority: instance.master_priority});
	if (instance.competing_master && instance.competitor_address)
		directors.at(instance.competitor_address).roles.push({state: "competing", name, priority: instance.competitor_priority});
}

const WORST_FIRST = ["competing", "FAULT", "INIT", "MASTER", "BACKUP"];

// "MASTER of public 150, inside 150": one line for each state, with the first few by name.
function rolesOf(director) {
	return WORST_FIRST.map(state => [state, director.roles.filter(role => role.state === state)])
		.filter(([, roles]) => roles.length)
		.map(([state, roles]) => {
			const names = roles.slice(0, 4).map(role => `${role.name} ${role.priority}`).join(", ");
			const more = roles.length > 4 ? ` and ${count(roles.length - 4)} more` : "";
			const found = look(state);
			return {key: state, look: state === "competing" ? {...found, word: "MASTER, too"} : found,
				text: `${state === "FAULT" || state === "INIT" ? "in" : "of"} ${names}${more}`};
		});
}

function silence(status, strangers) {
	const of = status.vrrp ?? [];
	if (strangers.length)
		return {key: "silent", look: look("unknown"), text: "or heard at an address that the file does not name"};
	const never = of.length && of.every(instance => instance.no_peer_heard);
	return {key: "silent", look: look("silent"),
		text: never ? "and never heard" : "as a BACKUP is: nothing is known of it here"};
}

export function directors(status) {
	const found = new Directors(status);
	for (const instance of status.vrrp ?? [])
		place(found, instance);
	const heard = found.others.length ? "heard at this address" : "heard, but not in the file";
	return found.all.filter(one => one.is_self || (status.vrrp ?? []).length).map(one => {
		const roles = rolesOf(one);
		const note = one.is_self ? "this director" : one.is_stranger ? heard : "";
		return {...one, address: clean(one.address), note, roles: roles.length || one.is_self ? roles : [silence(status, found.strangers)],
			masters: one.roles.filter(role => role.state === "MASTER" || role.state === "competing").map(role => role.name)};
	});
}

// ---- services -----------------------------------------------------------------------------------

function bare(address) {
	return address.replace(/\/\d+$/, "");
}

// The address of a listener: IPv6 has brackets only where there is a port.
function hostOf(listen) {
	const inside = /^\[([^\]]*)\]/.exec(listen), parts = listen.split(":");
	return inside ? inside[1] : parts.length === 2 ? parts[0] : listen;
}

// The instance that carries what a service listens on; undefined: none does, or it has a mark.
export function carrier(status, service) {
	const on = (service.listen ?? []).map(hostOf);
	return (status.vrrp ?? []).find(instance => instance.virtual_addresses.some(one => on.includes(bare(one))));
}

function listens(service) {
	const on = (service.listen ?? []).map(one => clean(one));
	if (service.fwmark !== null && service.fwmark !== undefined)
		on.push(`mark 0x${service.fwmark.toString(16)}`);
	return on.length > 3 ? `${on.slice(0, 2).join(" ")} and ${on.length - 2} more` : on.join(" ");
}

function weight(server, factor) {
	const {weight: set, effective_weight: now} = server;
	if (set * factor === now)
		return `weight ${count(set)}`;
	if (factor > 1 && set && now)
		return `weight ${Math.floor(100 * now / (set * factor))}% of ${count(set)}`;
	return `weight ${count(now)} of ${count(set)}`;
}

function override(one, now) {
	const what = one.kind === "weight" ? `weight ${clean(one.value)}` : clean(one.value);
	const end = one.deadline ? `, out at ${moment(one.deadline)}` : one.until ? `, until ${moment(one.until)}` : "";
	const comment = one.comment ? `: ${clean(one.comment, 200)}` : "";
	return `${what} by ${clean(one.by)} ${ago(one.since, now)} ago${end}${comment}`;
}

function told(server) {
	const {told: said} = server;
	if (!said)
		return [];
	const parts = [said.weight ? `weight ${clean(said.weight)}` : "", clean(said.wish ?? ""),
		       said.maxconn === null || said.maxconn === undefined ? "" : `at most ${plural(said.maxconn, "connection")}`];
	return [`told by ${clean(said.by)}: ${parts.filter(Boolean).join(", ")}`];
}

function serverWhy(server, now) {
	const why = [];
	if (server.health !== "up" && server.reason)
		why.push(clean(server.reason, 300));
	if (server.health === "up")
		for (const check of (server.checks ?? []).filter(one => one.result === "failed").slice(0, 2))
			why.push(`${clean(check.type)} fails: ${clean(check.detail || check.reason, 300)}`);
	return [...why, ...told(server), ...(server.overrides ?? []).map(one => override(one, now))];
}

function serverStory(server, service, rates, now, kind) {
	const rate = rates.of(service.name, server.name);
	const address = clean(server.address), name = clean(server.name);
	const way = server.forwarding && server.forwarding !== service.forwarding ? `, ${clean(server.forwarding)}` : "";
	return {
		key: `${kind} ${server.name} ${server.address}`, look: serverState(server), kind: kind + (kind && way) || way.slice(2),
		name: !name || isAddress(name, address) ? address : name, address: !name || isAddress(name, address) ? "" : address,
		since: ago(server.since, now), weight: weight(server, service.weight_factor || 1), factor: server.effective_weight,
		active: server.connections?.active ?? 0, rate, why: serverWhy(server, now),
	};
}

function leaverStory(leaver) {
	const deadline = leaver.deadline ? `, at the latest at ${moment(leaver.deadline)}` : "";
	return {
		key: `leaving ${leaver.name} ${leaver.address}`, look: {...look("leaving"), rank: 2}, kind: "", name: clean(leaver.name),
		address: clean(leaver.address), since: "", weight: "weight 0", factor: 0, active: leaver.connections?.active ?? 0,
		rate: {connections: null, bytes_in: null, bytes_out: null},
		why: [`no longer configured; leaves with its last connection${deadline}`],
	};
}

// All servers of a service, in the order of the file.
export function servers(service, rates, now) {
	const found = (service.real_servers ?? []).map(server => serverStory(server, service, rates, now, ""));
	if (service.sorry_server)
		found.push(serverStory(service.sorry_server, service, rates, now, "sorry server"));
	return [...found, ...(service.leaving ?? []).map(leaverStory)];
}

function census(service) {
	const found = new Map();
	for (const server of service.real_servers ?? []) {
		const {word} = serverState(server);
		found.set(word, (found.get(word) ?? 0) + 1);
	}
	return found;
}

// "18 of 20 up, 1 down, 1 drained"
function censusWords(found, all) {
	const others = [...found].filter(([word]) => word !== "up").map(([word, number]) => `${count(number)} ${word}`);
	if (!all)
		return "no servers";
	return [`${count(found.get("up") ?? 0)} of ${count(all)} up`, ...others].join(", ");
}

// Of all who have some: the sorry server and those that are on their way out, too.
export function active(service) {
	return [...service.real_servers ?? [], service.sorry_server, ...service.leaving ?? []]
		.reduce((sum, server) => sum + (server?.connections?.active ?? 0), 0);
}

export function services(status, rates) {
	return (status.services ?? []).map(service => {
		const {needed, have} = service.quorum ?? {needed: 1, have: 0}, found = census(service);
		const is_up = service.state === "up";
		const why = is_up ? [] : [clean(service.reason, 400)];
		if (service.programmed === false)
			why.push("not in the kernel: program_when");
		return {
			key: service.name, name: clean(service.name), look: serviceState(service), listen: listens(service),
			terms: [service.protocol, service.scheduler, service.forwarding].map(one => clean(one)).join(", "),
			quorum: `weight ${count(have)} up, quorum ${count(needed)}`, since: ago(service.since, status.time), why,
			census: found, census_words: censusWords(found, service.real_servers.length), active: active(service),
			rate: rates.of(service.name), carrier: carrier(status, service)?.name, raw: service,
		};
	});
}

// Whether a text that somebody looks for is in a server or service.
export function matches(wanted, ...texts) {
	return texts.some(text => text.toLowerCase().includes(wanted));
}

// With direct routing and tunnels answers do not pass the director.
export function flow(rate) {
	const out = rate.bytes_out ? `, ${bytesPerSecond(rate.bytes_out)} out` : "";
	return `${bytesPerSecond(rate.bytes_in)} in${out}`;
}

export function traffic(active_now, rate) {
	return {active: `${count(active_now)} active`, rate: perSecond(rate.connections), flow: flow(rate)};
}
