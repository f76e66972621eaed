"""What is made fits its own schema, whatever the schema; and is the same for the same seed."""

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from openapi_schema_validator import oas31_format_checker

from mockserver.documents.chance import Chance
from mockserver.documents.patterns import compiled, text_for
from mockserver.model import _number

SCHEMAS = {
    "texts": {"type": "string", "minLength": 30, "maxLength": 33},
    "no text": {"type": "string", "maxLength": 0},
    "one of two types": {"type": ["integer", "null"], "minimum": 4},
    "a narrow number": {"type": "number", "exclusiveMinimum": 1, "exclusiveMaximum": 1.5},
    "a cent": {"type": "number", "multipleOf": 0.01, "minimum": 0.07, "maximum": 0.09},
    "a multiple": {"type": "integer", "multipleOf": 7, "minimum": 50, "maximum": 60},
    "a negative": {"type": "integer", "maximum": -5},
    "different items": {"type": "array", "items": {"enum": [1, 2, 3]}, "minItems": 3,
                        "uniqueItems": True},
    "first items": {"type": "array", "prefixItems": [{"const": 1}, {"type": "string"}],
                    "items": False, "minItems": 2},
    "an item of a kind": {"type": "array", "items": {"type": "integer"}, "minItems": 2,
                          "contains": {"minimum": 900}},
    "members by pattern": {"type": "object", "additionalProperties": False, "minProperties": 2,
                           "patternProperties": {"^x-[a-z]{3}$": {"type": "null"}}},
    "members by name": {"type": "object", "propertyNames": {"pattern": "^[A-Z]{4}$"},
                        "additionalProperties": {"type": "boolean"}, "minProperties": 3},
    "what belongs together": {"type": "object", "properties": {"a": {"type": "integer"}},
                              "dependentRequired": {"a": ["b"]}, "required": ["a"]},
    "parts of one": {"allOf": [{"type": "object", "properties": {"a": {"minimum": 3}}},
                               {"properties": {"a": {"type": "integer", "maximum": 4}},
                                "required": ["a"]}]},
    "just one": {"oneOf": [{"type": "integer", "multipleOf": 2}, {"type": "integer",
                 "multipleOf": 3}]},
    "either member": {"type": "object", "properties": {"a": {"type": "string"},
                      "b": {"type": "string"}}, "anyOf": [{"required": ["a"]},
                      {"required": ["b"]}], "not": {"required": ["a", "b"]}},
    "a condition": {"type": "object", "properties": {"kind": {"enum": ["x"]}, "n": {}},
                    "required": ["kind", "n"], "if": {"properties": {"kind": {"const": "x"}}},
                    "then": {"properties": {"n": {"type": "string"}}}},
    "nothing more": {"allOf": [{"properties": {"a": {"type": "null"}}, "required": ["a"]}],
                     "type": "object", "unevaluatedProperties": False},
    "no type at all": {"minLength": 3, "pattern": "^[0-9]+$"},
    "true": True,
}  # fmt: skip


@pytest.mark.parametrize("schema", SCHEMAS.values(), ids=SCHEMAS)
@pytest.mark.parametrize("dynamic", [False, True], ids=["usual", "dynamic"])
def test_what_is_made_fits_its_schema(schema, dynamic, answering):
    made = answering(schema, headers={"Prefer": f"dynamic={str(dynamic).lower()}"})
    Draft202012Validator(schema, format_checker=oas31_format_checker).validate(made)


FORMATS = ["date-time", "date", "email", "uuid", "ipv4", "ipv6", "hostname", "byte"]


@pytest.mark.parametrize("format", FORMATS)
def test_a_text_is_of_its_format(format, answering):
    made = answering({"type": "string", "format": format, "minLength": 1})
    schema = {"type": "string", "format": format}
    Draft202012Validator(schema, format_checker=oas31_format_checker).validate(made)


PATTERNS = [
    r"^[A-Z]{2}\d{4,6}$", r"^(foo|bar)+baz$", r"^\w+@\w+\.com$", r"[^a-z]{3}", r"^.{10}$",
    r"^(?<year>\d{4})-\1$", r"^(a|b)(?:c|d)?\S\s\W\D$", r"^\p{L}{3}$", r"^[\p{Lu}_]+$",
    r"^[[a-c&&-]+$", r"^(?!a)\w{3}$", r"^https?:\/\/\S+$", r"^$", r"^a{0,3}?b*$", "^\u00e4+$",
]  # fmt: skip


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_text_matches_its_pattern(pattern):
    made = text_for(pattern, Chance(_number, "test"))
    assert made is not None and compiled(pattern).search(made)


def test_a_multiple_is_made_though_floats_do_not_divide_evenly(answering):
    schema = {"type": "number", "multipleOf": 0.1, "minimum": 0.3, "maximum": 0.35}
    assert answering(schema) == 0.3


def test_a_pattern_that_nobody_understands_asks_nothing(answering):
    assert isinstance(answering({"type": "string", "pattern": "(?unknown"}), str)


def test_a_pattern_and_a_length_hold_together(answering):
    schema = {"type": "string", "pattern": "^[a-f0-9]+$", "minLength": 40, "maxLength": 40}
    assert re.fullmatch("[a-f0-9]{40}", answering(schema))


