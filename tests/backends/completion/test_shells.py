"""The tab key in real shells: what the line becomes."""

import pytest

CASES = {
    "a sub-command": ("nbproj sh\t", "nbproj show "),
    "a folder with a project": ("nbproj run pro\t", "nbproj run project/"),
    "an option": ("nbproj run project --entry\t", "nbproj run project --entry-point "),
    "an entry point": ("nbproj run project -e tr\t", "nbproj run project -e train "),
    "an entry point behind an equals sign": ("nbproj run project --entry-point=tr\t", "nbproj run project --entry-point=train "),
    "a parameter's name, ready for its value": ("nbproj run project -e train -P al\t", "nbproj run project -e train -P alpha="),
    "a parameter's name on the option": ("nbproj run project -e train -Pal\t", "nbproj run project -e train -Palpha="),
    "the part that all choices share": ("nbproj run project -e train -P server=\t", "nbproj run project -e train -P server=db:543"),
    "a choice": ("nbproj run project -e train -P mode=e\t", "nbproj run project -e train -P mode=exact "),
    "a truth": ("nbproj run project -e train -P verbose=t\t", "nbproj run project -e train -P verbose=true "),
    "a folder": ("nbproj run project -e train -P data=./da\t", "nbproj run project -e train -P data=./data/"),
    "a file": ("nbproj run project -e train -P data=data/\t", "nbproj run project -e train -P data=data/train.csv "),
    "an absolute path": ("nbproj run project -e train -P data=/et\t", "nbproj run project -e train -P data=/etc/"),
    "a branch": ("nbproj run project -v fea\t", "nbproj run project -v feature/trees "),
    "a tag": ("nbproj show project -v v\t", "nbproj show project -v v1.0 "),
    "an environment manager": ("nbproj run project --env-manager vi\t", "nbproj run project --env-manager virtualenv "),
    "a backend": ("nbproj run project -b lo\t", "nbproj run project -b local "),
    "nothing where nothing is known": ("nbproj run project -e train -P alpha=\t", "nbproj run project -e train -P alpha="),
    "nothing for a secret": ("nbproj run project -e train -P tok\t", "nbproj run project -e train -P tok"),
    "nothing for a server": ("nbproj run https://example.org/x.git -e tr\t", "nbproj run https://example.org/x.git -e tr"),
    "nothing for what is given": ("nbproj run project -e train -P alpha=1 -P al\t", "nbproj run project -e train -P alpha=1 -P al"),
}


@pytest.mark.parametrize("case", CASES)
def test_the_line_becomes(case, terminal):
    keys, line = CASES[case]
    assert terminal.type(keys) == line


SPECIAL = {
    "a choice with spaces": ("-P mode=sl\t", r"-P mode=slow\ and\ sure "),
    "a value with a colon and an equals sign": ("-P server=db:5433\t", "-P server=db:5433=x "),
    "a folder with a space": ("-P data=./my\t", r"-P data=./my\ data/"),
    "a file in a folder with a space": ("-P data=my\\ data/\t", r"-P data=my\ data/day\ 1.csv "),
    "a folder with a colon and an equals sign": ("-P data=name\t", "-P data=name:with=signs/"),
    "a file behind a colon and an equals sign": ("-P data=name:with=signs/\t", "-P data=name:with=signs/x.csv "),
    "the default and the folder that it is": ("-P data=project/ow\t", r"-P data=project/own\ data"),
    "within single quotation marks": ("-P 'mode=slow a\t", "-P 'mode=slow and sure' "),
    "a folder within double quotation marks": ('-P "data=my d\t', '-P "data=my data/'),
    "behind a quotation mark in the word": ("-P mode='slow a\t", "-P mode='slow and sure' "),
}
# Each shell has ways of its own; all of them give the program the same word.
OWN_WAY = {
    ("bash", "a folder within double quotation marks"): '-P "data=my data/day 1.csv" ',
    ("zsh", "behind a quotation mark in the word"): r"-P mode=slow\ and\ sure ",
}


@pytest.mark.parametrize("case", SPECIAL)
def test_words_with_spaces_and_signs_stay_one_word(case, terminal):
    keys, line = SPECIAL[case]
    line = OWN_WAY.get((terminal.shell, case), line)
    assert terminal.type(f"nbproj run project -e train {keys}") == f"nbproj run project -e train {line}"
