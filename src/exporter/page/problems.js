// What is not as it should be, as `lbhactl status` finds it (ctl/problems.c; a test compares the two). Pure.
import {ago, clean, plural} from "./words.js";

const RECENT = 60000;   // a drop is a problem that long
const FAILURE_RECENT = 600000;   // and that a notify script failed
const SHOWN = 4;        // of what one cause brings about

// Drops of what a peer may have meant (ctl/drops.c).
const MISMATCHES = {
	ttl: "TTL or hop limit too low", version: "another version of VRRP", checksum: "wrong checksum",
	transport: "unicast where multicast is wanted, or the reverse", own: "from our own address",
	source: "unicast from a router that is no peer", auth_type: "another kind of authentication", auth: "wrong password",
	interval: "another advert_interval",
};

const problem = (text, advice = "", effects = []) => ({text, advice, effects});

function lasting(object, now) {
	const since = ago(object.since, now);
	return since ? ` for ${since}` : "";
}

function* inDaemon(status) {
	const reload = status.reload ?? {};
	const error = (reload.errors ?? []).find(line => !line.includes(": warning: ") && !/^\d+ errors?, \d+ warnings?/.test(line));

	if (!status.ready)
		yield problem("not ready yet: some worker has not taken up its work", "journalctl -u lbha -e");
	if (status.maintenance)
		yield problem("in maintenance: nothing is claimed and nothing repaired", "lbhactl maintenance off");
	if (status.overrides_error)
		yield problem(`the file of overrides: ${status.overrides_error}; what is said now holds only until lbhad ends`);
	if (reload.result === "refused")
		yield problem(`the last reload was refused${error ? `: ${error}` : ""}`, "lbhad --check, and lbhactl reload when that is content");
}

// The compiler lives for one load: it is the one worker that may be stopped.
function* inWorkers(workers) {
	for (const {name, state, restarts, reason} of workers ?? [])
		if (state !== "running" && name !== "compiler")
			yield problem(`the ${name} worker does not run: ${state} after ${restarts} restarts${reason ? `; the last one ${reason}` : ""}`,
				      "journalctl -u lbha -e");
}

function* inKernel(status) {
	const ipvs = status.ipvs ?? {};

	if (!(status.services ?? []).length)
		return;
	if (!ipvs.available)
		yield problem("no IPVS in the kernel, or not seen yet: services carry no traffic", "modprobe ip_vs");
	if (ipvs.error)
		yield problem(`the kernel refuses: ${ipvs.error}`);
	if (ipvs.contested)
		yield problem(`somebody else keeps undoing a repair: ${ipvs.contested}`);
	if (ipvs.sync?.error)
		yield problem(`connections are not synchronised: ${ipvs.sync.error}`);
}

function* inNotify(notify, now) {
	const {started, failed, failure} = notify ?? {};

	if (now - Date.parse(failure?.time ?? "") <= FAILURE_RECENT)
		yield problem(`a notify script failed, ${failed} of ${started} so far: ${failure.text}`);
}

function mismatch(instance, now) {
	const recent = Object.keys(MISMATCHES).filter(reason => Date.parse(instance.dropped_at?.[reason] ?? "") >= now - RECENT);
	return recent.sort((a, b) => instance.dropped[b] - instance.dropped[a])[0];
}

// Its state and its trackers, where no cause is known of which they are told.
function* inState(instance, now) {
	const {name, state} = instance;

	if (isInFault(instance))
		yield problem(`instance ${name} is in ${state}${lasting(instance, now)}: ${instance.reason}`,
			      instance.interface ? `ip addr show ${instance.interface}; lbhactl vrrp ${name}` : "");
	for (const one of trackersDown(instance).filter(tracker => tracker.weight))
		yield problem(`instance ${name}: ${one.name} is down${lasting(one, now)} (${one.effect < 0 ? "" : "+"}${one.effect}): ${one.reason}`,
			      `lbhactl vrrp ${name}`);
}

function* inInstance(instance, now) {
	const {name} = instance, dropped = mismatch(instance, Date.parse(now));

	if (instance.competing_master)
		yield problem(`instance ${name} has a competing master: ${instance.competitor_address} advertises ${instance.competitor_priority}`,
			      `lbhactl vrrp ${name}, here and on that router`);
	if (instance.missing)
		yield problem(`instance ${name} has not in place: ${instance.missing}`);
	if (instance.contested)
		yield problem(`instance ${name} repairs in vain: ${instance.repair}`);
	if (dropped)
		yield problem(`instance ${name} drops adverts from ${instance.dropped_from?.[dropped]}: ${MISMATCHES[dropped]} ` +
			      `(${instance.dropped[dropped]} so far)` +
			      (instance.no_peer_heard ? "; it has never heard another router: there may be two masters" : ""),
			      `lbhactl vrrp ${name}`);
}

