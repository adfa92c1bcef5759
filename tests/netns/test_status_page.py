"""The status page: drawn by a real browser from the real lbha-exporter, mostly for clusters of a control socket of the test's own."""
import contextlib
import glob
import json
import os
import re
import signal
import time

import pytest

from lbhatest import Lab, clusters, patience, wait_until
from lbhatest.browser import Browser, find_browser
from lbhatest.director import program
from lbhatest.exporter import Exporter, FakeControl
from vrrp_pair import Pair

SOURCES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../src/exporter/page")
GOLDEN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../golden/ctl")
NO_BROWSER = "no Chromium is installed: the page is not seen by anybody here"
URL = "http://127.0.0.1:9480/"
DRAWN = "document.querySelector('#foot')?.textContent"

needs_browser = pytest.mark.skipif(not find_browser(), reason=NO_BROWSER)


class Site:
    """lbha-exporter with a cluster behind it, and a browser beside it."""

    def __init__(self, host):
        self.host, self.path = host, host.log_file("control.sock")
        self.told = clusters.Told(clusters.textbook())
        self.control = FakeControl(self.path, self.told)
        self.export()
        self.browser = Browser(host) if find_browser() else None

    def show(self, cluster):
        """From now on lbhad is another one, with that cluster; the exporter keeps nothing of the one before."""
        self.told = self.control.answers = clusters.Told(cluster)
        self.exporter.stop()
        self.export()

    def export(self):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.host.log_file("exporter.log"))       # it says when it serves
        self.exporter = Exporter(self.host, self.path)

    def get(self, path, **headers):
        return self.exporter.get(path, **headers)

    @contextlib.contextmanager
    def page(self, cluster=None, **settings):
        """The page, when it shows the cluster (by the number of its services)."""
        if cluster:
            self.show(cluster)
        with self.browser.page(**settings) as page:
            page.open(URL)
            try:
                page.wait(DRAWN, what="the page is drawn")
            except AssertionError as problem:
                raise AssertionError(f"{problem}\n{page.complaints}") from None
            yield page

    def close(self):
        if self.browser:
            self.browser.close()
        if self.control:
            self.control.close()


@pytest.fixture(scope="module")
def everything():
    with Lab("status-page") as lab:
        site = Site(lab.host("lb1"))
        yield site
        site.close()


@pytest.fixture
def site(everything):
    everything.show(clusters.textbook())
    return everything


# --- what is served ---

