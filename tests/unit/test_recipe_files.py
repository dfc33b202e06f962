"""Files of recipes: every mistake is named with its place, and `make check` finds it."""

import re
from pathlib import Path

import pytest

from kie_gateway.core.errors.base import ConfigurationError
from kie_gateway.recipes import recipes
from kie_gateway.recipes.read import read
from scripts.check_recipes import mistakes

ROOT = Path(__file__).parents[2]
SOUND = """\
name: kite
version: 1
title: Kite
description: Paints a kite.
model: nano-banana-2
params:
  required: [colour]
  properties:
    colour:
      description: Its colour.
      type: string
      maxLength: 50
    size:
      description: Its size.
      type: string
      enum: [small, large]
      default: small
    number:
      description: Which one it is.
      type: integer
      default: 0
    photo_url:
      description: What it should look like.
      type: string
      format: uri
    alone:
      description: Whether there is only one.
      type: boolean
      default: true
prompt:
  en:
    - A {colour} kite.
    - { by: size, from: { small: Tiny., large: Huge. } }
    - { by: number, from: [First., Second.] }
    - { when: alone, text: Just one. }
  zh:
    - 一只{colour}风筝。
    - { by: size, from: { small: 很小。, large: 很大。 } }
    - { by: number, from: [第一只。, 第二只。] }
    - { when: alone, text: 只有一只。 }
input:
  prompt: "{filled_prompt}"
  image_input: ["{photo_url}"]
fallback:
  - model: google/imagen4
    input:
      prompt: "{filled_prompt}"
      aspect_ratio: 16:9
example:
  colour: red
"""


def found(folder: Path, text: str, name: str = "kite.yaml") -> list[str]:
    (folder / name).write_text(text, encoding="utf-8")
    return list(mistakes(folder))


def test_the_recipes_that_are_shipped_are_sound() -> None:
    assert list(mistakes(recipes.FOLDER)) == []


