"""Each alert of etc/examples/prometheus-rules.yml: when it fires, and when it must not."""
import json
import os
import shutil
import subprocess

import pytest

RULES = os.path.abspath(os.path.join(os.path.dirname(__file__), "../../etc/examples/prometheus-rules.yml"))
STATES = "INIT", "BACKUP", "MASTER", "FAULT"

pytestmark = pytest.mark.skipif(not shutil.which("promtool"), reason="promtool is not installed; tests/docs/check-docs has looked at the names")


def series(cluster, director, state):
    """What Prometheus has of a director whose instance `public` is in that state. "away": its exporter does not answer;
    "silent": lbhad does not answer the exporter."""
    target = f'job="lbha",cluster="{cluster}",instance="{director}:9480"'
    found = {f"up{{{target}}}": state != "away"}
    if state != "away":
        found[f"lbha_up{{{target}}}"] = state != "silent"
    if state in STATES:
        found[f"lbha_ready{{{target}}}"] = True
        found |= {f'lbha_vrrp_state{{{target},exported_instance="public",state="{one}"}}': one == state for one in STATES}
    return found


def check(folder, clusters, alerts):
    """promtool's own words, after five minutes of this: nothing when those alerts fire, and no other."""
    found = {}
    for cluster, directors in clusters.items():
        for director, state in directors.items():
            found |= series(cluster, director, state)
    expected = [{"labels": "{" + f'alertname="{alert}"' + (f',cluster="{cluster}"' if cluster else "") + "}", "value": number}
                for alert, cluster, number in alerts]
    test = {"rule_files": [RULES], "evaluation_interval": "15s",
            "tests": [{"interval": "15s", "input_series": [{"series": name, "values": f"{int(value)}+0x30"} for name, value in found.items()],
                       "promql_expr_test": [{"expr": 'count by (alertname, cluster) (ALERTS{alertstate="firing"})', "eval_time": "5m",
                                             "exp_samples": expected}]}]}
    path = folder / "rules-test.yml"
    path.write_text(json.dumps(test))
    done = subprocess.run(["promtool", "test", "rules", str(path)], capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def test_a_pair_that_is_well_is_no_alert(tmp_path):
    assert check(tmp_path, {"shop": {"lb1": "MASTER", "lb2": "BACKUP"}}, []) == ""


def test_two_masters_are_one(tmp_path):
    assert check(tmp_path, {"shop": {"lb1": "MASTER", "lb2": "MASTER"}}, [("LbhaTwoMasters", "shop", 1)]) == ""


def test_none_is_one_when_all_directors_tell(tmp_path):
    assert check(tmp_path, {"shop": {"lb1": "BACKUP", "lb2": "FAULT"}}, [("LbhaNoMaster", "shop", 1)]) == ""


@pytest.mark.parametrize("how", ["away", "silent"])
def test_a_master_that_tells_nothing_is_not_taken_for_none(tmp_path, how):
    assert check(tmp_path, {"shop": {"lb1": how, "lb2": "BACKUP"}}, [("LbhaDirectorNotWell", "shop", 1)]) == ""


def test_a_director_that_is_away_is_no_excuse_where_the_other_hears_nobody(tmp_path):
    """A BACKUP that hears nobody would be MASTER; one in FAULT stays there."""
    assert check(tmp_path, {"shop": {"lb1": "away", "lb2": "FAULT"}}, [("LbhaDirectorNotWell", "shop", 1), ("LbhaNoMaster", "shop", 1)]) == ""


@pytest.mark.parametrize("how", ["away", "silent"])
def test_a_cluster_of_which_nothing_is_known_is_one_although_there_are_no_series(tmp_path, how):
    well = {"lb1": "MASTER", "lb2": "BACKUP"}
    assert check(tmp_path, {"shop": {"lb1": how, "lb2": how}, "bank": well},
                 [("LbhaDirectorNotWell", "shop", 2), ("LbhaNothingKnown", "shop", 1)]) == ""


def test_targets_that_are_gone_are_one(tmp_path):
    assert check(tmp_path, {}, [("LbhaNothingKnown", None, 1)]) == ""


def test_instances_of_one_name_in_two_clusters_are_told_apart(tmp_path):
    well = {"lb1": "MASTER", "lb2": "BACKUP"}
    assert check(tmp_path, {"shop": well, "bank": {"lb3": "MASTER", "lb4": "BACKUP"}}, []) == ""
    assert check(tmp_path, {"shop": well, "bank": {"lb3": "BACKUP", "lb4": "FAULT"}}, [("LbhaNoMaster", "bank", 1)]) == ""