function isInFault(instance) {
	return instance.state !== "MASTER" && instance.state !== "BACKUP";
}

function trackersDown(instance) {
	return (instance.trackers ?? []).filter(one => one.state === "down");
}

// ---- causes ---------------------------------------------------------------------------------------------

const STANDS_ALONE = ["server", "check", "interface", "worker"];

// What is at the root of many things is one problem. A server is known again by its address, whatever service it is in.
class Roots {
	constructor() {
		this.rows = new Map();
	}

	// False: nothing is known that is not told of the object itself.
	add(object) {
		const cause = object.cause ?? [], effect = cause.at(-1);
		const roots = cause.slice(0, -1).filter((link, at) => STANDS_ALONE.includes(link.kind) && !cause.some(one => one.leads_to === at));

		for (const link of roots) {
			const key = `${link.kind} ${link.state} ${link.address || link.object}`;
			const row = this.rows.get(key) ?? {link, effects: []};
			this.rows.set(key, row);
			if (row.effects.at(-1) !== effect)
				row.effects.push(effect);
		}
		return roots.length > 0;
	}

	// Those first from which something worse comes than a degraded service.
	problems(now) {
		const rows = [...this.rows.values()], isSevere = row => row.effects.some(effect => !isMild(effect));
		return [...rows.filter(isSevere), ...rows.filter(row => !isSevere(row))].map(row => rootProblem(row, now));
	}
}

function isMild(effect) {
	return effect.state === "degraded";
}

function nameOf({kind, object, address}) {
	if (kind === "server") {
		const name = object.slice(object.indexOf("/") + 1);
		return address && !name.includes(address) ? `${name} (${address})` : name;
	}
	if (kind === "worker")
		return `the ${object} worker`;
	return kind === "interface" || kind === "check" ? `${kind} ${object}` : object;
}

function adviceOf({kind, object, state}, effects) {
	const [service, server] = [object.slice(0, object.indexOf("/")), object.slice(object.indexOf("/") + 1)];

	if (kind === "interface")
		return `ip link show ${object}`;
	if (kind === "check")
		return `lbhactl vrrp ${effects[0].object}`;
	if (kind !== "server" || !service)
		return "";
	return `lbhactl ${state === "down" || state === "unknown" ? "check" : "enable"} ${service} ${server}`;
}

function effectsOf(effects) {
	const services = effects.filter(one => one.kind === "service");
	const sorted = [...effects.filter(one => one.kind !== "service"), ...services.filter(one => !isMild(one)), ...services.filter(isMild)];
	const told = sorted.slice(0, SHOWN).map(one => clean(`${one.kind === "service" ? "service" : "instance"} ${one.object} is ${one.state}: ${one.reason}`, 300));
	return sorted.length > SHOWN ? [...told, `and ${plural(sorted.length - SHOWN, "more", "more")}`] : told;
}

function rootProblem({link, effects}, now) {
	return problem(`${nameOf(link)} is ${link.state}${lasting(link, now)}: ${link.reason}`, adviceOf(link, effects), effectsOf(effects));
}

// [{text, advice, effects}]: what is wrong, a command that helps further, and what comes of it; the daemon's own first.
export function problems(status) {
	const found = [...inDaemon(status), ...inWorkers(status.workers), ...inKernel(status),
		       ...inNotify(status.notify, Date.parse(status.time))], roots = new Roots();

	for (const instance of status.vrrp ?? []) {
		if ((isInFault(instance) || trackersDown(instance).length) && !roots.add(instance))
			found.push(...inState(instance, status.time));
		found.push(...inInstance(instance, status.time));
	}
	for (const service of status.services ?? [])
		if (service.state !== "up" && !roots.add(service))
			found.push(problem(`service ${service.name} is ${service.state}${lasting(service, status.time)}: ${service.reason}`,
					   `lbhactl services ${service.name}`));
	return [...found, ...roots.problems(status.time)].map(one => ({...one, text: clean(one.text, 600), advice: clean(one.advice, 200)}));
}
