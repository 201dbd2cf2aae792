"""Colab's form fields as types, bounds and choices."""

from datetime import date

import pytest

from nbproj.errors import EntryPointError
from nbproj.project.assignments import declared_parameters
from nbproj.project.field import read_field
from nbproj.project.model import Place


def only(source):
    (found,) = declared_parameters(source, Place("a.ipynb", cell=1))
    return found


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ('x = 5 #@param {type:"slider", min:0, max:10, step:1}', ("int", 5, 0, 10, 1, ())),
        ('x = 5 #@param {type:"slider", min:0, max:10, step:0.5}', ("float", 5.0, 0, 10, 0.5, ())),
        ('x = 0.5 # @param {"type":"slider","min":0,"max":1}', ("float", 0.5, 0, 1, None, ())),
        ('x = 5 #@param {type:"number"}', ("float", 5.0, None, None, None, ())),
        ('x = 5 #@param {type:"integer"}', ("int", 5, None, None, None, ())),
        ('x = True #@param {type:"boolean"}', ("bool", True, None, None, None, ())),
        ('x = "a" #@param {type:"string"}', ("string", "a", None, None, None, ())),
        ('x = "" #@param {"type":"string","placeholder":"a } and, b: c"}', ("string", "", None, None, None, ())),
        ('x = "2018-03-22" #@param {type:"date"}', ("date", date(2018, 3, 22), None, None, None, ())),
        ('x = [1, 2] #@param {type:"raw"}', ("list", [1, 2], None, None, None, ())),
        ('x = "b" #@param ["a", "b"]', ("choice", "b", None, None, None, ("a", "b"))),
        ('x = "b" #@param ["a", "b"] {type:"string"}', ("choice", "b", None, None, None, ("a", "b"))),
        ('x = "c" #@param ["a", "b"] {allow-input: true}', ("string", "c", None, None, None, ())),
        ('x = "c" #@param {allow-input: true} ["a", "b"]', ("string", "c", None, None, None, ())),
        ("x = 2 #@param [1, 2, 3]", ("int", 2, None, None, None, (1, 2, 3))),
        ('x = 2 #@param ["1", "2"] {type:"raw"}', ("int", 2, None, None, None, (1, 2))),
        ("x = 1 #@param [0.5, 1]", ("float", 1.0, None, None, None, (0.5, 1.0))),
        ("x = True #@param [true, false]", ("bool", True, None, None, None, (True, False))),
        ('x = "a[0]" #@param ["a[0]", "b]"]', ("choice", "a[0]", None, None, None, ("a[0]", "b]"))),
        ('x = 1 #@param ["a", f(1)] {type:"raw"}', ("int", 1, None, None, None, ())),
        ("x: float = 1 #@param {type:'slider', min:0, max:2}", ("float", 1.0, 0, 2, None, ())),
        ("x: str = 'a' #@param ['a', 'b']", ("choice", "a", None, None, None, ("a", "b"))),
        ("x: Literal['a', 'b'] = 'a' #@param ['a']", ("choice", "a", None, None, None, ("a", "b"))),
        ("x: int = 1 #@param ['a', 'b']", ("int", 1, None, None, None, ())),
        ("x: bool = True #@param {type:'slider', min:0, max:1}", ("bool", True, None, None, None, ())),
        ("x = 5 #@param {type:'slider', min:9, max:0}", ("int", 5, None, None, None, ())),
        ("x = 5 #@param {type:", ("int", 5, None, None, None, ())),
        ("x = 5 #@param [1, 2", ("int", 5, None, None, None, ())),
        ("x = 5 #@param", ("int", 5, None, None, None, ())),
    ],
)
def test_every_field_gives_its_type_bounds_and_choices(source, expected):
    found = only(source)
    assert (found.type, found.default, found.min, found.max, found.step, found.choices) == expected


def test_what_follows_the_field_is_the_help():
    assert only('x = 5 #@param {type:"integer"} # how many').help == "how many"
    assert only('x = "a" #@param ["a"] how many').help == "how many"
    assert only('x = 5 #@param {type:"integer"}').help == ""


def test_other_comments_are_no_fields():
    assert read_field("# @parameter x") is None
    assert read_field("# see @param") is None


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ('x = 1.5 #@param {type:"integer"}', "a.ipynb, cell 1, line 1: parameter 'x': default 1.5 is not an int"),
        ('x = 50 #@param {type:"slider", min:0, max:10}', "a.ipynb, cell 1, line 1: parameter 'x': default 50 is more than 10"),
        ('x = "c" #@param ["a", "b"]', "a.ipynb, cell 1, line 1: parameter 'x': default 'c' is not one of 'a', 'b'"),
        ('x = "soon" #@param {type:"date"}', "a.ipynb, cell 1, line 1: parameter 'x': default 'soon' is not a date (2026-01-31)"),
    ],
)
def test_a_default_that_contradicts_its_field_is_refused(source, message):
    with pytest.raises(EntryPointError) as caught:
        only(source)
    assert str(caught.value) == message
