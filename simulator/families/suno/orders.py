"""What Suno's music accepts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from simulator.account import Order, results_wanted
from simulator.inputs import POLITE, check, without_callback
from simulator.refusals import RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable

    type Body = dict[str, Any]

NAME = "suno"
_MODELS = "model=(V3_5|V4|V4_5|V4_5PLUS|V4_5ALL|V5|V5_5)!"
_NEW_MODELS = "model=(V4_5PLUS|V5|V5_5)"
_TUNING = (
    "negativeTags=text vocalGender=(m|f) styleWeight=number:0-1 weirdnessConstraint=number:0-1 "
    "audioWeight=number:0-1 personaId=text personaModel=(style_persona|voice_persona) "
    "duration=int:10-360"
)
_CUSTOM = f"customMode=flag! instrumental=flag! {_MODELS} prompt=text style=text title=text"
_EXTENDING = f"defaultParamFlag=flag! {_MODELS} instrumental=flag continueAt=number prompt=text"


def without_url(body: Body) -> Body:
    """
    Take the address for webhooks out of a body; Suno insists on one.

    Raises:
        RefusedError: There is none.

    """
    given = without_callback(body)
    if not body.get("callBackUrl"):
        raise POLITE.missing("callBackUrl")
    return given


@dataclass(frozen=True)
class Operation:
    """
    One of the calls that make music.

    Attributes:
        path: Below `/api/v1/generate`.
        then_check: Looks at fields that depend on one another.

    """

    name: str
    path: str
    fields: str
    credits: float
    tracks: int = 2
    then_check: Callable[[Body], None] | None = None

    def order(self, body: Body) -> Order:
        """
        Find a body in order.

        Raises:
            RefusedError: It is not.

        """
        given = without_url(body)
        check(given, self.fields, POLITE)
        if self.then_check:
            self.then_check(given)
        files = ("mp3", "jpeg") * results_wanted(given, self.tracks)
        parent = str(given.get("taskId") or "")
        model = str(given.get("model") or "V5")
        return Order(
            NAME, self.name, model, given, files, self.credits, plan="music", parent=parent
        )


def _check_custom(given: Body) -> None:
    is_custom, has_words = given["customMode"], not given.get("instrumental")
    needed = [*(("style", "title") if is_custom else ()), *(("prompt",) if has_words else ())]
    if not is_custom:
        needed = ["prompt"]
    _need(given, needed)
    old = given["model"] in {"V3_5", "V4"}
    check(
        given,
        f"prompt=text:0-{5000 if is_custom and not old else 3000} "
        f"style=text:0-{200 if old else 1000} title=text:0-{80 if old else 100}",
        POLITE,
    )
    if given.get("duration") and not (is_custom and given["model"] == "V5_5"):
        raise RefusedError(422, "duration is not supported")


def _check_extending(given: Body) -> None:
    if given["defaultParamFlag"]:
        words = [] if given.get("instrumental") else ["prompt"]
        _need(given, ["continueAt", "style", "title", *words])


def _check_section(given: Body) -> None:
    if not given.get("uploadUrl"):
        _need(given, ["taskId", "audioId"])
    if given["infillEndS"] <= given["infillStartS"]:
        raise RefusedError(422, "infillEndS must be greater than infillStartS")


def _need(given: Body, names: list[str]) -> None:
    for name in names:
        if given.get(name) in (None, ""):
            raise POLITE.missing(name)


OPERATIONS = (
    Operation("generate", "", f"{_CUSTOM} {_TUNING}", 12, then_check=_check_custom),
    Operation(
        "extend",
        "/extend",
        f"audioId=text! {_EXTENDING} style=text title=text {_TUNING}",
        12,
        then_check=_check_extending,
    ),
    Operation(
        "upload-cover",
        "/upload-cover",
        f"uploadUrl=link! {_CUSTOM} {_TUNING}",
        12,
        then_check=_check_custom,
    ),
    Operation(
        "upload-extend",
        "/upload-extend",
        f"uploadUrl=link! {_EXTENDING} style=text title=text {_TUNING}",
        12,
        then_check=_check_extending,
    ),
    Operation(
        "add-vocals",
        "/add-vocals",
        f"uploadUrl=link! prompt=text! title=text! style=text:1-1000! negativeTags=text:1-200! "
        f"{_NEW_MODELS}",
        12,
    ),
    Operation(
        "add-instrumental",
        "/add-instrumental",
        f"uploadUrl=link! title=text! tags=text:1-1000! negativeTags=text:1-200! {_NEW_MODELS}",
        12,
    ),
    Operation(
        "replace-section",
        "/replace-section",
        f"taskId=text audioId=text uploadUrl=link {_MODELS} prompt=text! tags=text! title=text! "
        "infillStartS=number! infillEndS=number! fullLyrics=text!",
        5,
        tracks=1,
        then_check=_check_section,
    ),
    Operation(
        "mashup",
        "/mashup",
        f"uploadUrlList=links:2-2! customMode=flag! {_MODELS} instrumental=flag prompt=text "
        f"style=text title=text {_TUNING}",
        12,
        then_check=_check_custom,
    ),
    Operation(
        "sounds",
        "/sounds",
        "prompt=text:1-500! model=(V5|V5_5)! soundLoop=flag soundTempo=int:1-300 soundKey=text "
        "grabLyrics=flag",
        2.5,
    ),
)