TEXTS = st.fixed_dictionaries({"type": st.just("string")}, optional={
    "minLength": st.integers(0, 9), "maxLength": st.integers(9, 20),
    "format": st.sampled_from(["uuid", "date", "unknown"])})  # fmt: skip
NUMBERS = st.fixed_dictionaries({"type": st.sampled_from(["integer", "number"])}, optional={
    "minimum": st.integers(-50, 0), "maximum": st.integers(2, 40),
    "exclusiveMaximum": st.integers(2, 40), "multipleOf": st.sampled_from([1, 2])})  # fmt: skip
NESTED = st.recursive(
    TEXTS.filter(lambda one: "format" not in one or not set(one) & {"minLength", "maxLength"})
    | NUMBERS | st.just({"type": "null"}) | st.builds(lambda v: {"enum": v},
                                                      st.lists(st.integers(), min_size=1)),
    lambda inner: st.builds(lambda one, least: {"type": "array", "items": one, "minItems": least},
                            inner, st.integers(0, 2))
    | st.builds(lambda members, needed: {"type": "object", "properties": members,
                "required": sorted(needed & set(members)), "additionalProperties": False},
                st.dictionaries(st.sampled_from("abc"), inner), st.sets(st.sampled_from("abc")))
    | st.builds(lambda all_of: {"anyOf": all_of}, st.lists(inner, min_size=1, max_size=3)),
    max_leaves=6,
)  # fmt: skip


@settings(max_examples=60, deadline=None,
          suppress_health_check=[HealthCheck.function_scoped_fixture])  # fmt: skip
@given(schema=NESTED, seed=st.integers(0, 3))
def test_whatever_the_schema_what_is_made_fits_it(schema, seed, answering):
    made = answering(schema, seed=seed)
    Draft202012Validator(schema, format_checker=oas31_format_checker).validate(made)


def test_the_same_seed_makes_the_same_and_another_seed_another(answering):
    schema = {"type": "object", "properties": {"id": {"format": "uuid"}, "n": {"type": "integer"}}}
    assert answering(schema, seed=1) == answering(schema, seed=1) != answering(schema, seed=2)


def test_what_goes_on_for_ever_ends(answering):
    node = {"type": "object", "required": ["name"], "properties": {
        "name": {"type": "string"}, "next": {"$ref": "#/components/schemas/Node"},
        "all": {"type": "array", "items": {"$ref": "#/components/schemas/Node"}}}}  # fmt: skip
    made = answering({"$ref": "#/components/schemas/Node"}, components={"schemas": {"Node": node}})
    assert made["name"] and "next" not in made


def test_what_goes_on_for_ever_takes_the_way_out(answering):
    node = {"type": "object", "required": ["next"], "properties": {"next": {"anyOf": [
        {"$ref": "#/components/schemas/Node"}, {"type": "null"}]}}}  # fmt: skip
    made = answering({"$ref": "#/components/schemas/Node"}, components={"schemas": {"Node": node}})
    while made["next"] is not None:
        made = made["next"]


def test_what_has_no_way_out_is_refused_clearly(mock):
    from .conftest import openapi

    node = {"type": "object", "required": ["next"],
            "properties": {"next": {"$ref": "#/components/schemas/Node"}}}  # fmt: skip
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Node"}}}
    paths = {"/it": {"get": {"responses": {"200": {"description": "", "content": content}}}}}
    found = mock(openapi(paths, components={"schemas": {"Node": node}})).get("/it")
    assert found.status_code == 501 and "give it an example" in found.json["detail"]


def test_null_is_said_in_the_words_of_each_version(answering):
    schema = {"type": "string", "nullable": True, "enum": [None]}
    assert answering(schema, version="3.0.3") is None
    schema = {"type": "string", "nullable": True, "enum": ["a"], "example": None}
    assert answering(schema, version="3.0.3") == "a"
    assert answering({"type": ["string", "null"], "const": None}) is None


def test_a_bound_that_is_true_is_not_reached(answering):
    schema = {"type": "integer", "minimum": 3, "maximum": 5, "exclusiveMinimum": True,
              "exclusiveMaximum": True}  # fmt: skip
    assert answering(schema, version="3.0.3") == 4


def test_a_member_that_is_only_written_is_not_shown(answering):
    members = {"a": {"type": "string"}, "b": {"type": "string", "writeOnly": True}}
    made = answering({"type": "object", "properties": members, "required": ["a", "b"]})
    assert list(made) == ["a"]


def test_alternatives_are_told_apart_by_the_name_that_their_discriminator_has(answering):
    kinds = {name: {"type": "object", "required": ["kind"], "properties": {
        "kind": {"type": "string"}}} for name in ("Cat", "Dog")}  # fmt: skip
    schema = {"oneOf": [{"$ref": f"#/components/schemas/{name}"} for name in kinds],
              "discriminator": {"propertyName": "kind", "mapping": {"a-cat": "Cat"}}}  # fmt: skip
    made = {answering(schema, seed=seed, components={"schemas": kinds})["kind"]
            for seed in range(12)}  # fmt: skip
    assert made == {"a-cat", "Dog"}
