"""lbhactl import ipvsadm and ldirectord as commands: what is printed where, and that lbhad takes what comes out.

What each line becomes is told in tests/unit/test_import_table.c, that the tables are the same in tests/lab/test_import_table.py.
"""
import json
import os
import subprocess

import pytest

from lbhatest.director import program

CORPUS = os.path.join(os.path.dirname(__file__), "..", "fuzz", "corpus", "import-table")


def run(*words, text=None):
    done = subprocess.run([program("lbhactl"), *words], input=text, capture_output=True, text=True, timeout=30, check=False)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("kind", ["ipvsadm", "ldirectord"])
def test_what_comes_out_is_taken_by_lbhad_which_says_what_to_add(kind, tmp_path):
    with open(os.path.join(CORPUS, kind)) as file:
        text = file.read()[1:]
    source = tmp_path / "source"
    source.write_text(text)
    code, out, err = run("import", kind, str(source))
    assert code == 0, err
    for line in err.splitlines()[:-1]:  # each is told with its line, and stands as a comment
        where, _, what = line.replace(": warning: ", "\0").replace(": note: ", "\0").partition("\0")
        assert where.startswith(f"{source}:") and what
        if not what.startswith("host "):
            assert f"{where}: {what[:40]}" in " ".join(out.split()).replace(" # ", " "), line
    config = tmp_path / "lbha.conf"
    config.write_text(out)
    checked = subprocess.run([program("lbhad"), "--check", "-f", config], capture_output=True, text=True, timeout=30, check=False)
    assert checked.returncode == 0, checked.stdout
    if kind == "ipvsadm":
        assert "has no check: its servers always count as up" in checked.stdout


def test_standard_input_and_json():
    code, out, err = run("import", "ipvsadm", "-", "--json", text="-A -t 10.0.0.1:80 -s rr\n-A -t 10.0.0.1:81 --odd\n")
    answer = json.loads(out)
    assert code == 0 and not err
    assert "listen: 10.0.0.1:80" in answer["text"]
    assert [(one["line"], one["severity"]) for one in answer["messages"]] == [(2, "warning")]


@pytest.mark.parametrize("kind", ["ipvsadm", "ldirectord"])
def test_a_file_without_a_service_comes_to_nothing(kind, tmp_path):
    empty = tmp_path / "empty"
    empty.write_text("# nothing\n")
    code, out, err = run("import", kind, str(empty))
    assert (code, out) == (1, "") and "nothing was imported" in err
    code, _, err = run("import", kind, str(tmp_path / "missing"))
    assert code == 1 and "No such file or directory" in err


def test_a_range_of_keepalived_is_cut_and_told_and_nothing_of_the_file_reaches_the_terminal(tmp_path):
    source = tmp_path / "keepalived.conf"
    source.write_text("""virtual_server_group g {
    10.4.0.0/16 80
}
virtual_server group g {
    lvs_method DR
    protocol TCP
    \x1b[2Jodd
    real_server 10.0.0.1 80 {
    }
}
""")
    code, out, err = run("import", "keepalived", str(source))
    assert code == 0, err
    assert out.count(":80\n") == 256 and "10.4.0.255:80" in out
    assert "only the first 256 addresses are taken" in err
    assert "\x1b" not in out + err and "odd: unknown in virtual_server" in err


def test_a_keepalived_conf_that_includes_itself_is_told_so(tmp_path):
    source = tmp_path / "keepalived.conf"
    source.write_text("include keepalived.conf\n")
    code, _, err = run("import", "keepalived", str(source))
    assert code and "nested too deeply, or in a loop" in err