def test_what_is_built_and_what_is_merged_was_checked() -> None:
    targets = dict(re.findall(r"^([a-z-]+):(.*?)##", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for target in ("check", "build"):
        assert "check-recipes" in targets[target].split()


def test_a_sound_file_has_no_mistake(tmp_path: Path) -> None:
    assert found(tmp_path, SOUND) == []


@pytest.mark.parametrize(
    ("old", "new", "mistake"),
    [
        ("version: 1\n", "", "/version: required"),
        ("version: 1", "version: one", "/version: must be a whole number"),
        ("title: Kite", "titel: Kite", "/titel: unknown key; did you mean title?"),
        ("title: Kite", "title: 7", "/title: must be text"),
        ("name: kite", "name: kites", "/name: must be kite, as the file is called"),
        (SOUND, "- a\n- b\n", "/: must be an object"),
        (SOUND, "", "/: must be an object"),
        (SOUND[SOUND.index("  zh:") : SOUND.index("input:")], "", "/prompt/zh: required"),
        ("  zh:\n", "  fr:\n", "/prompt/fr: unknown key"),
        ("text: Just one.", "txt: Just one.", "/prompt/en/3/txt: unknown key; did you mean text?"),
        (", text: Just one.", "", "/prompt/en/3: must have either text, or by and from"),
        ("by: size, from: { small: T", "by: size, text: x, from: { small: T", "/prompt/en/1: must"),
        ("A {colour} kite", "A {color} kite", "/prompt/en/0: there is no parameter color; did you"),
        ("A {colour} kite", "A {colour kite", "/prompt/en/0: a brace must belong to a {parameter}"),
        ("A {colour} kite", "A {{colour}} kite", "/prompt/en/0: a brace must belong"),
        (
            "A {colour} kite",
            "A {filled_prompt}",
            "/prompt/en/0: there is no parameter filled_prompt",
        ),
        ("A {colour} kite", "A kite", "/prompt/en: does not name colour, the other one does"),
        ("when: alone", "when: lonely", "/prompt/en/3/when: there is no parameter lonely"),
        ("{ by: size", "{ by: sice", "/prompt/en/1/by: there is no parameter sice; did you mean"),
        ("from: [First., Second.]", "text: x", "/prompt/en/2: must have either text"),
        ("from: [First., Second.]", "from: []", "/prompt/en/2/from: at least 1 entry"),
        ("by: number, from: [F", "by: colour, from: [F", "/prompt/en/2/by: a list is chosen from"),
        ("large: Huge.", "huge: Huge.", "/prompt/en/1/from/huge: must be one of small, large"),
        (", large: Huge.", "", "/prompt/en/1/from: says nothing for large"),
        ("by: size, from: { s", "by: colour, from: { s", "/prompt/en/1: required: otherwise"),
        ('"{photo_url}"', '"{photo}"', "/input/image_input/0: there is no parameter photo"),
        ('["{photo_url}"]', "[]", "/params/properties/photo_url: neither prompt nor input names"),
        ("16:9\n", "{ by: size }\n", "/fallback/0/input/aspect_ratio/from: required: a list"),
        ("when: alone", "when: { size: tiny }", "/prompt/en/3/when/size: must be one of small,"),
        ("when: alone", "when: { sice: small }", "/prompt/en/3/when: there is no parameter sice"),
        ("when: alone", "unless: { alone: [1] }", "/prompt/en/3/unless/alone: must be one of true"),
        ("16:9\n", "{ by: 7, from: [1] }\n", "/fallback/0/input/aspect_ratio/by: must be text"),
        ("maxLength: 50", "pattern: (", "/params/properties/colour: must be a JSON Schema"),
        ("required: [colour]", "required: [color]", "/params/required/0: there is no parameter"),
        ("default: small", "default: medium", "/params/properties/size/default: does not fit"),
        ("maxLength: 50", "maxLength: many", "/params/properties/colour: must be a JSON Schema"),
        ("    size:", "    language:", "/params/properties/language: another name is needed"),
        ("      type: integer\n", "", "/params/properties/number/type: required"),
        ("  colour: red", "  colour: 7", "/example/colour: must be text"),
        ("  colour: red", "  size: small", "/example/colour: required: text. Its colour."),
        ("nano-banana-2", "nano-bananas-2", "/model: not in the catalogue; did you mean nano-b"),
        ("google/imagen4", "nano-banana-2", "/fallback/0/model: nano-banana-2 is there twice"),
        ("google/imagen4", "google/imagen44", "/fallback/0/model: not in the catalogue; did you"),
        ("16:9", "17:9", "/fallback/0/input/aspect_ratio: google/imagen4 with the example: must"),
        ('["{photo_url}"]', '"{photo_url}"\n  seeed: 7', "/input/seeed: nano-banana-2 with the"),
        ("version: 1", "version: 1\nversion: 2", "version is there twice"),
        ("title: Kite", "title: [", "while parsing"),
        ("title: Kite", "title: !!python/name:os.system Kite", "could not determine a constructor"),
        ("title: Kite", "? [a]\n: b", "no key"),
    ],
)
def test_a_mistake_is_named_with_its_file_and_place(
    tmp_path: Path, old: str, new: str, mistake: str
) -> None:
    assert old in SOUND
    told = found(tmp_path, SOUND.replace(old, new, 1))
    assert all(line.startswith("kite.yaml: ") for line in told)
    assert any(mistake in line for line in told), told


def test_a_prompt_that_no_model_takes_is_a_mistake(tmp_path: Path) -> None:
    unused = SOUND.replace("{filled_prompt}", "x")
    assert found(tmp_path, unused) == [
        "kite.yaml: /prompt: no input takes it: name {filled_prompt} there"
    ]


def test_a_model_that_is_too_new_for_the_catalogue_is_marked(tmp_path: Path) -> None:
    new = SOUND.replace("nano-banana-2", "nano-banana-9")
    assert len(found(tmp_path, new)) == 1
    marked = new.replace("model: nano-banana-9", "model: nano-banana-9\nin_catalogue: false")
    assert found(tmp_path, marked) == []


def test_all_mistakes_of_all_files_are_named(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("")
    (tmp_path / "latin.yaml").write_bytes(b"title: \xe4\n")
    told = found(tmp_path, SOUND.replace("version: 1\n", "").replace("title: Kite\n", ""))
    assert told[:2] == ["kite.yaml: /version: required", "kite.yaml: /title: required"]
    assert told[2].startswith("latin.yaml: 'utf-8' codec can't decode")
    assert told[3:] == ["notes.txt: recipes are files that end in .yaml"]


def test_a_recipe_with_a_mistake_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "kite.yaml"
    path.write_text(SOUND.replace("version: 1\n", ""))
    with pytest.raises(ConfigurationError, match=r"^kite\.yaml: /version: required$"):
        read(path)
