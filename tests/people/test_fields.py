"""Fields within procedures: values on record as they were chosen, outputs that later steps read, hostile values."""

from __future__ import annotations

import pytest

from stepwell.definition.forms.reading import KINDS
from stepwell.model import commands as c
from stepwell.model.base import Json
from stepwell.model.errors import InvalidForm
from stepwell.model.events import StepValuesSet
from stepwell.model.people_commands import SetFields, UpdateStep
from tests.people.support import ADA, Procedure, procedure
from tests.support.hostile import HOSTILE

OPTIONS = {"choice": "options: [a, b], allowCustom: true", "choices": "options: [a, b]"}
EVERY_KIND = procedure(
    """
  - fill:
      call: form
      with:
        fields:
"""
    + "".join(
        f"          - {{id: {kind}, kind: {kind}, {OPTIONS.get(kind, 'required: false')}}}\n"
        for kind in KINDS
    )
)
READS = procedure(
    """
  - plan:
      call: form
      with: {fields: [{id: rig, kind: reference}, {id: count, kind: integer}, {id: at, kind: datetime}]}
  - use:
      call: form
      with: {fields: [{id: rig, kind: reference, default: {ref: plan.rig}}]}
      metadata: {after: [plan]}
  - tell:
      set: {rig: "${ $steps.use.rig }", at: "${ $steps.plan.at }", count: "${ $steps.plan.count }"}
      metadata: {after: [use]}
"""
)


@pytest.mark.spec("N5")
@pytest.mark.spec("N6")
async def test_hostile_values_are_refused_or_kept_as_they_are() -> None:
    async with Procedure(EVERY_KIND) as p:
        engine, run_id = p.kit.engine.engine, p.handle.run_id
        refused, kept = 0, list[dict[str, Json]]()
        for kind in KINDS:
            for value in HOSTILE:
                try:
                    await engine.command(run_id, c.Signed(ADA, UpdateStep("fill", {kind: value})))
                except InvalidForm as error:
                    refused += 1
                    assert list(error.fields) == [kind]
                else:
                    kept.append({kind: value})
        last = {kind: value for given in kept for kind, value in given.items()}
        assert set(last) == set(KINDS) and refused > len(kept)
        await p.kit.reopen()
        assert repr((await p.node("fill")).values) == repr(last)
        turns = await p.kit.engine.engine.store.turns(run_id)
        given = [event.values for turn in turns for event in turn.events if isinstance(event, StepValuesSet)]
        assert repr(given) == repr(kept), "each is on record as it was given; what was refused is not"
        findings = (await p.kit.engine.doctor())["findings"]
        assert {found["code"] for found in findings} == {"file_missing"}, "nobody looked for files here"


@pytest.mark.spec("N6")
async def test_the_output_is_what_the_value_leads_to() -> None:
    async with Procedure(READS) as p:
        await p.submit("plan", {"rig": "rig-7", "count": 3.0, "at": "2026-11-21T15:30:00+01:00"})
        assert (await p.node("plan")).values["count"] == 3.0
        await p.submit("use")
        assert (await p.step("use")).output == {"rig": "rig-7"}
        assert (await p.step("tell")).output == {
            "rig": "rig-7",
            "at": "2026-11-21T14:30:00.000000Z",
            "count": 3,
        }


@pytest.mark.spec("N6")
@pytest.mark.parametrize(
    ("ref", "words"),
    [
        ("plan.rig", "plan.rig is not set"),
        ("plan.nothing", "plan.nothing is not set"),
        ("plan.count", "what plan.count holds must be text, not a whole number"),
        ("nobody.rig", "no step nobody"),
        ("tell.rig", "tell.rig is not set"),
        ("rig", "rig is not set"),
    ],
)
async def test_a_reference_that_leads_to_nothing_fails_the_step(ref: str, words: str) -> None:
    async with Procedure(READS) as p:
        await p.submit("plan", {"count": 3})
        await p.submit("use", {"rig": {"ref": ref}})
        step = await p.step("use")
        assert step.status == "failed" and step.error is not None
        assert words in (step.error.detail or "")
        assert (await p.node("use")).values == {"rig": {"ref": ref}}


@pytest.mark.spec("N6")
@pytest.mark.parametrize("ref", ["plan.started_at", "plan.submitted_at", "plan.completed_at", "plan.status"])
async def test_references_to_the_step_itself(ref: str) -> None:
    async with Procedure(READS) as p:
        await p.submit("plan")
        await p.submit("use", {"rig": {"ref": ref}})
        output = (await p.step("use")).output
        assert output["rig"] == "completed" if ref.endswith("status") else output["rig"].endswith("Z")


