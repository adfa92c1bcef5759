"""dr-single and dr-136 from etc/examples: one director in front of two web servers, direct routing."""
import collections

from lbhatest import wait_until


def test_answers_alternate_between_the_servers(dr_single):
    answers = [answer.body for answer in dr_single.client.get_many(8, dr_single.vip)]
    assert collections.Counter(answers) == {"a": 4, "b": 4}
    assert all(one != other for one, other in zip(answers, answers[1:]))


def test_on_the_wire_only_the_mac_addresses_change_and_answers_do_not_pass_the_director(dr_single):
    """Besides the MAC addresses the hop count, which IPVS lowers as every router does."""
    lb1, (a, _) = dr_single.directors[0], dr_single.servers
    to_vip, from_vip = f"tcp and dst host {dr_single.vip}", f"tcp and src host {dr_single.vip}"
    asked, received = dr_single.client.host.capture(to_vip), a.host.capture(to_vip)
    answered = lb1.host.capture(from_vip)
    wait_until(lambda: dr_single.client.get(dr_single.vip).body == "a", what="an answer of server a")
    sent = {frame.packet_but_hops: frame for frame in asked.frames}
    arrived = received.where(lambda frame: frame.direction == "in")
    assert arrived
    for frame in arrived:
        assert frame.packet_but_hops in sent
        assert sent[frame.packet_but_hops].hops - frame.hops in (0, 1)
        assert (frame.src, frame.dst) == (lb1.host.mac(), a.host.mac())
    assert {frame.dst for frame in asked.frames} == {lb1.host.mac()}
    assert answered.frames == []


def test_nobody_but_the_master_answers_arp_for_the_vip(dr_single):
    arp = dr_single.client.host.capture("arp")
    dr_single.client.host.ip("neigh flush all")
    assert dr_single.client.get(dr_single.vip).ok
    replies = arp.where(lambda frame: frame.is_arp_reply and frame.arp_sender[1] == dr_single.vip)
    assert {frame.arp_sender[0] for frame in replies} == {dr_single.directors[0].host.mac()}


def test_afterwards_every_host_of_dr_single_is_as_before(dr_single):
    dr_single.file.undo()


def test_a_stopped_web_server_leaves_the_table_and_returns(dr_136):
    """interval 1 s, fall 3, rise 2."""
    director, (one, two) = dr_136.directors[0], dr_136.servers
    assert {answer.body for answer in dr_136.client.get_many(4, dr_136.vip)} == {"one", "two"}
    one.web.stop()
    dr_136.wait_in_table(director, [two], within=5)
    assert {answer.body for answer in dr_136.client.get_many(4, dr_136.vip)} == {"two"}
    status = director.server("192.168.136.120")
    assert status["health"] == "down" and "refused" in status["reason"]
    one.web.start()
    dr_136.wait_in_table(director, [one, two], within=4)
    assert {answer.body for answer in dr_136.client.get_many(4, dr_136.vip)} == {"one", "two"}
    dr_136.file.undo()
