"""How pages of doc/guide are written: fenced blocks, prompts, and examples with changes. (What kinds of blocks there are says
tests/docs/check-guide.)"""
import re

PROMPT = re.compile(r"^(?:([\w-]+))?[#$] (.*)$")   # host or None, command


def blocks_of(text):
    """(line number, info, lines) of each fenced block, and the text without them."""
    blocks, rest, inside, indent = [], [], None, 0
    for number, line in enumerate(text.split("\n"), 1):
        bare = line.lstrip()
        if bare.startswith("```"):
            if inside:
                blocks.append(inside)
                inside = None
            else:
                indent = len(line) - len(bare)
                inside = (number, bare[3:].strip(), [])
            rest.append("")
        elif inside:
            inside[2].append(line[indent:])
            rest.append("")
        else:
            rest.append(line)
    return blocks, rest


def find_lines(lines, wanted):
    """Where the lines stand one after the other, whatever their indentation as a whole; or None."""
    wanted = [line.strip() for line in wanted]
    for at in range(len(lines) - len(wanted) + 1):
        if [line.strip() for line in lines[at:at + len(wanted)]] == wanted:
            return at
    return None


def changed(text, diff):
    """The example with a diff applied; its lines are found by what they say."""
    lines, hunks = text.split("\n"), [[]]
    for line in diff:
        if line.startswith("@@"):
            hunks.append([])
        else:
            hunks[-1].append(line)
    for hunk in filter(None, hunks):
        old, new = ([line[1:] for line in hunk if line[:1] in kinds] for kinds in (" -", " +"))
        at = find_lines(lines, old)
        if at is None:
            return None
        indent = lambda line: len(line) - len(line.lstrip())
        shift = indent(lines[at]) - indent(old[0])
        lines[at:at + len(old)] = [" " * max(0, indent(line) + shift) + line.lstrip() for line in new]
    return "\n".join(lines)