FILES = procedure(
    """
  - load:
      call: form
      with: {fields: [{id: logs, kind: files, suffixes: [.csv], maxSize: 10}]}
""",
    metadata="{fields: [{id: plan, kind: file}]}",
)


@pytest.mark.spec("N5")
async def test_a_form_names_only_files_that_are_here() -> None:
    async with Procedure(FILES) as p:
        engine, run_id = p.kit.engine, p.handle.run_id
        small, large = (
            await engine.put_file(b"a,b", name="a.csv"),
            await engine.put_file(b"x" * 11, name="b.csv"),
        )
        gone = {**small, "file": "b" * 64}
        for wrong, words in (
            ({**large, "size": 3}, "has 11 bytes"),  # what is said of a file does not get it past a limit
            (large, "at most 10 bytes"),
            (gone, "not here"),
        ):
            with pytest.raises(InvalidForm, match=words):
                await engine.set_values(run_id, "load", {"logs": [small, wrong]}, by=ADA)
        with pytest.raises(InvalidForm, match="not here"):
            await engine.start(FILES, {"plan": gone})
        with pytest.raises(InvalidForm, match="not here"):
            await engine.set_fields(run_id, {"plan": gone}, by=ADA)
        await engine.set_fields(run_id, {"plan": large}, by=ADA)
        await engine.submit_step(run_id, "load", {"logs": [small]}, by=ADA)
        assert (await p.step("load")).output == {"logs": [small]}
        with pytest.raises(InvalidForm, match="not here"):
            await engine.repeat_step(run_id, "load", {"logs": [gone]}, by=ADA)
        p.kit.clock.advance(10 * 86_400)
        assert await engine.sweep_files() == {"files": 0, "bytes": 0}


GLOBALS = procedure(
    """
  - look:
      call: form
      with: {fields: [{id: ok, kind: checkbox}]}
  - tell:
      set: {site: "${ $fields.site }", limit: "${ $fields.limit }"}
      metadata: {after: [look]}
""",
    metadata="{fields: [{id: site, kind: choice, options: [A1, A2], required: true, default: A2}, {id: limit, kind: integer}]}",
)


@pytest.mark.spec("N5")
@pytest.mark.spec("N15")
async def test_global_fields_begin_as_they_are_by_default() -> None:
    async with Procedure(GLOBALS, {"limit": 3}) as p:
        assert (await p.run()).fields == {"site": "A2", "limit": 3}
        await p.ask(SetFields({"site": "A1"}))
        await p.submit("look")
        assert (await p.step("tell")).output == {"site": "A1", "limit": 3}
        with pytest.raises(InvalidForm) as told:
            await p.kit.engine.start(GLOBALS, {"site": "A3", "limit": 1.5, "other": 1})
        assert set(told.value.fields) == {"site", "limit", "other"}
        with pytest.raises(InvalidForm, match="needed"):
            await p.kit.engine.start(GLOBALS, {"site": None})


@pytest.mark.spec("N5")
async def test_what_is_missing_is_told_together_with_what_is_wrong() -> None:
    body = """
  - brief:
      call: form
      with:
        fields:
          - {id: present, kind: integer, minimum: 3, required: true}
          - {id: understood, kind: checkbox, required: true}
          - {id: room, kind: text, required: true}
"""
    async with Procedure(procedure(body)) as p:
        with pytest.raises(InvalidForm) as caught:
            await p.submit("brief", {"present": 2})
        assert sorted(caught.value.fields) == ["present", "room", "understood"]
        assert (await p.node("brief")).values == {}


@pytest.mark.spec("N5")
async def test_a_file_of_50_mb_is_kept_whole_or_refused_by_its_size() -> None:
    body = """
  - photo:
      call: form
      with: {fields: [{id: any, kind: file}, {id: small, kind: file, maxSize: 1000000}]}
"""
    content = bytes(range(256)) * 200_000
    async with Procedure(procedure(body, name="large-file")) as p:
        e, run = p.kit.engine, p.handle.run_id
        kept = await e.put_file(content, name="../../etc/film.mp4", type="video/mp4")
        assert kept["size"] == len(content) > 50_000_000
        assert "/" not in kept["name"]
        with pytest.raises(InvalidForm, match="small"):
            await e.set_values(run, "photo", {"small": kept}, by="ada")
        await e.submit_step(run, "photo", {"any": kept}, by="ada")
        output = (await e.show_step(run, "photo"))["output"]["any"]
        assert await e.read_file(output) == content
