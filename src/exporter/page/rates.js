// Rates from the differences of two readings of the kernel's counters. The counters only grow while lbhad runs; where
// one has fallen, another lbhad counts, and the rate is not known until the next reading.

const KINDS = ["connections", "bytes_in", "bytes_out"];

export class Rates {
	constructor() {
		this.seen = new Map();
		this.read = 0;
		this.history = [];
	}

	// Takes a status in; what it no longer has is forgotten. The counters are those of `ipvs.last_read_back`, and a status
	// with the same time has nothing new.
	take(status) {
		const read = Date.parse(status.ipvs?.last_read_back ?? "");
		if (Number.isNaN(read) || read === this.read)
			return false;
		const seconds = this.read ? (read - this.read) / 1000 : 0, next = new Map();
		for (const service of status.services ?? [])
			this.#takeService(service, seconds, next);
		this.seen = next;
		this.read = read;
		this.#remember(status);
		return true;
	}

	// {connections, bytes_in, bytes_out} in units per second, null where not known.
	of(service, server) {
		return this.seen.get(key(service, server))?.rate ?? {connections: null, bytes_in: null, bytes_out: null};
	}

	total(status) {
		return (status.services ?? []).reduce((sum, service) => add(sum, this.of(service.name)),
						      {connections: null, bytes_in: null, bytes_out: null});
	}

	#takeService(service, seconds, next) {
		this.#one(key(service.name), service.stats, seconds, next);
		const servers = [...service.real_servers ?? [], ...service.sorry_server ? [service.sorry_server] : []];
		for (const server of servers)
			this.#one(key(service.name, server.name), server.stats, seconds, next);
	}

	#one(name, stats, seconds, next) {
		const before = this.seen.get(name)?.stats, rate = {};
		for (const kind of KINDS) {
			const more = before && stats ? stats[kind] - before[kind] : NaN;
			rate[kind] = seconds > 0 && more >= 0 ? more / seconds : null;
		}
		next.set(name, {stats, rate});
	}

	#remember(status) {
		const {connections} = this.total(status);
		if (connections === null)
			return;
		this.history.push(connections);
		if (this.history.length > 90)
			this.history.shift();
	}
}

function key(service, server) {
	return server === undefined ? service : `${service}\u0000${server}`;
}

function add(sum, rate) {
	const together = {};
	for (const kind of KINDS)
		together[kind] = rate[kind] === null ? sum[kind] : (sum[kind] ?? 0) + rate[kind];
	return together;
}