def test_every_file_of_the_page_is_served_as_it_is_and_only_once(site):
    files = [os.path.basename(path) for path in glob.glob(SOURCES + "/*.*")]
    assert len(files) > 10
    for name in files:
        answer = site.get("/" if name == "page.html" else "/" + name)
        with open(os.path.join(SOURCES, name), "rb") as file:
            assert (answer.status, answer.body) == (200, file.read()), name
        kind = {"html": "text/html", "css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}[name.rsplit(".", 1)[1]]
        assert answer.headers["Content-Type"].startswith(kind)
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy and "script-src 'self';" in policy and "unsafe" not in policy
        again = site.get("/" if name == "page.html" else "/" + name, If_None_Match=answer.headers["ETag"])
        assert (again.status, again.body) == (304, b""), name


def test_the_status_is_what_lbhad_says(site):
    site.show(clusters.broken())
    got, said = json.loads(site.get("/status.json").text), site.told.status(None)
    assert got["services"][0]["real_servers"][1]["reason"] == said["services"][0]["real_servers"][1]["reason"]
    assert set(got) == set(said)
    assert site.get("/status.json").headers["Cache-Control"] == "no-store"


def test_a_refusal_is_told_with_its_reason(site):
    refusal = json.dumps({"ok": False, "error": "not permitted: <b>root</b>", "lines": []}).encode() + b"\n"
    site.told.status = lambda _: refusal
    wait_until(lambda: site.get("/status.json").status == 503)
    assert json.loads(site.get("/status.json").text) == {"error": "not permitted: <b>root</b>"}


def test_events_go_on_from_a_number_and_say_what_is_missing(site):
    def ask(since=None):
        answer = json.loads(site.get("/events.json" + (f"?since={since}" if since is not None else "")).text)
        return [(one["event"], one["seq"]) for one in answer["events"]], answer["last"]

    assert ask() == ([], 100)
    for number in range(3):
        site.told.happen("service_state", f"web{number}", "up", "down")
    wait_until(lambda: ask()[1] == 103)
    assert ask(101) == ([("service_state", 102), ("service_state", 103)], 103)
    assert ask(103) == ([], 103)
    for number in range(300):
        site.told.happen("service_state", "web", "up", "down")
    wait_until(lambda: ask()[1] == 403)
    assert len(ask()[0]) == 256 and ask()[0][-1] == ("service_state", 403)
    assert ask(110)[0][:2] == [("missed", 147), ("service_state", 148)]
    assert ask(147)[0][0] == ("service_state", 148)
    assert ask(9000)[0][0][0] == "missed"       # a number of another lbhad
    assert len(ask("x")[0]) == 256


def test_many_who_look_cost_lbhad_one_question_a_second(site):
    site.control.asked.clear()
    started = time.monotonic()
    for number in range(40):
        assert site.get("/status.json").status == 200
        assert site.get(f"/events.json?since={number}").status == 200
    seconds = time.monotonic() - started
    assert site.control.asked.count("status") <= seconds + 2
    assert site.control.asked.count("events") <= seconds + 2


# --- what is drawn ---

@needs_browser
@pytest.mark.parametrize("cluster", [clusters.textbook, clusters.broken, clusters.large])
def test_it_is_drawn_without_a_complaint_and_asks_nobody_else(site, cluster):
    with site.page(cluster()) as page:
        page.wait("document.querySelectorAll('#lines path').length > 2")
        assert page.complaints == []
        assert all(one.startswith((URL, "data:image/svg+xml")) for one in page.requests), page.requests


@needs_browser
@pytest.mark.parametrize("name", ["status", "status-unknown", "status-empty"])
def test_what_lbhad_can_say_is_drawn(site, name):
    """The very statuses that the unit tests have of the control worker, with all that may be null."""
    with open(os.path.join(GOLDEN, name + ".json"), encoding="utf-8") as file:
        status = json.load(file)
    site.show(clusters.textbook())
    site.told.status = lambda _: status
    with site.page() as page:
        page.wait("document.querySelector('#verdict h1').innerText.match(/problem|well/)")
        assert page.complaints == []
        assert not re.search(r"\b(undefined|null|NaN|Invalid Date)\b", page.text("body")), page.text("body")
        assert len(page.texts(".service")) == len(status["services"])


@needs_browser
def test_the_picture_has_everything_from_clients_to_servers(site):
    with site.page(clusters.textbook()) as page:
        assert page.text("#verdict h1") == "All well"
        assert page.ask("document.title") == "All well — lb1 — lbha"
        assert "192.168.8.200/24" in page.text("#instances") and "MASTER" in page.text("#instances")
        assert page.ask("document.querySelector('.director.self .name').textContent") == "lb1"
        assert "silent" in page.texts(".director")[1]
        assert [text.split("\n")[0] for text in page.texts(".server")] == ["192.168.8.20:80", "192.168.8.30:80"]
        page.wait("document.querySelectorAll('#lines .flow').length === 5")   # clients, VIP, director, service, two servers


@needs_browser
def test_rates_are_differences_of_two_readings(site):
    with site.page(clusters.textbook()) as page:
        page.wait("document.querySelector('.server .rate').textContent !== '–/s'")
        rate = float(page.text(".server .rate").removesuffix("/s"))
        assert 20 < rate < 40       # 7 × 41 / 10 is 28.7; the counters are whole numbers
        assert re.search(r"^\d+ kB/s in$", page.text(".server .flow"))


@needs_browser
def test_a_change_is_seen_and_said_without_a_reload(site):
    with site.page(clusters.shop()) as page:
        page.ask("window.same = true")
        assert page.text("#verdict h1") == "All well"
        site.told.cluster = clusters.broken()
        site.told.happen("service_state", "web", "up", "degraded", "bert is down: connect: refused")
        page.wait("document.querySelector('#verdict h1').innerText === '3 problems'")
        assert page.ask("document.title") == "3 problems — lb1 — lbha"
        page.wait("document.querySelector('#said').textContent")
        assert page.text("#said") == "web: degraded, bert is down: connect: refused"
        assert page.ask("document.querySelector('#said').getAttribute('aria-live')") == "polite"
        assert "degraded" in page.text("#events ol") and page.ask("window.same")
        assert page.texts(".server .why")[1] == "connect: refused"
        assert "drained by root 3 m ago: new disk" in page.text("#service-list")
        assert any("MASTER of public 100" in " ".join(text.split()) for text in page.texts(".director"))
        site.told.cluster = clusters.shop()
        page.wait("document.querySelector('#verdict h1').innerText === 'All well'")
        assert not page.ask("document.querySelector('#problems').getClientRects().length")


@needs_browser
def test_old_data_are_called_old_and_it_goes_on_when_lbhad_is_back(site):
    with site.page(clusters.textbook()) as page:
        site.control.close()
        site.control = None
        page.wait("document.querySelector('#stale').getClientRects().length", 20)
        assert re.fullmatch(r"No answer from lbhad since \d\d:\d\d:\d\d: lbhad does not answer", page.text("#stale"))
        assert re.fullmatch(r"No answer since \d\d:\d\d:\d\d — lb1 — lbha", page.ask("document.title"))
        assert page.ask("document.querySelector('#stale').getAttribute('role')") == "alert"
        assert page.text("#verdict h1") == "No answer"
        assert len(page.texts(".server")) == 2                  # the last that was known stays
        site.told.happen("service_state", "web", "up", "down", "meanwhile")
        site.control = FakeControl(site.path, site.told)
        page.wait("!document.querySelector('#stale').getClientRects().length", 30)
        assert page.text("#verdict h1") == "All well" and "meanwhile" in page.text("#events ol")
        assert any(re.search(r"events.json\?since=\d+$", one) for one in page.requests)


@needs_browser
def test_an_exporter_that_is_gone_is_told_apart(site):
    with site.page(clusters.textbook()) as page:
        site.exporter.stop()
        page.wait("document.querySelector('#stale').innerText.startsWith('No answer from lbha-exporter since')", 20)
        site.export()
        page.wait("!document.querySelector('#stale').getClientRects().length", 30)


@needs_browser
def test_a_slow_line_gets_a_large_status_and_who_never_answers_is_told_so(site):
    cluster = clusters.large(100, 30)
    size = len(json.dumps(cluster))
    with site.page(cluster) as page:
        page.call("Network.emulateNetworkConditions", offline=False, latency=0, downloadThroughput=size / 12, uploadThroughput=-1)
        asked = page.ask("performance.getEntriesByName(new URL('status.json', location).href).length")
        page.wait(f"performance.getEntriesByName(new URL('status.json', location).href).length > {asked}", 60)
        took = page.ask("performance.getEntriesByName(new URL('status.json', location).href).at(-1).duration")
        assert took > 10000
        assert not page.ask("document.querySelector('#stale').getClientRects().length"), page.text("#stale")
        page.call("Network.emulateNetworkConditions", offline=False, latency=0, downloadThroughput=-1, uploadThroughput=-1)
    with site.page(clusters.textbook()) as page:
        site.exporter.process.send_signal(signal.SIGSTOP)
        try:
            page.wait("/^No answer from lbha-exporter since .*: it takes too long$/.test(document.querySelector('#stale').innerText)", 30)
        finally:
            site.exporter.process.send_signal(signal.SIGCONT)


@needs_browser
def test_what_the_exporter_refuses_by_itself_is_not_said_of_lbhad(site):
    said = "too many clients read slowly; come again"
    with site.page(clusters.textbook()) as page:
        page.ask(f"""void (window.fetch = async () => new Response('{said}\\n', {{status: 503,
            headers: {{'Content-Type': 'text/plain; charset=utf-8'}}}}))""")
        page.wait("document.querySelector('#stale').getClientRects().length", 20)
        assert re.fullmatch(rf"No answer from lbha-exporter since \d\d:\d\d:\d\d: {said}", page.text("#stale"))


@needs_browser
def test_names_that_would_be_something_else_are_text(site):
    def markup(page):
        page.wait("document.querySelectorAll('.service').length > 7 && document.querySelectorAll('.event').length > 0")
        if page.ask("document.querySelector('#services.many') !== null"):
            page.ask("document.querySelectorAll('.toggle').forEach(one => one.click())")
        return page.ask("""[...new Set([...document.querySelectorAll('body *')].map(one => one.localName +
            ' ' + one.getAttributeNames().filter(name => name.startsWith('on') || name === 'style')))]""")

    with site.page(clusters.large(9, 2)) as page:
        site.told.happen("server_state", "web/a", "up", "down", "tcp: no answer within 2s")
        harmless = set(markup(page))
    with site.page(clusters.hostile()) as page:
        site.told.happen("server_state", clusters.HOSTILE[0], clusters.HOSTILE[1], clusters.HOSTILE[3], clusters.HOSTILE[5])
        assert set(markup(page)) - harmless == set()
        assert page.complaints == []
        text = page.text("body")
        assert clusters.HOSTILE[0] in text and clusters.HOSTILE[1] in text and "\U0001f4a5" in text
        assert "\u202e" not in text and "\ufffdevil\ufffd" in text
        assert "x" * 700 not in text.replace("\n", "")
        assert page.ask("document.title").startswith("32 problems — <img src=x onerror=alert(1)>")


# --- who is heard ---

def heard_from(*addresses):
    return [clusters.instance(f"net{number}", [f"10.9.{number}.1/24"], "BACKUP", 100, master_address=address, master_priority=150)
            for number, address in enumerate(addresses)]


def directors_drawn(page):
    return [" ".join(text.split()) for text in page.texts(".director")]


@needs_browser
def test_of_two_directors_who_is_heard_from_another_address_is_the_other_one(site):
    """Adverts of IPv6 come from link-local addresses, those of a second network from an address there."""
    cluster = clusters.textbook()
    cluster["vrrp"] = heard_from("fe80::11", "10.0.0.11", "192.168.8.11")
    with site.page(cluster) as page:
        assert directors_drawn(page) == ["lb1 this director 192.168.8.10 BACKUP of net0 100, net1 100, net2 100",
                                         "lb2 192.168.8.11 MASTER of net0 150, net1 150, net2 150"]
    cluster["directors"] = [{"name": "lb1", "address": None}, {"name": "lb2", "address": None}]
    with site.page(cluster) as page:
        assert directors_drawn(page)[1:] == ["lb2 MASTER of net0 150, net1 150, net2 150"]


@needs_browser
def test_of_more_directors_nobody_is_said_to_be_silent_or_a_stranger_who_may_be_heard(site):
    cluster = clusters.textbook()
    cluster["directors"].append({"name": "lb3", "address": "192.168.8.12"})
    cluster["vrrp"] = heard_from("fe80::11", "192.168.8.11")
    with site.page(cluster) as page:
        assert directors_drawn(page)[1:] == ["lb2 192.168.8.11 MASTER of net1 150",
                                             "lb3 192.168.8.12 unknown or heard at an address that the file does not name",
                                             "fe80::11 heard at this address MASTER of net0 150"]


@needs_browser
def test_of_two_masters_the_unknown_one_may_be_anybody(site):
    cluster = clusters.textbook()
    cluster["vrrp"] = [clusters.instance("public", ["192.168.8.200/24"], competing_master=True, competitor_address="fe80::66",
                                         competitor_priority=90)]
    with site.page(cluster) as page:
        assert directors_drawn(page)[2] == "fe80::66 heard at this address MASTER, too of public 90"
        assert "silent" not in page.text("#directors")


@needs_browser
def test_beside_a_single_director_everybody_is_a_stranger(site):
    cluster = clusters.textbook()
    del cluster["directors"][1]
    cluster["vrrp"] = heard_from("10.0.0.11")
    with site.page(cluster) as page:
        assert directors_drawn(page)[1] == "10.0.0.11 heard, but not in the file MASTER of net0 150"


@needs_browser
def test_a_service_hangs_on_its_address_with_a_port_and_without(site):
    cluster = clusters.textbook()
    cluster["vrrp"] = [clusters.instance("six", ["2001:db8::1/64"]), clusters.instance("four", ["192.168.8.200/24"])]
    servers = cluster["services"][0]["real_servers"]
    cluster["services"] = [clusters.service(listen, listen, servers) for listen in
                           ("2001:db8::1", "[2001:db8::1]:80", "192.168.8.200", "192.168.8.200:80")]
    with site.page(cluster) as page:
        assert page.ask("[...document.querySelectorAll('.service')].map(one => one.dataset.carrier)") == ["six", "six", "four", "four"]


@needs_browser
def test_the_clients_have_the_connections_of_all_who_serve_them(site):
    cluster = clusters.broken()
    leaver = {"name": "dora", "address": "192.168.8.90:80", "deadline": None, "connections": {"active": 1000, "inactive": 0, "persistent": 0}}
    cluster["services"][0]["leaving"] = [leaver]
    with site.page(cluster) as page:
        shown = [int(re.search(r"(\d[\d\u202f]*) active", text)[1].replace("\u202f", "")) for text in
                 (page.text(".clients .rate"), *page.texts(".head > .active"))]
        assert shown[0] == sum(shown[1:])
        assert shown[0] == 1000 + sum(one["connections"]["active"] for service in cluster["services"]
                                      for one in service["real_servers"] + [service["sorry_server"] or clusters.server("x:1")])


# --- everybody, everywhere ---

WORLDS = (clusters.textbook, clusters.broken, clusters.hostile, clusters.large)


@needs_browser
@pytest.mark.parametrize("cluster", WORLDS)
def test_nothing_scrolls_sideways(site, cluster):
    with site.page(cluster(), width=360, height=740) as page:
        for width in (320, 360, 600, 820, 1280, 1920):
            page.resize(width, 800)
            page.wait("document.documentElement.clientWidth === %d" % width)
            page.wait("document.documentElement.scrollWidth <= %d" % width, what=f"no scrolling at {width}")


@needs_browser
def test_every_state_can_be_told_without_its_colour(site):
    cluster = clusters.broken()
    states = "up", "degraded", "panic", "sorry", "down"
    servers = [clusters.server("10.0.0.1:80"), clusters.server("10.0.0.2:80", health="down"),
               clusters.server("10.0.0.3:80", health="unknown"), clusters.drained(clusters.server("10.0.0.4:80")),
               dict(clusters.server("10.0.0.5:80"), admin="disabled")]
    cluster["services"] = [clusters.service(name, f"192.168.8.{number}:80", servers, name) for number, name in enumerate(states)]
    cluster["vrrp"] = [clusters.instance(name, [f"10.9.0.{number}/32"], name)
                       for number, name in enumerate(("MASTER", "BACKUP", "FAULT", "INIT"))]
    with site.page(cluster) as page:
        seen = page.ask("""[...document.querySelectorAll('main .state')].filter(one => one.innerText).map(one =>
            [one.innerText, [...one.querySelectorAll('path')].map(path => path.getAttribute('d')).join(' '),
             one.firstChild.getBoundingClientRect().width])""")
        shapes = {word: shape for word, shape, _ in seen}
        assert set(shapes) >= {*states, "unknown", "drained", "disabled", "MASTER", "BACKUP", "FAULT", "INIT"}
        assert all(shape and width >= 10 for _, shape, width in seen)
        assert all(len({shape for word, shape, _ in seen if word == one}) == 1 for one in shapes)
        for group in ({*states, "unknown", "drained", "disabled"}, {"MASTER", "BACKUP", "FAULT", "INIT"}):
            assert len({shapes[word] for word in group}) == len(group), group


CONTRAST = """(() => {
    const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
    const rgba = colour => {
        canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
        return [...canvas.getImageData(0, 0, 1, 1).data];
    };
    const light = ([r, g, b]) => [r, g, b].map(one => one / 255)
        .map(one => one <= .04045 ? one / 12.92 : ((one + .055) / 1.055) ** 2.4)
        .reduce((sum, one, at) => sum + one * [.2126, .7152, .0722][at], 0);
    const ground = node => {
        for (; node; node = node.parentElement) {
            const colour = rgba(getComputedStyle(node).backgroundColor);
            if (colour[3] === 255) return colour;
        }
        return [255, 255, 255];
    };
    const found = [];
    const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let text; (text = walk.nextNode());) {
        const node = text.parentElement;
        if (!text.data.trim() || !node.getClientRects().length) continue;
        const style = getComputedStyle(node), a = light(rgba(style.color)), b = light(ground(node));
        found.push([(Math.max(a, b) + .05) / (Math.min(a, b) + .05), Number(style.opacity), text.data.slice(0, 40)]);
    }
    return found.sort((a, b) => a[0] - b[0]);
})()"""


@needs_browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_has_contrast(site, scheme):
    for cluster in clusters.broken(), clusters.large():
        with site.page(cluster, prefers_color_scheme=scheme) as page:
            assert page.ask("matchMedia('(prefers-color-scheme: dark)').matches") == (scheme == "dark")
            found = page.ask(CONTRAST)
            assert len(found) > 30 and found[0][0] >= 4.5 and all(opacity == 1 for _, opacity, _ in found), found[:3]


@needs_browser
def test_shapes_stay_where_colours_are_the_readers_own(site):
    with site.page(clusters.broken(), forced_colors="active", prefers_reduced_motion="reduce") as page:
        assert page.ask("matchMedia('(forced-colors: active)').matches")
        assert page.ask("""[...document.querySelectorAll('.state .fill, #lines path')].every(one => {
            const style = getComputedStyle(one), ground = getComputedStyle(document.body).backgroundColor;
            return one.matches('.fill') ? style.fill !== ground : style.stroke !== ground; })""")


@needs_browser
def test_it_can_be_heard_and_used_with_keys(site):
    with site.page(clusters.large(), height=3000) as page:
        names = page.names()
        roles = {role for role, _ in names}
        assert {"banner", "main", "contentinfo", "heading", "list", "listitem", "searchbox", "status"} <= roles
        assert ("heading", "7 problems") in names and ("heading", "What is wrong") in names
        assert ("button", "Show the servers of shop-17") in names
        assert all(name for role, name in names if role in ("button", "searchbox", "link", "heading", "region"))
        for _ in range(12):
            page.press("Tab")
            if page.ask("document.activeElement.className") == "toggle":
                break
        assert page.ask("document.activeElement.getAttribute('aria-label')") == "Show the servers of shop-17"   # the worst, first
        assert page.ask("getComputedStyle(document.activeElement).outlineStyle") == "solid"
        page.press("Enter")
        page.wait("document.activeElement.getAttribute('aria-expanded') === 'true'")
        assert len(page.texts(".server")) == 20
        page.wait("performance.getEntriesByName(new URL('status.json', location).href).length > 2", 30)
        assert page.ask("document.activeElement.getAttribute('aria-label')") == "Hide the servers of shop-17"   # drawn anew, focus kept


@needs_browser
def test_in_a_large_cluster_what_is_not_well_comes_first_and_the_rest_is_found(site):
    with site.page(clusters.large()) as page:
        words = [text.split()[0] for text in page.texts(".service .head > .state")]
        assert len(words) == 50 and words[:7] == ["down"] + 6 * ["degraded"] and set(words[7:]) == {"up"}
        assert page.texts(".server") == []
        assert "19 of 20 up, 1 down" in page.text("#service-list")
        page.ask("(f => { f.value = '10.1.33.7:'; f.dispatchEvent(new Event('input')); })(document.querySelector('#filter'))")
        assert page.text("#shown") == "1 of 50 services"
        assert ["10.1.33.7:8080" in text for text in page.texts(".server")] == [True]
        page.ask("(f => { f.value = 'degraded'; f.dispatchEvent(new Event('input')); })(document.querySelector('#filter'))")
        assert page.text("#shown") == "6 of 50 services" and len(page.texts(".service")) == 6


@needs_browser
@pytest.mark.parametrize("services, each", [(100, 20), (1, 2000)])
def test_two_thousand_servers_are_no_burden(site, services, each):
    started = time.monotonic()
    with site.page(clusters.large(services, each)) as page:
        assert time.monotonic() - started < 10 * patience()
        page.ask("document.querySelector('.toggle').click()")
        assert len(page.texts(".server")) == min(each, 50)
        assert page.ask("document.querySelectorAll('*').length") < 8000
        cost = page.ask("""(async () => {
            const {drawServices} = await import('./services.js'), {Rates} = await import('./rates.js');
            const status = await (await fetch('status.json')).json(), rates = new Rates(), from = performance.now();
            for (let i = 0; i < 5; i++) { rates.take(status); drawServices(status, rates); }
            return (performance.now() - from) / 5; })()""")
        assert cost < 400 * patience(), f"{cost} ms to draw again"


# --- what a reader does stays done ---

@needs_browser
@pytest.mark.parametrize("row", [0, 1])
def test_focus_stays_when_the_first_row_is_well_again(site, row):
    """Whether it is on the row that moves or on one that the other passes; that one does not even notice."""
    cluster = clusters.large()
    with site.page(cluster) as page:
        page.wait("document.querySelectorAll('.service').length === 50")
        page.ask(f"""(() => {{ const toggle = document.querySelectorAll('.toggle')[{row}];
            toggle.focus(); window.kept = toggle; window.lost = 0; toggle.onblur = () => window.lost++; }})()""")
        well = clusters.large()["services"][18]
        cluster["services"][17] = {**cluster["services"][17], "state": "up", "reason": "", "real_servers": well["real_servers"]}
        page.wait("document.querySelector('.service .state').innerText === 'degraded'")
        assert page.ask("document.activeElement === window.kept")
        assert page.ask("window.lost") == 0 or row == 0


@needs_browser
def test_what_a_filter_opens_can_be_hidden_and_leaves_nothing_behind(site):
    def look_for(text):
        page.ask("(f => { f.value = '%s'; f.dispatchEvent(new Event('input')); })(document.querySelector('#filter'))" % text)

    def toggle():
        page.ask("document.querySelector('.toggle').click()")
        return page.text(".toggle"), len(page.texts(".server"))

    with site.page(clusters.large()) as page:
        look_for("10.1.33.7:")
        assert (page.text(".toggle"), len(page.texts(".server"))) == ("Hide", 1)
        assert [toggle(), toggle(), toggle()] == [("Servers", 0), ("Hide", 1), ("Servers", 0)]
        look_for("10.1.33.7")
        assert page.text(".toggle") == "Hide"
        assert toggle() == ("Servers", 0)
        look_for("")
        assert len(page.texts(".service")) == 50 and page.texts(".server") == []
        assert toggle() == ("Hide", 20)     # by hand, whatever is looked for
        look_for("shop-17")
        assert page.text(".toggle") == "Hide"
        look_for("")
        assert toggle() == ("Servers", 0)


@needs_browser
def test_on_a_phone_the_page_stays_where_it_was_scrolled_to(site):
    with site.page(clusters.shop(), width=390, height=740) as page:
        page.wait("document.querySelectorAll('#lines path').length > 4")
        for share in 1, 0.8:
            page.ask(f"scrollTo(0, {share} * (document.documentElement.scrollHeight - innerHeight))")
            at, asked = page.ask("scrollY"), page.ask("performance.getEntriesByName(new URL('status.json', location).href).length")
            assert at > 300
            page.wait(f"performance.getEntriesByName(new URL('status.json', location).href).length > {asked + 1}", 30)
            assert page.ask("scrollY") == at


# --- the same as elsewhere ---

def ailing():
    """Much of what a status can complain of."""
    one = clusters.broken()
    one.update(ready=False, maintenance=True, overrides_error="No space left on device",
               reload={"time": clusters.before(5), "result": "refused", "errors": ["lbha.conf:3:1: error: no", "1 error, 0 warnings"]})
    one["notify"] = {"started": 9, "failed": 2, "failure": {"time": clusters.before(300), "text": "/x.sh: ended with status 1"}}
    one["workers"][1].update(state="backoff", restarts=3, reason="was killed by signal 11")
    one["ipvs"].update(available=False, error="no scheduler mh", contested="ipvsadm -D", sync={"error": "eth9 does not exist"})
    one["vrrp"] += [clusters.instance("inside", ["10.0.0.100/24"], "FAULT", reason="eth1 is down", since=clusters.before(90)),
                    clusters.instance("outside", ["10.0.1.100/24"], competing_master=True, competitor_address="10.0.1.9",
                                      competitor_priority=90, missing="10.0.1.100/24 on eth9", contested=True, repair="in vain",
                                      dropped={"ttl": 3, "auth": 7}, dropped_from={"ttl": "10.0.1.8", "auth": "10.0.1.7"},
                                      dropped_at={"ttl": clusters.before(2), "auth": clusters.before(4)}, no_peer_heard=True)]
    one["services"].append(clusters.service("mail", "192.168.8.202:25", [], "down", "no real servers"))
    return one


@needs_browser
@pytest.mark.parametrize("cluster", [clusters.broken, clusters.large, ailing])
def test_its_problems_are_those_of_lbhactl(site, cluster):
    def bare(text):
        return re.sub(r" for \d[^:(]*", "", " ".join(text.split())).replace(" (", "(")

    with site.page(cluster()) as page:
        code, said = site.host.status_of(program("lbhactl"), "--socket", site.path, "status")
        assert code == 4
        section = re.search(r"^Not as it should be\n((?:  .*\n)+)", said, re.M)[1]
        told = [re.split(r"\n    (?:→|try:) ", one) for one in section.split("  ! ")[1:]]
        if page.ask("!document.querySelector('#problems .more').hidden"):
            page.ask("document.querySelector('#problems .more').click()")
        assert [bare(text) for text in page.texts(".problem .text")] == [bare(parts[0]) for parts in told]
        advice = [one.group(1).split("\n") for one in re.finditer(r"try: (.*(?:\n         .*)*)", section)]
        assert [text for text in page.texts(".problem .advice") if text] == [" ".join(one.strip() for one in lines) for lines in advice]


@needs_browser
def test_a_real_takeover_is_seen_by_who_looks_at_the_successor(lab):
    pair = Pair(lab).start()
    Exporter(pair.lb2.host, pair.lb2.socket)
    browser = Browser(pair.lb2.host)
    try:
        with browser.page() as page:
            page.open(URL)
            page.wait(DRAWN)
            assert "BACKUP" in page.text("#instances") and "192.168.8.10 advertises 150 > 100" in page.text("#instances")
            assert [" ".join(text.split()) for text in page.texts(".director")] == [
                "lb1 192.168.8.10 MASTER of public 150", "lb2 this director 192.168.8.11 BACKUP of public 100"]
            assert page.text("#verdict h1") == "All well"
            pair.lb1.crash()
            page.wait("document.querySelector('#instances .state').innerText === 'MASTER'")
            page.wait("document.querySelector('#said').textContent.startsWith('public: MASTER')")
            assert "BACKUP → MASTER" in page.text("#events ol") and page.complaints == []
    finally:
        browser.close()
