import base64
import json
import random
import zlib

from builders import HOSTILE, make_run, make_suite, make_verdict
from rusteval.reports.analysis import analyse
from rusteval.reports.answers import DETAILS, pack_answers
from rusteval.reports.text import clean


def unpack(block):
    return json.loads(zlib.decompress(base64.b64decode(block)))


def pack(verdicts, **options):
    run = make_run(tasks=1, verdicts={"base": verdicts}, roles=("base",))
    return pack_answers(run.suite.problems, analyse(run), **options)


def test_identical_answers_are_stored_once_with_their_number():
    verdicts = [make_verdict("passed", completion_id=number, completion="same") for number in range(5)]
    verdicts.append(make_verdict("wrong", completion_id=5, completion="other"))
    content = unpack(pack(verdicts).blocks[0])
    shown = content["answers"]["base"]["shown"]
    assert [(answer["code"], answer["count"]) for answer in shown] == [("same", 5), ("other", 1)]
    assert shown[0]["ids"] == [0, 1, 2, 3, 4]
    assert content["answers"]["base"]["hidden"] == 0
    assert content["tests"] == make_suite(1).problems[0].test


def test_equal_text_with_another_verdict_is_another_answer():
    verdicts = [
        make_verdict("passed", completion="same"),
        make_verdict("hangs", completion="same", completion_id=1),
    ]
    shown = unpack(pack(verdicts).blocks[0])["answers"]["base"]["shown"]
    assert [answer["verdicts"][0]["outcome"] for answer in shown] == ["passed", "failed"]


def test_an_answer_has_its_verdict_in_each_mode_once():
    shown = unpack(pack([make_verdict("violation"), make_verdict("wrong", completion_id=1)]).blocks[0])[
        "answers"
    ]["base"]["shown"]
    without, enforced = shown[0]["verdicts"]
    assert (without["outcome"], without["error"]) == ("passed", None)
    assert (enforced["outcome"], enforced["error"]) == ("failed", "policy_violation")
    assert shown[1]["verdicts"][1] is None


def test_hostile_answers_come_back_unharmed_and_hold_no_markup():
    verdicts = [
        make_verdict("types", completion=text, stderr=text, completion_id=i) for i, text in enumerate(HOSTILE)
    ]
    block = pack(verdicts).blocks[0]
    assert not set(block) & set("<>&\"'")
    shown = unpack(block)["answers"]["base"]["shown"]
    assert {answer["code"] for answer in shown} == {clean(text) for text in HOSTILE}


def test_detail_is_cut_step_by_step_until_the_page_is_small_enough():
    dice = random.Random(0)
    verdicts = [
        make_verdict(
            "types", completion=dice.randbytes(3000).hex(), stderr=dice.randbytes(3000).hex(), completion_id=i
        )
        for i in range(60)
    ]
    whole = pack(verdicts)
    assert whole.detail == DETAILS[0]
    cut = pack(verdicts, most_bytes=40_000)
    assert cut.detail not in (DETAILS[0], DETAILS[-1])
    assert sum(map(len, cut.blocks)) <= 40_000
    answers = unpack(cut.blocks[0])["answers"]["base"]
    assert sum(answer["count"] for answer in answers["shown"]) + answers["hidden"] == 60
    assert "more characters]" in answers["shown"][0]["code"]
    assert pack(verdicts, most_bytes=1).detail == DETAILS[-1]
